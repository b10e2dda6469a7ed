"""What a workshop tells its people at a step, in its own words and with a picture of its own."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.inventory.models import StepKind
from bank.workshops.models import StepGuide

TEXT_MAX, ALT_MAX = 300, 150


@dataclass(frozen=True, slots=True)
class Guide:
    """What is shown at a step; `picture` is the name of a stored file, `alt` what it shows. Version 0: none yet."""

    step: StepKind
    text: str = ""
    picture: str | None = None
    alt: str = ""
    version: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.text and self.picture is None


def guides(session: Session, actor: Actor) -> Mapping[StepKind, Guide]:
    """The guides of the actor's own workshop, step by step; an empty one where nobody wrote any."""
    rows = session.scalars(sa.select(StepGuide).where(StepGuide.organisation_id == actor.organisation_id))
    written = {row.step: _guide(row) for row in rows}
    return {step: written.get(step, Guide(step)) for step in StepKind}


def guide(session: Session, actor: Actor, step: StepKind | None) -> Guide | None:
    """What the actor's own workshop shows at a step, if anything."""
    row = session.scalars(
        sa.select(StepGuide).where(StepGuide.organisation_id == actor.organisation_id, StepGuide.step == step)
    ).one_or_none()
    found = _guide(row) if row else None
    return None if found is None or found.is_empty else found


def edit(session: Session, actor: Actor, written: Guide) -> None:
    """Write what a step shows from now on; `written.version` is the one that its writer has seen.

    Raises Refusal(not-allowed, invalid, edited-meanwhile).
    """
    actor.must(Permission.WORKSHOP_RUN)
    text, alt = " ".join(written.text.split()), " ".join(written.alt.split())
    errors = _faults(text, alt, written.picture)
    if errors:
        raise Refusal(Code.INVALID, errors=errors)
    row = session.scalars(
        sa.select(StepGuide)
        .where(StepGuide.organisation_id == actor.organisation_id, StepGuide.step == written.step)
        .with_for_update()
    ).one_or_none()
    if (row.version if row else 0) != written.version:
        raise Refusal(Code.EDITED_MEANWHILE)
    row = row or StepGuide(organisation_id=actor.organisation_id, step=written.step)
    row.text, row.picture, row.picture_alt = text, written.picture, alt if written.picture else ""
    session.add(row)
    # Of two who write the first guide of a step at once, the database takes one.
    session.flush()
    journal.append(session, actor, journal.Kind.GUIDE_EDITED, row.id, {"step": written.step.value})


def _guide(row: StepGuide) -> Guide:
    return Guide(row.step, row.text, row.picture, row.picture_alt, row.version)


def _faults(text: str, alt: str, picture: str | None) -> dict[str, list[str]]:
    errors = {}
    if len(text) > TEXT_MAX or not text.isprintable():
        errors["text"] = ["unreadable"]
    if len(alt) > ALT_MAX or not alt.isprintable():
        errors["alt"] = ["unreadable"]
    elif picture and not alt:
        errors["alt"] = ["needed"]
    return errors
