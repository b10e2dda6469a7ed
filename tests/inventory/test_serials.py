"""What stands where a number should: junk, powers of ten, dates, and IMEIs. No database."""

import pytest

from bank.inventory import serials

# Strings that firmware gave instead of a serial over the years, and what people write.
JUNK = """
0123456789ABCDEF|0123456789|MB-1234567890|SYS-1234567890|00000000|xxxxxxxxxxx|EVAL|Serial number xxxxxx|$|DELL|0
123456789000|123456890|System Name|Product Name|System Manufacturer|none|None|To Be Filled By O.E.M.
To Be Filled By O.E.M. by More String|OEM00000|PROD00000000|VH\\\\|V        H 8\\\\|System Serial Number
stem manufacturer|Serial#|.       .              .|NA60B7Y0S3Q|Chassis Serial Number|Ssystem manufacturer|INVALID
Default string|N/A|#N/A|n.c.|néant|Non renseigné|inconnu|?|-|--|AUCUN|à définir|12|Not Specified
"""
REAL = """
5CG8231XYZ|PF1A2B3C|C02XK1A2JGH5|CN0D4T9|1234ABC|353879234252633|7XJ2K13|DELL123|XXX1234|100000|ABC|5E12|FRX
"""


def each(table: str) -> list[str]:
    return [value for line in table.strip().splitlines() for value in line.split("|")]


@pytest.mark.parametrize("text", each(JUNK))
def test_what_is_no_serial_is_known(text: str) -> None:
    assert serials.is_placeholder(text)


@pytest.mark.parametrize("text", each(REAL))
def test_a_real_serial_is_left_alone(text: str) -> None:
    assert not serials.is_placeholder(text)
    assert not serials.is_scientific(text)
    assert not serials.looks_like_a_date(text)


@pytest.mark.parametrize("text", ["1", "12", "1234", "123456", "0042", "A"])
def test_an_asset_tag_may_be_short(text: str) -> None:
    assert not serials.is_no_tag(text)


@pytest.mark.parametrize("text", ["0", "0000", "", "-", "x", "N/A", "néant", "To be filled by O.E.M."])
def test_what_is_no_asset_tag_is_known(text: str) -> None:
    assert serials.is_no_tag(text)


@pytest.mark.parametrize(
    "text", ["6.37E+15", "6,37E+15", "6E+15", "1.2e+05", "6,37 E+15", "3.53879E14", "6.37E+015"]
)
def test_a_power_of_ten_is_a_number_that_was_lost(text: str) -> None:
    assert serials.is_scientific(text)


@pytest.mark.parametrize("text", ["5E12", "12E34", "5CG8E+1", "E+15", "6.37", "3E5A"])
def test_a_serial_with_an_e_is_not_a_power_of_ten(text: str) -> None:
    assert not serials.is_scientific(text)


@pytest.mark.parametrize(
    "text",
    ["05/03/2021", "5-mars", "mars-05", "2021-03-05", "janv.-21", "12-34-56", "1.2.2020", "5 déc. 2021"],
)
def test_a_date_is_seen(text: str) -> None:
    assert serials.looks_like_a_date(text)


@pytest.mark.parametrize("text", ["MAR05", "DEC2020", "1-2-2020X", "12-34567", "05032021"])
def test_a_serial_with_a_month_in_it_is_no_date(text: str) -> None:
    assert not serials.looks_like_a_date(text)


def test_a_long_number_that_ends_in_zeros_may_have_been_rounded() -> None:
    assert serials.is_rounded("6370000000000000")
    assert not serials.is_rounded("6370000000")
    assert not serials.is_rounded("353879234252633")


def test_codes_are_compared_in_upper_case_without_spaces() -> None:
    assert serials.tidy(" 5cg 8231\u00a0xyz ") == "5CG8231XYZ"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("490154203237518", "490154203237518"),
        ("49-015420-323751-8", "490154203237518"),
        ("49 015420 323751", "49015420323751"),
        ("490154203237518 / 353879234252633", "490154203237518"),
        ("4901542032375180", "4901542032375180"),
        ("49015420323751", "49015420323751"),
        ("12345", None),
        ("non", None),
    ],
)
def test_an_imei_is_read_as_it_is_written(text: str, digits: str | None) -> None:
    assert serials.read_imei(text) == digits


def test_the_check_digit_of_an_imei_is_checked() -> None:
    assert serials.is_imei("490154203237518")
    assert not serials.is_imei("490154203237519")
    assert serials.is_imei("49015420323751")
