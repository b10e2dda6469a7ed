"""The facts of the counter's papers, in French: the slip of an appointment, the receipt of a hand-over."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import sqlalchemy as sa
from flask_babel import force_locale, format_date, format_time
from sqlalchemy.orm import Session, aliased, selectinload

from bank.actor import Actor, Permission
from bank.allocation import counter, queries
from bank.allocation.models import (
    Allocation,
    AllocationState,
    Collector,
    Handover,
    HandoverSignature,
    Payment,
    Recipient,
    Request,
    RequestState,
    Signature,
)
from bank.errors import Code, Refusal
from bank.identity.models import Organisation
from bank.inventory.models import Condition, Device, Label, LabelState
from bank.office import letterhead
from bank.office.documents import Loan, Notice, Party, Receipt, ReceiptLine, Seller, Signed, Slip
from bank.web.pages import money, today_in_paris
from bank.web.words import word

Selected: TypeAlias = sa.Select[*tuple[Any, ...]]

BRING = (
    "Ce bon",
    "Une pièce d’identité : nous la regardons, nous ne la copions pas",
    "Un sac solide",
)
PAID = {
    Payment.CASH: "Payé en espèces",
    Payment.CHEQUE: "Payé par chèque",
    Payment.CARD: "Payé par carte",
    Payment.TRANSFER: "Payé par virement",
    Payment.NONE: "Rien à payer",
}
SIGNED = {
    Signature.ON_SCREEN: "Signé à l’écran.",
    Signature.ON_PAPER: "Signez ici :",
    Signature.WITNESS: "La personne ne peut pas signer. Son témoin signe ici :",
    Signature.CODE: "Signé par le code inscrit sur le bon de retrait.",
}


LEGAL_BASIS = (
    "La base légale est la mission d’intérêt public de l’organisme qui vous accompagne ou, pour une association, "
    "son intérêt légitime à aider."
)
KEPT = (
    "Votre nom et vos coordonnées : deux ans après le dernier contact, au plus.",
    "Le reçu de ce que vous avez payé : le temps que la loi demande pour les comptes.",
)


def notice(session: Session, actor: Actor) -> Notice:
    """What becomes of a person's data, to hand over by who asks for them."""
    bank = session.scalars(
        sa.select(Organisation)
        .where(sa.type_coerce(Organisation.roles, sa.Text()).contains("bank"))
        .order_by(Organisation.id)
        .limit(1)
    ).one_or_none()
    head = letterhead.head(session)
    return Notice(
        head=head,
        controller=letterhead.party(bank) if bank else Party(name=head.bank, address=head.address),
        contact=head.address or head.bank,
        legal_basis=LEGAL_BASIS,
        kept=KEPT,
        asked_by=actor.organisation_name,
    )


def slip(session: Session, actor: Actor, ref: str) -> Slip:
    """The slip of a request's appointment. Raises Refusal(not-found).

    The code that is as good as a signature is for who brings it, never for the counter that receives it.
    """
    row = session.scalars(
        sa.select(Request)
        .where(Request.ref == queries.reference(ref), queries.visible(actor))
        .where(Request.state == RequestState.ALLOCATED, Request.slip_code.is_not(None))
    ).one_or_none()
    if row is None or row.slip_code is None or row.appointment_at is None:
        raise Refusal(Code.NOT_FOUND)
    desk = session.get_one(Organisation, row.desk_id)
    wanted = queries.find(session, actor, ref)
    # Asking and receiving may be one organisation: its counter does not get the code either.
    for_the_bearer = desk.id != actor.organisation_id
    with force_locale("fr"):
        return Slip(
            head=letterhead.head(session),
            code=row.slip_code,
            day=_long_day(today_in_paris(row.appointment_at)),
            time=_hour(row.appointment_at),
            desk=letterhead.party(desk),
            price=money(wanted.total_cents) if wanted.total_cents else "Rien à payer",
            what=_counted(wanted.allocations),
            bring=BRING,
            ways="Espèces, chèque ou carte" if wanted.total_cents else "",
            sign_code=(row.slip_pin or "") if wanted.for_a_person and for_the_bearer else "",
        )


def receipt(session: Session, actor: Actor, ref: str) -> Receipt:
    """The paper of a hand-over: its receipt, or the note of a loan. Raises Refusal(not-found).

    Who gave and who asked see the name on it; others who may see the hand-over do not.
    """
    made, request, desk, asker = _handover(session, actor, ref)
    desk_here = made.desk_id == actor.organisation_id and actor.can(Permission.HANDOVER_MAKE)
    own = request.organisation_id == actor.organisation_id and actor.can(Permission.REQUEST_MAKE)
    person = session.get(Recipient, request.recipient_id) if request.recipient_id else None
    signature = session.get(HandoverSignature, made.id) if desk_here or own else None
    recipient = asker.name if person is None else person.name if desk_here or own else "la personne aidée"
    with force_locale("fr"):
        given = _given(session, made)
        due = next((each.due_on for each, *_ in given if each.due_on), None)
        sellers = _sellers(session, [each.seller_id for each, *_ in given], today_in_paris(made.made_at))
        return Receipt(
            head=letterhead.head(session),
            number=made.ref,
            day=f"{_long_day(today_in_paris(made.made_at))}, {_hour(made.made_at)}",
            sellers=tuple(sellers.values()),
            recipient=recipient,
            collected_by=_collector(made, signature),
            signer=_representative(made, signature),
            lines=tuple(_line(row, sellers) for row in given),
            total=money(sum(each.price_cents for each, *_ in given)),
            paid=PAID[made.payment],
            sold=made.paid_cents > 0,
            signed=_signed(made, signature),
            come_back=", ".join(part for part in (desk.name, desk.address) if part),
            lesson=desk.first_lesson or "",
            loan=Loan(until=_long_day(due), where=desk.name) if due else None,
        )


def _handover(
    session: Session, actor: Actor, ref: str
) -> tuple[Handover, Request, Organisation, Organisation]:
    desk, asker = aliased(Organisation), aliased(Organisation)
    statement: Selected = (
        sa.select(Handover, Request, desk, asker)
        .join(Request, Request.id == Handover.request_id)
        .join(desk, desk.id == Handover.desk_id)
        .join(asker, asker.id == Request.organisation_id)
        .where(Handover.ref == queries.reference(ref), queries.visible(actor))
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        raise Refusal(Code.NOT_FOUND)
    return row[0], row[1], row[2], row[3]


def _given(session: Session, made: Handover) -> list[tuple[Allocation, Device, str, Condition | None]]:
    statement: Selected = (
        sa.select(Allocation, Device, Label.code, Condition)
        .join(Device, Device.id == Allocation.device_id)
        .join(Label, sa.and_(Label.device_id == Device.id, Label.state == LabelState.CLAIMED))
        .outerjoin(Condition, Condition.device_id == Device.id)
        .where(Allocation.handover_id == made.id)
        .order_by(Allocation.device_id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(statement)]


def _sellers(session: Session, ids: Sequence[int], day: date) -> dict[int, Seller]:
    rows = session.scalars(
        sa.select(Organisation)
        .where(Organisation.id.in_(ids))
        .options(selectinload(Organisation.capacities))
        .order_by(Organisation.id)
    )
    return {
        row.id: Seller(party=letterhead.party(row), vat=letterhead.vat_mention(row.capacities, day))
        for row in rows
    }


def _line(row: tuple[Allocation, Device, str, Condition | None], sellers: dict[int, Seller]) -> ReceiptLine:
    promised, device, code, condition = row
    name = " ".join(part for part in (device.maker, device.model) if part)
    return ReceiptLine(
        code=code,
        what=f"{word(device.category, 'category').capitalize()} {name}".strip(),
        price=money(promised.price_cents),
        condition=_condition(condition),
        seller=sellers[promised.seller_id].party.name if len(sellers) > 1 else "",
    )


def _condition(row: Condition | None) -> str:
    if row is None:
        return ""
    grade = word(row.grade, "grade") if row.grade else ""
    battery = f"batterie {row.battery_percent} %" if row.battery_percent is not None else ""
    return ", ".join(part for part in (grade, battery) if part)


def _collector(made: Handover, kept: HandoverSignature | None) -> str:
    if made.collector is not Collector.MANDATED:
        return ""
    name = kept.signer_name if kept and kept.signer_name else "une personne mandatée"
    return f"{name}, avec son accord"


def _representative(made: Handover, kept: HandoverSignature | None) -> str:
    if made.collector is not Collector.REPRESENTATIVE or kept is None:
        return ""
    return ", ".join(part for part in (kept.signer_name, kept.signer_title) if part)


def _signed(made: Handover, kept: HandoverSignature | None) -> Signed:
    how, witness = SIGNED[made.signature], kept.witness_name if kept else None
    if made.signature is Signature.WITNESS and witness:
        how = f"La personne ne peut pas signer. Le témoin a vu la remise et signe ici : {witness}"
    drawing = kept.drawing if kept and made.signature is Signature.ON_SCREEN else None
    return Signed(
        how=how,
        strokes=counter.strokes(drawing or ""),
        width=counter.FIELD_WIDTH,
        height=counter.FIELD_HEIGHT,
        blank=made.signature in (Signature.ON_PAPER, Signature.WITNESS),
    )


def _counted(lines: Sequence[queries.AllocationLine]) -> tuple[str, ...]:
    """`2 × écran`, category by category."""
    counts: dict[str, int] = {}
    for line in lines:
        if line.state is AllocationState.LIVE:
            name = word(line.category, "category")
            counts[name] = counts.get(name, 0) + 1
    return tuple(f"{count} × {name}" if count > 1 else name.capitalize() for name, count in counts.items())


def _long_day(day: date | None) -> str:
    return str(format_date(day, "EEEE d MMMM y")) if day else ""


def _hour(moment: datetime) -> str:
    return str(format_time(moment, "H 'h' mm"))
