"""A code is read from whatever a scanner gives, or refused; never guessed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank.errors import Code, Refusal
from bank.inventory import codes

CODE = "7K3F9RTC2" + codes.mod_37_2.calc_check_digit("7K3F9RTC2", codes.ALPHABET)
URL = f"https://banque.example/d/{CODE}"
# A scanner set to US typing on a computer set to French, key by key; and the other way round.
US_ON_FRENCH = str.maketrans("1234567890/.:-azqwmAZQWM", "&é\"'(-è_çà!:M)qwaz,QWAZ?")
FRENCH_ON_US = str.maketrans("1234567890/", "!@#$%^&*()>")


@pytest.mark.parametrize(
    "scanned",
    [
        CODE,
        CODE.lower(),
        codes.grouped(CODE),
        f"  {CODE}\r\n",
        "-".join((CODE[:4], CODE[4:8], CODE[8:])),
        URL,
        URL.lower(),
        URL + "/",
        URL.upper(),
        f"http://localhost:8000/d/{CODE}",
        CODE.translate(US_ON_FRENCH),
        URL.translate(US_ON_FRENCH),
        CODE.translate(FRENCH_ON_US),
        URL.translate(FRENCH_ON_US),
        f"]C0{CODE}",
        f"]Q3{URL}",
        f" ]c0{CODE}\r\n",
        f"$C0{CODE}".translate(US_ON_FRENCH),
        f"$A3{URL}".translate(US_ON_FRENCH),
    ],
)
def test_a_code_is_read(scanned: str) -> None:
    assert codes.read(scanned) == CODE


@pytest.mark.parametrize(
    "scanned",
    [
        CODE * 2,
        CODE * 3,
        URL * 2,
        CODE + URL,
        URL + CODE,
        (CODE * 2).lower(),
        (CODE * 2).translate(US_ON_FRENCH),
        f"]C0{CODE * 2}",
    ],
)
def test_a_glued_double_scan_is_refused(scanned: str) -> None:
    with pytest.raises(Refusal) as refused:
        codes.read(scanned)
    assert refused.value.code is Code.GLUED_CODES


@pytest.mark.parametrize(
    "scanned", ["", "   ", "bonjour", CODE[:-1], CODE + "0", "https://banque.example/", "é" * 5000]
)
def test_what_is_no_code_is_refused(scanned: str) -> None:
    with pytest.raises(Refusal) as refused:
        codes.read(scanned)
    assert refused.value.code is Code.BAD_CODE


@given(st.text(max_size=80))
def test_reading_never_breaks(scanned: str) -> None:
    try:
        read = codes.read(scanned)
    except Refusal:
        return
    assert codes.is_code(read)


@pytest.mark.parametrize("codes_tried", [60, pytest.param(30_000, marks=pytest.mark.soak)])
def test_every_single_error_and_neighbour_swap_is_caught(codes_tried: int) -> None:
    dice = random.Random(29)  # noqa: S311  (the same errors at every run; nothing is kept secret with it)
    for _ in range(codes_tried):
        code = codes.mint()
        for place in range(codes.LENGTH):
            wrong = dice.choice([sign for sign in codes.ALPHABET if sign != code[place]])
            assert not codes.is_code(code[:place] + wrong + code[place + 1 :])
            if place and code[place] != code[place - 1]:
                swapped = code[: place - 1] + code[place] + code[place - 1] + code[place + 1 :]
                assert not codes.is_code(swapped)


def test_the_alphabet_has_no_sign_that_moves_or_misleads() -> None:
    assert len(codes.ALPHABET) == 29
    assert not set("AQZWMIO") & set(codes.ALPHABET)


def test_minted_codes_are_valid_random_and_of_any_length() -> None:
    minted = {codes.mint() for _ in range(500)}
    assert len(minted) == 500
    assert all(codes.is_code(code) for code in minted)
    assert codes.is_code(codes.mint(5), 5)
