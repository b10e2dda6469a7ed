"""The room's resources under /api/v1."""

from typing import Any

from flask import url_for

from bank import db, work
from bank.actor import Permission
from bank.allocation import actions, handovers, looks, offers, queries, schemas, words
from bank.allocation.actions import NewRequest
from bank.allocation.counter import NewHandover
from bank.allocation.models import Signature
from bank.allocation.queries import HandoverFacts, RequestFacts, RequestFilter, RequestPage
from bank.inventory import codes
from bank.web import guard
from bank.web.api import Blueprint, idempotency_key
from bank.web.guard import requires

bp = Blueprint("allocation", __name__, "Requests, prices, allocations and hand-overs")

Created = tuple[Any, int, dict[str, str]]


@bp.route("/requests", methods=["GET"])
@requires(Permission.REQUEST_SEE)
@bp.arguments(schemas.RequestQuery, location="query")
@bp.response(200, schemas.RequestPageOut)
def list_requests(wanted: dict[str, Any]) -> RequestPage:
    """The requests that the caller follows, answers or hands over"""
    with db.read() as session:
        return queries.listed(session, guard.actor(), RequestFilter(**wanted))


@bp.route("/requests", methods=["POST"])
@requires(Permission.REQUEST_MAKE)
@bp.arguments(schemas.RequestIn)
@bp.response(201, schemas.RequestDetailOut)
def make_request(given: dict[str, Any]) -> Created:
    """Ask for equipment under a programme"""
    lines = tuple((line["category"], line["quantity"]) for line in given["lines"])
    needs = frozenset(given["needs"])
    actor, key, new = guard.actor(), idempotency_key(), NewRequest(**given | {"lines": lines, "needs": needs})
    with db.transaction() as session:
        ref = work.once(
            session, actor, key, ["request", given], lambda: actions.make_request(session, actor, new)
        )
        facts = queries.find(session, actor, ref)
    return facts, 201, _location("get_request", ref)


@bp.route("/requests/<ref>", methods=["GET"])
@requires(Permission.REQUEST_SEE)
@bp.response(200, schemas.RequestDetailOut)
def get_request(ref: str) -> RequestFacts:
    """One request, with what is promised to it; the file of a person that is opened is written down"""
    return looks.opened(guard.actor(), ref)


@bp.route("/requests/search", methods=["POST"])
@requires(Permission.REQUEST_SEE)
@bp.arguments(schemas.PersonIn)
@bp.response(200, schemas.FoundOut(many=True))
def find_requests(given: dict[str, Any]) -> list[queries.Found]:
    """The requests within reach for a person of exactly this name and birth date; each is written down"""
    actor = guard.actor()
    with db.transaction() as session:
        found = queries.of_person(session, actor, given["person_name"], given["birth_date"])
        for each in found:
            actions.note_look(session, actor, each.id)
    return found


@bp.route("/requests/<ref>/cancellation", methods=["POST"])
@requires(Permission.REQUEST_SEE)
@bp.arguments(schemas.CancellationIn)
@bp.response(204)
def cancel(given: dict[str, Any], ref: str) -> None:
    """Stop a request: what was promised to it is ready again. Asked twice, done once"""
    with db.transaction() as session:
        actions.cancel(session, guard.actor(), ref, given["reason"])


@bp.route("/requests/<ref>/allocations/batch", methods=["POST"])
@requires(Permission.REQUEST_ALLOCATE)
@bp.arguments(schemas.AllotmentIn)
@bp.response(200, schemas.AllotmentOut)
def allocate_many(given: dict[str, Any], ref: str) -> dict[str, Any]:
    """Promise many devices in one go; those that are refused do not keep the others from it"""
    actor, chosen = guard.actor(), given["devices"]
    with db.transaction() as session:
        told = actions.allocate_many(session, actor, ref, chosen)
    refused = [
        {"device": each.code, "code": each.refusal.code, **each.refusal.facts} for each in told.refused
    ]
    return {"promised": told.promised, "refused": refused}


@bp.route("/requests/<ref>/allocations", methods=["POST"])
@requires(Permission.REQUEST_ALLOCATE)
@bp.arguments(schemas.AllocationIn)
@bp.response(201, schemas.AllocationOut)
def allocate(given: dict[str, Any], ref: str) -> Created:
    """Promise a ready device to an open request, at the price of this day, frozen"""
    actor, key, device = guard.actor(), idempotency_key(), given["device"]
    content = {"allocate": ref, "device": device}
    with db.transaction() as session:
        allocation_id = work.once(
            session, actor, key, content, lambda: str(actions.allocate(session, actor, ref, device))
        )
        line = queries.find_allocation(session, actor, int(allocation_id))
    return line, 201, _location("get_request", ref)


@bp.route("/requests/<ref>/allocations/<device>", methods=["DELETE"])
@requires(Permission.REQUEST_ALLOCATE)
@bp.response(204)
def release(ref: str, device: str) -> None:
    """Take a promised device back: it is ready again, the request open again"""
    with db.transaction() as session:
        actions.release(session, guard.actor(), ref, device)


@bp.route("/quote", methods=["GET"])
@requires(Permission.REQUEST_ALLOCATE)
@bp.arguments(schemas.QuoteQuery, location="query")
@bp.response(200, schemas.QuoteOut)
def get_quote(wanted: dict[str, Any]) -> dict[str, Any]:
    """The price of one device for one request, and the verdict; nothing is reserved"""
    with db.read() as session:
        quoted = offers.quote_device(session, guard.actor(), wanted["request"], codes.read(wanted["device"]))
    refusals = [
        {
            "reason": objection.obstacle,
            "article": objection.article,
            "message": words.obstacle(objection.obstacle, objection.article),
        }
        for objection in quoted.refusals
    ]
    return {**vars(quoted), "ok": quoted.ok, "refusals": refusals}


@bp.route("/handovers", methods=["POST"])
@requires(Permission.HANDOVER_MAKE)
@bp.arguments(schemas.HandoverIn)
@bp.response(201, schemas.HandoverOut)
def hand_over(given: dict[str, Any]) -> Created:
    """Give all the devices of a request to whom they are for, against payment and signature"""
    actor, key = guard.actor(), idempotency_key()
    said = {name: value for name, value in given.items() if name not in ("request", "devices")}
    new = NewHandover(request_ref=given["request"], device_codes=tuple(given["devices"]), **said)
    if new.signature is Signature.CODE:
        with db.transaction() as session:
            handovers.count_try(session, actor, new.request_ref, new.pin)
    with db.transaction() as session:
        ref = work.once(
            session, actor, key, ["handover", given], lambda: handovers.hand_over(session, actor, new)
        )
        facts = queries.find_handover(session, actor, ref)
    return facts, 201, _location("get_handover", ref)


@bp.route("/handovers/<ref>", methods=["GET"])
@requires(Permission.REQUEST_SEE)
@bp.response(200, schemas.HandoverOut)
def get_handover(ref: str) -> HandoverFacts:
    """One hand-over"""
    with db.read() as session:
        return queries.find_handover(session, guard.actor(), ref)


def _location(endpoint: str, ref: str) -> dict[str, str]:
    return {"Location": url_for(f"allocation_api.{endpoint}", ref=ref)}
