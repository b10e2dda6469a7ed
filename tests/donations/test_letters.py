"""The mail that tells a donor what the bank decided: to whom, when, what it says; over real SMTP too."""

import socket
from collections.abc import Iterator
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from bank import db, work
from bank.app import create_app
from bank.donations import actions, queries
from bank.donations.models import RefusalReason
from bank.donations.rules import Acceptance, Announcement, NoThanks, Pickup
from bank.identity import actions as identity_actions
from bank.identity.models import PersonRole
from bank.inventory.models import Category, LegalBasis
from bank.work import Job, JobState
from tests.conftest import make_config
from tests.factories import World

DAY = date(2099, 1, 5)
NEW = Announcement(
    lines=((Category.LAPTOP, 2),), pickup_address="1 rue des Dons", pickup_contact="Accueil du quai"
)


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    return tmp_path / "mail"


def sent(world: World) -> str:
    donor = world.donor_user
    with db.transaction() as session:
        ref = actions.announce(session, donor, NEW)
        actions.submit(session, donor, ref)
    return ref


def version(world: World, ref: str) -> int:
    with db.read() as session:
        return queries.batch(session, world.coordinator, ref).version


def accept(world: World, ref: str) -> None:
    answer = Acceptance(workshop_id=world.workshop, legal_basis=LegalBasis.PRIVATE_GIFT, collection_on=DAY)
    seen, coordinator = version(world, ref), world.coordinator
    with db.transaction() as session:
        actions.accept(session, coordinator, ref, seen, answer)


def run_jobs() -> None:
    with db.read() as session:
        waiting = session.scalars(
            sa.select(Job.id)
            .where(Job.name == "donations.tell_donor", Job.state == JobState.WAITING)
            .order_by(Job.id)
        ).all()
    for job_id in waiting:
        work.run(job_id)


def read(folder: Path) -> list[EmailMessage]:
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
    return [mail for mail in found if isinstance(mail, EmailMessage)]


def test_a_yes_says_who_comes_and_when(world: World, mails: Path) -> None:
    world.person(world.bnp, PersonRole.DONOR, email="autre@exemple.fr")
    ref = sent(world)
    accept(world, ref)
    run_jobs()
    (mail,) = read(mails)
    assert mail["Subject"] == f"Lot {ref}\u00a0: votre don est accepté"
    body = mail.get_content()
    assert "Bonjour Dominique Donateur," in body
    assert "Atelier qui le reçoit\u00a0: AGOIE." in body
    assert "Collecte le 5 janv. 2099." in body
    assert f"http://localhost/batches/{ref}" in body
    assert "Accueil du quai" not in body


def test_a_no_gives_its_reason_and_the_way_on(world: World, mails: Path) -> None:
    ref = sent(world)
    seen, coordinator = version(world, ref), world.coordinator
    with db.transaction() as session:
        no = NoThanks(reason=RefusalReason.TOO_OLD, note="Avant 2012, rien ne se répare.")
        actions.refuse(session, coordinator, ref, seen, no)
    run_jobs()
    (mail,) = read(mails)
    assert mail["Subject"] == f"Lot {ref}\u00a0: nous ne pouvons pas le prendre"
    assert "Raison\u00a0: trop ancien." in mail.get_content()
    assert "Avant 2012, rien ne se répare." in mail.get_content()


def test_a_new_day_is_told_and_only_the_last_answer_is(world: World, mails: Path) -> None:
    ref = sent(world)
    accept(world, ref)
    seen, coordinator, workshop = version(world, ref), world.coordinator, world.workshop
    with db.transaction() as session:
        pickup = Pickup(workshop_id=workshop, collection_on=date(2099, 2, 1))
        actions.reschedule(session, coordinator, ref, seen, pickup)
    run_jobs()
    (mail,) = read(mails)
    assert mail["Subject"] == f"Lot {ref}\u00a0: la collecte change"
    assert "Collecte le 1 févr. 2099." in mail.get_content()


def test_nothing_is_mailed_about_what_was_taken_back_meanwhile(world: World, mails: Path) -> None:
    ref = sent(world)
    accept(world, ref)
    donor = world.donor_user
    with db.transaction() as session:
        actions.withdraw(session, donor, ref)
    run_jobs()
    assert read(mails) == []


def test_when_the_writer_has_left_whoever_gives_is_told(world: World, mails: Path) -> None:
    ref = sent(world)
    world.person(world.bnp, PersonRole.DONOR, email="autre@exemple.fr")
    world.person(world.bnp, PersonRole.ADMINISTRATOR, email="pas-moi@exemple.fr")
    accept(world, ref)
    coordinator, donor = world.coordinator, world.donor_user
    with db.transaction() as session:
        identity_actions.disable(session, coordinator, donor.person_id)
    run_jobs()
    (mail,) = read(mails)
    assert mail["To"] == "autre@exemple.fr"


def test_a_job_that_runs_twice_sends_the_same_message(world: World, mails: Path) -> None:
    accept(world, sent(world))
    run_jobs()
    with db.transaction() as session:
        session.execute(sa.update(Job).values(state=JobState.WAITING))
    run_jobs()
    assert len(read(mails)) == 1


class Box:
    """Keeps what a mail server takes."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (its name)
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def posting(database_url: str, tmp_path: Path) -> Iterator[tuple[Flask, Box]]:
    """The app, and a mail server on a free port."""
    box = Box()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    application = create_app(make_config(database_url, tmp_path, mail_url=f"smtp://127.0.0.1:{port}"))
    with application.app_context():
        yield application, box
        db.db.engine.dispose()
    controller.stop()


def test_the_answer_goes_out_over_smtp(posting: tuple[Flask, Box]) -> None:
    world = World(posting[0])
    world.person(world.bnp, PersonRole.DONOR, email="don@exemple.fr")
    accept(world, sent(world))
    run_jobs()
    (envelope,) = posting[1].taken
    mail = message_from_bytes(envelope.content or b"", policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert "votre don est accepté" in mail["Subject"]
    assert "Collecte le 5 janv. 2099." in mail.get_content()
    with db.read() as session:
        [job] = session.scalars(sa.select(Job).where(Job.name == "donations.tell_donor"))
    assert job.state is JobState.DONE
