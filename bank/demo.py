"""The demo bank of Val-d'Oise: invented people at real kinds of places, made by the same actions as the screens.

It holds what is needed to walk the path from a batch to a hand-over: organisations with their roles and legal
capacities, one account per trade, the RSA programme at 20 EUR. Refused in production.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from bank import db
from bank.actor import COMMAND_LINE
from bank.allocation.models import Programme, ProofKind, Tariff
from bank.identity import actions, signin
from bank.identity.models import (
    CapacityKind,
    LegalNature,
    OrganisationRole,
    Person,
    PersonRole,
    WorkshopKind,
)
from bank.identity.rules import CapacityDraft, OrganisationDraft
from bank.inventory.models import Category

PASSWORD = "banque-demo-95"
SINCE = date(2026, 1, 1)
TARIFF_SOURCE = "Val-d'Oise : prix coûtant du chantier d'insertion"
Nature, Does, Role = LegalNature, OrganisationRole, PersonRole


@dataclass(frozen=True)
class Account:
    """One invented person."""

    email: str
    name: str
    organisation: str
    roles: frozenset[PersonRole]


def _capacity(kind: CapacityKind, reference: str) -> CapacityDraft:
    return CapacityDraft(kind=kind, reference=reference, valid_from=SINCE)


ORGANISATIONS = (
    OrganisationDraft(
        name="Banque du numérique du Val-d’Oise",
        legal_nature=Nature.ASSOCIATION,
        roles=frozenset({Does.BANK}),
    ),
    OrganisationDraft(name="BNP Paribas", legal_nature=Nature.COMPANY, roles=frozenset({Does.DONOR})),
    OrganisationDraft(
        name="La Poste", legal_nature=Nature.COMPANY, roles=frozenset({Does.DONOR}), siret="35600000049837"
    ),
    OrganisationDraft(
        name="Conseil départemental du Val-d’Oise",
        legal_nature=Nature.PUBLIC_BODY,
        roles=frozenset({Does.DONOR, Does.FUNDER, Does.PRESCRIBER}),
    ),
    OrganisationDraft(
        name="AGOIE",
        legal_nature=Nature.ASSOCIATION,
        roles=frozenset({Does.WORKSHOP, Does.DESK}),
        workshop_kind=WorkshopKind.ACI,
        capacities=(
            _capacity(CapacityKind.GENERAL_INTEREST, "Statuts, article 2 (démonstration)"),
            _capacity(CapacityKind.VAT_EXEMPT, "CGI 261-7-1° (démonstration)"),
        ),
    ),
    OrganisationDraft(
        name="Loxy",
        legal_nature=Nature.COMPANY,
        roles=frozenset({Does.WORKSHOP}),
        workshop_kind=WorkshopKind.EA,
        capacities=(_capacity(CapacityKind.VAT_LIABLE, "Régime normal (démonstration)"),),
    ),
    OrganisationDraft(
        name="Croix-Rouge du Val-d’Oise",
        legal_nature=Nature.ASSOCIATION,
        roles=frozenset({Does.PRESCRIBER}),
        capacities=(_capacity(CapacityKind.RUP, "Décret du 7 août 1940"),),
    ),
    OrganisationDraft(
        name="CCAS du Thillay",
        legal_nature=Nature.PUBLIC_BODY,
        roles=frozenset({Does.PRESCRIBER, Does.STRUCTURE}),
    ),
)

ACCOUNTS = (
    Account(
        "coordination@demo.exemple", "Nadia Benali", ORGANISATIONS[0].name, frozenset({Role.COORDINATOR})
    ),
    Account("donateur@demo.exemple", "Hugo Lefèvre", "BNP Paribas", frozenset({Role.DONOR})),
    Account(
        "encadrant@demo.exemple", "Samir Haddad", "AGOIE", frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
    ),
    Account("atelier@demo.exemple", "Lou Girard", "AGOIE", frozenset({Role.OPERATOR})),
    Account("loxy@demo.exemple", "Alex Morel", "Loxy", frozenset({Role.OPERATOR, Role.SUPERVISOR})),
    Account(
        "prescripteur@demo.exemple", "Sacha Petit", "Croix-Rouge du Val-d’Oise", frozenset({Role.PRESCRIBER})
    ),
    Account(
        "ccas@demo.exemple", "Inès Roux", "CCAS du Thillay", frozenset({Role.PRESCRIBER, Role.STRUCTURE})
    ),
    Account("guichet@demo.exemple", "Gaby Laurent", "AGOIE", frozenset({Role.DESK})),
)


def is_empty() -> bool:
    """Whether nobody uses this bank yet."""
    with db.read() as session:
        return session.scalar(sa.select(Person.id).limit(1)) is None


def load() -> None:
    """Make the demo bank, in one unit of work. Raises RuntimeError in production."""
    if current_app.config["BANK"].production:
        raise RuntimeError("the demo bank has a known password: production refuses it")
    hashed = signin.hash_password(PASSWORD)
    with db.transaction() as session:
        ids = {
            draft.name: actions.create_organisation(session, COMMAND_LINE, draft) for draft in ORGANISATIONS
        }
        for account in ACCOUNTS:
            _join(session, account, ids, hashed)
        _programmes(session)


def _join(session: Session, account: Account, ids: Mapping[str, int], hashed: str) -> None:
    invitation = actions.Invitation(name=account.name, email=account.email, roles=account.roles)
    person_id = actions.invite(session, COMMAND_LINE, ids[account.organisation], invitation)
    actions.set_password(session, person_id, session.get_one(Person, person_id).epoch, hashed)


def _programmes(session: Session) -> None:
    rsa = Programme(
        code="RSA",
        name="Revenu de solidarité active",
        recipient_nature=LegalNature.PERSON,
        hardship=True,
        proofs=frozenset({ProofKind.RSA_CERTIFICATE.value}),
        proof_days=92,
        valid_from=SINCE,
        source="Attestation de la CAF ou de la MSA de moins de trois mois",
    )
    session.add(rsa)
    session.flush()
    session.add(
        Tariff(
            programme_id=rsa.id,
            category=Category.LAPTOP,
            price_cents=2_000,
            valid_from=SINCE,
            source=TARIFF_SOURCE,
        )
    )
