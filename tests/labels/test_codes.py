"""QR and Code 128 modules, against the libraries that define them and a reader that does not know them."""

from collections.abc import Callable

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from labels.codes import (
    BARS_QUIET,
    LONGEST_URL,
    LOW,
    MEDIUM,
    QR_QUIET,
    Bitmap,
    FastQr,
    code128,
    drawn_by_qrcode,
    qr,
)
from labels.label import LabelRefused

PREFIX = "https://banque.example/d/"


def picture(bitmap: Bitmap, quiet: int, height: int) -> Image.Image:
    """The modules as black and white, three pixels each, in their quiet zone."""
    image = Image.new("L", (bitmap.width + 2 * quiet, bitmap.height + 2 * quiet), 255)
    for row in range(bitmap.height):
        for column in range(bitmap.width):
            if bitmap.is_black(column, row):
                image.putpixel((column + quiet, row + quiet), 0)
    if bitmap.height == 1:
        image = image.crop((0, quiet, image.width, quiet + 1))
    return image.resize((image.width * 3, image.height * height))


def read(image: Image.Image) -> list[tuple[zxingcpp.BarcodeFormat, str]]:
    return [(found.format, found.text) for found in zxingcpp.read_barcodes(image)]


@pytest.mark.parametrize(
    "prefix", [PREFIX, "http://10.0.0.7:8000/d/", "https://numerique.val-d-oise.example/banque/d/"]
)
def test_fast_symbols_are_those_of_the_library(prefix: str, codes: Callable[[int], list[str]]) -> None:
    for level in (MEDIUM, LOW):
        fast = FastQr(prefix, 10, level)
        for code in codes(60):
            assert fast(code) == drawn_by_qrcode(prefix + code, level)


@pytest.mark.soak
def test_fast_symbols_are_those_of_the_library_thousands_of_times(codes: Callable[[int], list[str]]) -> None:
    for level in (MEDIUM, LOW):
        fast = FastQr(PREFIX, 10, level)
        for code in codes(5_000):
            assert fast(code) == drawn_by_qrcode(PREFIX + code, level)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=4))
def test_fast_symbols_are_those_of_the_library_for_any_ascii(code: str) -> None:
    assert qr(PREFIX + code, code) == drawn_by_qrcode(PREFIX + code)


@pytest.mark.parametrize("url", [PREFIX + "AUTRE", PREFIX, "7K3F9RTC2H", "x"])
def test_address_that_does_not_end_with_the_code(url: str) -> None:
    assert qr(url, "7K3F9RTC2H") == drawn_by_qrcode(url)


def test_qr_reads_back(codes: Callable[[int], list[str]]) -> None:
    for code in codes(40):
        assert read(picture(qr(PREFIX + code, code), QR_QUIET, 3)) == [
            (zxingcpp.BarcodeFormat.QRCode, PREFIX + code)
        ]


def test_bars_read_back(codes: Callable[[int], list[str]]) -> None:
    # "99" at the start is what the library loses
    nines = ["9989471B09", "99K93YER0D", "9912345678", "9999999999", "99", "999", "B99991234K", "0099123456"]
    for code in [*codes(200), *nines, "7", "77", "777", "A", "A1234B", "12345B", "A12345"]:
        found = read(picture(code128(code), BARS_QUIET, 40))
        assert found == [(zxingcpp.BarcodeFormat.Code128, code)]


def test_rows_start_on_a_byte() -> None:
    symbol = qr(PREFIX + "7K3F9RTC2H", "7K3F9RTC2H")
    assert (symbol.width, symbol.height, len(symbol.rows)) == (29, 29, 29 * 4)
    # the first seven modules of a finder pattern, then a white one; nothing beyond the 29th
    assert symbol.rows[0] == 0b11111110
    assert all(symbol.rows[row * 4 + 3] & 0b111 == 0 for row in range(29))


def test_address_too_long_for_a_label_is_refused() -> None:
    longest = "https://banque.example/".ljust(LONGEST_URL, "x")
    assert read(picture(qr(longest, "7K3F9RTC2H"), QR_QUIET, 3)) == [(zxingcpp.BarcodeFormat.QRCode, longest)]
    with pytest.raises(LabelRefused) as caught:
        qr(longest + "x", "7K3F9RTC2H")
    assert caught.value.code == "url-too-long"
