"""How each person wants the scan desk: sound, vibration, speech, contrast, size of the text.

It follows the person, to whatever station their badge opens. The desk's pages carry it as attributes of their
`<body>`, which the style sheet and the scripts read.
"""

from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, g
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from bank import db
from bank.actor import Actor, Permission
from bank.scanning.models import DeskSettings, TextSize
from bank.web import guard


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one person asked of the desk; as it stands, what somebody has who asked for nothing."""

    sound: bool = True
    vibration: bool = True
    # Off until asked for: a voice that nobody awaits startles, and everybody around hears it.
    speech: bool = False
    contrast: bool = False
    text_size: TextSize = TextSize.NORMAL


COLUMNS = tuple(getattr(DeskSettings, name) for name in Wishes.__dataclass_fields__)


def of(session: Session, actor: Actor) -> Wishes:
    """How this person wants the desk."""
    row = session.execute(sa.select(*COLUMNS).where(DeskSettings.person_id == actor.person_id)).one_or_none()
    return Wishes(*row) if row else Wishes()


def save(session: Session, actor: Actor, wishes: Wishes) -> None:
    """Keep how this person wants the desk from now on. Raises Refusal(not-allowed)."""
    actor.must(Permission.DEVICE_SCAN)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = asdict(wishes)
    statement = insert(DeskSettings).values(person_id=actor.person_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=values))


def on_desk(bp: Blueprint) -> None:
    """Make the pages of a blueprint pages of the desk: each shows itself as its reader asked."""
    bp.context_processor(_of_reader)


def _of_reader() -> dict[str, Any]:
    """The attributes of the page's `<body>`; none for somebody who does not scan."""
    actor = guard.actor_or_none()
    if actor is None or not actor.can(Permission.DEVICE_SCAN):
        return {}
    if "desk" not in g:
        with db.read() as session:
            g.desk = attributes(of(session, actor))
    return {"desk": g.desk}


def attributes(wishes: Wishes) -> dict[str, str]:
    """The wishes as attributes of a page."""
    said = {True: "on", False: "off"}
    return {
        "data-sound": said[wishes.sound],
        "data-vibration": said[wishes.vibration],
        "data-speech": said[wishes.speech],
        "data-contrast": said[wishes.contrast],
        "data-text-size": wishes.text_size.value,
    }
