"""A small invented bank for tests, built through the same tables and moves as the real one."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from bank import db, files
from bank.actor import Actor
from bank.allocation.models import Programme, ProofKind, Tariff
from bank.crypto import search_hash
from bank.db import utcnow
from bank.donations.models import Batch, BatchImport, BatchLine, BatchState, ImportProblem
from bank.identity import codes as identity_codes
from bank.identity import rules, signin
from bank.identity.models import (
    ApiToken,
    Badge,
    Capacity,
    CapacityKind,
    LegalNature,
    Organisation,
    OrganisationRole,
    Person,
    PersonRole,
    Station,
    WorkshopKind,
)
from bank.inventory import codes, register
from bank.inventory.lifecycle import Move, State
from bank.inventory.models import (
    DATA_BEARING,
    Category,
    Drive,
    DriveFate,
    LegalBasis,
    Origin,
    Route,
    Step,
    StepKind,
)
from bank.inventory.register import Standing
from bank.web.pages import Contact, today_in_paris

R = OrganisationRole
PASSWORD = "un mot de passe assez long"
SHORT_ROUTE = "Parcours court des essais"
SHORT_ROUTE_FROM = date(2026, 2, 1)

# How a test device gets to a state: the moves, in order, after it was received.
PATHS: dict[State, tuple[Move, ...]] = {
    State.RECEIVED: (),
    State.IN_WORK: (Move.ENTER,),
    State.READY: (Move.ENTER, Move.FINISH),
    State.RESERVED: (Move.ENTER, Move.FINISH, Move.RESERVE),
    State.HANDED_OVER: (Move.ENTER, Move.FINISH, Move.RESERVE, Move.HAND_OVER),
    State.ON_LOAN: (Move.ENTER, Move.FINISH, Move.RESERVE, Move.LEND),
    State.MISSING: (Move.LOSE,),
    State.HARVESTED: (Move.HARVEST,),
    State.RECYCLED: (Move.RECYCLE,),
    State.RETURNED_TO_DONOR: (Move.RETURN_TO_DONOR,),
}


def today() -> date:
    """The civil day in France."""
    return today_in_paris(utcnow())


def short_routes(session: Any) -> None:
    """Routes of two steps: a test of one step need not pass ten."""
    for category in Category:
        route = Route(category=category, valid_from=SHORT_ROUTE_FROM, source=SHORT_ROUTE)
        session.add(route)
        session.flush()
        erased = category in DATA_BEARING
        control = Step(route_id=route.id, position=2 if erased else 1, kind=StepKind.CONTROL)
        session.add(control)
        session.flush()
        if erased:
            session.add(Step(route_id=route.id, position=1, kind=StepKind.ERASURE, next_id=control.id))


@dataclass
class ApiClient:
    """A program with a token: paths are relative to /api/v1."""

    client: FlaskClient
    secret: str

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self._headers(), **kwargs)

    def post(self, path: str, *, key: str | None = None, **kwargs: Any) -> Any:
        headers = self._headers() | {"Idempotency-Key": key or str(uuid4())}
        return self.client.post(f"/api/v1{path}", headers=headers, **kwargs)

    def put(self, path: str, **kwargs: Any) -> Any:
        return self.client.put(f"/api/v1{path}", headers=self._headers(), **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Any:
        return self.client.delete(f"/api/v1{path}", headers=self._headers(), **kwargs)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


class FormClient(FlaskClient):
    """A signed-in browser without a browser: forms are sent without their CSRF field, which other tests check."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        self.application.config["WTF_CSRF_ENABLED"] = False
        try:
            return super().open(*args, **kwargs)
        finally:
            self.application.config["WTF_CSRF_ENABLED"] = True


@dataclass
class World:
    """Organisations and people by name; devices in any state."""

    app: Flask
    made: int = field(default=0)

    def __post_init__(self) -> None:
        # Read once a minute, whom to call would be counted now and then among a page's own questions.
        self.app.extensions["bank.contact"] = (float("inf"), Contact())

    def organisation(
        self,
        name: str,
        *,
        nature: LegalNature = LegalNature.ASSOCIATION,
        roles: set[OrganisationRole] | frozenset[OrganisationRole] = frozenset(),
        workshop_kind: WorkshopKind | None = None,
        capacities: set[CapacityKind] | frozenset[CapacityKind] = frozenset(),
        siret: str | None = None,
    ) -> int:
        """Insert an organisation; its id."""
        with db.transaction() as session:
            row = Organisation(
                name=name,
                legal_nature=nature,
                roles=frozenset(role.value for role in roles),
                workshop_kind=workshop_kind,
                siret=siret,
                capacities=[
                    Capacity(kind=kind, reference=f"ref {kind}", valid_from=date(2020, 1, 1))
                    for kind in capacities
                ],
            )
            session.add(row)
            session.flush()
            return row.id

    def person(
        self,
        organisation_id: int,
        *roles: PersonRole,
        email: str | None = None,
        name: str = "Camille Martin",
        password: str | None = PASSWORD,
    ) -> Actor:
        """Insert a person with a password; who they are when they act."""
        self.made += 1
        email = email or f"personne{self.made}@exemple.fr"
        hashed = signin.hash_password(password) if password else None
        names = frozenset(role.value for role in roles)
        with db.transaction() as session:
            row = Person(
                organisation_id=organisation_id,
                name=name,
                email=email,
                email_hash=search_hash(email),
                roles=names,
                password_hash=hashed,
            )
            session.add(row)
            session.flush()
            organisation = session.get_one(Organisation, organisation_id)
            return Actor(row.id, organisation_id, rules.permissions(names), name, organisation.name)

    # --- the ready-made ones ---

    @cached_property
    def bank(self) -> int:
        return self.organisation("Banque du numérique 95", nature=LegalNature.ASSOCIATION, roles={R.BANK})

    @cached_property
    def bnp(self) -> int:
        return self.organisation("BNP Paribas", nature=LegalNature.COMPANY, roles={R.DONOR})

    @cached_property
    def department(self) -> int:
        return self.organisation(
            "Conseil départemental", nature=LegalNature.PUBLIC_BODY, roles={R.DONOR, R.FUNDER}
        )

    @cached_property
    def workshop(self) -> int:
        return self.organisation(
            "AGOIE",
            roles={R.WORKSHOP, R.DESK},
            workshop_kind=WorkshopKind.ACI,
            capacities={CapacityKind.GENERAL_INTEREST},
        )

    @cached_property
    def other_workshop(self) -> int:
        return self.organisation(
            "Loxy", nature=LegalNature.COMPANY, roles={R.WORKSHOP, R.DESK}, workshop_kind=WorkshopKind.EA
        )

    @cached_property
    def prescriber(self) -> int:
        return self.organisation("Croix-Rouge", roles={R.PRESCRIBER})

    @cached_property
    def ccas(self) -> int:
        return self.organisation(
            "CCAS du Thillay", nature=LegalNature.PUBLIC_BODY, roles={R.PRESCRIBER, R.STRUCTURE}
        )

    @cached_property
    def coordinator(self) -> Actor:
        return self.person(self.bank, PersonRole.COORDINATOR, name="Nadia Coordination")

    @cached_property
    def supervisor(self) -> Actor:
        return self.person(self.workshop, PersonRole.SUPERVISOR, name="Samir Encadrant")

    @cached_property
    def operator(self) -> Actor:
        return self.person(self.workshop, PersonRole.OPERATOR, name="Lou Atelier")

    @cached_property
    def other_operator(self) -> Actor:
        return self.person(self.other_workshop, PersonRole.OPERATOR, name="Alex Ailleurs")

    @cached_property
    def donor_user(self) -> Actor:
        return self.person(self.bnp, PersonRole.DONOR, name="Dominique Donateur")

    @cached_property
    def prescriber_user(self) -> Actor:
        return self.person(self.prescriber, PersonRole.PRESCRIBER, name="Sacha Social")

    @cached_property
    def ccas_user(self) -> Actor:
        return self.person(self.ccas, PersonRole.PRESCRIBER, PersonRole.STRUCTURE, name="Charlie Ccas")

    @cached_property
    def desk_user(self) -> Actor:
        return self.person(self.workshop, PersonRole.DESK, name="Gaby Guichet")

    # --- stations and badges ---

    def station(
        self, *, open_: bool = False, workshop: int | None = None, idle_minutes: int = 5
    ) -> tuple[int, str]:
        """A station of a workshop: its id, and the secret that a browser carries in its cookie."""
        workshop = workshop or self.workshop
        secret = f"station-{uuid4().hex}"
        maker = self.person(workshop, PersonRole.SUPERVISOR)
        with db.transaction() as session:
            row = Station(
                organisation_id=workshop,
                name="Effacement, table 2",
                open=open_,
                idle_minutes=idle_minutes,
                secret_hash=signin.token_hash(secret),
                enrolled_by=maker.person_id,
            )
            session.add(row)
            session.flush()
            return row.id, secret

    def badge(self, actor: Actor, pin: str | None = "4826") -> str:
        """A badge of this person; what its QR says."""
        code = identity_codes.mint()
        pin_hash = signin.hash_password(pin) if pin else None
        with db.transaction() as session:
            session.add(
                Badge(
                    person_id=actor.person_id,
                    code_hash=signin.token_hash(code),
                    pin_hash=pin_hash,
                    made_by=actor.person_id,
                )
            )
        return code

    def at_station(self, secret: str, *, csrf: bool = False) -> FlaskClient:
        """A browser that carries a station's secret; nobody has shown a badge yet."""
        kind = FlaskClient if csrf else FormClient
        client = kind(self.app, self.app.response_class)
        client.set_cookie(signin.STATION_COOKIE, secret)
        return client

    # --- clients ---

    def client(self, actor: Actor, *, csrf: bool = False) -> FlaskClient:
        """A browser in which this person is signed in; with `csrf`, forms need their field."""
        client = (
            FlaskClient(self.app, self.app.response_class)
            if csrf
            else FormClient(self.app, self.app.response_class)
        )
        with db.read() as session:
            epoch = session.scalar(sa.select(Person.epoch).where(Person.id == actor.person_id))
        with client.session_transaction() as cookie:
            cookie[signin.SESSION_KEY] = [actor.person_id, epoch]
        return client

    def anonymous(self) -> FlaskClient:
        """A browser in which nobody is signed in."""
        return FormClient(self.app, self.app.response_class)

    def token(self, actor: Actor, *, scopes: frozenset[str] = frozenset(), days: int = 30) -> str:
        """A fresh API token's secret."""
        secret = f"test-{uuid4().hex}"
        with db.transaction() as session:
            session.add(
                ApiToken(
                    person_id=actor.person_id,
                    name="test",
                    hash=signin.token_hash(secret),
                    scopes=scopes,
                    expires_at=utcnow() + timedelta(days=days),
                )
            )
        return secret

    def api(self, actor: Actor, **kwargs: Any) -> ApiClient:
        """A program that acts as this person."""
        return ApiClient(FlaskClient(self.app, self.app.response_class), self.token(actor, **kwargs))

    # --- things ---

    def origin(
        self,
        donor: int | None = None,
        *,
        basis: LegalBasis | None = None,
        receiver: int | None = None,
        no_resale: bool = False,
        purge_asked: bool = False,
    ) -> int:
        """An origin; by default a private gift of BNP to AGOIE."""
        donor = donor or self.bnp
        with db.transaction() as session:
            nature = session.get_one(Organisation, donor).legal_nature
            public = nature is LegalNature.PUBLIC_BODY
            row = Origin(
                donor_id=donor,
                donor_nature=nature,
                legal_basis=basis or (LegalBasis.L3212_3 if public else LegalBasis.PRIVATE_GIFT),
                receiver_id=receiver or self.workshop,
                agreed_on=date(2026, 1, 5),
                no_resale=no_resale,
                purge_asked=purge_asked,
            )
            session.add(row)
            session.flush()
            return row.id

    def spreadsheet(self, ref: str, text: str = "Type;Serial\nPortable;5CG8231XYZ\nUC;6,37E+15\n") -> int:
        """A file that was sent for a batch and read, one sound row and one refused by default; its id."""
        with db.transaction() as session:
            row = BatchImport(
                batch_id=session.scalars(sa.select(Batch.id).where(Batch.ref == ref)).one(),
                digest=files.put(text.encode()),
                filename="parc.csv",
                mapping='{"titles": ["Type", "Serial"], "fields": ["category", "serial"]}',
                rows=2,
                new=1,
                refused=1,
            )
            session.add(row)
            session.flush()
            session.add(ImportProblem(import_id=row.id, row=3, code="scientific-notation", value="6,37E+15"))
            return row.id

    def batch(
        self,
        announced: dict[Category, int] | None = None,
        *,
        donor: int | None = None,
        workshop: int | None = None,
        basis: LegalBasis | None = None,
    ) -> str:
        """An accepted batch, two laptops by default; its reference."""
        workshop = workshop or self.workshop
        origin_id = self.origin(donor, basis=basis, receiver=workshop)
        with db.transaction() as session:
            row = Batch(
                ref=f"L-{codes.mint(5)}",
                donor_id=donor or self.bnp,
                workshop_id=workshop,
                origin_id=origin_id,
                state=BatchState.ACCEPTED,
            )
            session.add(row)
            session.flush()
            for category, count in (announced or {Category.LAPTOP: 2}).items():
                session.add(BatchLine(batch_id=row.id, category=category, announced=count))
            return row.ref

    def device(
        self,
        state: State = State.RECEIVED,
        *,
        category: Category = Category.LAPTOP,
        actor: Actor | None = None,
        step: int = 1,
        erased: bool | None = None,
        **origin: Any,
    ) -> Standing:
        """A device brought to a state by real moves, held by `actor`'s organisation (AGOIE's by default).

        In work it stands at the `step`-th step of its route. Its drive is recorded as absent where the gate
        asks for it (`erased`), so that the state can be reached.
        """
        actor = actor or self.supervisor
        origin_id = self.origin(receiver=actor.organisation_id, **origin)
        gated = {Move.FINISH, Move.HARVEST} & set(PATHS[state])
        with db.transaction() as session:
            standing = register.receive(
                session,
                actor,
                category=category,
                origin_id=origin_id,
                owner_id=actor.organisation_id,
                batch_ref="L-TEST0",
            )
            if standing.open_drives and (erased or (erased is None and (gated or step > 1))):
                standing = register.move(
                    session, actor, standing, Move.DRIVES, to={"open_drives": 0}, facts={"reason": "absent"}
                )
                session.execute(
                    sa.update(Drive)
                    .where(Drive.device_id == standing.device_id)
                    .values(fate=DriveFate.ABSENT)
                )
            for what in PATHS[state]:
                to: dict[str, int | None] = {}
                if what is Move.ENTER:
                    to = {"step_id": self._step(session, category, step)}
                standing = register.move(session, actor, standing, what, to=to)
            return register.look_by_id(session, standing.device_id)

    @staticmethod
    def _step(session: Any, category: Category, position: int) -> int:
        step_id: int = session.scalars(
            sa.select(Step.id)
            .join(Route, Step.route_id == Route.id)
            .where(Route.category == category, Step.position == position)
            .where(sa.or_(Route.valid_until.is_(None), Route.valid_until >= today()))
            .order_by(Route.valid_from.desc(), Route.id.desc())
            .limit(1)
        ).one()
        return step_id

    def whole_routes(self) -> None:
        """End the short routes on which most tests work: the routes of the migrations are in force again."""
        with db.transaction() as session:
            session.execute(
                sa.update(Route).where(Route.source == SHORT_ROUTE).values(valid_until=SHORT_ROUTE_FROM)
            )

    def programme_rsa(self, *, price_cents: int = 2_000, category: Category = Category.LAPTOP) -> int:
        """The RSA programme of the département: 20 EUR for a laptop; its id."""
        with db.transaction() as session:
            programme = Programme(
                code="RSA",
                name="Revenu de solidarité active",
                recipient_nature=LegalNature.PERSON,
                hardship=True,
                proofs=frozenset({ProofKind.RSA_CERTIFICATE.value}),
                proof_days=92,
                valid_from=date(2026, 1, 1),
                source="Délibération du Conseil départemental",
            )
            session.add(programme)
            session.flush()
            session.add(
                Tariff(
                    programme_id=programme.id,
                    category=category,
                    price_cents=price_cents,
                    valid_from=date(2026, 1, 1),
                    source="Délibération du Conseil départemental",
                )
            )
            return programme.id
