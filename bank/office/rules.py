"""Questions on printing that need nobody: what fits in a run, where a sheet goes on, how far a printer is off."""

from dataclasses import dataclass
from enum import StrEnum

# Labels that a request draws by itself; a longer run is a job's.
AT_ONCE = 500
RUN_MAX = 10_000
COPIES_MAX = 20
LINES_MAX = 4
NAME_MAX = 60

# Of the calibration page, in millimetres: its rulers' length, and how far its first cross is from two edges.
RULER_MM = 100
CROSS_MM = 20
# The printer's numbers are kept in hundredths of a millimetre and of a percent.
HUNDREDTHS = 100
TRUE_SIZE = 10_000
OFFSET_MOST = 1_000
SCALE_LEAST, SCALE_MOST = 9_500, 10_500


class Fault(StrEnum):
    """What is wrong with one answer on printing; the screens have a sentence for each (`words.py`)."""

    UNKNOWN_SHEET = "unknown-sheet"
    START_OUTSIDE_SHEET = "start-outside-sheet"
    COPIES_OUT_OF_RANGE = "copies-out-of-range"
    NO_LABEL = "no-label"
    TOO_MANY_LABELS = "too-many-labels"
    NOTHING_CHOSEN = "nothing-chosen"
    ALREADY_PRINTED = "already-printed"
    UNKNOWN_DEVICE = "unknown-device"
    UNKNOWN_PLACE = "unknown-place"
    UNKNOWN_PRINTER = "unknown-printer"
    UNKNOWN_POSITION = "unknown-position"
    LABEL_DOES_NOT_FIT = "label-does-not-fit"
    NAME_MISSING = "name-missing"
    NAME_TAKEN = "name-taken"
    TOO_FAR_OFF = "too-far-off"
    NOT_A_MEASURE = "not-a-measure"


@dataclass(frozen=True, kw_only=True)
class Offsets:
    """How a printer's labels are moved and spread: hundredths of a millimetre, hundredths of a percent."""

    offset_x: int = 0
    offset_y: int = 0
    scale_x: int = TRUE_SIZE
    scale_y: int = TRUE_SIZE


# Of a printer that nobody measured, or that is true.
AS_IT_IS = Offsets()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured on a printed calibration page, in hundredths of a millimetre.

    `left` and `top` lead from the paper's edges to the first cross; `across` and `down` are the rulers' lengths.
    """

    left: int
    top: int
    across: int
    down: int


def is_small(count: int, copies: int) -> bool:
    """Whether a request draws this many labels by itself."""
    return count * copies <= AT_ONCE


def next_place(start: int, drawn: int, places: int) -> int:
    """The first free place after `drawn` labels from `start` on; 1 is a new sheet."""
    return (start - 1 + drawn) % places + 1


def faults(count: int, copies: int, start: int, places: int) -> dict[str, list[str]]:
    """What cannot be printed of an order, by the order's own names; empty when all is well."""
    found: dict[str, list[str]] = {}
    if not 1 <= start <= places:
        found["start"] = [Fault.START_OUTSIDE_SHEET]
    if not 1 <= copies <= COPIES_MAX:
        found["copies"] = [Fault.COPIES_OUT_OF_RANGE]
    if count < 1:
        found["labels"] = [Fault.NO_LABEL]
    elif count * max(copies, 1) > RUN_MAX:
        found["labels"] = [Fault.TOO_MANY_LABELS]
    return found


def legible(text: str) -> str:
    """A line of a label without the signs that no printer shows; what separated words still does."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def corrected(now: Offsets, measured: Measured) -> Offsets | None:
    """What to apply instead of `now`, given what the page printed with it measures; None when no printer is so far
    off, hence something was measured wrong or the page was fitted to the paper.
    """
    if min(measured.across, measured.down) <= 0:
        return None
    offset_x, scale_x = _axis(now.offset_x, now.scale_x, measured.left, measured.across)
    offset_y, scale_y = _axis(now.offset_y, now.scale_y, measured.top, measured.down)
    if max(abs(offset_x), abs(offset_y)) > OFFSET_MOST:
        return None
    if not all(SCALE_LEAST <= scale <= SCALE_MOST for scale in (scale_x, scale_y)):
        return None
    return Offsets(offset_x=offset_x, offset_y=offset_y, scale_x=scale_x, scale_y=scale_y)


def _axis(offset: int, scale: int, cross: int, ruler: int) -> tuple[int, int]:
    """One direction. A printer that puts what is drawn at d to a*d + b shows a ruler of a*scale*100 mm, and a cross
    at a*(scale*20 + offset) + b: this solves for the scale and the offset that put everything where it belongs.
    """
    better = scale * RULER_MM * HUNDREDTHS / ruler
    drawn_at = CROSS_MM * HUNDREDTHS * scale / TRUE_SIZE + offset
    return round(drawn_at - cross * better / TRUE_SIZE), round(better)
