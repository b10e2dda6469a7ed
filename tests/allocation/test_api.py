"""The same journey through the API alone."""

from datetime import timedelta
from typing import Any

import pytest

from bank.allocation import queries
from bank.identity.models import PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.models import LegalBasis
from tests.factories import World

NAME = "Amina Zérouali"


def wish(**changes: Any) -> dict[str, Any]:
    return {
        "programme": "RSA",
        "lines": [{"category": "laptop", "quantity": 1}],
        "person_name": NAME,
        "contact": "06 39 98 12 34",
        "proof": "rsa_certificate",
        "proof_day": (queries.today() - timedelta(days=20)).isoformat(),
        "proof_seen": True,
    } | changes


def ask(world: World) -> str:
    answer = world.api(world.prescriber_user).post("/requests", json=wish())
    assert answer.status_code == 201, answer.text
    return str(answer.json["ref"])


def test_from_the_request_to_the_hand_over(world: World) -> None:
    world.programme_rsa()
    device = world.device(State.READY, donor=world.department)
    prescriber, coordinator, desk = (
        world.api(actor) for actor in (world.prescriber_user, world.coordinator, world.desk_user)
    )

    made = prescriber.post("/requests", json=wish())
    assert made.status_code == 201
    ref = made.json["ref"]
    assert made.headers["Location"] == f"/api/v1/requests/{ref}"
    assert made.json | {"created_at": None} == {
        "ref": ref,
        "state": "open",
        "programme": "RSA",
        "lines": [{"category": "laptop", "quantity": 1, "promised": 0, "missing": 1}],
        "organisation": "Croix-Rouge",
        "recipient_nature": "person",
        "person_name": NAME,
        "birth_date": None,
        "contact": "06 39 98 12 34",
        "needs": [],
        "cancel_reason": None,
        "proof": "rsa_certificate",
        "proof_day": wish()["proof_day"],
        "created_at": None,
        "handover": None,
        "allocations": [],
        "total_cents": 0,
    }

    quote = coordinator.get(f"/quote?request={ref}&device={device.code}")
    assert quote.json == {
        "ok": True,
        "day": queries.today().isoformat(),
        "price_cents": 2_000,
        "cap_cents": 18_000,
        "reasons": ["tariff-general", "public-gift", "within-cap"],
        "refusals": [],
    }

    promised = coordinator.post(f"/requests/{ref}/allocations", json={"device": device.code})
    assert promised.status_code == 201
    assert promised.headers["Location"] == f"/api/v1/requests/{ref}"
    assert promised.json["price_cents"] == 2_000
    assert promised.json["seller"] == "AGOIE"

    waiting = desk.get("/requests?state=allocated").json
    assert [(item["ref"], item["person_name"]) for item in waiting["items"]] == [(ref, None)]
    assert desk.get(f"/requests/{ref}").json["person_name"] == NAME
    given = {
        "request": ref,
        "devices": [device.code],
        "payment": "cash",
        "paid_cents": 2_000,
        "signature": "on_paper",
    }
    done = desk.post("/handovers", json=given)
    assert done.status_code == 201
    assert done.headers["Location"] == f"/api/v1/handovers/{done.json['ref']}"
    assert NAME not in done.text
    assert desk.get(f"/handovers/{done.json['ref']}").json == done.json
    assert done.json["devices"][0]["device"] == device.code
    after = prescriber.get(f"/requests/{ref}").json
    assert (after["state"], after["handover"], after["total_cents"]) == (
        "handed_over",
        done.json["ref"],
        2_000,
    )


def test_the_same_request_sent_twice_is_one(world: World) -> None:
    world.programme_rsa()
    api = world.api(world.prescriber_user)
    first, second = (api.post("/requests", json=wish(), key="once") for _send in range(2))
    assert first.json == second.json
    assert len(api.get("/requests").json["items"]) == 1
    other = api.post("/requests", json=wish(person_name="Bruno"), key="once")
    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")


def test_the_same_hand_over_sent_twice_is_one_and_another_is_refused(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    allocate = {"device": device.code}
    coordinator, desk = world.api(world.coordinator), world.api(world.desk_user)
    answers = [coordinator.post(f"/requests/{ref}/allocations", json=allocate, key="k") for _send in range(2)]
    assert answers[0].json == answers[1].json
    given = {
        "request": ref,
        "devices": [device.code],
        "payment": "card",
        "paid_cents": 2_000,
        "signature": "witness",
    }
    first, second = (desk.post("/handovers", json=given, key="k") for _send in range(2))
    assert first.json == second.json
    again = desk.post("/handovers", json=given)
    assert (again.status_code, again.json["code"]) == (409, "request-closed")


def test_a_creating_post_needs_its_key(world: World) -> None:
    world.programme_rsa()
    answer = world.api(world.prescriber_user).post("/requests", json=wish(), key="k" * 81)
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key-missing")


def test_the_law_s_refusal_says_which_article(world: World) -> None:
    world.programme_rsa()
    device = world.device(State.READY, donor=world.department, basis=LegalBasis.L3212_2_2)
    ref, coordinator = ask(world), world.api(world.coordinator)
    refused = coordinator.post(f"/requests/{ref}/allocations", json={"device": device.code})
    assert refused.status_code == 422
    assert refused.content_type == "application/problem+json"
    assert refused.json["code"] == "unlawful"
    assert refused.json["reasons"] == ["sale-forbidden"]
    assert refused.json["article"] == "CG3P L3212-2 2°"
    quote = coordinator.get(f"/quote?request={ref}&device={device.code}").json
    assert (quote["ok"], quote["price_cents"], quote["cap_cents"]) == (False, 2_000, 0)
    assert quote["refusals"] == [
        {
            "reason": "sale-forbidden",
            "article": "CG3P L3212-2 2°",
            "message": "La loi interdit de vendre ce matériel (CG3P L3212-2 2°).",
        }
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"proof_seen": False}, "not-eligible"),
        ({"contact": "285057800608441"}, "invalid"),
        ({"lines": [{"category": "boat"}]}, "invalid"),
        ({"lines": [{"category": "laptop", "quantity": 0}]}, "invalid"),
        ({"lines": []}, "invalid"),
        ({"lines": [{"category": "laptop"}] * 2}, "invalid"),
        ({"nir": "285057800608441"}, "invalid"),
        ({"programme": "FSL"}, "invalid"),
        ({"programme": "\x00"}, "invalid"),
    ],
)
def test_a_request_that_cannot_be_made(world: World, changes: dict[str, Any], code: str) -> None:
    world.programme_rsa()
    answer = world.api(world.prescriber_user).post("/requests", json=wish(**changes))
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert "285057800608441" not in answer.text


@pytest.mark.parametrize("path", ["/requests?cursor=0", "/requests?state=lost", "/requests?programme=%00"])
def test_a_filter_that_means_nothing_is_refused(world: World, path: str) -> None:
    assert world.api(world.coordinator).get(path).status_code == 422


def test_the_coordinator_gets_no_name(world: World) -> None:
    world.programme_rsa()
    ref, coordinator = ask(world), world.api(world.coordinator)
    for path in (f"/requests/{ref}", "/requests"):
        answer = coordinator.get(path)
        assert answer.status_code == 200
        assert NAME not in answer.text


def test_another_organisation_s_things_are_not_found(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    coordinator, desk = world.api(world.coordinator), world.api(world.desk_user)
    coordinator.post(f"/requests/{ref}/allocations", json={"device": device.code})
    given = {
        "request": ref,
        "devices": [device.code],
        "payment": "cash",
        "paid_cents": 2_000,
        "signature": "on_paper",
    }
    elsewhere = world.api(world.person(world.other_workshop, PersonRole.DESK))
    assert elsewhere.post("/handovers", json=given).status_code == 404
    handover_ref = desk.post("/handovers", json=given).json["ref"]
    for api in (elsewhere, world.api(world.ccas_user)):
        assert api.get(f"/requests/{ref}").status_code == 404
        assert api.get(f"/handovers/{handover_ref}").status_code == 404


def test_a_promised_device_is_taken_back(world: World) -> None:
    world.programme_rsa()
    device, ref = world.device(State.READY), ask(world)
    coordinator = world.api(world.coordinator)
    coordinator.post(f"/requests/{ref}/allocations", json={"device": device.code})
    assert coordinator.delete(f"/requests/{ref}/allocations/{device.code}").status_code == 204
    assert coordinator.get(f"/requests/{ref}").json["state"] == "open"
    assert coordinator.delete(f"/requests/{ref}/allocations/{device.code}").status_code == 204, (
        "asked twice, done once"
    )


def test_who_may_call_what(world: World) -> None:
    world.programme_rsa()
    ref = ask(world)
    operator, prescriber = world.api(world.operator), world.api(world.prescriber_user)
    assert operator.get("/requests").status_code == 403
    assert operator.get(f"/requests/{ref}").status_code == 403
    assert operator.post("/requests", json=wish()).status_code == 403
    assert prescriber.get(f"/quote?request={ref}&device=B0B0B0B0B0").status_code == 403
    assert prescriber.post(f"/requests/{ref}/allocations", json={"device": "x"}).status_code == 403
    assert prescriber.post("/handovers", json={}).status_code == 403
    assert world.anonymous().get("/api/v1/requests").status_code == 401
