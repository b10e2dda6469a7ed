"""A tray: things are scanned, each is checked at once without effect, then one word is said of all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.allocation import desk_queries
from bank.errors import Code, Refusal
from bank.inventory import codes, finding, register
from bank.inventory.models import Category, StepKind
from bank.inventory.register import Standing
from bank.workshops import actions as workshops
from bank.workshops import rules, shipments
from bank.workshops.actions import Work
from bank.workshops.models import DANGERS, Problem
from bank.workshops.rules import Seen

MOST = 500


class TrayAction(StrEnum):
    """What can be said of a whole tray."""

    PUT = "put"
    PASS = "pass"
    PROBLEM = "problem"
    SHIP = "ship"
    LABELS = "labels"
    HAND_OVER = "hand_over"


# What each needs besides the right to scan.
MAY: Mapping[TrayAction, Permission] = {
    TrayAction.PUT: Permission.DEVICE_SCAN,
    TrayAction.PASS: Permission.DEVICE_SCAN,
    TrayAction.PROBLEM: Permission.DEVICE_SCAN,
    TrayAction.SHIP: Permission.WORKSHOP_RUN,
    TrayAction.LABELS: Permission.LABEL_PRINT,
    TrayAction.HAND_OVER: Permission.HANDOVER_MAKE,
}
# Steps that take nothing down of each thing: one word is true of many.
STEPS = tuple(step for step in StepKind if not rules.PROOFS.get(step))
# A danger is told of the thing that one has in hand, never of many.
REASONS = tuple(problem for problem in Problem if problem not in DANGERS)


@dataclass(frozen=True, slots=True)
class Tray:
    """What is to be done with the things of a tray. Its name makes each thing's scan: sent twice, it acts once."""

    name: str
    action: TrayAction
    place: str | None = None
    station: StepKind | None = None
    reason: Problem | None = None
    to: int | None = None
    # The one request whose devices a tray holds, once the first of them was scanned.
    request: str | None = None

    def scan_id(self, code: str) -> str:
        """The name of the scan of one thing of this tray."""
        return str(uuid5(UUID(self.name), code))

    def undo_id(self, code: str) -> str:
        """The name of the scan that takes it back."""
        return str(uuid5(UUID(self.name), f"undo {code}"))

    @property
    def work(self) -> Work:
        """The same as one scan says it."""
        seen = Seen(reason=self.reason) if self.reason else rules.NOTHING_SEEN
        return Work(self.station, seen, place=self.place)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of a tray: what it is, and why it cannot be acted on, where it cannot."""

    said: str
    code: str | None = None
    category: Category | None = None
    refusal: Refusal | None = None
    request: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it can be acted on."""
        return self.refusal is None


def must_be_whole(session: Session, actor: Actor, tray: Tray) -> str:
    """Whether the tray says all that its action needs; where things go, in words where there are some.

    Raises Refusal(not-allowed, invalid, not-found).
    """
    actor.must(MAY[tray.action])
    if tray.action is TrayAction.PUT:
        if not tray.place:
            raise Refusal(Code.INVALID, errors={"place": ["needed"]})
        return finding.place(session, actor, tray.place).name
    if tray.action is TrayAction.PASS and tray.station not in STEPS:
        raise Refusal(Code.INVALID, errors={"station": ["needed"]})
    if tray.action is TrayAction.PROBLEM and tray.reason not in REASONS:
        raise Refusal(Code.INVALID, errors={"reason": ["needed"]})
    if tray.action is TrayAction.SHIP:
        if tray.to is None:
            raise Refusal(Code.INVALID, errors={"to": ["needed"]})
        shipments.may_send_to(session, actor, tray.to)
    return ""


def check(session: Session, actor: Actor, tray: Tray, said: str) -> Line:
    """What would become of one thing that was scanned. Writes nothing, and never raises for a thing."""
    standing: Standing | None = None
    try:
        standing = register.look(session, codes.read(said))
        request = CHECKS[tray.action](session, actor, standing, tray)
    except Refusal as refusal:
        if standing is None:
            return Line(said, refusal=refusal)
        if actor.organisation_id not in {standing.custodian_id, standing.owner_id}:
            # Of what somebody else has, the label is all that is told.
            return Line(said, refusal=Refusal(Code.OTHER_CUSTODIAN))
        return Line(said, standing.code, standing.category, refusal)
    return Line(said, standing.code, standing.category, request=request)


Check = Callable[[Session, Actor, Standing, Tray], str | None]


def _put(session: Session, actor: Actor, standing: Standing, tray: Tray) -> None:
    workshops.may_put(session, actor, standing, tray.work)


def _pass(session: Session, actor: Actor, standing: Standing, tray: Tray) -> None:
    workshops.may_pass(session, actor, workshops.once_entered(session, actor, standing), tray.work)


def _problem(session: Session, actor: Actor, standing: Standing, tray: Tray) -> None:
    workshops.may_block(session, actor, workshops.once_entered(session, actor, standing), tray.work)


def _ship(session: Session, actor: Actor, standing: Standing, _tray: Tray) -> None:
    shipments.may_ship(session, actor, standing)


def _labels(_session: Session, actor: Actor, standing: Standing, _tray: Tray) -> None:
    if actor.organisation_id not in {standing.custodian_id, standing.owner_id}:
        raise Refusal(Code.OTHER_CUSTODIAN)


def _hand_over(session: Session, actor: Actor, standing: Standing, tray: Tray) -> str:
    found = desk_queries.find(session, actor, standing.code)
    if found.handover_ref:
        raise Refusal(Code.REQUEST_CLOSED)
    if tray.request and tray.request != found.request_ref:
        raise Refusal(Code.OTHER_REQUEST)
    return found.request_ref


CHECKS: Mapping[TrayAction, Check] = {
    TrayAction.PUT: _put,
    TrayAction.PASS: _pass,
    TrayAction.PROBLEM: _problem,
    TrayAction.SHIP: _ship,
    TrayAction.LABELS: _labels,
    TrayAction.HAND_OVER: _hand_over,
}
