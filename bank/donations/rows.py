"""What one row of a donor's spreadsheet says of one device, and what is wrong with it. Pure.

A row is refused where it would be imported wrong, and said to be doubtful where somebody should look at the device.
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bank.donations import columns
from bank.donations.columns import Field
from bank.donations.spreadsheet import Sheet
from bank.inventory import serials
from bank.inventory.models import Category

LENGTHS: Mapping[Field, int] = {
    Field.CATEGORY: 120,
    Field.MAKER: 60,
    Field.MODEL: 80,
    Field.SERIAL: 60,
    Field.ASSET_TAG: 60,
    Field.IMEI: 60,
    Field.QUANTITY: 20,
}
NUMBERS = (Field.SERIAL, Field.ASSET_TAG, Field.IMEI)
SHOWN_MAX = 80
LIKE = "like:"


class Problem(StrEnum):
    """What is wrong with one cell; its sentence is in `words.py`."""

    # the row is refused
    SCIENTIFIC = "scientific-notation"
    NO_CATEGORY = "no-category"
    UNKNOWN_CATEGORY = "unknown-category"
    TOO_LONG = "text-too-long"
    STRANGE_SIGNS = "strange-signs"
    BAD_IMEI = "bad-imei"
    TWICE = "twice-in-the-file"
    SEVERAL = "several-devices"
    A_TOTAL = "a-total"
    ALREADY_SENT = "already-sent"
    # the row goes in, and somebody looks
    JUNK_SERIAL = "junk-serial"
    LIKE_A_DATE = "looks-like-a-date"
    ROUNDED = "maybe-rounded"
    NO_IMEI = "not-an-imei"
    TAG_TWICE = "asset-tag-twice"
    GUESSED = "category-guessed"
    NO_MODEL = "no-model"
    ELSEWHERE = "known-elsewhere"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: in which column (None: the whole row), what stood there, what other row."""

    code: Problem
    column: Field | None
    value: str = ""
    other_row: int | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    """A device as the row announces it; what was not said is empty or None."""

    category: Category
    maker: str = ""
    model: str = ""
    serial: str | None = None
    asset_tag: str | None = None
    imei: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its number in the file, what stood in it, and what came of it.

    `thing` is None where the row is refused, and `problems` say why; `doubts` leave it in. `key` is what makes the
    same device the same when the file comes again.
    """

    number: int
    texts: tuple[str, ...]
    thing: Thing | None
    key: str
    problems: tuple[Finding, ...] = ()
    doubts: tuple[Finding, ...] = ()

    @property
    def is_anonymous(self) -> bool:
        """Whether nothing but what it is tells the device from others like it."""
        return self.key.startswith(LIKE)


@dataclass(slots=True)
class _Seen:
    """What the rows above have said."""

    keys: dict[str, int] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    alike: Counter[str] = field(default_factory=Counter)


class _Reading:
    """One row being read: its cells by field, and what was found on the way."""

    def __init__(self, cells: dict[Field, str]) -> None:
        self.cells = cells
        self.problems: list[Finding] = []
        self.doubts: list[Finding] = []

    def said(self, column: Field) -> str:
        return self.cells.get(column, "")

    def refuse(self, code: Problem, column: Field | None = None, other_row: int | None = None) -> None:
        self.problems.append(Finding(code, column, self._shown(column), other_row))

    def doubt(self, code: Problem, column: Field | None = None, other_row: int | None = None) -> None:
        self.doubts.append(Finding(code, column, self._shown(column), other_row))

    def _shown(self, column: Field | None) -> str:
        text = self.said(column) if column else ""
        return "".join(sign if sign.isprintable() else "\ufffd" for sign in text[:SHOWN_MAX])


def understood(sheet: Sheet, default: Category | None = None) -> Iterator[Row]:
    """Each row that is not blank. `default` is the category of a row that says none.

    Reads the sheet row by row: what it holds is what it must remember to find a number that comes twice.
    """
    places = {column.field: column.index for column in sheet.columns if column.field}
    seen = _Seen()
    for number, texts in sheet.rows():
        cells = {column: texts[index] for column, index in places.items() if texts[index]}
        yield _row(number, tuple(texts), _Reading(cells), default, seen, wants_model=Field.MODEL in places)


def _row(
    number: int,
    texts: tuple[str, ...],
    reading: _Reading,
    default: Category | None,
    seen: _Seen,
    *,
    wants_model: bool,
) -> Row:
    if _is_total(texts):
        reading.refuse(Problem.A_TOTAL)
        return Row(number, texts, None, "", tuple(reading.problems))
    _check_texts(reading)
    _check_quantity(reading)
    maker, model = _maker_and_model(reading)
    category = _category(reading, maker, model, default)
    serial, tag, imei = _serial(reading), _tag(reading), _imei(reading)
    if reading.problems or category is None:
        return Row(number, texts, None, "", tuple(reading.problems), tuple(reading.doubts))
    if wants_model and not model:
        reading.doubt(Problem.NO_MODEL, Field.MODEL)
    thing = Thing(category, maker, model, serial, tag, imei)
    key = _key(thing, seen)
    above = seen.keys.setdefault(key, number)
    if above != number:
        reading.refuse(Problem.TWICE, _column_of(key), above)
        return Row(number, texts, None, "", tuple(reading.problems), tuple(reading.doubts))
    if tag and seen.tags.setdefault(tag, number) != number:
        reading.doubt(Problem.TAG_TWICE, Field.ASSET_TAG, seen.tags[tag])
    return Row(number, texts, thing, key, (), tuple(reading.doubts))


def _is_total(texts: tuple[str, ...]) -> bool:
    """A last row that adds up: "TOTAL", "Total général : 112"."""
    first = next(text for text in texts if text)
    return columns.plain(first).split(" ", 1)[0] in {"total", "totaux"} and sum(map(bool, texts)) <= 3


def _check_texts(reading: _Reading) -> None:
    for column, text in reading.cells.items():
        if len(text) > LENGTHS[column]:
            reading.refuse(Problem.TOO_LONG, column)
        elif not text.isprintable() and any(unicodedata.category(sign)[0] == "C" for sign in text):
            reading.refuse(Problem.STRANGE_SIGNS, column)


def _check_quantity(reading: _Reading) -> None:
    """A row is one device: a row that says twelve would be eleven short."""
    said = reading.said(Field.QUANTITY).replace(",", ".")
    try:
        several = bool(said) and float(said) != 1
    except ValueError:
        return
    if several:
        reading.refuse(Problem.SEVERAL, Field.QUANTITY)


def _maker_and_model(reading: _Reading) -> tuple[str, str]:
    maker, model = reading.said(Field.MAKER), reading.said(Field.MODEL)
    if maker and serials.is_no_tag(maker) and not maker.isdecimal():
        maker = maker if maker.casefold() in MAKERS else ""
    if model and serials.is_no_tag(model) and model.casefold() not in MAKERS:
        model = ""
    if not maker:
        return columns.split_maker(model)
    head, rest = model[: len(maker)], model[len(maker) :]
    return maker, rest.strip() if head.casefold() == maker.casefold() and rest[:1].isspace() else model


MAKERS = frozenset(maker.casefold() for maker in columns.MAKERS)


def _category(reading: _Reading, maker: str, model: str, default: Category | None) -> Category | None:
    """What the row says; failing that, what the model makes one think of, or what the whole file is said to be."""
    said = reading.said(Field.CATEGORY)
    found = columns.category(said) if said else default
    if found:
        return found
    guessed = columns.guess(maker, model) if not said or columns.is_any_computer(said) else None
    if guessed:
        reading.doubt(Problem.GUESSED, Field.CATEGORY)
        return guessed
    if said and columns.is_any_computer(said) and default:
        return default
    reading.refuse(Problem.UNKNOWN_CATEGORY if said else Problem.NO_CATEGORY, Field.CATEGORY)
    return None


def _serial(reading: _Reading) -> str | None:
    said = reading.said(Field.SERIAL)
    if not said or _lost(reading, Field.SERIAL):
        return None
    if serials.is_placeholder(said):
        reading.doubt(Problem.JUNK_SERIAL, Field.SERIAL)
        return None
    if serials.looks_like_a_date(said):
        reading.doubt(Problem.LIKE_A_DATE, Field.SERIAL)
    if serials.is_rounded(said):
        reading.doubt(Problem.ROUNDED, Field.SERIAL)
    return serials.tidy(said)


def _tag(reading: _Reading) -> str | None:
    said = reading.said(Field.ASSET_TAG)
    if not said or serials.is_no_tag(said) or _lost(reading, Field.ASSET_TAG):
        return None
    return serials.tidy(said)


def _imei(reading: _Reading) -> str | None:
    said = reading.said(Field.IMEI)
    if not said or serials.is_no_tag(said) or _lost(reading, Field.IMEI):
        return None
    digits = serials.read_imei(said)
    if digits is None:
        reading.doubt(Problem.NO_IMEI, Field.IMEI)
    elif not serials.is_imei(digits):
        reading.refuse(Problem.BAD_IMEI, Field.IMEI)
        return None
    return digits


def _lost(reading: _Reading, column: Field) -> bool:
    if serials.is_scientific(reading.said(column)):
        reading.refuse(Problem.SCIENTIFIC, column)
        return True
    return False


def _key(thing: Thing, seen: _Seen) -> str:
    """What the device is known by: its serial, else its asset tag, else its IMEI, else what it is and which
    of those just like it.
    """
    if thing.serial:
        return f"serial:{thing.serial}"
    if thing.asset_tag:
        return f"tag:{thing.asset_tag}"
    if thing.imei:
        return f"imei:{thing.imei}"
    content = "\0".join((thing.category, columns.plain(thing.maker), columns.plain(thing.model)))
    print_ = hashlib.sha256(content.encode()).hexdigest()[:16]
    seen.alike[print_] += 1
    return f"{LIKE}{print_}:{seen.alike[print_]}"


def _column_of(key: str) -> Field:
    return {"serial": Field.SERIAL, "tag": Field.ASSET_TAG}.get(key.partition(":")[0], Field.IMEI)
