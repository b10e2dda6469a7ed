"""Scans that had no effect: kept until somebody has dealt with them, whatever becomes of their phone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import marshmallow as ma
import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor, Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import codes as badges
from bank.inventory import codes as labels
from bank.scanning.models import RefusedScan
from bank.scanning.queries import Asked

SAID_MAX = 60
SHOWN_MAX = 200
TAKEN = 200
AT = ma.fields.AwareDateTime(allow_none=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """One refused scan, as its page shows it. `said`: what the scanner gave, or nothing where that is a secret."""

    scan_id: str
    said: str
    asked: Asked
    station: str | None
    reason: Code
    scanned_at: datetime | None
    refused_at: datetime
    is_own: bool

    @property
    def code(self) -> str | None:
        """The label's code in what the scanner gave, where there is one."""
        try:
            return labels.read(self.said)
        except Refusal:
            return None


def note(session: Session, actor: Actor, sent: Iterable[Any], answers: Iterable[Mapping[str, Any]]) -> None:
    """Keep the scans of a series that were refused; one that was refused before and is taken now is settled."""
    for scan, answer in zip(sent, answers, strict=True):
        if answer["status"] == TAKEN:
            _close(session, actor, [answer["scan_id"]])
        elif (values := _readable(scan)) is not None:
            keep(session, actor, reason=Code(answer["code"]), **values)


def any_open(session: Session, scan_ids: Iterable[str]) -> bool:
    """Whether one of these scans is kept as refused."""
    query = sa.select(RefusedScan.id).where(
        RefusedScan.scan_id.in_(list(scan_ids)), RefusedScan.settled_at.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def keep(
    session: Session,
    actor: Actor,
    *,
    scan_id: str,
    said: str,
    asked: Asked,
    station: str | None,
    reason: Code,
    scanned_at: datetime | None = None,
) -> None:
    """Keep one refused scan; refused again, it is kept once, with its last reason."""
    known = session.scalars(sa.select(RefusedScan).where(RefusedScan.scan_id == scan_id)).one_or_none()
    if known is not None:
        if known.organisation_id == actor.organisation_id:
            known.reason, known.refused_at = reason.value, utcnow()
            known.settled_by = known.settled_at = None
            session.flush()
        return
    session.add(
        RefusedScan(
            scan_id=scan_id,
            organisation_id=actor.organisation_id,
            person_id=actor.person_id,
            said=_storable(said),
            asked=asked.value,
            station=station,
            reason=reason.value,
            scanned_at=scanned_at,
        )
    )
    session.flush()


def _readable(scan: Any) -> dict[str, Any] | None:
    """What of a refused scan can be kept; None for what no scanner made."""
    if not isinstance(scan, dict):
        return None
    try:
        scan_id, asked = str(UUID(scan["scan_id"])), Asked(scan["outcome"])
        code, station, at = scan["code"], scan.get("station"), AT.deserialize(scan.get("at"))
    except (KeyError, ValueError, TypeError, AttributeError, ma.ValidationError):
        return None
    if not isinstance(code, str):
        return None
    step = station if isinstance(station, str) and station.isidentifier() else None
    return {
        "scan_id": scan_id,
        "said": code,
        "asked": asked,
        "station": step[:20] if step else None,
        "scanned_at": at,
    }


def _storable(said: str) -> str:
    """What the scanner gave, cut to what a database stores; a badge's code opens a session and is not kept."""
    if badges.read(said) is not None:
        return ""
    return "".join(sign for sign in said if sign.isprintable())[:SAID_MAX]


def open_ones(session: Session, actor: Actor) -> list[Kept]:
    """What awaits somebody: a person's own, or their whole workshop's for who runs it."""
    query = sa.select(RefusedScan).where(
        RefusedScan.organisation_id == actor.organisation_id, RefusedScan.settled_at.is_(None)
    )
    if not actor.can(Permission.WORKSHOP_RUN):
        query = query.where(RefusedScan.person_id == actor.person_id)
    return [
        Kept(
            row.scan_id,
            row.said,
            Asked(row.asked),
            row.station,
            Code(row.reason),
            row.scanned_at,
            row.refused_at,
            row.person_id == actor.person_id,
        )
        for row in session.scalars(query.order_by(RefusedScan.id).limit(SHOWN_MAX))
    ]


def settle(session: Session, actor: Actor, scan_id: str) -> None:
    """Somebody has dealt with it. Settled twice, it is settled. Raises Refusal(not-found)."""
    if not _close(session, actor, [scan_id]) and not _is_there(session, actor, scan_id):
        raise Refusal(Code.NOT_FOUND)


def _mine(actor: Actor, scan_ids: list[str]) -> sa.ColumnElement[bool]:
    own = sa.and_(
        RefusedScan.scan_id.in_(scan_ids),
        RefusedScan.organisation_id == actor.organisation_id,
    )
    if actor.can(Permission.WORKSHOP_RUN):
        return own
    return sa.and_(own, RefusedScan.person_id == actor.person_id)


def _close(session: Session, actor: Actor, scan_ids: list[str]) -> bool:
    closed = session.scalars(
        sa.update(RefusedScan)
        .where(_mine(actor, scan_ids), RefusedScan.settled_at.is_(None))
        .values(settled_by=actor.person_id, settled_at=utcnow())
        .returning(RefusedScan.id)
    ).all()
    return bool(closed)


def _is_there(session: Session, actor: Actor, scan_id: str) -> bool:
    return session.scalar(sa.select(RefusedScan.id).where(_mine(actor, [scan_id]))) is not None
