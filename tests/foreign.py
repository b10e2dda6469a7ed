"""Things of one set of organisations, people of another, and what each changing address is sent about them."""

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from bank import db, files
from bank.actor import Actor
from bank.identity import signin
from bank.identity.models import ApiToken, OrganisationRole, PersonRole
from bank.inventory import labels, places
from bank.inventory.lifecycle import State
from bank.inventory.models import Label, PlaceKind, StepKind
from bank.inventory.places import PlaceDraft
from bank.scanning import stock_takes
from bank.workshops import guides, pictures
from bank.workshops.guides import Guide
from bank.workshops.models import HelpCall
from tests.factories import World, today

R = OrganisationRole
PERSON = "Jeanne Introuvable"
# No screen gives this number as an example.
CONTACT = "01 99 00 71 36"
# Anyone may call these with anything: what they answer is public, or proven by the link itself.
PUBLIC = {"static", "scanning.passport", "identity.set_password"}

# These name a step, which every workshop has: what they show and change is the asker's own.
OWN = {"guides.edit", "guides.save", "series.show", "series.take", "trays.show", "trays.act"}
# The smallest PNG.
DOT = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)

# What each changing address is sent: well formed, so that only scope can refuse it.
BODIES: dict[str, dict[str, Any]] = {
    "donations.receive": {"laptop-received": "2", "received-laptop": "2", "laptop": "2"},
    "donations.edit": {"lines-laptop": "9", "version": "1"},
    "donations.submit": {},
    "donations.reopen": {},
    "donations.withdraw": {"sure": "y"},
    "donations.accept": {"workshop_id": "{organisation_id}", "legal_basis": "private_gift", "version": "1"},
    "donations.refuse": {"no-reason": "too_old", "no-version": "1"},
    "donations.reschedule": {"workshop_id": "{organisation_id}", "version": "1"},
    "donations_api.edit": {"lines": [{"category": "laptop", "announced": 9}], "version": 1},
    "donations_api.submit": {},
    "donations_api.reopen": {},
    "donations_api.withdraw": {},
    "donations_api.accept": {"workshop_id": 1, "legal_basis": "private_gift", "version": 1},
    "donations_api.refuse": {"reason": "too_old", "version": 1},
    "donations_api.reschedule": {"workshop_id": 1, "version": 1},
    "workshops.answer_help": {},
    "workshops.resume": {},
    "workshops.send_back": {"step": "erasure"},
    "workshops.leave": {"reason": "not_in_place"},
    "workshops.take_out": {"fate": "removed"},
    "workshops_api.answer_help": {},
    "workshops_api.unblock": {"step": None},
    "workshops_api.leave": {"exit": "lose", "reason": "not_in_place"},
    "workshops_api.take_out": {"fate": "removed"},
    "incidents.settle": {"outcome": "no_risk"},
    "workshops_api.settle": {"outcome": "no_risk"},
    "inventory.identify_device": {"serial": "PF1A2B3C"},
    "inventory_api.identity": {"serial": "PF1A2B3C"},
    "inventory_api.label": {"label": "{blank}", "reason": "lost"},
    "inventory_api.put": {"place": None},
    "inventory_api.edit_place": {"name": "Pris", "kind": "shelf", "version": 1},
    "inventory_api.label_place": {"label": "{blank}", "reason": "lost"},
    "sticking.void": {},
    "sticking.seek": {"code": "{code}"},
    "sticking.swap": {"label": "{blank}", "reason": "lost"},
    "places.edit": {"name": "Pris", "kind": "shelf", "version": "1"},
    "places.label": {"label": "{blank}", "reason": "lost"},
    "places.put_here": {"code": "{code}"},
    "places.put": {"label": "", "place": ""},
    "donations_api.receive": {"lines": [{"category": "laptop", "received": 2}]},
    "donations_imports.send": {},
    "donations_imports.columns": {"column-0": "category"},
    "donations_imports.confirm": {},
    "donations_imports_api.send": {},
    "scanning.problem": {"station": "erasure", "reason": "drive_dead"},
    "scanning.ask_help": {"station": "erasure"},
    "scanning.danger": {"reason": "smell"},
    "trays.act": {"codes": "{code}", "then": "act", "station": "control"},
    "shipments.arrive": {"code": "{code}", "idempotency_key": "5b0f6d0e-0000-4000-8000-00000000000e"},
    "shipments.settle": {"outcome": "never_left"},
    "stock_takes.scan": {"code": "{code}"},
    "stock_takes.close": {},
    "stock_takes_api.scan": {"codes": ["{code}"]},
    "stock_takes_api.close": {"choices": {}},
    "shipments_api.arrive": {"scan_id": "5b0f6d0e-0000-4000-8000-00000000000f", "code": "{code}"},
    "shipments_api.settle": {"outcome": "never_left"},
    "scanning.undo": {"undoes": "5b0f6d0e-0000-4000-8000-00000000000d"},
    "offline.settle": {},
    "scanning.done": {
        "outcome": "done",
        "scan_id": "5b0f6d0e-0000-4000-8000-00000000000a",
        "station": "control",
    },
    "allocation.allocate": {"device": "{ready}"},
    "allocation_api.allocate": {"device": "{ready}"},
    "allocation.release": {"device": "{reserved}"},
    "allocation_api.allocate_many": {"devices": ["{ready}"]},
    "allocation.cancel": {"reason": "mistake"},
    "allocation_api.cancel": {"reason": "mistake"},
    "allocation_api.release": {},
    "desk.hand_over": {
        "devices": "{reserved}",
        "codes": "{reserved}",
        "payment": "cash",
        "paid": "20,00",
        "paid_cents": "2000",
        "collector": "recipient",
        "id_paper": "passport",
        "signature": "on_paper",
    },
    "desk.scan": {"devices": "", "scan": "{reserved}"},
    "desk.appoint": {"day": "2099-01-01", "time": "10:00", "desk": "{organisation_id}"},
    "desk.come_back": {"device": "{given}", "reason": "faulty"},
    "identity.edit_organisation": {
        "name": "Pris",
        "legal_nature": "company",
        "roles": "donor",
        "version": "1",
    },
    "identity_api.edit_organisation": {
        "name": "Pris",
        "legal_nature": "company",
        "roles": ["donor"],
        "capacities": [],
        "version": 1,
    },
    "identity.invite": {"name": "Intrus", "email": "intrus@exemple.fr", "roles": "administrator"},
    "identity.disable": {},
    "identity_api.disable": {},
    "identity.resend_invitation": {},
    "identity_api.resend_invitation": {},
    "stations.edit": {"name": "Pris", "opens": "open", "idle_minutes": "5", "version": "1"},
    "stations.revoke": {},
    "stations.make_badge": {"pin": "4826"},
    "stations.set_pin": {"pin": "4826"},
    "stations.unlock": {},
    "stations.void": {},
    "labels.again": {"sheet": "L7160", "start": "1", "copies": "1", "reason": "lost"},
    "labels.resume": {},
    "labels.calibrate": {"version": "1", "left": "21", "top": "20", "across": "100", "down": "100"},
    "labels.reset": {},
    "identity.revoke_token": {},
    "identity_api.revoke_token": {},
}


# Whose state decides whether an address has anything to say: which batch it is asked about.
BATCHES = {
    **dict.fromkeys(("editing", "edit", "submit", "withdraw"), "draft"),
    **dict.fromkeys(("accept", "refuse", "reopen"), "submitted"),
    **dict.fromkeys(("labels", "reception_slip", "erasure_certificate"), "received"),
    "donations_imports.new": "draft",
    "donations_imports.send": "draft",
}


@dataclass
class Foreign:
    """Things of one set of organisations, and people of another with every role."""

    world: World
    ids: dict[str, Any]
    outsiders: list[Actor]
    insiders: list[Actor]


def build(world: World) -> Foreign:
    """AGOIE's, BNP's and the Croix-Rouge's things; people from elsewhere."""
    world.programme_rsa()
    api = world.api(world.prescriber_user)
    made = api.post(
        "/requests",
        json={
            "programme": "RSA",
            "lines": [{"category": "laptop", "quantity": 1}],
            "person_name": PERSON,
            "contact": CONTACT,
            "proof": "rsa_certificate",
            "proof_day": today().isoformat(),
            "proof_seen": True,
        },
    )
    assert made.status_code == 201, made.json
    ready, reserved, work = (
        world.device(State.READY),
        world.device(State.READY),
        world.device(State.IN_WORK),
    )
    ref = made.json["ref"]
    allocated = world.api(world.coordinator).post(
        f"/requests/{ref}/allocations", json={"device": reserved.code}
    )
    assert allocated.status_code == 201, allocated.json
    other = api.post("/requests", json=made_again())
    second = world.device(State.READY)
    world.api(world.coordinator).post(
        f"/requests/{other.json['ref']}/allocations", json={"device": second.code}
    )
    handed = world.api(world.desk_user).post(
        "/handovers",
        json={
            "request": other.json["ref"],
            "devices": [second.code],
            "payment": "cash",
            "paid_cents": 2_000,
            "signature": "on_paper",
        },
    )
    assert handed.status_code == 201, handed.json
    appointed = world.client(world.coordinator).post(
        f"/requests/{ref}/appointment",
        data={
            "day": str(today() + timedelta(days=7)),
            "time": "10:00",
            "desk": str(world.workshop),
            "version": "2",
        },
    )
    assert appointed.status_code == 303, appointed.text
    world.badge(world.operator)
    batch = world.batch()
    ids = {
        "batch": batch,
        "draft": announced_batch(world, sent=False),
        "submitted": announced_batch(world, sent=True),
        "received": received_batch(world),
        "import_id": world.spreadsheet(batch),
        "request": ref,
        "handover": handed.json["ref"],
        "code": work.code,
        "ready": ready.code,
        "reserved": reserved.code,
        "given": second.code,
        "organisation_id": world.workshop,
        "person_id": world.operator.person_id,
        "token_id": token_of(world.supervisor, world.token(world.supervisor)),
        "incident_id": lost_incident(world),
        "call_id": call_for_help(world),
        "scan_id": refused_scan(world),
        "station_id": world.station()[0],
        **printed_labels(world),
        "blank": blank_label(world),
        "place_id": shelf(world),
        "shipment_id": shipment_of(world),
        "take_id": stock_take(world, "Étagère comptée"),
        "closed_id": stock_take(world, "Étagère terminée", closed=True),
        "digest": guide_of(world),
    }
    elsewhere = world.organisation(
        "Ailleurs",
        roles=set(OrganisationRole) - {R.BANK},
        workshop_kind=None,
    )
    roles = [role for role in PersonRole if role is not PersonRole.COORDINATOR]
    outsiders = [world.person(elsewhere, role) for role in roles] + [world.person(elsewhere, *roles)]
    insiders = [
        world.coordinator,
        world.supervisor,
        world.operator,
        world.donor_user,
        world.prescriber_user,
        world.ccas_user,
        world.desk_user,
    ]
    return Foreign(world, ids, outsiders, insiders)


def printed_labels(world: World) -> dict[str, int]:
    """A run of labels of AGOIE with its job, and a printer."""
    named = {"idempotency_key": "p", "name": "Laser"}
    printer = world.client(world.operator).post("/labels/printers/new", data=named)
    assert printer.status_code == 303, printer.text
    made = world.api(world.operator).post("/labels", json={"blanks": 1})
    assert made.status_code == 201, made.json
    printer_id = int(printer.location.rpartition("/")[2])
    return {"run_id": made.json["id"], "job_id": made.json["job"], "printer_id": printer_id}


def blank_label(world: World) -> str:
    """A label of AGOIE that nothing carries yet."""
    owner = world.workshop
    with db.transaction() as session:
        [label_id] = labels.mint_blanks(session, owner, 1)
        return session.scalars(sa.select(Label.code).where(Label.id == label_id)).one()


def shelf(world: World) -> int:
    """A place of AGOIE."""
    maker = world.supervisor
    with db.transaction() as session:
        return places.make(session, maker, PlaceDraft("Étagère introuvable", PlaceKind.SHELF))


def shipment_of(world: World) -> int:
    """A shipment of AGOIE's, to another workshop, which waits for it."""
    device = world.device(State.RECEIVED)
    sent = world.api(world.supervisor).post(
        "/trays",
        json={
            "tray": str(uuid4()),
            "action": "ship",
            "to": world.other_workshop,
            "codes": [device.code],
        },
    )
    assert sent.status_code == 200, sent.json
    return int(sent.json["shipment"])


def stock_take(world: World, name: str, *, closed: bool = False) -> int:
    """A stock-take at a place of AGOIE."""
    maker = world.supervisor
    with db.transaction() as session:
        place_id = places.make(session, maker, PlaceDraft(name, PlaceKind.SHELF))
        take_id = stock_takes.open_at(session, maker, str(uuid4()), place_id)
        if closed:
            stock_takes.close(session, maker, take_id, {})
        return take_id


def guide_of(world: World) -> str:
    """What AGOIE tells its people at the erasure, with a picture; the picture's name."""
    maker, picture = world.supervisor, files.put(pictures.read(DOT).data)
    with db.transaction() as session:
        guides.edit(session, maker, Guide(StepKind.ERASURE, "Le câble bleu.", picture, "Un câble bleu."))
    return picture


def announced_batch(world: World, *, sent: bool) -> str:
    """A batch that BNP wrote, and perhaps sent."""
    told = {
        "lines": [{"category": "laptop", "announced": 1}],
        "pickup_address": "1 rue des Dons",
        "pickup_contact": "Accueil",
        "submit": sent,
    }
    made = world.api(world.donor_user).post("/batches", json=told)
    assert made.status_code == 201, made.json
    return str(made.json["ref"])


def received_batch(world: World) -> str:
    """A batch that AGOIE has counted, so that it has labels and papers."""
    ref = world.batch()
    counted = {"lines": [{"category": "laptop", "received": 2, "gap_reason": None}]}
    taken = world.api(world.supervisor).post(f"/batches/{ref}/reception", json=counted)
    assert taken.status_code in {200, 201}, taken.json
    return ref


def token_of(actor: Actor, secret: str) -> int:
    """The id of a token whose secret is known."""
    with db.read() as session:
        return session.scalars(
            sa.select(ApiToken.id).where(
                ApiToken.person_id == actor.person_id, ApiToken.hash == signin.token_hash(secret)
            )
        ).one()


def lost_incident(world: World) -> int:
    """A device of AGOIE that went missing with data on it."""
    device = world.device(State.RECEIVED)
    told = world.api(world.supervisor).post(
        f"/devices/{device.code}/exits", json={"exit": "lose", "reason": "not_in_place"}
    )
    assert told.status_code == 201, told.json
    incident_id: int = world.api(world.supervisor).get("/incidents").json["items"][0]["id"]
    return incident_id


def call_for_help(world: World) -> int:
    """Somebody at AGOIE who waits for help."""
    organisation_id, person_id = world.workshop, world.operator.person_id
    with db.transaction() as session:
        call = HelpCall(organisation_id=organisation_id, person_id=person_id)
        session.add(call)
        session.flush()
        return call.id


def refused_scan(world: World) -> str:
    """A scan of AGOIE that had no effect, and waits for somebody."""
    scan_id = str(uuid4())
    scan = {
        "scan_id": scan_id,
        "code": world.device(State.IN_WORK).code,
        "outcome": "done",
        "station": "grading",
    }
    sent = world.client(world.operator).post("/scan/send", json=[scan])
    assert sent.json[0]["code"] == "out-of-step", sent.json
    return scan_id


def made_again() -> dict[str, Any]:
    return {
        "programme": "RSA",
        "lines": [{"category": "laptop", "quantity": 1}],
        "person_name": PERSON,
        "contact": CONTACT,
        "proof": "rsa_certificate",
        "proof_day": today().isoformat(),
        "proof_seen": True,
    }


def address(rule: Rule, ids: dict[str, Any]) -> str:
    """The rule's address for the foreign things."""
    room = rule.rule.removeprefix("/api/v1").strip("/").partition("/")[0]
    batch = BATCHES.get(rule.endpoint) or BATCHES.get(rule.endpoint.rpartition(".")[2], "batch")
    refs = {"batches": batch, "requests": "request", "handovers": "handover"}
    values = {**ids, "ref": ids.get(refs.get(room, ""), ""), "device": ids["reserved"], "reason": "smell"}
    values |= {"exit": "lose", "action": "pass"}
    values["step"] = "erasure" if rule.endpoint.startswith("guides") else "locks"
    if rule.endpoint == "stock_takes.result":
        values["take_id"] = ids["closed_id"]
    path = rule.rule
    for name in rule.arguments:
        for kind in ("", "int:", "path:"):
            path = path.replace(f"<{kind}{name}>", str(values[name]))
    return path


def rules(app: Flask, *, changing: bool) -> Iterator[tuple[Rule, str]]:
    """Every address that takes an id, once per method."""
    for rule in app.url_map.iter_rules():
        if not rule.arguments or rule.endpoint in PUBLIC | OWN:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if (method != "GET") is changing:
                yield rule, method


def fill(body: dict[str, Any], ids: dict[str, Any]) -> dict[str, Any]:
    return {name: value.format(**ids) if isinstance(value, str) else value for name, value in body.items()}
