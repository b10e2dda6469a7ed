"""A scan from end to end: its unit of work, and the first answer when the same scan comes again."""

from collections.abc import Callable
from functools import partial

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bank import db
from bank.actor import Actor
from bank.errors import Refusal
from bank.inventory import register
from bank.inventory.register import Standing
from bank.scanning import actions, queries
from bank.scanning.actions import Scan
from bank.scanning.queries import Result

Look = Callable[[Session, str], tuple[Actor, Standing]]


def take(scan: Scan, look: Look, who: Callable[[], Actor]) -> Result:
    """Take one scan in. A repeat is not looked for beforehand: the database refuses it, or the register does.

    `look` is asked inside the unit of work; `who` only when a first answer must be found. Raises Refusal.
    """
    try:
        with db.transaction() as session:
            return actions.scan(session, scan, partial(look, session, scan.code))
    except (Refusal, IntegrityError):
        actor = who()
        with db.read() as session:
            first = queries.first_answer(session, actor, scan.scan_id, scan.code, scan.asked)
        if first is None:
            raise
        return first


def as_known(actor: Actor) -> Look:
    """How to look when the person has signed in already."""
    return lambda session, code: (actor, register.look(session, code))
