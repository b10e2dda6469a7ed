"""What a row of a donor's spreadsheet becomes, and why it is refused or doubted. No database."""

from collections.abc import Sequence

import pytest

from bank.donations import rows, spreadsheet
from bank.donations.columns import Field
from bank.donations.rows import Finding, Problem, Row, Thing
from bank.inventory.models import Category

TITLES = ("Type", "Marque", "Modèle", "N° de série", "N° d’inventaire", "IMEI", "Quantité")
LAPTOP = ("Portable", "HP", "EliteBook 840 G5", "5CG8231XYZ")


def read(*lines: Sequence[str], titles: Sequence[str] = TITLES, default: Category | None = None) -> list[Row]:
    text = "".join(spreadsheet.csv_of([titles, *lines]))
    return list(rows.understood(spreadsheet.read(text.encode()), default))


def one(*cells: str, default: Category | None = None) -> Row:
    [row] = read(cells, default=default)
    return row


def refused(row: Row) -> list[Problem]:
    assert row.thing is None
    return [finding.code for finding in row.problems]


def doubted(row: Row) -> list[Problem]:
    assert row.thing is not None, row.problems
    assert row.problems == ()
    return [finding.code for finding in row.doubts]


def test_a_sound_row_is_a_device() -> None:
    row = one(*LAPTOP, "BNP-0101", "490154203237518", "1")
    assert row.thing == Thing(
        Category.LAPTOP, "HP", "EliteBook 840 G5", "5CG8231XYZ", "BNP-0101", "490154203237518"
    )
    assert (row.number, row.key, row.problems, row.doubts) == (2, "serial:5CG8231XYZ", (), ())
    assert row.texts[:4] == LAPTOP


def test_codes_are_compared_in_upper_case_without_spaces() -> None:
    thing = one("UC", "Dell", "7060", " 7xj 2k13 ", "bnp 0102").thing
    assert thing is not None
    assert (thing.serial, thing.asset_tag) == ("7XJ2K13", "BNP0102")


def test_a_maker_stands_once() -> None:
    assert one("UC", "", "Dell OptiPlex 7060").thing == Thing(Category.DESKTOP, "Dell", "OptiPlex 7060")
    assert one("UC", "Dell", "Dell OptiPlex 7060").thing == Thing(Category.DESKTOP, "Dell", "OptiPlex 7060")


# --- refused ---


@pytest.mark.parametrize("place", [3, 4, 5])
@pytest.mark.parametrize("text", ["6.37E+15", "6,37E+15"])
def test_a_number_that_the_spreadsheet_lost_is_refused(place: int, text: str) -> None:
    cells = [*LAPTOP, "BNP-1", "490154203237518"]
    cells[place] = text
    row = one(*cells)
    assert refused(row) == [Problem.SCIENTIFIC]
    assert row.problems[0].value == text
    assert row.problems[0].column is (Field.SERIAL, Field.ASSET_TAG, Field.IMEI)[place - 3]


def test_a_row_without_a_category_is_refused_unless_the_file_has_one() -> None:
    assert refused(one("", "Dell", "P2419H", "CN0D4T9K1")) == [Problem.NO_CATEGORY]
    assert doubted(one("", "Dell", "P2419H", "CN0D4T9K1", default=Category.SCREEN)) == []


def test_an_unknown_category_is_refused_even_where_the_file_has_one() -> None:
    row = one("Chaise", "Ikea", "Markus", "123ABC", default=Category.SCREEN)
    assert refused(row) == [Problem.UNKNOWN_CATEGORY]
    assert row.problems[0].value == "Chaise"


def test_a_text_that_is_too_long_is_refused() -> None:
    row = one("Portable", "HP", "y" * 81, "5CG8231XYZ")
    assert refused(row) == [Problem.TOO_LONG]
    assert row.problems[0].value == "y" * rows.SHOWN_MAX
    assert doubted(one("Portable", "HP", "y" * 80, "5CG8231XYZ")) == []


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\u202e", "\ud7fb\U000e0001"])
def test_signs_that_nobody_can_see_are_refused(sign: str) -> None:
    row = one("Portable", "HP", f"840{sign}", "5CG8231XYZ")
    assert refused(row) == [Problem.STRANGE_SIGNS]
    assert row.problems[0].value.isprintable()


def test_a_wrong_imei_is_refused_and_a_part_of_one_is_doubted() -> None:
    assert refused(one("Smartphone", "Apple", "iPhone 8", "", "", "490154203237519")) == [Problem.BAD_IMEI]
    assert doubted(one("Smartphone", "Apple", "iPhone 8", "", "", "4901542")) == [Problem.NO_IMEI]
    assert doubted(one("Smartphone", "Apple", "iPhone 8", "", "", "49015420323751")) == []


def test_a_social_security_number_is_not_looked_for_in_numbers() -> None:
    """An IMEI has fifteen digits too."""
    assert doubted(one("Portable", "HP", "840", "185057800608491")) == []


def test_the_second_of_two_same_serials_is_refused_and_names_the_first() -> None:
    first, other, second = read(LAPTOP, ("UC", "Dell", "7060", "7XJ2K13"), ("Écran", "", "", "5cg 8231 xyz"))
    assert first.thing
    assert other.thing
    assert second.problems == (Finding(Problem.TWICE, Field.SERIAL, "5cg 8231 xyz", 2),)


def test_a_serial_of_a_refused_row_is_not_taken() -> None:
    wrong, right = read(("Chaise", "HP", "840", "5CG8231XYZ"), LAPTOP)
    assert wrong.thing is None
    assert right.thing is not None


@pytest.mark.parametrize("quantity", ["2", "12", "0", "1,5"])
def test_a_row_that_says_several_devices_is_refused(quantity: str) -> None:
    assert refused(one(*LAPTOP, "", "", quantity)) == [Problem.SEVERAL]


@pytest.mark.parametrize("quantity", ["", "1", "1.0", "1,0", "un"])
def test_a_row_that_says_one_device_goes_in(quantity: str) -> None:
    assert doubted(one(*LAPTOP, "", "", quantity)) == []


def test_a_total_is_no_device() -> None:
    device, total = read(LAPTOP, ("TOTAL", "", "", "", "", "", "112"))
    assert device.thing
    assert refused(total) == [Problem.A_TOTAL]


# --- doubted ---


@pytest.mark.parametrize("junk", ["None", "0000000", "To Be Filled By O.E.M.", "N/A", "aucun"])
def test_a_serial_that_is_none_is_dropped(junk: str) -> None:
    row = one("Portable", "HP", "840", junk, "BNP-7")
    assert doubted(row) == [Problem.JUNK_SERIAL]
    assert row.thing == Thing(Category.LAPTOP, "HP", "840", None, "BNP-7")
    assert row.key == "tag:BNP-7"


def test_two_junk_serials_are_two_devices() -> None:
    assert [row.key[:5] for row in read(("UC", "HP", "600", "None"), ("UC", "HP", "600", "None"))] == [
        "like:"
    ] * 2


def test_a_serial_like_a_date_or_rounded_goes_in_and_is_doubted() -> None:
    assert doubted(one("UC", "HP", "600", "05/03/2021")) == [Problem.LIKE_A_DATE]
    assert doubted(one("UC", "HP", "600", "6370000000000000")) == [Problem.ROUNDED]


def test_a_missing_model_is_doubted_where_the_file_has_models() -> None:
    assert doubted(one("UC", "HP", "", "CZC1")) == [Problem.NO_MODEL]
    [row] = read(("UC", "CZC1"), titles=("Type", "N° de série"))
    assert doubted(row) == []


def test_a_category_that_is_guessed_is_doubted() -> None:
    row = one("", "Dell", "Latitude 5490", "7XJ2K13")
    assert doubted(row) == [Problem.GUESSED]
    assert row.thing is not None
    assert row.thing.category is Category.LAPTOP
    assert doubted(one("PC", "Dell", "OptiPlex 7060", "7XJ2K13")) == [Problem.GUESSED]
    assert refused(one("PC", "Dell", "P123", "7XJ2K13")) == [Problem.UNKNOWN_CATEGORY]
    assert doubted(one("PC", "Dell", "P123", "7XJ2K13", default=Category.DESKTOP)) == []


def test_an_asset_tag_on_two_devices_is_doubted() -> None:
    first, second = read(("UC", "HP", "600", "AAA1", "T1"), ("UC", "HP", "600", "AAA2", "T1"))
    assert doubted(first) == []
    assert doubted(second) == [Problem.TAG_TWICE]
    assert second.doubts[0].other_row == 2


# --- what makes the same device the same ---


def test_a_device_is_known_by_its_serial_then_its_tag_then_its_imei_then_what_it_is() -> None:
    keys = [
        row.key
        for row in read(
            ("Smartphone", "Apple", "iPhone 8", "S1X", "T1", "490154203237518"),
            ("Smartphone", "Apple", "iPhone 8", "", "T1", "490154203237518"),
            ("Smartphone", "Apple", "iPhone 8", "", "", "490154203237518"),
            ("Smartphone", "Apple", "iPhone 8"),
            ("Smartphone", "APPLE", "iphone 8"),
            ("Écran", "Dell", "P2419H"),
        )
    ]
    assert keys[:3] == ["serial:S1X", "tag:T1", "imei:490154203237518"]
    assert keys[3].rpartition(":")[0] == keys[4].rpartition(":")[0] != keys[5].rpartition(":")[0]
    assert [key.rpartition(":")[2] for key in keys[3:]] == ["1", "2", "1"]


def test_the_same_file_again_has_the_same_keys() -> None:
    lines = [LAPTOP, *[("Écran", "Dell", "P2419H")] * 3, ("UC", "HP", "600", "None")]
    assert [row.key for row in read(*lines)] == [row.key for row in read(*lines)]


def test_refused_rows_can_be_written_down_corrected_and_sent_again() -> None:
    good, bad = read(LAPTOP, ("Portable", "Lenovo", "T480", "6,37E+15"))
    assert good.thing
    [again] = read([text.replace("6,37E+15", "PF1A2B3C") for text in bad.texts], titles=TITLES[:4])
    assert again.key == "serial:PF1A2B3C"
