"""Papers: plain facts in, a tagged PDF (PDF/UA-1) out.

Everything is text ready to be read: who calls has chosen the words, the dates and the amounts. The facts travel
to the typesetter as JSON, so that no name, however odd, is ever read as its markup. The same facts give the same
bytes: no date, no random identifier. Papers are in French, as what is signed is.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typst

from labels.codes import BARS_QUIET, QR_QUIET, Bitmap, code128, qr

HERE = Path(__file__).parent
CUT = "…"
BLACK, WHITE = 0, 255

# Scripts that the fonts of the papers cover; a paper with a sign that no font has is refused by the typesetter.
SHOWN = (
    (0x20, 0x7E),
    (0xA0, 0x24F),
    (0x384, 0x3CE),
    (0x400, 0x45F),
    (0x1E00, 0x1E99),
    (0x1EA0, 0x1EF9),
    (0x2010, 0x2027),
    (0x2030, 0x2037),
    (0x2039, 0x203A),
    (0x20AC, 0x20AC),
    (0x2116, 0x2116),
    (0x2122, 0x2122),
    (0x2212, 0x2212),
)
# Direction marks, joiners, controls, surrogates, private and unassigned signs.
UNSEEN = frozenset({"Cf", "Cc", "Cs", "Co", "Cn"})
NARROW_SPACE, SPACE_THAT_HOLDS = "\u202f", "\u00a0"

Point = tuple[int, int]
Stroke = tuple[Point, ...]


@dataclass(frozen=True, kw_only=True)
class Head:
    """Whose paper it is: the bank's name and address, and the number to call for help."""

    bank: str
    address: str
    help: str


@dataclass(frozen=True, kw_only=True)
class Party:
    """A legal entity as papers name it."""

    name: str
    address: str = ""
    siret: str = ""


@dataclass(frozen=True, kw_only=True)
class ReceiptLine:
    """One device handed over; `condition` says its grade and battery, empty when nobody noted them.

    `seller` is said where the devices of one hand-over have several.
    """

    code: str
    what: str
    price: str
    condition: str = ""
    seller: str = ""


@dataclass(frozen=True, kw_only=True)
class Seller:
    """Who sells or gives, and what it must say of VAT."""

    party: Party
    vat: str = ""


@dataclass(frozen=True, kw_only=True)
class Signed:
    """How it was signed, in one sentence; `strokes` when drawn, in a field of `width` by `height` units.

    `blank` leaves a frame to sign in by hand.
    """

    how: str
    strokes: tuple[Stroke, ...] = ()
    width: int = 1
    height: int = 1
    blank: bool = False


@dataclass(frozen=True, kw_only=True)
class Loan:
    """Until when a device is lent, and where it comes back."""

    until: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was handed over at the counter, for how much, and what to do if it breaks."""

    head: Head
    number: str
    day: str
    sellers: tuple[Seller, ...]
    recipient: str
    lines: tuple[ReceiptLine, ...]
    total: str
    paid: str
    signed: Signed
    # Where a broken device is brought: the counter's name and address.
    come_back: str
    # Given when nothing is to pay.
    sold: bool = True
    collected_by: str = ""
    signer: str = ""
    # How long the written commitment lasts, "12 mois"; empty when there is none beyond the law.
    guarantee: str = ""
    lesson: str = ""
    loan: Loan | None = None


@dataclass(frozen=True, kw_only=True)
class Slip:
    """The appointment at the counter; `sign_code` for who cannot sign, empty when they can."""

    head: Head
    code: str
    day: str
    time: str
    desk: Party
    price: str
    what: tuple[str, ...]
    bring: tuple[str, ...]
    ways: str = ""
    sign_code: str = ""


@dataclass(frozen=True, kw_only=True)
class CountLine:
    """One category of a batch: announced, received, the gap between them and its reason."""

    what: str
    announced: str
    received: str
    gap: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Reception:
    """What a workshop counted when a batch arrived."""

    head: Head
    number: str
    batch: str
    day: str
    donor: Party
    receiver: Party
    lines: tuple[CountLine, ...]
    announced: str
    received: str
    gap: str
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class ErasedDrive:
    """One drive and its proof; `result` may also say that there was none, or that it was destroyed."""

    kind: str
    result: str
    serial: str = ""
    method: str = ""
    tool: str = ""
    day: str = ""
    workshop: str = ""


@dataclass(frozen=True, kw_only=True)
class ErasedDevice:
    """One device of the batch with its drives; `own_marks` are the donor's serial and asset tag."""

    code: str
    what: str
    drives: tuple[ErasedDrive, ...]
    own_marks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """The certificate of a batch; `summary` counts what follows in a sentence."""

    head: Head
    number: str
    batch: str
    day: str
    donor: Party
    issuer: Party
    summary: str
    devices: tuple[ErasedDevice, ...]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What becomes of a person's data: who answers for it, on which basis, how long it is kept."""

    head: Head
    controller: Party
    contact: str
    legal_basis: str
    kept: tuple[str, ...]
    asked_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Badge:
    """A card that opens a station: its code is in the QR alone, never in letters."""

    code: str
    name: str
    workshop: str


@dataclass(frozen=True, kw_only=True)
class CommandCard:
    """One command of the wall: its code, its word, its drawing (SVG), and what to scan next, if anything."""

    code: str
    word: str
    pictogram: str
    next: str = ""
    danger: bool = False


@dataclass(frozen=True, kw_only=True)
class CommandSection:
    """The commands of one kind, under their title."""

    title: str
    cards: tuple[CommandCard, ...]


@dataclass(frozen=True, kw_only=True)
class CountedLine:
    """One thing of a stock-take; `is_label` where `said` is a label's code, `settled` what was done about it."""

    said: str
    what: str = ""
    settled: str = ""
    is_label: bool = True


@dataclass(frozen=True, kw_only=True)
class StockTake:
    """The result of a stock-take."""

    head: Head
    number: str
    place: str
    organisation: str
    opened: str
    closed: str
    expected: str
    found: str
    seen: tuple[CountedLine, ...]
    missing: tuple[CountedLine, ...]
    others: tuple[CountedLine, ...]


@dataclass(frozen=True, kw_only=True)
class TransferCount:
    """How many devices of one category travel."""

    what: str
    count: str


@dataclass(frozen=True, kw_only=True)
class TransferLine:
    """One device that travels; `data` says whether it is still to erase."""

    code: str
    what: str
    data: str


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """What travels with devices that one organisation sends to another. It names no person."""

    head: Head
    number: str
    day: str
    sender: Party
    receiver: Party
    counts: tuple[TransferCount, ...]
    total: str
    lines: tuple[TransferLine, ...]
    to_erase: int = 0


def receipt(facts: Receipt) -> bytes:
    """The receipt of a hand-over, or the note of a loan."""
    return _paper("receipt", asdict(facts) | {"drawing": _drawing(facts.signed)})


def slip(facts: Slip) -> bytes:
    """The slip of an appointment."""
    return _paper("slip", asdict(facts) | {"qr": _modules(facts.code)})


def reception(facts: Reception) -> bytes:
    """What a donor is left with when a batch is taken in."""
    return _paper("reception", asdict(facts))


def erasure(facts: Erasure) -> bytes:
    """The erasure certificate of a batch. A device without a line of drives is left out."""
    return _paper("erasure", asdict(facts))


def notice(facts: Notice) -> bytes:
    """The notice on personal data, on one page."""
    return _paper("notice", asdict(facts))


def transfer(facts: Transfer) -> bytes:
    """What travels with a shipment."""
    return _paper("transfer", asdict(facts))


def badges(head: Head, cards: Sequence[Badge]) -> bytes:
    """Badges to cut out, eight to an A4 sheet."""
    shown = [asdict(card) | {"qr": _modules(card.code)} for card in cards]
    return _paper("badges", {"head": asdict(head), "badges": shown})


def stock_take(facts: StockTake) -> bytes:
    """What a stock-take came to."""
    return _paper("stock_take", asdict(facts))


def commands(head: Head, sheets: Sequence[Sequence[CommandSection]]) -> bytes:
    """The commands that a scanner can give, to hang on the wall: each sheet with its sections."""
    drawn = [[_section(section) for section in sheet] for sheet in sheets]
    return _paper("commands", {"head": asdict(head), "sheets": drawn})


def _section(section: CommandSection) -> dict[str, Any]:
    cards = [asdict(card) | {"qr": _modules(card.code), "bars": _bars(card.code)} for card in section.cards]
    return {"title": section.title, "cards": cards}


def shown(text: str) -> str:
    """`text` in signs that the papers can show: others lose their accents or become "…"; invisible ones go."""
    composed = unicodedata.normalize("NFC", text.replace(NARROW_SPACE, SPACE_THAT_HOLDS))
    near = "".join(map(_shown_sign, " ".join(composed.split("\n"))))
    while CUT * 2 in near:
        near = near.replace(CUT * 2, CUT)
    return near


def _shown_sign(sign: str) -> str:
    if sign == "\t":
        return " "
    if unicodedata.category(sign) in UNSEEN:
        return ""
    if _has_font(sign):
        return sign
    return "".join(filter(_has_font, unicodedata.normalize("NFKD", sign))) or CUT


def _has_font(sign: str) -> bool:
    return any(first <= ord(sign) <= last for first, last in SHOWN)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, Mapping):
        return {name: _clean(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(each) for each in value]
    return value


def _drawing(signed: Signed) -> str:
    """The strokes as SVG, which the typesetter tags as a figure; empty when nothing was drawn."""
    if not signed.strokes:
        return ""
    path = "".join(
        "M" + "L".join(f"{x:d} {y:d}" for x, y in stroke + stroke[-1:]) for stroke in signed.strokes
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {signed.width:d} {signed.height:d}">'
        f'<path d="{path}" fill="none" stroke="#000" stroke-width="{signed.width / 150:.1f}"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def _modules(text: str) -> list[list[int]]:
    """The QR of `text`, row by row, with the quiet zone that readers need."""
    symbol = qr(text, "")
    around = range(-QR_QUIET, symbol.width + QR_QUIET)
    return [[BLACK if _inked(symbol, column, row) else WHITE for column in around] for row in around]


def _bars(text: str) -> list[int]:
    """The Code 128 of `text`, with the quiet zones that readers need."""
    symbol = code128(text)
    columns = range(-BARS_QUIET, symbol.width + BARS_QUIET)
    return [BLACK if _inked(symbol, column, 0) else WHITE for column in columns]


def _inked(symbol: Bitmap, column: int, row: int) -> bool:
    inside = range(symbol.width)
    return column in inside and row in inside and symbol.is_black(column, row)


@cache
def _fonts() -> typst.Fonts:
    # Those of the machine are left out: a paper looks the same wherever it is made.
    return typst.Fonts(include_system_fonts=False, font_paths=[str(HERE / "fonts")])


def _paper(name: str, facts: Mapping[str, Any]) -> bytes:
    # A compiler serves one thread at a time; making one costs little once the fonts are read.
    compiler = typst.Compiler(
        str(HERE / "papers" / f"{name}.typ"),
        root=str(HERE),
        font_paths=_fonts(),
        sys_inputs={"facts": json.dumps(_clean(facts), ensure_ascii=False)},
    )
    made = compiler.compile(format="pdf", pdf_standards=["ua-1"])
    if not isinstance(made, bytes):
        raise TypeError(f"{name}: one PDF expected")
    return made
