"""The demo bank as it opens at the first start."""

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from bank import db, journal
from bank.demo import history, people
from bank.identity import signin
from bank.identity.models import Person


def is_empty() -> bool:
    """Whether nobody uses this bank yet."""
    with db.read() as session:
        return session.scalar(sa.select(Person.id).limit(1)) is None


def load() -> None:
    """Make the demo bank, in one unit of work: a start that is cut short leaves nothing half made.

    Raises RuntimeError in production.
    """
    if current_app.config["BANK"].production:
        raise RuntimeError("the demo bank has a known password: production refuses it")
    hashed = signin.hash_password(people.PASSWORD)
    with db.transaction() as session:
        # Nobody is mailed of what happened months ago.
        session.info["on_entry"] = _nothing_follows
        people.settle(session, hashed)
        history.live(session, people.cast_of(session))


def _nothing_follows(_session: Session, _entry: journal.Row) -> None:
    """No job."""
