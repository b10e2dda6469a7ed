"""What a device is and how it is: maker, model, serial; how it looks, what works, what runs on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.db import utcnow
from bank.inventory import register, serials
from bank.inventory.lifecycle import Move
from bank.inventory.models import AnnouncedItem, CodeKind, Condition, Device, DeviceCode
from bank.inventory.register import Standing


@dataclass(frozen=True, slots=True)
class Description:
    """What somebody read on a device. What is None was not read."""

    serial: str | None = None
    maker: str | None = None
    model: str | None = None


def describe(session: Session, actor: Actor, standing: Standing, read: Description) -> Standing:
    """Write down what was read on a device; tie it to the row of the donor's list that has its serial.

    Raises Refusal(illegal-move, moved-meanwhile).
    """
    serial = serials.tidy(read.serial or "")
    item = _announced(session, standing, serial) if serial else None
    codes = {CodeKind.SERIAL: serial} if serial else {}
    if item is not None:
        codes |= {
            kind: value
            for kind, value in ((CodeKind.ASSET_TAG, item.asset_tag), (CodeKind.IMEI, item.imei))
            if value
        }
    after = register.move(
        session,
        actor,
        standing,
        Move.DESCRIBE,
        facts={"codes": sorted(codes), "item": item.id if item else None},
    )
    device = session.get_one(Device, standing.device_id)
    device.maker = read.maker or device.maker or (item.maker if item else "")
    device.model = read.model or device.model or (item.model if item else "")
    if item is not None:
        item.device_id = device.id
    session.flush()
    _add_codes(session, device.id, codes)
    return after


def _announced(session: Session, standing: Standing, serial: str) -> AnnouncedItem | None:
    """The row of the device's own batch that has this serial, unless another device was found for it."""
    return session.scalars(
        sa.select(AnnouncedItem)
        .join(Device, Device.batch_ref == AnnouncedItem.batch_ref)
        .where(
            Device.id == standing.device_id,
            AnnouncedItem.serial == serial,
            AnnouncedItem.device_id.is_(None),
        )
        .order_by(AnnouncedItem.id)
        .limit(1)
        .with_for_update(of=AnnouncedItem)
    ).one_or_none()


def _add_codes(session: Session, device_id: int, codes: Mapping[CodeKind, str]) -> None:
    known = set(
        session.execute(
            sa.select(DeviceCode.kind, DeviceCode.value).where(DeviceCode.device_id == device_id)
        ).tuples()
    )
    session.add_all(
        DeviceCode(device_id=device_id, kind=kind, value=value)
        for kind, value in codes.items()
        if (kind, value) not in known
    )
    session.flush()


def note(session: Session, device_id: int, values: Mapping[str, Any]) -> None:
    """Write how a device is now, after the move that says so; what `values` does not name stays as it was."""
    row = session.get(Condition, device_id)
    if row is None:
        row = Condition(device_id=device_id)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.updated_at = utcnow()
    session.flush()
