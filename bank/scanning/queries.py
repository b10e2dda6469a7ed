"""Reads of the scan desk: a scan's first answer, the device in hand, a person's last scans."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.inventory import actions as drives
from bank.inventory import register
from bank.inventory import rules as inventory_rules
from bank.inventory.actions import KnownDrive
from bank.inventory.lifecycle import State
from bank.inventory.models import (
    Category,
    Device,
    ErasureMethod,
    ErasureProof,
    Label,
    LabelState,
    Origin,
    Step,
    StepKind,
)
from bank.inventory.register import Standing
from bank.web.pages import PARIS
from bank.workshops import queries as workshops
from bank.workshops.models import DANGERS, Problem
from bank.workshops.rules import OPPOSITES, UNDONE_WITHIN, Outcome

LAST = 5
# What somebody did last is looked for among this many last rows: these tables have no index by person.
WITHIN = 5_000


class Asked(StrEnum):
    """What the person says with a scan."""

    LOOK = "look"
    DONE = "done"
    PROBLEM = "problem"
    HELP = "help"
    DANGER = "danger"
    PUT = "put"
    UNDO = "undo"


OUTCOMES = {
    journal.Kind.DEVICE_ENTER.value: Outcome.ENTERED,
    journal.Kind.DEVICE_PASS.value: Outcome.PASSED,
    journal.Kind.DEVICE_FINISH.value: Outcome.FINISHED,
    journal.Kind.DEVICE_DRIVES.value: Outcome.KEPT,
    journal.Kind.DEVICE_BLOCK.value: Outcome.BLOCKED,
    journal.Kind.DEVICE_SEND_BACK.value: Outcome.SENT_BACK,
    journal.Kind.HELP_CALLED.value: Outcome.HELP_CALLED,
    journal.Kind.DEVICE_PUT.value: Outcome.PUT,
    journal.Kind.DEVICE_SHIP.value: Outcome.SHIPPED,
    journal.Kind.DEVICE_UNDO.value: Outcome.UNDONE,
    journal.Kind.DEVICE_LEAVE.value: Outcome.UNDONE,
    journal.Kind.DEVICE_REOPEN.value: Outcome.UNDONE,
}
# Whose `reason` is a problem.
NAMED = (Outcome.BLOCKED, Outcome.SENT_BACK, Outcome.HELP_CALLED)
# What each thing that is said may come to: a scan's name that came to something else was another scan's.
COMES_TO: Mapping[Asked, frozenset[Outcome]] = {
    Asked.LOOK: frozenset({Outcome.ENTERED}),
    Asked.DONE: frozenset(
        {Outcome.PASSED, Outcome.FINISHED, Outcome.KEPT, Outcome.BLOCKED, Outcome.SENT_BACK}
    ),
    Asked.PROBLEM: frozenset({Outcome.BLOCKED, Outcome.SENT_BACK}),
    Asked.HELP: frozenset({Outcome.HELP_CALLED}),
    Asked.DANGER: frozenset({Outcome.BLOCKED, Outcome.HELP_CALLED}),
    Asked.PUT: frozenset({Outcome.PUT}),
    Asked.UNDO: frozenset({Outcome.UNDONE}),
}

entry = journal.Entry.__table__
OF_DEVICE = entry.c.subject == journal.Subject.DEVICE.value


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a scan: what it came to, and where the device stands."""

    outcome: Outcome
    state: State | None
    step: StepKind | None
    code: str
    category: Category
    open_drives: int = 0
    reason: Code | None = None
    problem: Problem | None = None


def known_scans(session: Session, scan_ids: Iterable[str]) -> set[str]:
    """Which of these scans the journal has already."""
    return set(session.scalars(sa.select(entry.c.scan_id).where(entry.c.scan_id.in_(list(scan_ids)))))


def reason_of(outcome: Outcome, problem: Problem | None) -> Code | None:
    """The code of what keeps a device where it is, if something does."""
    if outcome is Outcome.KEPT:
        return Code.DRIVES_OPEN
    stopped = outcome in (Outcome.BLOCKED, Outcome.NOTHING) and problem is not None
    return Code.BLOCKED if stopped else None


@dataclass(frozen=True, slots=True)
class InHand:
    """The device that was scanned, as the desk shows it. `step` is the one to do now, entered or not."""

    code: str
    category: Category
    maker: str
    model: str
    state: State
    step: StepKind | None
    purge_asked: bool
    drives: tuple[KnownDrive, ...]
    blocked: Problem | None = None
    # A control is for somebody else than who worked on it.
    is_own_work: bool = False

    @property
    def in_danger(self) -> bool:
        """Whether it is to be left alone."""
        return self.blocked in DANGERS


@dataclass(frozen=True, slots=True)
class LastScan:
    """One of a person's own last scans."""

    code: str
    category: Category
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True)
class Undoable:
    """A person's last scan, while nobody has touched its device since."""

    scan_id: str
    code: str
    category: Category
    outcome: Outcome
    step: StepKind | None


@dataclass(frozen=True, slots=True)
class Tool:
    """The erasure tool that an organisation used last: a start for the next form."""

    method: ErasureMethod
    name: str
    version: str


def first_answer(session: Session, actor: Actor, scan_id: str, code: str, asked: Asked) -> Result | None:
    """The answer that this scan had the first time, read back from the journal; None if it had no effect.

    Raises Refusal(idempotency-key-reused) when the name belongs to another scan.
    """
    first = session.execute(sa.select(entry).where(entry.c.scan_id == scan_id)).one_or_none()
    if first is None:
        return None
    outcome = OUTCOMES.get(first.kind)
    facts = json.loads(first.facts)
    is_device = first.subject == journal.Subject.DEVICE.value
    of_device = first.subject_id if is_device else facts.get("device")
    device_id = session.scalar(sa.select(Label.device_id).where(Label.code == code))
    if (
        device_id is None
        or outcome not in COMES_TO[asked]
        or of_device != device_id
        or first.organisation_id != actor.organisation_id
    ):
        raise Refusal(Code.IDEMPOTENCY_KEY_REUSED)
    problem = Problem(facts["reason"]) if outcome in NAMED and facts.get("reason") else None
    return _as_it_was(session, device_id, first.id, outcome, problem)


def _as_it_was(
    session: Session, device_id: int, entry_id: int, outcome: Outcome, problem: Problem | None
) -> Result:
    """Where the device stood after an entry: its chain folded up to there."""
    stood: dict[str, Any] = {}
    for facts in session.scalars(
        sa.select(entry.c.facts)
        .where(OF_DEVICE, entry.c.subject_id == device_id, entry.c.id <= entry_id)
        .order_by(entry.c.id)
    ):
        stood |= json.loads(facts)["set"]
    code, category = session.execute(
        sa.select(Label.code, Device.category)
        .join(Device, Device.id == Label.device_id)
        .where(Device.id == device_id, Label.state == LabelState.CLAIMED)
    ).one()
    return Result(
        outcome=outcome,
        state=State(stood["state"]),
        step=session.scalar(sa.select(Step.kind).where(Step.id == stood.get("step_id"))),
        code=code,
        category=category,
        open_drives=int(stood.get("open_drives") or 0),
        reason=reason_of(outcome, problem),
        problem=problem,
    )


def in_hand(session: Session, actor: Actor, code: str) -> InHand:
    """The scanned device, for the organisation that holds it (or anyone of a workshop, once nobody does).

    Raises Refusal(unknown-label, void-label, blank-label, other-custodian).
    """
    standing = register.look(session, code)
    if standing.custodian_id is not None:
        inventory_rules.must_hold(actor, standing.custodian_id)
    made = session.execute(
        sa.select(Device.maker, Device.model, Device.state, Origin.purge_asked)
        .join(Origin, Device.origin_id == Origin.id)
        .where(Device.id == standing.device_id)
    ).one()
    step = standing.step_kind
    if standing.state is State.RECEIVED:
        today = utcnow().astimezone(PARIS).date()
        first = workshops.first_step(session, standing.category, today)
        step = first.kind if first else None
    known = drives.known_drives(session, standing.device_id) if step is StepKind.ERASURE else []
    return InHand(
        standing.code,
        standing.category,
        made.maker,
        made.model,
        made.state,
        step,
        made.purge_asked,
        tuple(known),
        workshops.what_stops(session, standing.blocker_id),
        _is_own_work(session, actor, standing),
    )


def _is_own_work(session: Session, actor: Actor, standing: Standing) -> bool:
    if standing.step_kind is not StepKind.CONTROL or actor.can(Permission.WORKSHOP_RUN):
        return False
    return workshops.has_worked_on(session, actor, standing.device_id)


def last_scans(session: Session, actor: Actor) -> list[LastScan]:
    """What this person did today, the latest first."""
    midnight = datetime.combine(utcnow().astimezone(PARIS).date(), time(), PARIS)
    newest = sa.select(sa.func.max(entry.c.id)).scalar_subquery()
    rows = session.execute(
        sa.select(Label.code, Device.category, entry.c.kind, entry.c.at_us)
        .join(Device, Device.id == entry.c.subject_id)
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .where(
            entry.c.id > newest - WITHIN,
            OF_DEVICE,
            entry.c.person_id == actor.person_id,
            entry.c.scan_id.is_not(None),
            entry.c.kind.in_(OUTCOMES),
            entry.c.at_us >= round(midnight.timestamp() * 1_000_000),
        )
        .order_by(entry.c.id.desc())
        .limit(LAST)
    )
    return [
        LastScan(
            code, category, OUTCOMES[kind], datetime.fromtimestamp(0, UTC) + timedelta(microseconds=at_us)
        )
        for code, category, kind, at_us in rows
    ]


def undoable(session: Session, actor: Actor) -> Undoable | None:
    """The last scan that this person could take back now: of a device that nobody has touched since."""
    newest = sa.select(sa.func.max(entry.c.id)).scalar_subquery()
    opposed = [f"{journal.Subject.DEVICE.value}.{move.value}" for move in OPPOSITES]
    row = session.execute(
        sa.select(entry.c.scan_id, Label.code, Device.category, entry.c.kind, entry.c.facts)
        .join(Device, sa.and_(Device.id == entry.c.subject_id, Device.seq == entry.c.seq))
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .where(
            entry.c.id > newest - WITHIN,
            OF_DEVICE,
            entry.c.person_id == actor.person_id,
            entry.c.organisation_id == Device.custodian_id,
            entry.c.scan_id.is_not(None),
            entry.c.kind.in_([kind for kind in opposed if kind in OUTCOMES]),
            entry.c.at_us >= round((utcnow() - UNDONE_WITHIN).timestamp() * 1_000_000),
        )
        .order_by(entry.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or json.loads(row.facts).get("danger"):
        return None
    step = json.loads(row.facts).get("step")
    return Undoable(row.scan_id, row.code, row.category, OUTCOMES[row.kind], StepKind(step) if step else None)


def last_tool(session: Session, actor: Actor) -> Tool | None:
    """What this person's workshop erased with last: the next form starts from it, but for the result."""
    newest = sa.select(sa.func.max(ErasureProof.id)).scalar_subquery()
    row = session.execute(
        sa.select(ErasureProof.method, ErasureProof.tool, ErasureProof.tool_version)
        .where(ErasureProof.id > newest - WITHIN, ErasureProof.organisation_id == actor.organisation_id)
        .order_by(ErasureProof.id.desc())
        .limit(1)
    ).one_or_none()
    return Tool(*row) if row else None


def last_system(session: Session, actor: Actor) -> str | None:
    """What this person installed last: the next form starts from it."""
    newest = sa.select(sa.func.max(entry.c.id)).scalar_subquery()
    facts = session.scalar(
        sa.select(entry.c.facts)
        .where(
            entry.c.id > newest - WITHIN,
            OF_DEVICE,
            entry.c.person_id == actor.person_id,
            entry.c.kind == journal.Kind.DEVICE_PASS.value,
            # Canonical JSON: no other fact of this kind has this name.
            entry.c.facts.contains('"os":"', autoescape=True),
        )
        .order_by(entry.c.id.desc())
        .limit(1)
    )
    return json.loads(facts)["os"] if facts else None
