"""Mails about accounts: to whom, how often, and what the link in them opens."""

import re
import socket
from collections.abc import Iterator
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
from bank.identity import actions, signin
from bank.identity.actions import Invitation
from bank.identity.models import PersonRole
from bank.work import Job, JobState
from tests.conftest import make_config
from tests.factories import World

INVITATION = Invitation(name="Noa Neuve", email="noa@exemple.fr", roles=frozenset({PersonRole.OPERATOR}))
LINK = re.compile(r"https?://\S+/password/\S+")


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    return tmp_path / "mail"


def invite(world: World) -> int:
    coordinator, workshop = world.coordinator, world.workshop
    with db.transaction() as session:
        return actions.invite(session, coordinator, workshop, INVITATION)


def run_jobs() -> None:
    for job in jobs():
        work.run(job.id)


def jobs() -> list[Job]:
    with db.read() as session:
        return list(session.scalars(sa.select(Job).order_by(Job.id)))


def read(folder: Path) -> list[EmailMessage]:
    found = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))
    ]
    return [mail for mail in found if isinstance(mail, EmailMessage)]


def test_an_invitation_brings_a_link_that_opens_the_account(world: World, mails: Path) -> None:
    invite(world)
    run_jobs()
    (mail,) = read(mails)
    assert mail["To"] == "noa@exemple.fr"
    assert mail["Subject"] == "Votre accès à Banque du numérique 95"
    body = mail.get_content()
    assert "Bonjour Noa Neuve" in body
    assert "AGOIE vous ouvre un accès" in body
    path = LINK.search(body)
    assert path is not None
    client = world.anonymous()
    answer = client.post(
        path[0].removeprefix("http://localhost"), data={"password": "quatre mots bien choisis"}
    )
    assert answer.status_code == 303
    assert client.get("/account").status_code == 200


def test_a_link_is_absolute_on_the_public_address(database_url: str, tmp_path: Path, mails: Path) -> None:
    public = "https://banque95.exemple.fr/sous-chemin"
    application = create_app(make_config(database_url, tmp_path, public_url=public))
    with application.app_context():
        world = World(application)
        invite(world)
        run_jobs()
        (mail,) = read(mails)
        assert f"\n{public}/password/invitation/" in mail.get_content()
        assert mail["Message-ID"] == f"<job-{jobs()[0].id}@banque95.exemple.fr>"
        db.db.engine.dispose()


def test_a_job_that_runs_twice_sends_the_same_message(world: World, mails: Path) -> None:
    invite(world)
    run_jobs()
    with db.transaction() as session:
        session.execute(sa.update(Job).values(state=JobState.WAITING))
    run_jobs()
    (mail,) = read(mails)
    assert mail["Message-ID"] == f"<job-{jobs()[0].id}@localhost>"


def test_no_mail_goes_to_someone_disabled_meanwhile(world: World, mails: Path) -> None:
    person_id = invite(world)
    coordinator = world.coordinator
    with db.transaction() as session:
        actions.ask_reset(session, INVITATION.email)
        actions.disable(session, coordinator, person_id)
    run_jobs()
    assert read(mails) == []
    assert {job.state for job in jobs()} == {JobState.DONE}


def test_no_invitation_goes_to_someone_who_joined_meanwhile(world: World, mails: Path) -> None:
    person_id = invite(world)
    with db.transaction() as session:
        actions.set_password(session, person_id, 1, signin.hash_password("quatre mots bien choisis"))
    run_jobs()
    assert read(mails) == []


def test_a_reset_served_already_is_not_sent_again(world: World, mails: Path) -> None:
    """A worker that dies after sending leaves the job to another: by then the link may have been used."""
    person = world.person(world.workshop, email="camille@exemple.fr")
    with db.transaction() as session:
        actions.ask_reset(session, "camille@exemple.fr")
    with db.transaction() as session:
        actions.set_password(session, person.person_id, 1, signin.hash_password("quatre mots bien choisis"))
    run_jobs()
    assert read(mails) == []


def test_someone_who_lost_the_invitation_gets_in_by_asking_for_a_password(world: World, mails: Path) -> None:
    person_id = invite(world)
    with db.transaction() as session:
        actions.ask_reset(session, INVITATION.email)
    run_jobs()
    reset = [mail for mail in read(mails) if "Nouveau mot de passe" in mail["Subject"]]
    path = LINK.search(reset[0].get_content())
    assert path is not None
    client = world.anonymous()
    client.post(path[0].removeprefix("http://localhost"), data={"password": "quatre mots bien choisis"})
    assert client.get("/account").status_code == 200
    assert person_id


class Box:
    """Keeps what a mail server takes."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (its name)
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[Box, str]]:
    """A mail server on a free port."""
    box = Box()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, f"smtp://127.0.0.1:{port}"
    controller.stop()


@pytest.fixture
def posting(database_url: str, tmp_path: Path, smtp: tuple[Box, str]) -> Iterator[Flask]:
    application = create_app(make_config(database_url, tmp_path, mail_url=smtp[1]))
    with application.app_context():
        yield application
        db.db.engine.dispose()


def test_a_reset_goes_out_over_smtp(posting: Flask, smtp: tuple[Box, str]) -> None:
    world = World(posting)
    world.person(world.workshop, email="camille@exemple.fr")
    with db.transaction() as session:
        actions.ask_reset(session, "camille@exemple.fr")
    run_jobs()
    (envelope,) = smtp[0].taken
    mail = message_from_bytes(envelope.content or b"", policy=policy.default)
    assert envelope.rcpt_tos == ["camille@exemple.fr"]
    assert mail["Subject"] == "Nouveau mot de passe pour Banque du numérique 95"
    assert isinstance(mail, EmailMessage)
    assert LINK.search(mail.get_content())
    assert jobs()[0].state is JobState.DONE


def test_a_mail_server_that_is_down_leaves_the_job_waiting(database_url: str, tmp_path: Path) -> None:
    application = create_app(make_config(database_url, tmp_path, mail_url="smtp://127.0.0.1:1"))
    with application.app_context():
        world = World(application)
        invite(world)
        run_jobs()
        (job,) = jobs()
        assert (job.state, job.error) == (JobState.WAITING, "ConnectionRefusedError")
        db.db.engine.dispose()
