"""The grid: a price or a programme is added from a day; the one before ends on the eve; the past stays."""

import json
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from bank import db
from bank.actor import Actor
from bank.allocation import offers, price_list, queries
from bank.allocation.models import Programme, ProofKind, Tariff
from bank.allocation.price_list import NewProgramme, NewTariff
from bank.errors import Code, Refusal
from bank.identity.models import LegalNature
from bank.inventory.models import Category
from bank.journal import Entry
from tests.factories import World, today


def tariff(**changes: Any) -> NewTariff:
    given: dict[str, Any] = {
        "programme": "RSA",
        "category": Category.LAPTOP,
        "price_cents": 2_500,
        "valid_from": today() + timedelta(days=10),
        "source": "Délibération du 12 novembre",
    }
    return NewTariff(**(given | changes))


def terms(**changes: Any) -> NewProgramme:
    given: dict[str, Any] = {
        "code": "RSA",
        "name": "RSA, nouvelles règles",
        "recipient_nature": LegalNature.PERSON,
        "valid_from": today() + timedelta(days=5),
        "source": "Délibération",
        "hardship": True,
        "proofs": frozenset({ProofKind.RSA_CERTIFICATE}),
        "proof_days": 31,
    }
    return NewProgramme(**(given | changes))


def add(actor: Actor, new: NewTariff | NewProgramme) -> int:
    with db.transaction() as session:
        if isinstance(new, NewTariff):
            return price_list.add_tariff(session, actor, new)
        return price_list.add_programme(session, actor, new)


def refused(actor: Actor, new: NewTariff | NewProgramme) -> Any:
    with pytest.raises(Refusal) as caught:
        add(actor, new)
    assert caught.value.code is Code.INVALID
    return caught.value.facts["errors"]


def prices_on(programme_id: int, day: date) -> list[int]:
    with db.read() as session:
        book = offers.price_book(session, programme_id, Category.LAPTOP, day)
        return [row.price_cents for row in book.tariffs]


def test_a_new_price_counts_from_its_day_and_the_old_one_to_the_eve(world: World) -> None:
    programme = world.programme_rsa()
    actor, day = world.coordinator, today() + timedelta(days=10)
    made = add(actor, tariff())
    assert prices_on(programme, day - timedelta(days=1)) == [2_000]
    assert prices_on(programme, day) == [2_500]
    with db.read() as session:
        entry = session.scalars(sa.select(Entry).where(Entry.kind == "tariff.added")).one()
        assert entry.subject_id == made
        assert json.loads(entry.facts) == {
            "programme": "RSA",
            "category": "laptop",
            "seller": None,
            "price_cents": 2_500,
            "valid_from": day.isoformat(),
        }


def test_a_sellers_own_price_leaves_the_general_one_as_it_is(world: World) -> None:
    programme = world.programme_rsa()
    add(world.coordinator, tariff(seller_id=world.workshop, valid_from=today()))
    assert sorted(prices_on(programme, today())) == [2_000, 2_500]


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"valid_from": date(2026, 2, 1)}, {"valid_from": ["in-the-past"]}),
        ({"programme": "FSL"}, {"programme": ["unknown"]}),
        ({"programme": "\x00"}, {"programme": ["unknown"]}),
        ({"price_cents": -1}, {"price": ["price-range"]}),
        ({"price_cents": 1_000_001}, {"price": ["price-range"]}),
        ({"seller_id": 10**9}, {"seller": ["unknown-seller"]}),
        ({"source": " "}, {"source": ["source-missing"]}),
        ({"source": "vu avec 2 85 05 78 006 084"}, {"source": ["nir"]}),
    ],
)
def test_what_cannot_be_a_price(world: World, changes: dict[str, Any], errors: dict[str, Any]) -> None:
    world.programme_rsa()
    assert refused(world.coordinator, tariff(**changes)) == errors


def test_two_prices_never_count_on_one_day(world: World) -> None:
    programme = world.programme_rsa()
    actor = world.coordinator
    add(actor, tariff())
    for day in (today() + timedelta(days=9), today() + timedelta(days=10)):
        assert refused(actor, tariff(valid_from=day)) == {"valid_from": ["already-planned"]}
    add(actor, tariff(valid_from=today() + timedelta(days=20), price_cents=3_000))
    days = [prices_on(programme, today() + timedelta(days=count)) for count in (0, 9, 10, 19, 20, 400)]
    assert days == [[2_000], [2_000], [2_500], [2_500], [3_000], [3_000]]


def test_new_terms_of_a_programme_keep_its_prices_and_its_requests(world: World) -> None:
    old = world.programme_rsa()
    actor = world.coordinator
    new = add(actor, terms())
    day = today() + timedelta(days=5)
    assert prices_on(old, day) == prices_on(new, day) == [2_000]
    with db.read() as session:
        rows = session.scalars(sa.select(Programme).order_by(Programme.id)).all()
        assert [(row.valid_until, row.proof_days) for row in rows] == [
            (day - timedelta(days=1), 92),
            (None, 31),
        ]
        assert session.scalar(sa.select(sa.func.count(Tariff.id))) == 1
    add(actor, tariff())
    assert prices_on(old, today() + timedelta(days=10)) == [2_500], (
        "a request made under the old terms pays it too"
    )
    assert refused(actor, terms()) == {"valid_from": ["already-planned"]}
    assert refused(actor, terms(code="é!")) == {"code": ["code-form"]}


def test_only_the_coordinator_edits_the_grid(world: World) -> None:
    world.programme_rsa()
    for actor in (world.prescriber_user, world.supervisor, world.desk_user, world.donor_user):
        with pytest.raises(Refusal) as caught:
            add(actor, tariff())
        assert caught.value.code is Code.NOT_ALLOWED
        for path in ("/prices", "/prices/new", "/prices/programmes/new"):
            assert world.client(actor).get(path).status_code == 403


def test_a_price_is_added_on_the_page(world: World) -> None:
    world.programme_rsa()
    client = world.client(world.coordinator)
    page = client.get("/prices")
    assert "20,00" in page.text
    assert "180,00" in page.text, "the cap of a laptop"
    sent = {
        "programme": "RSA",
        "category": "tablet",
        "price": "15,50",
        "valid_from": today().isoformat(),
        "source": "Délibération",
        "idempotency_key": str(uuid4()),
    }
    wrong = client.post("/prices/new", data=sent | {"price": "quinze", "valid_from": "2026-01-02"})
    assert wrong.status_code == 422
    assert 'href="#price"' in wrong.text
    past = client.post("/prices/new", data=sent | {"valid_from": "2026-01-02"})
    assert 'href="#valid_from"' in past.text
    assert "Délibération" in past.text
    for _click in range(2):
        assert client.post("/prices/new", data=sent).status_code == 303
    assert "15,50" in client.get("/prices").text
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count(Tariff.id))) == 2


def test_a_programme_is_added_on_the_page_and_may_be_asked_under(world: World) -> None:
    client = world.client(world.coordinator)
    assert "Aucun dispositif" in client.get("/prices").text
    sent = {
        "code": "SALLE",
        "name": "Salle en accès libre",
        "recipient_nature": "public_body",
        "valid_from": today().isoformat(),
        "source": "Convention",
        "idempotency_key": str(uuid4()),
    }
    assert 'href="#code"' in client.post("/prices/programmes/new", data=sent | {"code": "à b"}).text
    assert client.post("/prices/programmes/new", data=sent).status_code == 303
    assert "Salle en accès libre" in world.client(world.ccas_user).get("/requests/new").text
    with db.read() as session:
        assert [option.code for option in queries.options(session, world.ccas_user)] == ["SALLE"]
