"""What papers say of organisations: the bank's own letterhead, a party's name and address, its VAT mention."""

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from bank.config import Config
from bank.identity import rules
from bank.identity.models import Capacity, CapacityKind, Organisation, OrganisationRole
from bank.office.documents import Head, Party

# The address and the number of a bank that has not entered its own yet.
NOWHERE, NOBODY = "", "numéro affiché au guichet"


def head(session: Session) -> Head:
    """The bank's letterhead, with the number to call."""
    config: Config = current_app.config["BANK"]
    held = sa.literal(" ") + sa.type_coerce(Organisation.roles, sa.Text()) + " "
    bank = session.execute(
        sa.select(Organisation.address, Organisation.phone)
        .where(held.contains(f" {OrganisationRole.BANK.value} "))
        .order_by(Organisation.id)
        .limit(1)
    ).one_or_none()
    address, phone = bank or (NOWHERE, NOBODY)
    return Head(bank=config.bank_name, address=address or NOWHERE, help=phone or NOBODY)


def party(organisation: Organisation) -> Party:
    """An organisation as papers name it."""
    return Party(name=organisation.name, address=organisation.address or "", siret=organisation.siret or "")


def vat_mention(capacities: Iterable[Capacity], day: date) -> str:
    """What a seller must say of VAT on a day; empty where nobody has entered what it is."""
    held = list(capacities)
    kinds = rules.capacities_on(held, day)
    if CapacityKind.VAT_LIABLE in kinds:
        return "TVA comprise"
    if CapacityKind.VAT_EXEMPT not in kinds:
        return ""
    exempt = [row for row in held if row.kind is CapacityKind.VAT_EXEMPT and row.valid_from <= day]
    reference = max(exempt, key=lambda row: row.valid_from).reference
    return f"TVA non applicable, {reference}"
