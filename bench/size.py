"""Whether a scan takes longer in a large bank: the same scans in a small one, round by round beside it."""

import random
from pathlib import Path

import sqlalchemy as sa

from bank import db, demo, schema
from bank.actor import Actor
from bank.app import create_app
from bank.demo import people
from bank.identity import actions, rules
from bank.inventory import register
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import Category, Device, Label, LabelState
from bank.journal import Entry
from bench import stage

OPERATOR = "atelier"
# So many devices, drawn from the whole bank, are scanned in turn: their pages and codes lie far apart.
SCANNED = 4_000


def fill(url: str, folder: Path, count: int) -> None:
    """Give a new bank the demo's people and so many devices, with the lives that they lived."""
    app = create_app(stage.config(url, folder))
    with app.app_context():
        schema.upgrade(db.db.engine)
        demo.load()
        demo.grow(count)
        db.db.engine.dispose()


def ready_to_scan(url: str, folder: Path) -> tuple[str, list[str], int, int]:
    """Bring devices from all over the bank back to a workshop, onto a long route of cleanings.

    An operator's token, the codes of these devices, and how many devices and entries the bank holds.
    """
    app = create_app(stage.config(url, folder))
    with app.app_context():
        schema.upgrade(db.db.engine)
        with db.transaction() as session:
            operator = people.cast_of(session)[OPERATOR]
            first = stage.long_route(session, Category.LAPTOP)
            token = actions.create_token_for_email(session, OPERATOR + rules.DEMO_DOMAIN, 1, "bench")
        codes = _come_back(operator, first)
        with db.read() as session:
            devices, entries = (
                session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
                for table in (Device, Entry)
            )
        with db.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE"))
        db.db.engine.dispose()
    return token, codes, devices, entries


def _come_back(operator: Actor, step_id: int) -> list[str]:
    with db.read() as session:
        given = session.scalars(
            sa.select(Label.code)
            .join(Device, Device.id == Label.device_id)
            .where(Device.state == State.HANDED_OVER, Label.state == LabelState.CLAIMED)
        ).all()
    codes = random.Random(4207).sample(given, min(SCANNED, len(given)))  # noqa: S311  (the same ones each time)
    for start in range(0, len(codes), 200):
        with db.transaction() as session:
            for standing in register.look_at_all(session, codes[start : start + 200]).values():
                back = register.move(
                    session, operator, standing, Move.COME_BACK, to={"custodian_id": operator.organisation_id}
                )
                register.move(session, operator, back, Move.ENTER, to={"step_id": step_id})
    return codes
