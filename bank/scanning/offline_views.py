"""The desk without network: what its page keeps on a phone, and how that comes back."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, current_app, jsonify, redirect, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import generate_csrf
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from bank import db
from bank.actor import Actor, Permission
from bank.config import Config
from bank.errors import Code, Refusal
from bank.identity import passes, signin
from bank.inventory.models import Category, StepKind
from bank.scanning import batch, cards, client, forms, intake, refused, settings
from bank.scanning.forms import InstallForm, SettleForm
from bank.scanning.schemas import SEND_MAX
from bank.web import guard, pages, words
from bank.web.guard import public, requires, takes_json
from bank.web.words import word
from bank.workshops import guides, rules
from bank.workshops.guides import Guide
from bank.workshops.rules import Function

bp = Blueprint("offline", __name__)
settings.on_desk(bp)

PASS_HEADER = "X-Scan-Pass"
# Of so many people one browser may keep scans.
PASSES_MAX = 20
# What the page without network is made of: never anything that depends on who asks.
KEPT = (
    *("css/bank.css", "css/station.css", "js/*.js", "js/desk/*.js", "img/*", "sounds/*"),
    *("vendor/bootstrap.min.css", "vendor/htmx.min.js", "vendor/fonts/*", "vendor/barcode-detector/*"),
)
PAGES = ("base.html", "bare.html", "components/*.html", "scanning/*.html")
WORKER = "js/desk/worker.js"


@bp.get("/scan/pass")
@takes_json
@public("a page that has waited asks who is signed in here, and whose account was closed meanwhile")
def whose() -> Response:
    """Who works at this browser, a fresh token to send with, and whose things are to be wiped from it."""
    tokens = request.headers.get(PASS_HEADER, "").split()[:PASSES_MAX]
    with db.read() as session:
        closed = passes.closed(session, tokens)
    return jsonify({**here(), "closed": closed})


@bp.app_template_global("queue_data")
def here() -> dict[str, Any]:
    """What a page gives its queue: the operator (a number), their pass, the token to send with."""
    who = guard.actor_or_none()
    works = who is not None and who.can(Permission.DEVICE_SCAN)
    return {
        "operator": who.person_id if who is not None and works else None,
        "pass": passes.make(who) if who is not None and works else None,
        "token": generate_csrf(),
    }


@bp.get("/scan/cards")
@takes_json
@requires(Permission.DEVICE_SCAN)
def known() -> BaseResponse:
    """What the workshop has in hand, for the phone to know it without network. The same again is a 304."""
    actor = guard.actor()
    with db.read() as session:
        told = cards.cards(session, actor) | {"guides": _guides(session, actor)}
    response = jsonify(told | {"operator": actor.person_id})
    response.add_etag()
    return response.make_conditional(request)


def _guides(session: Session, actor: Actor) -> dict[str, dict[str, str | None]]:
    """What the workshop shows at its steps, by step, with the address of each picture."""
    shown = guides.guides(session, actor).values()
    return {
        guide.step.value: {"text": guide.text, "picture": _picture(guide), "alt": guide.alt}
        for guide in shown
        if not guide.is_empty
    }


def _picture(guide: Guide) -> str | None:
    return url_for("guides.picture", step=guide.step, digest=guide.picture) if guide.picture else None


@bp.post("/scan/send")
@takes_json
@requires(Permission.DEVICE_SCAN)
def send() -> Response:
    """Scans that have waited on a page, at most 50, all of the person whose pass comes with them."""
    sent, author = request.get_json(), _author()
    answers = batch.answers(sent, SEND_MAX, intake.as_known(author), lambda: author)
    _note(author, sent, answers)
    return jsonify(answers)


def _author() -> Actor:
    """Whose scans these are: those of the pass's holder, else of who is signed in. Raises Refusal."""
    token = request.headers.get(PASS_HEADER)
    if token is None:
        return guard.actor()
    with db.read() as session:
        return passes.holder(session, token, guard.actor().organisation_id)


def _note(author: Actor, sent: list[Any], answers: list[dict[str, Any]]) -> None:
    taken = [answer["scan_id"] for answer in answers if answer["status"] == refused.TAKEN]
    if len(taken) == len(answers):
        with db.read() as session:
            if not refused.any_open(session, taken):
                return
    with db.transaction() as session:
        refused.note(session, author, sent, answers)


@bp.post("/scan/refused/<scan_id>/settled")
@takes_json
@requires(Permission.DEVICE_SCAN)
def settle(scan_id: str) -> Response:
    """Somebody has dealt with a scan that was refused. Settled twice, it is settled."""
    with db.transaction() as session:
        refused.settle(session, guard.actor(), _scan_id(scan_id))
    return Response(status=204)


def _scan_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise Refusal(Code.NOT_FOUND) from error


# --- the page that needs no network ---


@bp.get("/scan/offline")
@public("it is the same for everybody: what it shows is on the phone alone")
def shell() -> Response:
    """The desk without network, as a phone keeps it."""
    return pages.page(
        "scanning/offline.html",
        **NOBODY,
        fresh=_fresh,
        reasons=rules.reasons,
        functions=list(Function),
        known=_known(),
        tables=client.data(),
        words_of=_words,
    )


# Even to somebody who is signed in: the phone keeps the page for whoever holds it next.
NOBODY: dict[str, Any] = {"actor": None, "nav": [], "station_idle_s": None, "desk": {}}


def _fresh(step: str) -> forms.StepForm:
    form = forms.fresh(StepKind(step), (), None, None)
    if isinstance(form, InstallForm):
        form.offer(pages.today_in_paris(db.utcnow()))
    return form


def _words(vocabulary: str) -> dict[str, str]:
    return {value: word(value, vocabulary) for value in current_app.extensions["bank.words"][vocabulary]}


def _known() -> dict[str, Any]:
    """What the page decides by itself meanwhile; the server decides again when the scans arrive."""
    return {
        "functions": {category: rules.FUNCTIONS[category] for category in Category},
        "portable": sorted(rules.PORTABLE),
        "broken": {function: rules.BROKEN.get(function, "other") for function in Function},
        "battery_limit": rules.battery_limit(pages.today_in_paris(db.utcnow())),
        "categories": {category: word(category, "category") for category in Category},
        "at_rest": {state: word(state, "at_rest") for state in ("received", "in_work", "ready")},
        "asks": {step: sorted(rules.RECORDS[step]) for step in StepKind},
    }


@bp.get("/sw.js")
@public("a script is no secret")
def worker() -> Response:
    """The service worker: the list of what it keeps, under a name that changes when any of it does."""
    static = Path(current_app.static_folder or "")
    kept = [str(path.relative_to(static)) for path in _files(static, KEPT)]
    urls = [url_for("offline.shell"), *(_static(name) for name in kept if name != WORKER)]
    head = f"const VERSION = {json.dumps(_version())};\nconst KEEP = {json.dumps(urls)};\n"
    response = Response(head + (static / WORKER).read_text(), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


def _static(name: str) -> str:
    return url_for("static", filename=name, v=current_app.jinja_env.globals["static_version"])


def _files(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from sorted(path for path in folder.glob(pattern) if path.is_file())


def _version() -> str:
    """A digest of everything that the worker keeps; computed once, since none of it changes while we run."""
    known: str | None = current_app.extensions.get("bank.offline_version")
    if known is None:
        static, templates = (
            Path(current_app.static_folder or ""),
            Path(current_app.root_path, "web/templates"),
        )
        digest = hashlib.sha256(str(current_app.jinja_env.globals["static_version"]).encode())
        for path in (*_files(static, KEPT), *_files(templates, PAGES)):
            digest.update(path.name.encode() + path.read_bytes())
        known = current_app.extensions["bank.offline_version"] = digest.hexdigest()[:16]
    return known


@bp.get("/manifest.webmanifest")
@public("what a phone asks before it installs the desk")
def manifest() -> Response:
    """The desk as something to install."""
    config: Config = current_app.config["BANK"]
    icons = (("app-192", 192, "any"), ("app-512", 512, "any"), ("app-mask", 512, "maskable"))
    told = {
        "id": url_for("scanning.desk"),
        "name": f"{config.bank_name} – {gettext('Poste de scan')}",
        "short_name": str(gettext("Poste de scan")),
        "lang": str(pages.language()),
        "start_url": url_for("scanning.desk"),
        "scope": f"{request.script_root}/",
        "display": "standalone",
        "orientation": "any",
        "background_color": "#f6f5f0",
        "theme_color": "#0b5a52",
        "icons": [
            {
                "src": _static(f"img/{name}.png"),
                "sizes": f"{size}x{size}",
                "type": "image/png",
                "purpose": purpose,
            }
            for name, size, purpose in icons
        ],
    }
    response = Response(json.dumps(told, ensure_ascii=False), content_type="application/manifest+json")
    response.headers["Cache-Control"] = "no-cache"
    return response


# --- what is left to settle, and leaving ---


@bp.get("/scan/refused")
@requires(Permission.DEVICE_SCAN)
def index() -> Response:
    """The scans that had no effect and await somebody: one's own; the whole workshop's for who runs it."""
    with db.read() as session:
        found = refused.open_ones(session, guard.actor())
    return pages.page(
        "scanning/refused.html", scans=found, form=SettleForm(formdata=None), problem=words.problem
    )


@bp.post("/scan/refused")
@requires(Permission.DEVICE_SCAN)
def dealt_with() -> BaseResponse:
    """Somebody has dealt with one of them."""
    form = SettleForm()
    if not form.validate_on_submit():
        raise Refusal(Code.BAD_REQUEST)
    with db.transaction() as session:
        refused.settle(session, guard.actor(), _scan_id(form.scan_id.data or ""))
    return redirect(url_for("offline.index"), 303)


@bp.get("/scan/leaving")
@requires(Permission.DEVICE_SCAN)
def leaving() -> Response:
    """Before one signs out of a phone on which scans wait."""
    return pages.page("scanning/leaving.html", at_station=signin.station() is not None)
