"""The first page: by role, what awaits, within reach, in one statement."""

import re
from datetime import date
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from bank import db
from bank.actor import Actor, Permission
from bank.allocation.models import Allocation, Request, RequestLine, RequestState, Tariff
from bank.donations.models import Batch, BatchState
from bank.home import queries
from bank.home.queries import Item
from bank.identity.models import LegalNature, PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.models import Category
from bank.inventory.register import Standing
from bank.workshops.models import Blocker, HelpCall, Problem
from tests.factories import World


def counts(actor: Actor) -> dict[Item, int]:
    with db.read() as session:
        return {line.item: line.count for line in queries.awaiting(session, actor) if line.count}


def ask(
    world: World, actor: Actor, state: RequestState = RequestState.OPEN, device: Standing | None = None
) -> None:
    """A request, promised a device where one is given."""
    programme = world.__dict__.setdefault("rsa", None) or world.programme_rsa()
    world.__dict__["rsa"] = programme
    with db.transaction() as session:
        world.made += 1
        request = Request(
            ref=f"D-{world.made:05}",
            programme_id=programme,
            organisation_id=actor.organisation_id,
            recipient_nature=LegalNature.ASSOCIATION,
            lines=[RequestLine(category=Category.LAPTOP, quantity=1)],
            state=state,
            made_by=actor.person_id,
        )
        session.add(request)
        session.flush()
        if device:
            session.add(
                Allocation(
                    request_id=request.id,
                    device_id=device.device_id,
                    price_cents=0,
                    tariff_id=session.scalars(sa.select(Tariff.id)).one(),
                    seller_id=world.workshop,
                    reasons=frozenset(),
                    decided_on=date(2026, 3, 1),
                    decided_by=actor.person_id,
                )
            )


def test_a_coordinator_sees_what_the_bank_waits_for(world: World) -> None:
    world.batch()
    world.device(State.READY)
    world.device(State.RESERVED)
    ask(world, world.prescriber_user)
    assert counts(world.coordinator) == {
        Item.BATCHES_AWAITED: 1,
        Item.DEVICES_READY: 1,
        Item.REQUESTS_OPEN: 1,
    }


def test_a_supervisor_sees_what_is_at_their_own_workshop(world: World) -> None:
    world.batch()
    world.batch(workshop=world.other_workshop)
    world.device()
    world.device(State.IN_WORK)
    world.device(State.IN_WORK, step=2)
    world.device(State.IN_WORK, step=2)
    world.device(State.IN_WORK, actor=world.other_operator)
    assert counts(world.supervisor) == {
        Item.BATCHES_TO_RECEIVE: 1,
        Item.DEVICES_RECEIVED: 1,
        Item.DEVICES_IN_WORK: 3,
        Item.DEVICES_IN_CONTROL: 2,
    }


def test_a_supervisor_sees_first_who_calls_and_what_is_dangerous(world: World) -> None:
    stopped, burning = world.device(State.IN_WORK), world.device(State.IN_WORK)
    operator = world.operator
    with db.transaction() as session:
        for device, problem in ((stopped, Problem.NO_CHARGER), (burning, Problem.SMELL)):
            session.add(
                Blocker(
                    device_id=device.device_id,
                    organisation_id=world.workshop,
                    problem=problem,
                    danger=problem is Problem.SMELL,
                    opened_by=operator.person_id,
                )
            )
        session.add(HelpCall(organisation_id=world.workshop, person_id=operator.person_id))
    found = counts(world.supervisor)
    assert list(found)[:3] == [Item.HELP_CALLED, Item.DANGERS, Item.DEVICES_BLOCKED]
    assert counts(world.person(world.other_workshop, PersonRole.SUPERVISOR)) == {}


def test_a_batch_to_examine_is_one_click_away(world: World) -> None:
    ref = world.batch()
    with db.transaction() as session:
        batch = session.scalars(sa.select(Batch).where(Batch.ref == ref)).one()
        batch.state = BatchState.SUBMITTED
    assert counts(world.coordinator) == {Item.BATCHES_TO_DECIDE: 1}
    assert counts(world.donor_user) == {Item.BATCHES_SENT: 1}
    page = world.client(world.coordinator).get("/").text
    assert f'href="/batches/{ref}"' in page


def test_someone_with_several_roles_sees_the_union(world: World) -> None:
    both = world.person(world.workshop, PersonRole.OPERATOR, PersonRole.DESK)
    page = world.client(both).get("/").text
    assert re.findall(r'class="tap main" href="([^"]+)"', page) == ["/scan", "/desk"]


def test_the_path_of_the_devices_leads_to_each_list(world: World) -> None:
    world.device(State.READY)
    world.device(State.RESERVED)
    with db.read() as session:
        found = {stage.state: stage.count for stage in queries.stages(session, world.coordinator)}
    assert (found[State.READY], found[State.RESERVED], found[State.RECYCLED]) == (1, 1, 0)
    assert 'href="/devices?state=ready"' in world.client(world.coordinator).get("/").text


def test_an_operator_has_one_big_button_and_nothing_else(world: World) -> None:
    world.device(State.IN_WORK)
    assert counts(world.operator) == {}
    page = world.client(world.operator).get("/").text
    assert re.search(r'class="tap main" href="/scan"', page)
    assert "Ce qui vous attend" not in page


def test_a_prescriber_sees_their_own_requests_only(world: World) -> None:
    ask(world, world.prescriber_user)
    ask(world, world.prescriber_user, RequestState.ALLOCATED)
    ask(world, world.ccas_user)
    expected = {Item.OWN_REQUESTS_OPEN: 1, Item.OWN_REQUESTS_ALLOCATED: 1}
    assert counts(world.prescriber_user) == expected


def test_a_desk_sees_the_requests_whose_devices_it_holds(world: World) -> None:
    ask(world, world.prescriber_user, RequestState.ALLOCATED, world.device(State.RESERVED))
    elsewhere = world.device(State.RESERVED, actor=world.other_operator)
    ask(world, world.prescriber_user, RequestState.ALLOCATED, elsewhere)
    assert counts(world.desk_user) == {Item.REQUESTS_TO_APPOINT: 1, Item.HANDOVERS_TO_MAKE: 1}


def test_a_donor_sees_their_own_batches(world: World) -> None:
    world.batch()
    world.batch(donor=world.department)
    assert counts(world.donor_user) == {Item.BATCHES_GIVEN: 1}


def test_beyond_a_hundred_the_figure_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MANY", 2)
    for _ in range(3):
        world.batch()
    with db.read() as session:
        [line] = [line for line in queries.awaiting(session, world.donor_user) if line.count]
    assert (line.count, line.many) == (2, True)


def test_an_account_without_a_role_is_told_so(world: World) -> None:
    nobody = world.person(world.workshop)
    page = world.client(nobody).get("/")
    assert page.status_code == 200
    assert "Pas encore de tâche" in unescape(page.text)


@pytest.mark.parametrize(
    "who",
    ["coordinator", "supervisor", "operator", "prescriber_user", "ccas_user", "desk_user", "donor_user"],
)
def test_each_line_leads_to_its_list(world: World, who: str) -> None:
    world.batch()
    client = world.client(getattr(world, who))
    page = client.get("/")
    assert page.status_code == 200
    with db.read() as session:
        expected = len([line for line in queries.awaiting(session, getattr(world, who)) if line.count])
    links = re.findall(r'<li><a class="[^"]*" href="([^"]+)">(?=.*?<strong)', page.text)
    assert len(links) == expected
    for href in links:
        assert client.get(unescape(href)).status_code == 200, href


def test_the_first_page_asks_the_database_once(world: World) -> None:
    everything = Actor(
        world.supervisor.person_id, world.workshop, frozenset(Permission) - {Permission.WHOLE_BANK}
    )
    seen: list[Any] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    with db.read() as session:
        event.listen(db.db.engine, "before_cursor_execute", note)
        lines = queries.awaiting(session, everything)
        event.remove(db.db.engine, "before_cursor_execute", note)
    assert len(lines) >= 8
    assert len(seen) == 1


def test_without_an_account_one_is_asked_to_sign_in(world: World) -> None:
    answer = world.anonymous().get("/")
    assert answer.status_code == 303
    assert "next=/" in unescape(answer.location).replace("%2F", "/")
