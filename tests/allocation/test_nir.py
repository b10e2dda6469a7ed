"""A social security number is recognised however it is typed; other long numbers pass."""

import pytest

from bank.allocation import nir


@pytest.mark.parametrize(
    "text",
    [
        "285057800608441",
        "2850578006084",
        "2 85 05 78 006 084 41",
        "2 85 05 78 006 084",
        "2.85.05.78.006.084.41",
        "2-85-05-78-006-084/41",
        "2\u00a085\u202f05 78 006 084 41",
        "28505 78006 084",
        "Dupont, sécu 285057800608441, Cergy",
        "NIR2850578006084",
        "2 85 05 78 006 084 41 06 12 34 56 78",
        "06 12 34 56 78 2 85 05 78 006 084 41",
        "２８５０５７８００６０８４",
        "1 85 05 2A 004 123",
        "1 85 05 2a 004 123",
        "185052B004123",
        "Ajaccio 185052A004123",
        "253072B07300470",
        "185052A00412356",
        "253072A07300443",
        "3 85 05 78 006 084",
        "4850578006084",
        "7 85 05 78 006 084",
        "8850578006084",
        "1 85 20 99 350 084",
        "1 85 42 97 411 084",
        "1 85 99 75 111 084",
    ],
)
def test_a_nir_is_found(text: str) -> None:
    assert nir.found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Amina Benali",
        "06 12 34 56 78",
        "0612345678",
        "+33 6 12 34 56 78",
        "+33 6 12 34 56 78, +33 7 12 34 56 78",
        "0033 6 12 34 56 78",
        "06 12 34 56 78 / 01 30 12 34 56",
        "amina.benali@exemple.fr",
        "2A rue de la Gare, 95500 Le Thillay",
        "né le 12/05/1985, 06 12 34 56 78",
    ],
)
def test_names_and_contacts_pass(text: str) -> None:
    assert not nir.found_in(text)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("356938035643809", "an IMEI"),
        ("35 693803 564380 9", "an IMEI in groups"),
        ("35600000049837", "a SIRET, 14 digits"),
        ("356 000 000 49837", "a SIRET in groups"),
        ("552 100 554", "a SIREN"),
        ("490154203237518", "an IMEI that begins with 4"),
        ("22950127500015", "the SIRET of a Département: it begins with 2, as a woman's number"),
        ("229 501 275 00015", "the same in groups"),
        ("21950612800012", "the SIRET of Le Thillay"),
        ("269 500 773 00016", "the SIRET of a hospital"),
        ("13000548100010", "the SIRET of a State agency: it begins with 1, as a man's number"),
    ],
)
def test_other_long_numbers_are_not_taken_for_one(text: str, what: str) -> None:
    assert not nir.found_in(text), what


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("285057800608442", "the key is wrong"),
        ("5850578006084", "no sex 5"),
        ("9850578006084", "no sex 9"),
        ("2851378006084", "no month 13"),
        ("2854378006084", "no month 43"),
        ("2850500006084", "no département 00"),
        ("1850520004123", "département 20 is written 2A or 2B, but an old card may carry it"),
        ("2850578000084", "no commune 000"),
        ("2850578006000", "no rank 000"),
        ("28505780060849", "14 digits"),
        ("92850578006084", "digits right before"),
    ],
)
def test_the_structure_counts(text: str, why: str) -> None:
    assert nir.found_in(text) == ("old card" in why), why
