"""A device that goes missing with data on it: a clock, people told over real SMTP, an outcome."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bank import db, work
from bank.actor import Actor
from bank.app import create_app
from bank.errors import Code, Refusal
from bank.identity.models import PersonRole
from bank.inventory import codes
from bank.inventory.lifecycle import State
from bank.inventory.register import Standing
from bank.journal import Entry
from bank.work import Job, JobState
from bank.workshops import exits, incidents
from bank.workshops.exits import Exit, ExitReason, Leaving
from bank.workshops.models import Incident, IncidentOutcome
from tests.conftest import make_config
from tests.factories import World


def lose(actor: Actor, standing: Standing) -> Incident:
    with db.transaction() as session:
        exits.leave(session, actor, standing.code, Leaving(Exit.LOSE, ExitReason.NOT_IN_PLACE))
    return incident(standing)


def incident(standing: Standing) -> Incident:
    with db.read() as session:
        return session.scalars(
            sa.select(Incident).where(Incident.device_id == standing.device_id).order_by(Incident.id.desc())
        ).first()  # type: ignore[return-value]  # a test that finds none fails by itself


def kinds(incident_id: int) -> list[str]:
    with db.read() as session:
        return list(
            session.scalars(
                sa.select(Entry.kind)
                .where(Entry.subject == "incident", Entry.subject_id == incident_id)
                .order_by(Entry.id)
            )
        )


def run_jobs() -> None:
    with db.read() as session:
        waiting = session.scalars(sa.select(Job.id).where(Job.name == "workshops.tell_incident")).all()
    for job_id in waiting:
        work.run(job_id)


def read(folder: Path) -> list[EmailMessage]:
    found = [
        message_from_bytes(path.read_bytes(), policy=policy.default) for path in sorted(folder.glob("*.eml"))
    ]
    return [mail for mail in found if isinstance(mail, EmailMessage)]


def text(response: Any) -> str:
    return unescape(response.get_data(as_text=True)).replace("\u00a0", " ")


def test_losing_a_device_with_open_drives_starts_the_clock_at_once(world: World) -> None:
    row = lose(world.supervisor, world.device(State.IN_WORK, donor=world.bnp))
    assert row.due_at - row.opened_at == timedelta(hours=72)
    assert (row.organisation_id, row.donor_id, row.drives) == (world.workshop, world.bnp, 1)
    assert kinds(row.id) == ["incident.opened"]


def test_what_is_found_again_closes_its_incident(world: World) -> None:
    device, supervisor = world.device(State.RECEIVED), world.supervisor
    lose(supervisor, device)
    with db.transaction() as session:
        exits.leave(session, supervisor, device.code, Leaving(Exit.FIND))
    row = incident(device)
    assert (row.outcome, row.closed_by) == (IncidentOutcome.FOUND, supervisor.person_id)
    assert kinds(row.id) == ["incident.opened", "incident.closed"]
    # Lost again, it is another incident with another clock.
    assert lose(supervisor, device).id != row.id


@pytest.mark.parametrize("outcome", incidents.BY_HAND)
def test_an_incident_is_settled_once(world: World, outcome: IncidentOutcome) -> None:
    row = lose(world.supervisor, world.device())
    coordinator = world.coordinator
    other = next(each for each in incidents.BY_HAND if each is not outcome)
    for _ in range(2):
        with db.transaction() as session:
            incidents.settle(session, coordinator, row.id, outcome)
    assert kinds(row.id) == ["incident.opened", "incident.closed"]
    with pytest.raises(Refusal) as caught, db.transaction() as session:
        incidents.settle(session, coordinator, row.id, other)
    assert caught.value.code is Code.EDITED_MEANWHILE


def test_found_is_said_of_the_device(world: World) -> None:
    row = lose(world.supervisor, world.device())
    answer = world.client(world.coordinator).post(f"/incidents/{row.id}", data={"outcome": "found"})
    assert answer.status_code == 422
    coordinator = world.coordinator
    with pytest.raises(Refusal) as caught, db.transaction() as session:
        incidents.settle(session, coordinator, row.id, IncidentOutcome.FOUND)
    assert caught.value.code is Code.INVALID


def test_another_workshops_incident_does_not_exist(world: World) -> None:
    row = lose(world.supervisor, world.device())
    stranger = world.person(world.other_workshop, PersonRole.SUPERVISOR)
    client = world.client(stranger)
    assert client.get(f"/incidents/{row.id}").status_code == 404
    assert client.post(f"/incidents/{row.id}", data={"outcome": "no_risk"}).status_code == 404
    assert "Aucun incident en cours" in text(client.get("/incidents"))
    assert world.client(world.operator).get("/incidents").status_code == 403


def test_coordinator_and_supervisor_follow_the_clock(world: World) -> None:
    device = world.device(donor=world.bnp)
    row = lose(world.supervisor, device)
    for who in (world.coordinator, world.supervisor):
        page = text(world.client(who).get("/incidents"))
        assert codes.grouped(device.code) in page
        assert "encore 71 heures" in page
    client = world.client(world.coordinator)
    page = text(client.get(f"/incidents/{row.id}"))
    assert "AGOIE" in page
    assert "BNP Paribas" in page
    answer = client.post(f"/incidents/{row.id}", data={"outcome": "notified"}, follow_redirects=True)
    assert "déclaré par le donateur" in text(answer)
    assert codes.grouped(device.code) not in text(client.get("/incidents"))
    assert codes.grouped(device.code) in text(client.get("/incidents?closed=y"))


def test_a_clock_that_ran_out_says_so(world: World) -> None:
    row = lose(world.supervisor, world.device())
    with db.transaction() as session:
        session.execute(sa.update(Incident).values(due_at=row.opened_at - timedelta(seconds=1)))
    assert "délai dépassé" in text(world.client(world.coordinator).get(f"/incidents/{row.id}"))


def test_the_api_says_the_same(world: World) -> None:
    device = world.device(donor=world.bnp)
    row = lose(world.supervisor, device)
    api = world.api(world.coordinator)
    (listed,) = api.get("/incidents").json["items"]
    assert listed == api.get(f"/incidents/{row.id}").json
    assert (listed["code"], listed["custodian"], listed["donor"]) == (device.code, "AGOIE", "BNP Paribas")
    assert api.put(f"/incidents/{row.id}/outcome", json={"outcome": "found"}).status_code == 422
    told = api.put(f"/incidents/{row.id}/outcome", json={"outcome": "no_risk"})
    assert (told.status_code, told.json["outcome"]) == (200, "no_risk")
    assert api.get("/incidents").json["items"] == []
    assert len(api.get("/incidents?closed=true").json["items"]) == 1


# ---- mails ----


def test_donor_and_coordinators_are_told_and_nobody_is_named(world: World, tmp_path: Path) -> None:
    coordinator, donor = world.coordinator, world.donor_user
    world.person(world.bnp, PersonRole.ADMINISTRATOR, email="sans.role@exemple.fr")
    world.person(world.department, PersonRole.DONOR, email="autre.donateur@exemple.fr")
    device = world.device(donor=world.bnp)
    row = lose(world.supervisor, device)
    run_jobs()
    mails = {mail["To"]: mail.get_content() for mail in read(tmp_path / "mail")}
    assert len(mails) == 2
    for_donor = next(body for body in mails.values() if "/incidents/" not in body)
    for_bank = next(body for body in mails.values() if f"http://localhost/incidents/{row.id}" in body)
    for body in mails.values():
        assert "L-TEST0" in body
        assert "AGOIE" in body
        assert "72 heures" in body
        assert not any(who.name in body for who in (coordinator, donor, world.supervisor))
    assert for_donor != for_bank


def test_a_mail_sent_twice_is_the_same_mail(world: World, tmp_path: Path) -> None:
    _people = (world.coordinator, world.donor_user)
    lose(world.supervisor, world.device(donor=world.bnp))
    run_jobs()
    first = sorted(mail["Message-ID"] for mail in read(tmp_path / "mail"))
    with db.transaction() as session:
        session.execute(sa.update(Job).values(state=JobState.WAITING))
    run_jobs()
    assert sorted(mail["Message-ID"] for mail in read(tmp_path / "mail")) == first
    assert len(set(first)) == 2


def test_nobody_is_alarmed_by_what_was_found_meanwhile(world: World, tmp_path: Path) -> None:
    device, supervisor = world.device(donor=world.bnp), world.supervisor
    _people = (world.coordinator, world.donor_user)
    lose(supervisor, device)
    with db.transaction() as session:
        exits.leave(session, supervisor, device.code, Leaving(Exit.FIND))
    run_jobs()
    assert read(tmp_path / "mail") == []


class Box:
    """A mail server that keeps what it is given."""

    def __init__(self) -> None:
        self.got: list[tuple[list[str], bytes]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        self.got.append((list(envelope.rcpt_tos), bytes(envelope.content or b"")))
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[Box, str]]:
    box = Box()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_the_mail_goes_out_over_smtp(database_url: str, tmp_path: Path, smtp: tuple[Box, str]) -> None:
    box, url = smtp
    application = create_app(make_config(database_url, tmp_path, mail_url=url))
    with application.app_context():
        world = World(application)
        world.person(world.bank, PersonRole.COORDINATOR, email="coordination@exemple.fr")
        world.person(world.bnp, PersonRole.DONOR, email="donateur@exemple.fr")
        lose(world.supervisor, world.device(donor=world.bnp))
        run_jobs()
        db.db.engine.dispose()
    assert sorted(to for (to,), _content in box.got) == ["coordination@exemple.fr", "donateur@exemple.fr"]
    subjects = {
        str(message_from_bytes(content, policy=policy.default)["Subject"]) for _to, content in box.got
    }
    assert subjects == {"Un matériel du lot L-TEST0 est introuvable"}
