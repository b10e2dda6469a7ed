"""A tray from end to end: each thing in a unit of work of its own, so that one that cannot stops no other."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import IntegrityError

from bank import db, work
from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.inventory import codes, register
from bank.inventory.register import ScanMark
from bank.scanning import intake, queries, trays
from bank.scanning.actions import Scan
from bank.scanning.queries import Asked, Result
from bank.scanning.trays import MOST, Line, Tray, TrayAction
from bank.workshops import shipments
from bank.workshops.rules import Outcome

ASKED = {
    TrayAction.PUT: Asked.PUT,
    TrayAction.PASS: Asked.DONE,
    TrayAction.PROBLEM: Asked.PROBLEM,
}


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of one thing of a tray: its result, or why there is none."""

    line: Line
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """What became of a tray; the shipment that it is now, where it is one."""

    acted: tuple[Acted, ...]
    shipment_id: int | None = None


def distinct(said: Iterable[str]) -> list[str]:
    """What was scanned, each label once, in its order; what is no label as it is. Raises Refusal(invalid)."""
    found: dict[str, str] = {}
    for each in said:
        try:
            found.setdefault(codes.read(each), each)
        except Refusal:
            # Half a character names nothing, and no scan can be named after it.
            found.setdefault(each.encode("utf-8", "replace").decode(), each)
    if not 0 < len(found) <= MOST:
        raise Refusal(Code.INVALID, errors={"codes": [f"1 to {MOST} codes"]})
    return list(found)


def check(actor: Actor, tray: Tray, said: Sequence[str]) -> list[Line]:
    """What would become of each thing. Writes nothing. Raises Refusal when the tray itself is not whole."""
    lines: list[Line] = []
    with db.read() as session:
        trays.must_be_whole(session, actor, tray)
        for each in said:
            lines.append(trays.check(session, actor, tray, each))
            tray = replace(tray, request=tray.request or lines[-1].request)
    return lines


def act(actor: Actor, tray: Tray, said: Sequence[str]) -> Whole:
    """Act on each thing, once however often the tray comes. Raises Refusal when the tray itself is not whole."""
    with db.read() as session:
        trays.must_be_whole(session, actor, tray)
    if tray.action is TrayAction.SHIP:
        return _ship_all(actor, tray, said)
    asked = ASKED.get(tray.action)
    if asked is None:
        raise Refusal(Code.INVALID, errors={"action": ["nothing to do here"]})
    taken = (_taken(actor, _scan(tray, asked, each), each) for each in said)
    return Whole(tuple(_unless_nothing(actor, tray, each) for each in taken))


def _unless_nothing(actor: Actor, tray: Tray, acted: Acted) -> Acted:
    """A scan that is told and does nothing is, in a tray, one that could not be done: why."""
    if acted.result is None or acted.result.outcome is not Outcome.NOTHING:
        return acted
    with db.read() as session:
        line = trays.check(session, actor, tray, acted.line.said)
    return Acted(line if line.refusal else replace(line, refusal=Refusal(Code.MOVED_MEANWHILE)))


def undo(actor: Actor, tray: Tray, said: Sequence[str]) -> Whole:
    """Take the tray back, thing by thing; what has moved on since says so and stays."""
    scans = [(each, Scan(tray.undo_id(each), each, Asked.UNDO, undoes=tray.scan_id(each))) for each in said]
    return Whole(tuple(_taken(actor, scan, each) for each, scan in scans))


def _scan(tray: Tray, asked: Asked, code: str) -> Scan:
    said = tray.work
    return Scan(tray.scan_id(code), code, asked, tray.station, said.seen, place=tray.place)


def _taken(actor: Actor, scan: Scan, said: str) -> Acted:
    try:
        codes.read(said)
        result = intake.take(scan, intake.as_known(actor), lambda: actor)
    except IntegrityError:
        return Acted(Line(said, refusal=Refusal(Code.ALREADY_EXISTS)))
    except Refusal as refusal:
        return Acted(Line(said, refusal=refusal))
    return Acted(Line(said, result.code, result.category), result)


def _ship_all(actor: Actor, tray: Tray, said: Sequence[str]) -> Whole:
    """The shipment begins when something can leave; a tray that came already goes on with the one that it began."""
    with db.read() as session:
        known = queries.known_scans(session, map(tray.scan_id, said))
        lines = {each: trays.check(session, actor, tray, each) for each in said}
    leaving = [each for each in said if lines[each].ok or tray.scan_id(each) in known]
    if not leaving:
        return Whole(tuple(Acted(line) for line in lines.values()))
    content = ["tray.ship", tray.to]
    with db.transaction() as session:
        made = work.once(
            session,
            actor,
            f"tray {tray.name}",
            content,
            lambda: str(shipments.begin(session, actor, tray.to or 0, len(leaving))),
        )
    shipment_id = int(made)
    acted = tuple(
        _shipped(actor, tray, each, shipment_id) if each in leaving else Acted(lines[each]) for each in said
    )
    return Whole(acted, shipment_id)


def _shipped(actor: Actor, tray: Tray, code: str, shipment_id: int) -> Acted:
    mark = ScanMark(tray.scan_id(code))
    try:
        with db.transaction() as session:
            standing = register.retried(
                lambda: shipments.ship(session, actor, register.look(session, code), shipment_id, mark)
            )
    except (Refusal, IntegrityError) as error:
        with db.read() as session:
            if not queries.known_scans(session, [mark.scan_id]):
                refusal = error if isinstance(error, Refusal) else Refusal(Code.ON_ITS_WAY)
                return Acted(Line(code, refusal=refusal))
            standing = register.look(session, code)
    result = Result(Outcome.SHIPPED, standing.state, standing.step_kind, standing.code, standing.category)
    return Acted(Line(code, standing.code, standing.category), result)
