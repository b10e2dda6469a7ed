"""Changes to the dated rows: a programme and a price are added from a day. The past is never edited.

What counted until then ends the day before, so that on each day one row counts.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank import journal
from bank.actor import Actor, Permission
from bank.allocation import nir, queries
from bank.allocation.models import Programme, ProofKind, Tariff
from bank.errors import Code, Refusal
from bank.identity.models import CapacityKind, LegalNature, Organisation
from bank.inventory.models import Category

DEAREST_CENTS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class NewTariff:
    """What one category costs under a programme from a day; `seller_id` None is for any seller."""

    programme: str
    category: Category
    price_cents: int
    valid_from: date
    source: str
    seller_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class NewProgramme:
    """A programme, or the new terms of one, from a day."""

    code: str
    name: str
    recipient_nature: LegalNature
    valid_from: date
    source: str
    hardship: bool = False
    proofs: frozenset[ProofKind] = frozenset()
    proof_days: int | None = None
    capacity_asked: CapacityKind | None = None
    loan_days: int | None = None


def add_tariff(session: Session, actor: Actor, new: NewTariff) -> int:
    """Add a price from today or a later day; the one before ends on the eve. The tariff's id.

    Raises Refusal(invalid).
    """
    actor.must(Permission.PRICE_EDIT)
    programme = _locked_programme(session, new.programme, new.valid_from)
    errors = _faults(new.valid_from, new.source)
    if not 0 <= new.price_cents <= DEAREST_CENTS:
        errors["price"] = ["price-range"]
    if new.seller_id is not None and session.get(Organisation, new.seller_id) is None:
        errors["seller"] = ["unknown-seller"]
    if errors:
        raise Refusal(Code.INVALID, errors=errors)
    same = sa.and_(
        queries.priced_under(programme.id),
        Tariff.category == new.category,
        Tariff.seller_id.is_not_distinct_from(new.seller_id),
    )
    _end_the_day_before(session, Tariff, same, new.valid_from)
    made = Tariff(
        programme_id=programme.id,
        category=new.category,
        seller_id=new.seller_id,
        price_cents=new.price_cents,
        valid_from=new.valid_from,
        source=new.source,
    )
    session.add(made)
    session.flush()
    facts = {
        "programme": programme.code,
        "category": new.category.value,
        "seller": new.seller_id,
        "price_cents": new.price_cents,
        "valid_from": new.valid_from.isoformat(),
    }
    journal.append(session, actor, journal.Kind.TARIFF_ADDED, made.id, facts)
    return made.id


def add_programme(session: Session, actor: Actor, new: NewProgramme) -> int:
    """Add a programme from today or a later day; its id.

    With the code of one that exists these are its new terms: the old ones end on the eve. Prices follow the code:
    they go on. Raises Refusal(invalid).
    """
    actor.must(Permission.PRICE_EDIT)
    errors = _faults(new.valid_from, new.source)
    if queries.CODE_FORM.fullmatch(new.code) is None:
        errors["code"] = ["code-form"]
    if nir.found_in(new.name):
        errors["name"] = ["nir"]
    if errors:
        raise Refusal(Code.INVALID, errors=errors)
    _current(session, new.code, new.valid_from)
    _end_the_day_before(session, Programme, Programme.code == new.code, new.valid_from)
    made = Programme(
        code=new.code,
        name=new.name,
        recipient_nature=new.recipient_nature,
        hardship=new.hardship,
        proofs=frozenset(proof.value for proof in new.proofs),
        proof_days=new.proof_days,
        capacity_asked=new.capacity_asked,
        loan_days=new.loan_days,
        valid_from=new.valid_from,
        source=new.source,
    )
    session.add(made)
    session.flush()
    facts = {"programme": new.code, "valid_from": new.valid_from.isoformat()}
    journal.append(session, actor, journal.Kind.PROGRAMME_ADDED, made.id, facts)
    return made.id


def _faults(valid_from: date, source: str) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if valid_from < queries.today():
        errors["valid_from"] = ["in-the-past"]
    if not source.strip():
        errors["source"] = ["source-missing"]
    elif nir.found_in(source):
        errors["source"] = ["nir"]
    return errors


def _current(session: Session, code: str, day: date) -> Programme | None:
    """The row of a programme that counts on a day, locked."""
    return session.scalars(
        sa.select(Programme)
        .where(Programme.code == code, queries.in_force(Programme, day))
        .order_by(Programme.valid_from.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()


def _locked_programme(session: Session, code: str, day: date) -> Programme:
    # The lock makes two people who add a price at once come one after the other.
    found = _current(session, code, day) if queries.CODE_FORM.fullmatch(code) else None
    if found is None:
        raise Refusal(Code.INVALID, errors={"programme": ["unknown"]})
    return found


def _end_the_day_before(
    session: Session, model: type[Programme | Tariff], same: sa.ColumnElement[bool], day: date
) -> None:
    """End what counts on that day; refuse to add before or on the first day of a row that is already planned.

    Raises Refusal(invalid).
    """
    planned = session.scalar(sa.select(sa.func.max(model.valid_from)).where(same))
    if planned is not None and planned >= day:
        raise Refusal(Code.INVALID, errors={"valid_from": ["already-planned"]})
    session.execute(
        sa.update(model)
        .where(same, queries.in_force(model, day))
        .values(valid_until=day - timedelta(days=1))
        .execution_options(synchronize_session=False)
    )
