"""Pictures that a workshop puts in its guides: PNG and JPEG, told by their bytes, not by what a sender says.

Each is read piece by piece to its end and put together again from what draws it alone: a phone writes into a
photograph where it was taken and with what. Pure.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

PNG, JPEG = "image/png", "image/jpeg"
BYTES_MAX = 6 * 1024 * 1024
# In one direction, in dots: what any browser still draws, and no page needs more.
SIDE_MAX = 10_000

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
# What draws the picture; the rest are texts, dates and profiles.
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB", b"cHRM"})
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}

_SOI, _EOI, _SOS, _DHT, _JPG, _DAC = 0xD8, 0xD9, 0xDA, 0xC4, 0xC8, 0xCC
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, _JPG, _DAC}
_APP0, _APP1, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE
_RESTARTS = frozenset(range(0xD0, 0xD8))
_EXIF = b"Exif\x00\x00"
_ORIENTATION = 0x0112


class NotAPicture(Exception):
    """Why bytes are refused: `not-a-picture`, `too-large` or `too-wide`."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be shown: its bytes, and what they are."""

    data: bytes
    mimetype: str


def read(data: bytes) -> Picture:
    """The picture in these bytes, without what does not draw it. Raises NotAPicture."""
    if len(data) > BYTES_MAX:
        raise NotAPicture("too-large")
    try:
        if data.startswith(_PNG_HEAD):
            return Picture(b"".join((_PNG_HEAD, *_png(data))), PNG)
        if data.startswith(b"\xff\xd8"):
            return Picture(b"".join((b"\xff\xd8", *_jpeg(data))), JPEG)
    except (struct.error, IndexError, zlib.error) as error:
        raise NotAPicture("not-a-picture") from error
    raise NotAPicture("not-a-picture")


def mimetype(data: bytes) -> str:
    """What a picture is that was read before."""
    return PNG if data.startswith(_PNG_HEAD) else JPEG


def _must(true: bool) -> None:
    if not true:
        raise NotAPicture("not-a-picture")


def _must_fit(width: int, height: int) -> None:
    _must(width > 0 and height > 0)
    if max(width, height) > SIDE_MAX:
        raise NotAPicture("too-wide")


# --- PNG: chunks, each with its length, its name and its sum ---


def _png(data: bytes) -> Iterator[bytes]:
    at = len(_PNG_HEAD)
    names: list[bytes] = []
    while not names or names[-1] != b"IEND":
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (total,) = struct.unpack_from(">I", data, at + 8 + length)
        _must(len(body) == length and total == zlib.crc32(name + body) and name.isalpha())
        if not names:
            _must(name == b"IHDR")
            _must_be_drawn(body)
        names.append(name)
        if name in _PNG_KEPT:
            yield data[at : at + 12 + length]
        at += 12 + length
    _must(b"IDAT" in names and names.count(b"IHDR") == 1)


def _must_be_drawn(head: bytes) -> None:
    width, height, depth, colour, packing, filtering, lacing = struct.unpack(">IIBBBBB", head)
    _must(depth in _PNG_DEPTHS.get(colour, ()) and (packing, filtering) == (0, 0) and lacing in (0, 1))
    _must_fit(width, height)


# --- JPEG: segments, then the picture itself up to the mark of its end ---


def _jpeg(data: bytes) -> Iterator[bytes]:
    at, framed, drawn = 2, False, False
    while True:
        _must(data[at] == 0xFF)
        while data[at + 1] == 0xFF:
            at += 1
        mark = data[at + 1]
        if mark == _EOI:
            break
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        _must(length >= 2 and len(body) == length - 2 and mark not in _RESTARTS)
        if mark in _FRAMES:
            height, width = struct.unpack_from(">HH", body, 1)
            _must_fit(width, height)
            framed = True
        end = at + 2 + length
        if mark == _SOS:
            _must(framed)
            end, drawn = _after_scan(data, end), True
        yield from _kept(mark, data[at:end], body)
        at = end
    _must(framed and drawn)
    yield b"\xff\xd9"


def _after_scan(data: bytes, at: int) -> int:
    """Where the drawing ends: at the next mark that is neither a padded byte nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        _must(at >= 0)
        if data[at + 1] != 0 and data[at + 1] not in _RESTARTS:
            return at
        at += 2


def _kept(mark: int, segment: bytes, body: bytes) -> Iterator[bytes]:
    if mark == _APP1 and body.startswith(_EXIF):
        yield from _turned(body[len(_EXIF) :])
    elif mark in (_APP0, _APP14) or not (_APP0 <= mark <= _APP15 or mark == _COM):
        yield segment


def _turned(tiff: bytes) -> Iterator[bytes]:
    """Which side of a photograph is up, without the rest of what the camera noted."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for row in range(count):
            tag, _kind, _many, side = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * row)
            if tag == _ORIENTATION and 1 <= side <= 8:
                noted = struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, 3, 1, side, 0, 0)
                body = _EXIF + noted
                yield struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body
                return
    except struct.error:
        # What the camera noted is broken; the picture need not be.
        return
