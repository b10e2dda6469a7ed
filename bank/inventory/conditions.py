"""How a device is: how it looks, what works, what is left of its battery, what runs on it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from bank.db import utcnow
from bank.inventory.models import Condition


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
