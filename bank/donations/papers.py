"""The facts of a batch's papers, in French: what was taken in, and the certificate that its data is gone.

Both speak of what no longer changes: the counts of the reception, and the proofs, which are added to; one that was
taken back is left out.
"""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import force_locale, format_date
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.db import utcnow
from bank.donations import queries
from bank.donations.models import BatchState
from bank.donations.queries import BatchSheet, DeviceTold, DriveTold, LineSheet
from bank.errors import Code, Refusal
from bank.identity.models import Organisation
from bank.inventory.models import DriveFate
from bank.office import letterhead
from bank.office.documents import CountLine, ErasedDevice, ErasedDrive, Erasure, Party, Reception
from bank.web.pages import today_in_paris
from bank.web.words import word

UNKNOWN = Party(name="Origine inconnue")


def reception(session: Session, actor: Actor, ref: str) -> Reception:
    """What a workshop counted when the batch arrived. Raises Refusal(not-found), before it has."""
    batch = _received(session, actor, ref)
    with force_locale("fr"):
        return Reception(
            head=letterhead.head(session),
            number=batch.ref,
            batch=batch.ref,
            day=_day(batch.received_at),
            donor=_party(session, batch.donor_id),
            receiver=_party(session, batch.workshop_id),
            lines=tuple(_count_line(line) for line in batch.lines),
            announced=str(batch.announced),
            received=str(batch.received),
            gap=_signed(batch.received - batch.announced),
            remark=_remark(batch),
        )


def erasure(session: Session, actor: Actor, ref: str) -> Erasure:
    """Each drive of the batch, and the proof that its data is gone. Raises Refusal(not-found), without a drive."""
    batch = _received(session, actor, ref)
    devices = [device for device in queries.told(session, actor, batch.ref) if device.drives]
    if not devices:
        raise Refusal(Code.NOT_FOUND)
    with force_locale("fr"):
        return Erasure(
            head=letterhead.head(session),
            number=batch.ref,
            batch=batch.ref,
            day=_day(utcnow()),
            donor=_party(session, batch.donor_id),
            issuer=_party(session, batch.workshop_id),
            summary=_summary(devices),
            devices=tuple(_device(device) for device in devices),
        )


def _received(session: Session, actor: Actor, ref: str) -> BatchSheet:
    batch = queries.batch(session, actor, ref)
    if batch.state is not BatchState.RECEIVED:
        raise Refusal(Code.NOT_FOUND)
    return batch


def _party(session: Session, organisation_id: int | None) -> Party:
    return letterhead.party(session.get_one(Organisation, organisation_id)) if organisation_id else UNKNOWN


def _count_line(line: LineSheet) -> CountLine:
    reasons = [word(line.gap_reason, "gap_reason")] if line.gap_reason else []
    if line.refused:
        reasons.append(f"refusé au quai : {line.refused}")
    return CountLine(
        what=word(line.category, "category"),
        announced=str(line.announced),
        received=str(line.received or 0),
        gap=_signed(line.gap or 0),
        reason=" ; ".join(reasons),
    )


def _signed(gap: int) -> str:
    return f"{gap:+d}".replace("-", "−") if gap else "0"


def _remark(batch: BatchSheet) -> str:
    if batch.unannounced:
        return "Ce lot est arrivé sans annonce."
    return ""


def _summary(devices: Sequence[DeviceTold]) -> str:
    drives = [drive for device in devices for drive in device.drives]
    gone = sum(not drive.open for drive in drives)
    waiting = len(drives) - gone
    said = f"{len(devices)} appareils à mémoire, {len(drives)} disques : {gone} sans données"
    return f"{said}, {waiting} encore à effacer." if waiting else f"{said}, aucun à effacer."


def _device(device: DeviceTold) -> ErasedDevice:
    named = " ".join(part for part in (device.maker, device.model) if part)
    what = word(device.category, "category")
    return ErasedDevice(
        code=device.code,
        what=f"{what}, {named}" if named else what,
        drives=tuple(_drive(drive) for drive in device.drives),
        own_marks=device.marks,
    )


def _drive(drive: DriveTold) -> ErasedDrive:
    kind = word(drive.kind, "drive_kind")
    serial = drive.serial or ""
    if drive.open:
        return ErasedDrive(kind=kind, serial=serial, result="pas encore effacé")
    if drive.proof is None:
        result = "aucun disque" if drive.fate is DriveFate.ABSENT else word(drive.fate, "drive_fate")
        return ErasedDrive(kind=kind, serial=serial, result=result)
    return ErasedDrive(
        kind=kind,
        serial=serial,
        method=word(drive.proof.method, "erasure_method"),
        tool=f"{drive.proof.tool} {drive.proof.tool_version}",
        result="effacé",
        day=_day(drive.proof.done_at),
        workshop=drive.proof.organisation,
    )


def _day(moment: datetime | None) -> str:
    return str(format_date(today_in_paris(moment or utcnow()), "d MMMM y"))
