"""QR and Code 128 as black and white modules, without their quiet zones."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import xor
from typing import Literal

from barcode.codex import Code128
from qrcode.constants import ERROR_CORRECT_L, ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import QRData

from labels.label import LabelRefused

QR_QUIET = 4
BARS_QUIET = 10

# Error correction: MEDIUM forgives 15 % of lost modules, LOW 7 %. A label that is too small for the symbol at
# MEDIUM is better served by LOW, whose fewer modules are larger.
Level = Literal[0, 1]
MEDIUM: Level = ERROR_CORRECT_M
LOW: Level = ERROR_CORRECT_L

# What version 13 holds; a label would have to be larger than any on sale for a scanner to read a denser one.
LONGEST_URL = 331

# Any of the eight masks is a valid symbol (a reader finds its number in the format bits); trying all of them
# to find the prettiest costs eight times as much, and a mask that changed with the text would break `FastQr`.
_MASK = 2
# MODE_8BIT_BYTE, under the type that the library's stubs ask for.
_BYTE_MODE: Literal[4] = 4
_ASCII_BITS = 7


@dataclass(frozen=True, slots=True)
class Bitmap:
    """Modules, 1 for black; each row starts on a byte, as PDF, PNG and ZPL all want it."""

    width: int
    height: int
    rows: bytes

    def is_black(self, column: int, row: int) -> bool:
        """Whether the module is black, counting from the top left."""
        stride = (self.width + 7) // 8
        return bool(self.rows[row * stride + column // 8] >> (7 - column % 8) & 1)


def qr(url: str, code: str, level: Level = MEDIUM) -> Bitmap:
    """The QR symbol of `url`; quick for the many addresses that differ only by the `code` they end with."""
    prefix = url.removesuffix(code)
    if not code or prefix == url:
        return drawn_by_qrcode(url, level)
    return _fast_qr(prefix, len(code), level)(code)


def code128(text: str) -> Bitmap:
    """The Code 128 bars of `text`, start and stop included: one row, to be stretched to any height."""
    modules: str = _Code128(text).build()[0]
    width = len(modules)
    stride = (width + 7) // 8
    return Bitmap(width, 1, (int(modules, 2) << (stride * 8 - width)).to_bytes(stride, "big"))


class _Code128(Code128):  # type: ignore[misc]  # the library publishes no types
    """The library's, which takes a pair "99" at the start for a change of character set and loses it."""

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        starts_with_pair = len(self.code) > 1 and self.code[:2].isdigit()
        return encoded if starts_with_pair else list(super()._try_to_optimize(encoded))


def drawn_by_qrcode(url: str, level: Level = MEDIUM) -> Bitmap:
    """The QR symbol of `url` by the library alone: byte mode, the smallest size that holds it."""
    if len(url) > LONGEST_URL:
        raise LabelRefused("url-too-long", url=url, most=LONGEST_URL)
    symbol = QRCode(error_correction=level, border=0, mask_pattern=_MASK)
    symbol.add_data(QRData(url.encode("ascii"), mode=_BYTE_MODE))
    symbol.make(fit=True)
    size = len(symbol.modules)
    pad = "0" * (-size % 8)
    rows = ("".join("1" if black else "0" for black in row) + pad for row in symbol.modules)
    return Bitmap(size, size, b"".join(int(row, 2).to_bytes(len(row) // 8, "big") for row in rows))


class FastQr:
    """QR symbols of one prefix followed by any ASCII text of one length, far quicker than drawing each.

    With size, level, mode and mask fixed, each module is a XOR of bits of the text (error correction is
    linear, the mask a constant). So a symbol is the symbol of a base text, XOR one difference for each bit
    where the texts differ; the library draws the base and the differences once, the rest is XOR of integers.
    """

    def __init__(self, prefix: str, length: int, level: Level = MEDIUM) -> None:
        self._level = level
        base = drawn_by_qrcode(prefix + "0" * length, level)
        self._size = base.width
        self._bytes = len(base.rows)
        self._base = int.from_bytes(base.rows, "big")
        self._differences = [self._at(prefix, length, place) for place in range(length)]

    def __call__(self, text: str) -> Bitmap:
        """The symbol of the prefix followed by `text`."""
        modules = self._base
        for differences, sign in zip(self._differences, text.encode("ascii"), strict=True):
            modules ^= differences[sign]
        return Bitmap(self._size, self._size, modules.to_bytes(self._bytes, "big"))

    def _at(self, prefix: str, length: int, place: int) -> list[int]:
        """For each ASCII sign at `place`, the modules that differ from those of the base text."""
        of_bit = [self._flipped(prefix, length, place, 1 << bit) for bit in range(_ASCII_BITS)]
        return [
            _xor_of(difference for bit, difference in enumerate(of_bit) if (sign ^ ord("0")) >> bit & 1)
            for sign in range(1 << _ASCII_BITS)
        ]

    def _flipped(self, prefix: str, length: int, place: int, bit: int) -> int:
        text = "0" * place + chr(ord("0") ^ bit) + "0" * (length - place - 1)
        return int.from_bytes(drawn_by_qrcode(prefix + text, self._level).rows, "big") ^ self._base


def _xor_of(differences: Iterable[int]) -> int:
    return reduce(xor, differences, 0)


# One prefix per deployment; a few more leave room for a change of address.
_fast_qr = lru_cache(maxsize=8)(FastQr)
