"""Batches through the API: the same actions, answers and refusals as the pages."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db
from bank.donations.models import Batch
from bank.identity.models import PersonRole
from bank.inventory.models import Category, Device
from bank.web import guard
from tests.factories import World
from tests.scanned import scanned

LAPTOP, SCREEN = Category.LAPTOP, Category.SCREEN


def count(table: Any) -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def new_batch(world: World, **changes: object) -> dict[str, object]:
    body: dict[str, object] = {
        "donor_id": world.bnp,
        "workshop_id": world.workshop,
        "legal_basis": "private_gift",
        "agreed_on": "2026-01-05",
        "lines": [{"category": "laptop", "announced": 2}],
    }
    return body | changes


TWO_LAPTOPS = {"lines": [{"category": "laptop", "received": 2}]}


def test_every_resource_declares_who_may_call_it(app: Flask) -> None:
    endpoints = [name for name in app.view_functions if name.startswith(("donations_api.", "inventory_api."))]
    assert len(endpoints) >= 8
    for endpoint in endpoints:
        access = guard.access_of(app, endpoint)
        assert access is not None, endpoint
        assert access.permission is not None, endpoint


def test_a_batch_goes_from_announced_to_labels_by_program_alone(world: World) -> None:
    coordinator, supervisor = world.api(world.coordinator), world.api(world.supervisor)
    entered = coordinator.post("/batches", json=new_batch(world, purge_asked=True))
    assert entered.status_code == 201
    ref = entered.json["ref"]
    assert entered.headers["Location"] == f"/api/v1/batches/{ref}"
    assert entered.json["state"] == "accepted"
    assert entered.json["lines"] == [
        {"category": "laptop", "announced": 2, "received": None, "refused": 0, "gap_reason": None}
    ]

    received = supervisor.post(
        f"/batches/{ref}/reception",
        json={
            "lines": [
                {"category": "laptop", "received": 1, "gap_reason": "not_on_the_lorry"},
                {"category": "screen", "received": 1, "gap_reason": "other_category"},
            ]
        },
    )
    assert received.status_code == 201
    assert received.headers["Location"] == f"/api/v1/batches/{ref}"
    codes = received.json["codes"]
    assert len(codes) == 2
    assert received.json["batch"] == supervisor.get(f"/batches/{ref}").json
    assert [
        (line["category"], line["announced"], line["received"], line["gap_reason"])
        for line in received.json["batch"]["lines"]
    ] == [("laptop", 2, 1, "not_on_the_lorry"), ("screen", 0, 1, "other_category")]

    run = supervisor.post("/labels", json={"batch": ref, "sheet": "70x37", "start": 3})
    assert (run.status_code, run.json["state"]) == (201, "done")
    sheet = supervisor.get(run.json["links"]["pdf"].removeprefix("/api/v1"))
    assert sheet.mimetype == "application/pdf"
    assert scanned(sheet.data) == {*codes, *(f"http://localhost/d/{code}" for code in codes)}


def test_the_same_key_gives_the_same_batch_and_another_content_is_refused(world: World) -> None:
    api, body = world.api(world.coordinator), new_batch(world)
    first, second = (api.post("/batches", key="k", json=body) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    other = api.post("/batches", key="k", json=new_batch(world, no_resale=True))
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    assert count(Batch) == 1


def test_the_same_reception_sent_again_answers_the_same_codes(world: World) -> None:
    ref, api = world.batch(), world.api(world.supervisor)
    first, second = (api.post(f"/batches/{ref}/reception", key="k", json=TWO_LAPTOPS) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    again = api.post(f"/batches/{ref}/reception", json=TWO_LAPTOPS)
    assert (again.status_code, again.json["code"]) == (409, "batch-closed")
    assert count(Device) == 2


def test_a_creating_request_needs_its_key(world: World) -> None:
    ref = world.batch()
    for actor, path, body in (
        (world.coordinator, "/batches", new_batch(world)),
        (world.supervisor, f"/batches/{ref}/reception", TWO_LAPTOPS),
    ):
        api = world.api(actor)
        response = api.client.post(
            f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {api.secret}"}
        )
        assert (response.status_code, response.json["code"]) == (400, "idempotency-key-missing")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"legal_basis": "l3212-3"}, "legal_basis"),
        ({"donor_id": 999_999}, "donor_id"),
        ({"workshop_id": 2**63 - 1}, "workshop_id"),
        ({"agreed_on": "9999-12-31"}, "agreed_on"),
        (
            {"lines": [{"category": "laptop", "announced": 1}, {"category": "laptop", "announced": 2}]},
            "lines",
        ),
        (
            {"lines": [{"category": "laptop", "announced": 2000}, {"category": "screen", "announced": 1}]},
            "lines",
        ),
    ],
)
def test_what_breaks_a_rule_names_the_field(world: World, change: dict[str, object], field: str) -> None:
    response = world.api(world.coordinator).post("/batches", json=new_batch(world, **change))
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"
    assert list(response.json["errors"]) == [field]
    assert count(Batch) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"donor_id": 2**63},
        {"donor_id": "1"},
        {"donor_id": None},
        {"lines": []},
        {"lines": [{"category": "laptop", "announced": 0}]},
        {"lines": [{"category": "laptop", "announced": 1.5}]},
        {"lines": [{"category": "car", "announced": 1}]},
        {"lines": [{"category": "laptop", "announced": 1}] * 15},
        {"agreed_on": "2026-13-01"},
        {"donnor": 1},
    ],
)
def test_what_has_another_shape_is_refused(world: World, change: dict[str, object]) -> None:
    response = world.api(world.coordinator).post("/batches", json=new_batch(world, **change))
    assert (response.status_code, response.json["code"]) == (422, "invalid")
    assert "json" in response.json["errors"]
    assert count(Batch) == 0


def test_a_gap_names_its_categories(world: World) -> None:
    ref = world.batch({LAPTOP: 2, SCREEN: 1})
    response = world.api(world.supervisor).post(f"/batches/{ref}/reception", json=TWO_LAPTOPS)
    assert (response.status_code, response.json["code"]) == (422, "gap-unexplained")
    assert response.json["categories"] == ["screen"]
    assert count(Device) == 0


def test_a_category_counted_twice_is_refused(world: World) -> None:
    body = {"lines": [{"category": "laptop", "received": 1}] * 2}
    response = world.api(world.supervisor).post(f"/batches/{world.batch()}/reception", json=body)
    assert response.status_code == 422
    assert count(Device) == 0


def test_a_foreign_batch_is_not_found_by_any_method(world: World) -> None:
    ref = world.batch()
    stranger = world.api(world.person(world.other_workshop, PersonRole.SUPERVISOR))
    for response in (
        stranger.get(f"/batches/{ref}"),
        stranger.get(f"/batches/{ref}/reception.pdf"),
        stranger.post(f"/batches/{ref}/reception", json=TWO_LAPTOPS),
        stranger.get("/batches/L-%00"),
    ):
        assert (response.status_code, response.json["code"]) == (404, "not-found")
    assert stranger.get("/batches").json == {"items": [], "next_cursor": None}


def test_a_permission_is_needed_before_anything_is_looked_up(world: World) -> None:
    ref = world.batch()
    for actor, response in (
        ("donor enters", world.api(world.donor_user).post("/batches", json=new_batch(world))),
        (
            "coordinator receives",
            world.api(world.coordinator).post(f"/batches/{ref}/reception", json=TWO_LAPTOPS),
        ),
        ("donor prints", world.api(world.donor_user).post("/labels", json={"batch": ref})),
        ("operator reads", world.api(world.operator).get(f"/batches/{ref}")),
    ):
        assert response.status_code == 403, actor


def test_the_list_has_filters_and_pages(world: World) -> None:
    refs = [world.batch({LAPTOP: number}) for number in (1, 2)]
    api = world.api(world.coordinator)
    listed = api.get("/batches").json
    assert [item["ref"] for item in listed["items"]] == refs[::-1]
    assert listed["items"][0] == {
        "ref": refs[1],
        "state": "accepted",
        "donor": "BNP Paribas",
        "workshop": "AGOIE",
        "agreed_on": "2026-01-05",
        "collection_on": None,
        "announced": 2,
        "received": None,
    }
    assert api.get(f"/batches?donor_id={world.department}").json["items"] == []
    assert len(api.get("/batches?state=accepted&donor_id=" + str(world.bnp)).json["items"]) == 2


@pytest.mark.parametrize(
    "query", ["cursor=abc", "cursor=0", "cursor=" + "9" * 30, "state=lost", "donor_id=-1", "colour=red"]
)
def test_a_query_that_means_nothing_is_refused(world: World, query: str) -> None:
    response = world.api(world.coordinator).get(f"/batches?{query}")
    assert (response.status_code, response.json["code"]) == (422, "invalid")


# --- announced by the donor, decided by the coordinator ---

ANNOUNCED: dict[str, Any] = {
    "lines": [{"category": "laptop", "announced": 12}, {"category": "screen", "announced": 4}],
    "pickup_address": "16 boulevard des Italiens, 75009 Paris",
    "pickup_contact": "Accueil du quai",
}


def test_a_donation_goes_all_the_way_by_program_alone(world: World) -> None:
    donor, coordinator = world.api(world.donor_user), world.api(world.coordinator)
    drafted = donor.post("/batches", json={"lines": []})
    assert (drafted.status_code, drafted.json["state"], drafted.json["donor_id"]) == (201, "draft", world.bnp)
    ref, version = drafted.json["ref"], drafted.json["version"]
    empty = donor.post(f"/batches/{ref}/submit", json={"version": version})
    assert (empty.status_code, sorted(empty.json["errors"])) == (
        422,
        ["lines", "pickup_address", "pickup_contact"],
    )
    written = donor.put(f"/batches/{ref}", json=ANNOUNCED | {"version": version})
    assert (written.status_code, written.json["announced"]) == (200, 16)
    stale = donor.put(f"/batches/{ref}", json=ANNOUNCED | {"version": version})
    assert (stale.status_code, stale.json["code"]) == (409, "edited-meanwhile")
    sent = donor.post(f"/batches/{ref}/submit", json={})
    assert (sent.status_code, sent.json["state"]) == (200, "submitted")

    decided = coordinator.post(
        f"/batches/{ref}/accept",
        json={
            "workshop_id": world.workshop,
            "legal_basis": "private_gift",
            "collection_on": "2099-01-05",
            "version": sent.json["version"],
        },
    )
    assert (decided.status_code, decided.json["state"]) == (200, "accepted")
    moved = coordinator.put(
        f"/batches/{ref}/collection",
        json={
            "workshop_id": world.workshop,
            "collection_on": "2099-01-06",
            "version": decided.json["version"],
        },
    )
    assert (moved.status_code, moved.json["collection_on"]) == (200, "2099-01-06")

    counted = {
        "lines": [
            {"category": "laptop", "received": 10, "refused": 2},
            {"category": "screen", "received": 4},
        ]
    }
    received = world.api(world.supervisor).post(f"/batches/{ref}/reception", json=counted)
    assert (received.status_code, len(received.json["codes"])) == (201, 14)
    followed = donor.get(f"/batches/{ref}").json
    assert [(line["announced"], line["received"], line["refused"]) for line in followed["lines"]] == [
        (12, 10, 2),
        (4, 4, 0),
    ]
    assert followed["pickup_contact"] is None
    outcome = donor.get(f"/batches/{ref}/outcomes")
    assert outcome.json["totals"] == {"in_work": 14}
    assert donor.get(f"/batches/{ref}/items").json == {"items": [], "next_cursor": None, "count": 0}
    for paper in ("reception", "erasure"):
        answer = donor.get(f"/batches/{ref}/{paper}.pdf")
        assert (answer.status_code, answer.mimetype, answer.data[:5]) == (200, "application/pdf", b"%PDF-")


def test_a_donor_announces_and_sends_at_once_and_once(world: World) -> None:
    donor = world.api(world.donor_user)
    first, second = (donor.post("/batches", key="k", json=ANNOUNCED | {"submit": True}) for _ in range(2))
    assert (first.status_code, first.json["state"]) == (201, "submitted")
    assert first.json == second.json
    assert count(Batch) == 1


def test_a_no_is_corrected_and_sent_again(world: World) -> None:
    donor, coordinator = world.api(world.donor_user), world.api(world.coordinator)
    sent = donor.post("/batches", json=ANNOUNCED | {"submit": True}).json
    path = f"/batches/{sent['ref']}"
    unexplained = coordinator.post(f"{path}/refuse", json={"reason": "other", "version": sent["version"]})
    assert (unexplained.status_code, unexplained.json["errors"]) == (422, {"note": ["note-missing"]})
    told = coordinator.post(f"{path}/refuse", json={"reason": "too_far", "version": sent["version"]})
    assert (told.status_code, told.json["refusal_reason"]) == (200, "too_far")
    late = coordinator.post(f"{path}/refuse", json={"reason": "too_far", "version": sent["version"]})
    assert (late.status_code, late.json["code"]) == (409, "batch-moved-on")
    assert donor.post(f"{path}/reopen").json["state"] == "draft"
    assert donor.post(f"{path}/submit", json={}).json["state"] == "submitted"
    assert donor.post(f"{path}/withdraw").json["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"donor_id": "other"}, 403),
        ({"workshop_id": 1}, 422),
        ({"legal_basis": "private_gift"}, 422),
        ({"agreed_on": "2026-01-05", "workshop_id": 1, "legal_basis": "private_gift"}, 422),
        ({"collection_on": "2099-01-05"}, 422),
        ({"pickup_contact": "a\nb"}, 422),
        ({"pickup_address": "x" * 201}, 422),
    ],
)
def test_a_donor_announces_nothing_but_its_own(world: World, change: dict[str, Any], status: int) -> None:
    if "donor_id" in change:
        change = {"donor_id": world.department}
    answer = world.api(world.donor_user).post("/batches", json=ANNOUNCED | change)
    assert answer.status_code == status
    assert count(Batch) == 0


def test_the_coordinator_opens_a_draft_for_a_donor(world: World) -> None:
    made = world.api(world.coordinator).post("/batches", json=ANNOUNCED | {"donor_id": world.bnp})
    assert (made.status_code, made.json["state"], made.json["donor_id"]) == (201, "draft", world.bnp)


def test_what_nobody_announced_is_counted_in(world: World) -> None:
    supervisor = world.api(world.supervisor)
    body = {"donor_id": None, "lines": [{"category": "laptop", "received": 2, "refused": 1}]}
    first, second = (supervisor.post("/receptions", key="k", json=body) for _ in range(2))
    assert (first.status_code, len(first.json["codes"])) == (201, 2)
    assert first.json == second.json
    batch = first.json["batch"]
    assert (batch["donor"], batch["legal_basis"], batch["unannounced"]) == (None, "unknown", True)
    assert batch["lines"][0]["gap_reason"] == "unannounced"
    assert count(Batch) == 1

    chosen = {
        "donor_id": world.department,
        "workshop_id": world.workshop,
        "legal_basis": "l3212-3",
        "lines": [{"category": "screen", "received": 1}],
    }
    by_coordinator = world.api(world.coordinator).post("/receptions", json=chosen)
    assert (by_coordinator.status_code, by_coordinator.json["batch"]["legal_basis"]) == (201, "l3212-3")
    nothing = supervisor.post("/receptions", json=body | {"lines": [{"category": "laptop", "received": 0}]})
    assert (nothing.status_code, nothing.json["errors"]) == (422, {"lines": ["nothing-counted"]})
    for actor in (world.donor_user, world.operator):
        assert world.api(actor).post("/receptions", json=body).status_code == 403


def test_a_batch_has_no_papers_before_it_is_received(world: World) -> None:
    ref, api = world.batch({SCREEN: 1}), world.api(world.coordinator)
    assert api.get(f"/batches/{ref}/reception.pdf").status_code == 404
    assert api.get(f"/batches/{ref}/erasure.pdf").status_code == 404
    counted = {"lines": [{"category": "screen", "received": 1}]}
    world.api(world.supervisor).post(f"/batches/{ref}/reception", json=counted)
    assert api.get(f"/batches/{ref}/reception.pdf").status_code == 200
    # Screens hold nobody's data: there is nothing to certify.
    assert api.get(f"/batches/{ref}/erasure.pdf").status_code == 404
