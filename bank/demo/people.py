"""Who the demo bank is: organisations with their roles and legal capacities, accounts, programmes and prices.

Telephone numbers are from the range that ARCEP keeps for fiction (01 99 00 xx xx).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bank.actor import COMMAND_LINE, Actor
from bank.allocation.models import Programme, ProofKind, Tariff
from bank.crypto import search_hash
from bank.identity import actions, rules
from bank.identity.models import (
    CapacityKind,
    LegalNature,
    Organisation,
    OrganisationRole,
    Person,
    PersonRole,
    WorkshopKind,
)
from bank.identity.rules import CapacityDraft, OrganisationDraft
from bank.inventory.models import Category

PASSWORD = "banque-demo-95"
# Earlier than any day of the demo's six months, whenever they end.
SINCE = date(2024, 1, 1)
Nature, Does, Role = LegalNature, OrganisationRole, PersonRole

BANK = "Banque du numérique du Val-d’Oise"
BNP = "BNP Paribas"
POSTE = "La Poste"
DEPARTMENT = "Conseil départemental du Val-d’Oise"
GENDARMERIE = "Gendarmerie du Val-d’Oise"
AGOIE = "AGOIE"
LOXY = "Loxy"
ESAT = "ESAT Les Ateliers du Vexin"
RED_CROSS = "Croix-Rouge du Val-d’Oise"
FRANCE_TRAVAIL = "France Travail Argenteuil"
THILLAY = "CCAS du Thillay"
PERSAN = "MJC de Persan"


@dataclass(frozen=True)
class Account:
    """One invented person."""

    email: str
    name: str
    organisation: str
    roles: frozenset[PersonRole]


@dataclass(frozen=True)
class Contact:
    """What papers say of an organisation: where it is, whom to call, where the first lesson is."""

    address: str
    phone: str
    first_lesson: str = ""


def _capacity(kind: CapacityKind, reference: str) -> CapacityDraft:
    return CapacityDraft(kind=kind, reference=reference, valid_from=SINCE)


ORGANISATIONS = (
    OrganisationDraft(name=BANK, legal_nature=Nature.ASSOCIATION, roles=frozenset({Does.BANK})),
    OrganisationDraft(name=BNP, legal_nature=Nature.COMPANY, roles=frozenset({Does.DONOR})),
    OrganisationDraft(
        name=POSTE, legal_nature=Nature.COMPANY, roles=frozenset({Does.DONOR}), siret="35600000049837"
    ),
    OrganisationDraft(
        name=DEPARTMENT,
        legal_nature=Nature.PUBLIC_BODY,
        roles=frozenset({Does.DONOR, Does.FUNDER, Does.PRESCRIBER}),
    ),
    OrganisationDraft(
        name=AGOIE,
        legal_nature=Nature.ASSOCIATION,
        roles=frozenset({Does.WORKSHOP, Does.DESK}),
        workshop_kind=WorkshopKind.ACI,
        capacities=(
            _capacity(CapacityKind.GENERAL_INTEREST, "Statuts, article 2 (démonstration)"),
            _capacity(CapacityKind.VAT_EXEMPT, "CGI 261-7-1° (démonstration)"),
        ),
    ),
    OrganisationDraft(
        name=LOXY,
        legal_nature=Nature.COMPANY,
        roles=frozenset({Does.WORKSHOP, Does.DESK}),
        workshop_kind=WorkshopKind.EA,
        capacities=(_capacity(CapacityKind.VAT_LIABLE, "Régime normal (démonstration)"),),
    ),
    OrganisationDraft(
        name=RED_CROSS,
        legal_nature=Nature.ASSOCIATION,
        roles=frozenset({Does.PRESCRIBER}),
        capacities=(
            _capacity(CapacityKind.RUP, "Décret du 7 août 1940"),
            _capacity(CapacityKind.HARDSHIP, "Agrément de la banque (démonstration)"),
        ),
    ),
    OrganisationDraft(
        name=THILLAY, legal_nature=Nature.PUBLIC_BODY, roles=frozenset({Does.PRESCRIBER, Does.STRUCTURE})
    ),
    OrganisationDraft(name=GENDARMERIE, legal_nature=Nature.PUBLIC_BODY, roles=frozenset({Does.DONOR})),
    OrganisationDraft(
        name=ESAT,
        legal_nature=Nature.ASSOCIATION,
        roles=frozenset({Does.WORKSHOP}),
        workshop_kind=WorkshopKind.ESAT,
        capacities=(_capacity(CapacityKind.VAT_EXEMPT, "CGI 261-7-1° (démonstration)"),),
    ),
    OrganisationDraft(
        name=FRANCE_TRAVAIL, legal_nature=Nature.PUBLIC_BODY, roles=frozenset({Does.PRESCRIBER})
    ),
    OrganisationDraft(
        name=PERSAN,
        legal_nature=Nature.ASSOCIATION,
        roles=frozenset({Does.STRUCTURE}),
        capacities=(_capacity(CapacityKind.GENERAL_INTEREST, "Statuts, article 2 (démonstration)"),),
    ),
)

CONTACTS: Mapping[str, Contact] = {
    BANK: Contact("2 avenue du Parc, 95000 Cergy", "01 99 00 95 00"),
    BNP: Contact("16 boulevard des Italiens, 75009 Paris", "01 99 00 75 09"),
    POSTE: Contact("9 rue du Colonel-Avia, 75015 Paris", "01 99 00 75 15"),
    DEPARTMENT: Contact("2 avenue du Parc, 95032 Cergy-Pontoise", "01 99 00 95 32"),
    GENDARMERIE: Contact("Caserne Bossut, 95300 Pontoise", "01 99 00 95 30"),
    AGOIE: Contact(
        "12 rue de la République, 95370 Montigny-lès-Cormeilles",
        "01 99 00 95 37",
        "AGOIE, 12 rue de la République, Montigny-lès-Cormeilles : le mardi à 10 h et le jeudi à 14 h, "
        "sans rendez-vous",
    ),
    LOXY: Contact("5 rue des Oziers, 95310 Saint-Ouen-l’Aumône", "01 99 00 95 31"),
    ESAT: Contact("8 route de Gisors, 95450 Vigny", "01 99 00 95 45"),
    RED_CROSS: Contact("3 rue Saint-Jean, 95300 Pontoise", "01 99 00 95 03"),
    FRANCE_TRAVAIL: Contact("10 boulevard Karl-Marx, 95100 Argenteuil", "01 99 00 95 10"),
    THILLAY: Contact(
        "1 rue de Paris, 95500 Le Thillay",
        "01 99 00 95 50",
        "CCAS du Thillay, salle informatique : le mercredi à 14 h",
    ),
    PERSAN: Contact(
        "15 avenue Gaston-Vermeire, 95340 Persan", "01 99 00 95 34", "MJC de Persan : le samedi à 10 h"
    ),
}


def _account(email: str, name: str, organisation: str, *roles: PersonRole) -> Account:
    return Account(email + rules.DEMO_DOMAIN, name, organisation, frozenset(roles))


ACCOUNTS = (
    _account("coordination", "Nadia Benali", BANK, Role.COORDINATOR),
    _account("donateur", "Hugo Lefèvre", BNP, Role.DONOR),
    _account("encadrant", "Samir Haddad", AGOIE, Role.SUPERVISOR, Role.ADMINISTRATOR),
    _account("atelier", "Lou Girard", AGOIE, Role.OPERATOR),
    _account("loxy", "Alex Morel", LOXY, Role.OPERATOR, Role.SUPERVISOR, Role.DESK),
    _account("prescripteur", "Sacha Petit", RED_CROSS, Role.PRESCRIBER),
    _account("ccas", "Inès Roux", THILLAY, Role.PRESCRIBER, Role.STRUCTURE),
    _account("guichet", "Gaby Laurent", AGOIE, Role.DESK),
    _account("laposte", "Maud Renard", POSTE, Role.DONOR),
    _account("departement", "Karim Zidi", DEPARTMENT, Role.DONOR, Role.PRESCRIBER),
    _account("gendarmerie", "Yann Le Goff", GENDARMERIE, Role.DONOR),
    _account("esat", "Mireille Faure", ESAT, Role.SUPERVISOR),
    _account("atelier.esat", "Théo Masson", ESAT, Role.OPERATOR),
    _account("atelier2", "Awa Diallo", AGOIE, Role.OPERATOR),
    _account("francetravail", "Claire Dumas", FRANCE_TRAVAIL, Role.PRESCRIBER),
    _account("persan", "Bruno Leroy", PERSAN, Role.STRUCTURE),
)


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """A programme and what each category costs under it, in cents."""

    code: str
    name: str
    nature: LegalNature
    source: str
    prices: Mapping[Category, int]
    hardship: bool = False
    proof: ProofKind | None = None
    proof_days: int | None = None
    capacity: CapacityKind | None = None
    loan_days: int | None = None


C = Category
AT_COST = "Val-d'Oise : prix coûtant du chantier d'insertion"
FOR_PEOPLE = {C.LAPTOP: 2_000, C.DESKTOP: 2_000, C.ALL_IN_ONE: 2_000, C.TABLET: 1_500, C.SMARTPHONE: 1_500}
FOR_PEOPLE |= {C.SCREEN: 500, C.BASIC_PHONE: 500, C.ROUTER: 500, C.PRINTER: 1_000, C.MULTIFUNCTION: 1_500}
FOR_ROOMS = {C.LAPTOP: 8_000, C.DESKTOP: 5_000, C.ALL_IN_ONE: 7_000, C.SCREEN: 1_500, C.TABLET: 4_000}
FOR_ROOMS |= {C.PRINTER: 2_000, C.MULTIFUNCTION: 4_000, C.PROJECTOR: 4_000, C.TEACHING_SCREEN: 15_000}
SCHEMES = (
    Scheme(
        code="RSA",
        name="Revenu de solidarité active",
        nature=Nature.PERSON,
        source="Attestation de la CAF ou de la MSA de moins de trois mois",
        prices=FOR_PEOPLE,
        hardship=True,
        proof=ProofKind.RSA_CERTIFICATE,
        proof_days=92,
    ),
    Scheme(
        code="FSL",
        name="Fonds de solidarité pour le logement",
        nature=Nature.PERSON,
        source="Décision du fonds de moins de six mois (règlement du Val-d'Oise, démonstration)",
        prices=FOR_PEOPLE,
        hardship=True,
        proof=ProofKind.FSL_DECISION,
        proof_days=183,
    ),
    Scheme(
        code="GRANDE-PRECARITE",
        name="Grande précarité",
        nature=Nature.PERSON,
        source="Attestation d'une structure agréée par la banque (démonstration)",
        prices=dict.fromkeys(FOR_PEOPLE, 0),
        hardship=True,
        proof=ProofKind.STRUCTURE_ATTESTATION,
        proof_days=31,
        capacity=CapacityKind.HARDSHIP,
    ),
    Scheme(
        code="ESPACE-COMMUNE",
        name="Espaces d’accès libre des communes et de leurs CCAS",
        nature=Nature.PUBLIC_BODY,
        source="Grille de la banque (démonstration)",
        prices=FOR_ROOMS,
    ),
    Scheme(
        code="ESPACE-ASSOCIATION",
        name="Espaces numériques des associations",
        nature=Nature.ASSOCIATION,
        source="Grille de la banque (démonstration)",
        prices=FOR_ROOMS,
        hardship=True,
    ),
    Scheme(
        code="TABLETTES",
        name="Tablettes prêtées aux associations",
        nature=Nature.ASSOCIATION,
        source="Convention de la banque (démonstration)",
        prices={C.TABLET: 0},
        hardship=True,
        loan_days=90,
    ),
)


def settle(session: Session, password_hash: str) -> None:
    """Make the organisations, their people and the price list."""
    ids = {draft.name: actions.create_organisation(session, COMMAND_LINE, draft) for draft in ORGANISATIONS}
    for name, contact in CONTACTS.items():
        row = session.get_one(Organisation, ids[name])
        row.address, row.phone, row.first_lesson = contact.address, contact.phone, contact.first_lesson
    for account in ACCOUNTS:
        _join(session, account, ids[account.organisation], password_hash)
    for scheme in SCHEMES:
        _open(session, scheme)


def _join(session: Session, account: Account, organisation_id: int, password_hash: str) -> None:
    invitation = actions.Invitation(name=account.name, email=account.email, roles=account.roles)
    person_id = actions.invite(session, COMMAND_LINE, organisation_id, invitation)
    actions.set_password(session, person_id, session.get_one(Person, person_id).epoch, password_hash)


def _open(session: Session, scheme: Scheme) -> None:
    programme = Programme(
        code=scheme.code,
        name=scheme.name,
        recipient_nature=scheme.nature,
        hardship=scheme.hardship,
        proofs=frozenset({scheme.proof.value} if scheme.proof else ()),
        proof_days=scheme.proof_days,
        capacity_asked=scheme.capacity,
        loan_days=scheme.loan_days,
        valid_from=SINCE,
        source=scheme.source,
    )
    session.add(programme)
    session.flush()
    session.add_all(
        Tariff(
            programme_id=programme.id,
            category=category,
            price_cents=cents,
            valid_from=SINCE,
            source=AT_COST if scheme.nature is Nature.PERSON else scheme.source,
        )
        for category, cents in scheme.prices.items()
    )


def cast_of(session: Session) -> dict[str, Actor]:
    """Each demo person as they act, by the part of their address before the @. Empty in any other bank."""
    found = {}
    for account in ACCOUNTS:
        row = session.scalars(
            sa.select(Person).where(Person.email_hash == search_hash(account.email))
        ).one_or_none()
        if row is not None:
            may = rules.permissions(row.roles)
            name = account.email.removesuffix(rules.DEMO_DOMAIN)
            found[name] = Actor(row.id, row.organisation_id, may, account.name, account.organisation)
    return found
