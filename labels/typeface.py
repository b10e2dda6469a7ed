"""A TrueType file, as far as labels need it: how wide each sign is, and its outline."""

import struct
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

# A point of an outline: x, y, and whether the curve passes through it.
Point = tuple[float, float, bool]
Contour = list[Point]

# Flags of a simple glyph.
_ON_CURVE, _X_SHORT, _Y_SHORT, _REPEAT, _X_SAME, _Y_SAME = 1, 2, 4, 8, 16, 32
# Flags of a glyph that is made of others, and how many bytes of scale each brings.
_WORDS, _MORE = 0x0001, 0x0020
_SCALES = {0x0008: 2, 0x0040: 4, 0x0080: 8}
_WINDOWS_UNICODE = (3, 1)


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of a typeface in thousandths of its size, as a PDF describes it."""

    ascent: int
    descent: int
    cap_height: int
    box: tuple[int, int, int, int]


class Typeface:
    """One TrueType file."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        (count,) = self._read(4, ">H")
        entries = (self._read(12 + 16 * place, ">4sIII") for place in range(count))
        self._tables = {name.decode(): offset for name, _checksum, offset, _length in entries}
        self.units: int = self._read(self._tables["head"] + 18, ">H")[0]

    @cached_property
    def measures(self) -> Measures:
        """Ascent, descent, height of capitals, and the box that holds every glyph."""
        ascent, descent = self._read(self._tables["hhea"] + 4, ">hh")
        (cap_height,) = self._read(self._tables["OS/2"] + 88, ">h")
        left, bottom, right, top = self._read(self._tables["head"] + 36, ">hhhh")
        return Measures(
            self._mille(ascent),
            self._mille(descent),
            self._mille(cap_height),
            (self._mille(left), self._mille(bottom), self._mille(right), self._mille(top)),
        )

    @cached_property
    def glyphs(self) -> dict[str, int]:
        """The number of the glyph of each sign that the file has."""
        start = self._unicode_map()
        (twice,) = self._read(start + 6, ">H")
        segments = twice // 2
        ends = self._read(start + 14, f">{segments}H")
        starts = self._read(start + 16 + twice, f">{segments}H")
        deltas = self._read(start + 16 + 2 * twice, f">{segments}H")
        places = start + 16 + 3 * twice
        found = {}
        for place, (first, last, delta) in enumerate(zip(starts, ends, deltas, strict=True)):
            (skip,) = self._read(places + 2 * place, ">H")
            for sign in range(first, min(last, 0xFFFE) + 1):
                glyph = sign
                if skip:
                    (glyph,) = self._read(places + 2 * place + skip + 2 * (sign - first), ">H")
                if glyph:
                    found[chr(sign)] = (glyph + delta) & 0xFFFF
        return found

    def width(self, sign: str) -> int:
        """How far the pen moves after `sign`, in thousandths of the size; 0 when the file lacks it."""
        glyph = self.glyphs.get(sign)
        if glyph is None:
            return 0
        (count,) = self._read(self._tables["hhea"] + 34, ">H")
        (advance,) = self._read(self._tables["hmtx"] + 4 * min(glyph, count - 1), ">H")
        return self._mille(advance)

    def outline(self, sign: str) -> list[Contour]:
        """The closed curves of `sign`, in units of the file."""
        return self._outline(self.glyphs[sign])

    def _outline(self, glyph: int) -> list[Contour]:
        (is_long,) = self._read(self._tables["head"] + 50, ">h")
        form, size, unit = (">II", 4, 1) if is_long else (">HH", 2, 2)
        start, end = self._read(self._tables["loca"] + size * glyph, form)
        if start == end:
            return []
        at = self._tables["glyf"] + start * unit
        (contours,) = self._read(at, ">h")
        return self._composed(at + 10) if contours < 0 else self._simple(at + 10, contours)

    def _simple(self, at: int, contours: int) -> list[Contour]:
        ends = self._read(at, f">{contours}H")
        count = ends[-1] + 1
        at += 2 * contours
        (hints,) = self._read(at, ">H")
        at += 2 + hints
        flags: list[int] = []
        while len(flags) < count:
            flag = self.data[at]
            at += 1
            times = 1
            if flag & _REPEAT:
                times += self.data[at]
                at += 1
            flags += [flag] * times
        xs, at = self._coordinates(at, flags, _X_SHORT, _X_SAME)
        ys, at = self._coordinates(at, flags, _Y_SHORT, _Y_SAME)
        points = [(x, y, bool(flag & _ON_CURVE)) for x, y, flag in zip(xs, ys, flags, strict=True)]
        return [points[start:end] for start, end in pairwise([0, *(last + 1 for last in ends)])]

    def _coordinates(self, at: int, flags: list[int], short: int, same: int) -> tuple[list[float], int]:
        value, found = 0, []
        for flag in flags:
            if flag & short:
                value += self.data[at] if flag & same else -self.data[at]
                at += 1
            elif not flag & same:
                value += self._read(at, ">h")[0]
                at += 2
            found.append(float(value))
        return found, at

    def _composed(self, at: int) -> list[Contour]:
        """A letter and its accent, each moved to its place. Parts that are scaled are not needed here."""
        contours: list[Contour] = []
        more = True
        while more:
            flags, glyph = self._read(at, ">HH")
            form, size = (">hh", 4) if flags & _WORDS else (">bb", 2)
            right, up = self._read(at + 4, form)
            contours += [[(x + right, y + up, on) for x, y, on in part] for part in self._outline(glyph)]
            at += 4 + size + sum(length for flag, length in _SCALES.items() if flags & flag)
            more = bool(flags & _MORE)
        return contours

    def _unicode_map(self) -> int:
        table = self._tables["cmap"]
        (count,) = self._read(table + 2, ">H")
        maps = (self._read(table + 4 + 8 * place, ">HHI") for place in range(count))
        return next(int(table + offset) for *kind, offset in maps if tuple(kind) == _WINDOWS_UNICODE)

    def _mille(self, units: int) -> int:
        return round(units * 1000 / self.units)

    def _read(self, at: int, form: str) -> tuple[Any, ...]:
        return struct.unpack_from(form, self.data, at)
