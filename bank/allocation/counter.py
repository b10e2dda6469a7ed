"""The counter's pure questions: what a scan ticks, who may sign and how, whether a drawing is one."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from bank.allocation import nir
from bank.allocation.models import Collector, IdPaper, Payment, Signature
from bank.errors import Code, Refusal
from bank.inventory import codes

# The field that is signed in, in units of the drawing, and the longest drawing that is kept, in characters.
FIELD_WIDTH, FIELD_HEIGHT = 1000, 300
DRAWING_MAX = 12_000
# A dot by mistake is no signature: the least that a drawing must spread, in units.
DRAWING_LEAST = 40
STROKE = re.compile(r"M\d{1,4} \d{1,4}(?:L\d{1,4} \d{1,4}){1,2000}")
POINT = re.compile(r"(\d+) (\d+)")

PIN_SIGNS = 6
TRIES_MAX = 5
AHEAD = timedelta(days=366)

Stroke = tuple[tuple[int, int], ...]


class ComeBack(StrEnum):
    """Why a device comes back to the counter."""

    FAULTY = "faulty"
    UNSUITED = "unsuited"
    NO_LONGER_NEEDED = "no_longer_needed"
    LOAN_OVER = "loan_over"


class Ticked(StrEnum):
    """What a scan at the counter came to."""

    TICKED = "ticked"
    ALREADY = "already"
    NOT_OURS = "not-ours"
    UNREADABLE = "unreadable"
    GLUED = "glued"


@dataclass(frozen=True, kw_only=True)
class NewHandover:
    """What happened at the counter. Whoever does not collect for themselves says their name."""

    request_ref: str
    device_codes: tuple[str, ...]
    payment: Payment
    paid_cents: int
    signature: Signature
    collector: Collector | None = None
    id_paper: IdPaper | None = None
    signer_name: str = ""
    signer_title: str = ""
    witness_name: str = ""
    drawing: str = ""
    pin: str = ""


@dataclass(frozen=True)
class Tick:
    """The devices ticked so far, what the last scan came to, and the code that it read."""

    ticked: tuple[str, ...]
    came_to: Ticked | None = None
    code: str = ""


def tick(promised: Collection[str], ticked: Collection[str], scanned: str) -> Tick:
    """Tick the scanned device among the promised ones; the rest says why not. An empty scan changes nothing."""
    kept = tuple(code for code in promised if code in ticked)
    if not scanned.strip():
        return Tick(kept)
    try:
        code = codes.read(scanned)
    except Refusal as refusal:
        return Tick(kept, Ticked.GLUED if refusal.code is Code.GLUED_CODES else Ticked.UNREADABLE)
    if code not in promised:
        return Tick(kept, Ticked.NOT_OURS, code)
    if code in kept:
        return Tick(kept, Ticked.ALREADY, code)
    return Tick((*kept, code), Ticked.TICKED, code)


def day_fault(day: date, today: date) -> str | None:
    """Why no appointment can be set on a day; any hour of today can still be chosen."""
    if day < today:
        return "past-day"
    return "far-day" if day > today + AHEAD else None


def collector_of(new: NewHandover, *, for_a_person: bool) -> Collector:
    """Who came, where nobody said: the person, or for a structure its representative."""
    return new.collector or (Collector.RECIPIENT if for_a_person else Collector.REPRESENTATIVE)


def faults(new: NewHandover, *, for_a_person: bool) -> dict[str, list[str]]:
    """What is wrong with who signs and how, by field; empty when nothing is."""
    found: dict[str, list[str]] = {}
    collector = collector_of(new, for_a_person=for_a_person)
    if (collector is Collector.REPRESENTATIVE) is for_a_person:
        found["collector"] = ["other-collector"]
    # A representative who signs on paper writes name and function there.
    written = new.signature is Signature.ON_PAPER and collector is Collector.REPRESENTATIVE
    if collector is not Collector.RECIPIENT and not written and not new.signer_name.strip():
        found["signer_name"] = ["signer-missing"]
    if collector is Collector.REPRESENTATIVE and not written and not new.signer_title.strip():
        found["signer_title"] = ["title-missing"]
    if new.signature is Signature.ON_SCREEN and not is_drawing(new.drawing):
        found["drawing"] = ["drawing-missing"]
    for name in ("signer_name", "signer_title", "witness_name"):
        if nir.found_in(getattr(new, name)):
            found[name] = ["nir"]
    return found


def is_drawing(text: str) -> bool:
    """Whether the text is a drawn signature: our own path, and more than a dot."""
    if not text or len(text) > DRAWING_MAX or STROKE.sub("", text):
        return False
    points = [point for stroke in strokes(text) for point in stroke]
    xs, ys = zip(*points, strict=True)
    inside = max(xs) <= FIELD_WIDTH and max(ys) <= FIELD_HEIGHT
    return bool(inside and max(max(xs) - min(xs), max(ys) - min(ys)) >= DRAWING_LEAST)


def strokes(drawing: str) -> tuple[Stroke, ...]:
    """The strokes of a drawing that `is_drawing` took."""
    return tuple(
        tuple((int(x), int(y)) for x, y in POINT.findall(stroke)) for stroke in STROKE.findall(drawing)
    )
