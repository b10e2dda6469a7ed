"""The pages of stations and badges: a supervisor's, and the door of the station itself."""

import json
from collections.abc import Callable

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bank import crypto, db, work
from bank.actor import Actor, Permission
from bank.config import Config
from bank.errors import Code, Refusal
from bank.identity import actions, queries, signin, views
from bank.identity.actions import MadeBadge
from bank.identity.forms import BadgeForm, NewPinForm, PinForm, ScanBadgeForm, StationForm
from bank.identity.queries import BadgeHolder
from bank.identity.views import asked_status, tell
from bank.web import guard, kept, pages, words
from bank.web.guard import public, requires, signed_in
from bank.web.problems import STATUS

bp = Blueprint("stations", __name__)

CARD_LASTS_S = 600
# Draws a card: code, name, workshop -> PDF. Papers are made on a floor above: `create_app` says by whom.
DrawCard = Callable[[Session, str, str, str], bytes]


# --- the door ---


def ask_to_sign_in() -> BaseResponse:
    """The answer to a page's request from nobody: a badge at a station, a password elsewhere."""
    if signin.station() is None:
        return views.ask_to_sign_in()
    held = kept.hold()
    if held is not None and held.worth_it:
        return _door(ScanBadgeForm(formdata=None), held, status=401)
    target = held.back if held is not None else request.full_path.rstrip("?")
    return redirect(url_for("stations.enter", next=target), 303)


@bp.route("/station", methods=["GET", "POST"])
@public("whoever comes to a station shows a badge")
def enter() -> BaseResponse:
    """The station's door: scan a badge."""
    held = kept.unseal(request.form.get("kept"))
    form = ScanBadgeForm()
    if not form.validate_on_submit():
        return _door(form, held, status=asked_status())
    try:
        shown = signin.show_badge(form.badge.data or "")
    except Refusal as refusal:
        return _door(ScanBadgeForm(formdata=None), held, refusal=refusal)
    if shown.needs_pin:
        return _pin_page(PinForm(formdata=None), shown.name, held)
    return views.go_on(held, _target())


@bp.route("/station/pin", methods=["GET", "POST"])
@public("the badge was shown; the code proves whose it is")
def pin() -> BaseResponse:
    """The PIN of the badge that was scanned."""
    held = kept.unseal(request.form.get("kept"))
    name = signin.waiting_badge()
    if name is None:
        return _door(ScanBadgeForm(formdata=None), held, refusal=_too_late(request.method))
    form = PinForm()
    if not form.validate_on_submit():
        return _pin_page(form, name, held, status=asked_status())
    try:
        signin.enter_pin(form.pin.data or "")
    except Refusal as refusal:
        if refusal.facts.get("reason") != "wrong-pin":
            return _door(ScanBadgeForm(formdata=None), held, refusal=refusal)
        return _pin_page(PinForm(formdata=None), name, held, refusal=refusal)
    return views.go_on(held, _target())


@bp.post("/station/lock")
@public("leaving a station twice does no harm")
def leave() -> BaseResponse:
    """Leave the station to the next; what was typed waits for the same person's badge."""
    held = kept.hold_for(request.args["to"]) if "to" in request.args else None
    signin.lock()
    if held is None or not held.worth_it:
        return pages.done("stations.enter", said=words.word("station-left", "identity_said"))
    return _door(ScanBadgeForm(formdata=None), held)


@bp.get("/station/here")
@signed_in("a page tells that somebody is at work on it")
def here() -> Response:
    """Somebody types, without sending anything yet."""
    return Response(status=204)


def _too_late(method: str) -> Refusal | None:
    return Refusal(Code.BADGE_REFUSED, reason="too-late") if method == "POST" else None


def _target() -> str:
    target = request.args.get("next")
    return pages.local_path(target) if target else url_for("scanning.desk")


def _refused(refusal: Refusal | None) -> str | None:
    """A refusal in the words of someone at the door."""
    if refusal is None:
        return None
    reason = refusal.facts.get("reason")
    return words.word(reason, "badge_refusal") if isinstance(reason, str) else words.problem(refusal.code)[1]


def _door(
    form: ScanBadgeForm, held: kept.Kept | None, *, status: int = 200, refusal: Refusal | None = None
) -> Response:
    found = signin.station()
    if found is None:
        return pages.page("identity/not_station.html", status=403)
    return pages.page(
        "identity/door.html",
        status=STATUS[refusal.code] if refusal else status,
        form=form,
        station=found,
        refused=_refused(refusal),
        sealed=kept.seal(held) if held else None,
        target=request.args.get("next"),
    )


def _pin_page(
    form: PinForm,
    name: str,
    held: kept.Kept | None,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
) -> Response:
    return pages.page(
        "identity/pin.html",
        status=STATUS[refusal.code] if refusal else status,
        form=form,
        name=name,
        refused=_refused(refusal),
        left=refusal.facts.get("left") if refusal else None,
        sealed=kept.seal(held) if held else None,
        target=request.args.get("next"),
    )


# --- stations ---


@bp.get("/stations")
@requires(Permission.STATION_MANAGE)
def index() -> Response:
    """The workshop's stations, and the badges of its people."""
    actor, cursor = guard.actor(), views.cursor()
    with db.read() as session:
        found = queries.stations(session, actor)
        people = queries.badge_holders(session, actor, cursor=cursor)
    return pages.page("identity/stations.html", stations=found, people=people, here=_ours(actor))


def _ours(actor: Actor) -> signin.StationHere | None:
    """The station that this browser is, if it is one of the actor's workshop."""
    found = signin.station()
    return found if found is not None and found.organisation_id == actor.organisation_id else None


@bp.route("/stations/new", methods=["GET", "POST"])
@requires(Permission.STATION_MANAGE)
def enrol() -> BaseResponse:
    """Make this very browser a station; if it was one, it stops being that one."""
    actor, before = guard.actor(), _ours(guard.actor())
    form = StationForm()
    if not form.validate_on_submit():
        return pages.page("identity/station_form.html", form=form, here=before, status=asked_status())
    draft = form.to_draft()

    def make() -> str:
        if before is not None:
            actions.revoke_station(session, actor, before.id)
        return str(actions.enrol_station(session, actor, draft))

    with db.transaction() as session:
        content = ["station", draft.name, draft.open, draft.idle_minutes]
        made = work.once(session, actor, form.idempotency_key.data, content, make)
        # A second click takes the first one's cookie with it: the last answer is the one that the browser keeps.
        secret = actions.give_secret(session, actor, int(made))
    response = pages.done("stations.index", said=words.word("station-enrolled", "identity_said"))
    return _with_cookie(response, secret)


def _with_cookie(response: BaseResponse, secret: str) -> BaseResponse:
    config: Config = current_app.config["BANK"]
    response.set_cookie(
        signin.STATION_COOKIE,
        secret,
        max_age=signin.STATION_COOKIE_S,
        httponly=True,
        secure=config.production,
        samesite="Lax",
    )
    return response


@bp.route("/stations/<int:station_id>/edit", methods=["GET", "POST"])
@requires(Permission.STATION_MANAGE)
def edit(station_id: int) -> BaseResponse:
    """Rename a station, or change what opens it."""
    actor = guard.actor()
    form = StationForm()
    with db.read() as session:
        station = queries.station(session, actor, station_id)
    if request.method == "GET":
        form.show(station)
    if not form.validate_on_submit():
        return pages.page("identity/station_form.html", form=form, station=station, status=asked_status())
    try:
        with db.transaction() as session:
            version = form.version.data or 0
            actions.edit_station(session, actor, station_id, version, form.to_draft())
    except Refusal as refusal:
        return pages.page(
            "identity/station_form.html", form=form, station=station, status=tell(form, refusal)
        )
    return pages.done("stations.index", said=words.word("station-edited", "identity_said"))


@bp.post("/stations/<int:station_id>/revoke")
@requires(Permission.STATION_MANAGE)
def revoke(station_id: int) -> BaseResponse:
    """Close a station, at once and for good."""
    with db.transaction() as session:
        actions.revoke_station(session, guard.actor(), station_id)
    return pages.done("stations.index", said=words.word("station-revoked", "identity_said"))


# --- badges ---


@bp.get("/people/<int:person_id>/badge")
@requires(Permission.STATION_MANAGE)
def badge(person_id: int) -> Response:
    """One person's badge, and what can be done with it."""
    return _badge_page(person_id)


def _badge_page(
    person_id: int,
    status: int = 200,
    *,
    made: BadgeForm | None = None,
    pin: NewPinForm | None = None,
) -> Response:
    with db.read() as session:
        holder = queries.badge_holder(session, guard.actor(), person_id)
    return pages.page(
        "identity/badge.html",
        status=status,
        holder=holder,
        made=made or BadgeForm(formdata=None),
        pin=pin or NewPinForm(formdata=None),
    )


@bp.post("/people/<int:person_id>/badge")
@requires(Permission.STATION_MANAGE)
def make_badge(person_id: int) -> BaseResponse:
    """Make a badge. The page that answers is the only one that can print its card."""
    actor, form = guard.actor(), BadgeForm()
    if not form.validate_on_submit():
        return _badge_page(person_id, 422, made=form)
    pin_hash = signin.hash_password(form.pin.data) if form.pin.data else None
    made: list[MadeBadge] = []

    def make() -> str:
        made.append(actions.make_badge(session, actor, person_id, pin_hash))
        return str(made[0].id)

    with db.transaction() as session:
        work.once(session, actor, form.idempotency_key.data, ["badge", person_id], make)
        holder = queries.badge_holder(session, actor, person_id)
    if not made:
        flash(words.word("badge-shown", "identity_said"), "wait")
        return redirect(url_for("stations.badge", person_id=person_id), 303)
    return pages.page(
        "identity/badge_made.html", holder=holder, card=_sealed_card(actor, holder, made[0].code)
    )


def _sealed_card(actor: Actor, holder: BadgeHolder, code: str) -> str:
    return crypto.sealed(json.dumps([actor.person_id, code, holder.name]))


@bp.post("/badges/card")
@requires(Permission.STATION_MANAGE)
def card() -> BaseResponse:
    """The card of a badge just made, to print: again, should the printer jam, but for ten minutes only."""
    actor = guard.actor()
    opened = crypto.unsealed(request.form.get("card", ""), CARD_LASTS_S)
    maker, code, name = json.loads(opened) if opened else (None, "", "")
    if maker != actor.person_id:
        flash(words.word("card-expired", "identity_said"), "stop")
        return redirect(url_for("stations.index"), 303)
    draw: DrawCard = current_app.extensions["bank.draw_card"]
    with db.read() as session:
        paper = draw(session, code, name, actor.organisation_name)
    return pages.pdf(paper, "badge.pdf")


@bp.post("/people/<int:person_id>/badge/pin")
@requires(Permission.STATION_MANAGE)
def set_pin(person_id: int) -> BaseResponse:
    """Give a badge a PIN that its holder has just chosen."""
    form = NewPinForm()
    if not form.validate_on_submit():
        return _badge_page(person_id, 422, pin=form)
    pin_hash = signin.hash_password(form.pin.data or "")
    with db.transaction() as session:
        actions.set_pin(session, guard.actor(), person_id, pin_hash)
    return _done(person_id, "pin-set")


@bp.post("/people/<int:person_id>/badge/unlock")
@requires(Permission.STATION_MANAGE)
def unlock(person_id: int) -> BaseResponse:
    """Let a locked badge be tried again."""
    with db.transaction() as session:
        actions.unlock_badge(session, guard.actor(), person_id)
    return _done(person_id, "badge-unlocked")


@bp.post("/people/<int:person_id>/badge/void")
@requires(Permission.STATION_MANAGE)
def void(person_id: int) -> BaseResponse:
    """Make a lost badge useless at once."""
    with db.transaction() as session:
        actions.void_badge(session, guard.actor(), person_id)
    return _done(person_id, "badge-voided")


def _done(person_id: int, said: str) -> BaseResponse:
    return pages.done("stations.badge", said=words.word(said, "identity_said"), person_id=person_id)
