"""Pages: what every template is given, how a view answers, filters, language, security headers."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_babel import LazyString, format_date, format_datetime, get_locale, gettext
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response as BaseResponse

from bank.actor import Permission
from bank.config import Config
from bank.errors import Code, Refusal
from bank.web import words
from bank.web.french import Languages
from bank.web.guard import API, access_of, actor_or_none, in_api, public, speaks_json

LANGUAGES = ("fr", "en")
PARIS = ZoneInfo("Europe/Paris")
CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# What decodes the camera's picture is WebAssembly, which the other pages do without.
CAMERA_CSP = CSP.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")

bp = Blueprint("web", __name__)
csrf = CSRFProtect()
babel = Languages()


class PagesSession(SecureCookieSessionInterface):
    """The signed cookie, for pages. The API reads none, so that no browser can be made to act there."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a page; None means an empty one that cannot be written."""
        return None if request.path.startswith(API) else super().open_session(app, request)


@dataclass(frozen=True)
class NavItem:
    """One line of the side navigation, shown to those who may open it."""

    endpoint: str
    label: LazyString
    icon: str

    @property
    def current(self) -> bool:
        """Whether the page being shown is of this line's room."""
        return request.blueprint == self.endpoint.partition(".")[0]


@dataclass(frozen=True)
class Contact:
    """Whom the bank's pages say to turn to; what nobody has entered is empty."""

    name: str = ""
    address: str = ""
    phone: str = ""


def init(
    app: Flask,
    nav: tuple[NavItem, ...],
    vocabularies: words.Vocabularies,
    contact: Callable[[], Contact],
) -> None:
    """Prepare templates, language, CSRF and headers. `contact` tells whom to turn to for help."""
    app.extensions["bank.nav"] = nav
    app.jinja_env.globals["bank_contact"] = contact
    app.extensions["bank.words"] = vocabularies
    app.session_interface = PagesSession()
    csrf.init_app(app)
    babel.init_app(app, default_locale="fr", default_timezone="Europe/Paris", locale_selector=language)
    app.register_blueprint(bp)
    app.context_processor(_context)
    app.before_request(_only_forms)
    app.after_request(_headers)
    app.jinja_env.filters |= {
        "word": words.word,
        "grouped": _grouped,
        "money": money,
        "when": when,
        "day": lambda value: format_date(value, "d MMM y"),
    }
    app.jinja_env.globals["static_version"] = "1"


def language() -> str:
    """The language of this request: chosen, else the browser's, else French."""
    chosen = session.get("language")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES, default="fr") or "fr"


def page(template: str, *, status: int = 200, **context: Any) -> Response:
    """A page; 422 when a form comes back with its errors."""
    response = make_response(render_template(template, **context), status)
    response.headers["Cache-Control"] = "no-store"
    return response


def with_camera(response: Response) -> Response:
    """The page, allowed to decode what the camera sees."""
    response.headers["Content-Security-Policy"] = CAMERA_CSP
    return response


def done(endpoint: str, *, said: str, **values: Any) -> BaseResponse:
    """After a change: say what was done on the page that shows it. Never the change again on reload."""
    flash(said)
    target = url_for(endpoint, **values)
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Redirect": target})
    return redirect(target, 303)


def pdf(data: bytes, name: str) -> Response:
    """A PDF to look at or print."""
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Cache-Control": "no-store"}
    return Response(data, mimetype="application/pdf", headers=headers)


def money(cents: int) -> str:
    """`20,00 €`; 0 is said, not counted."""
    if cents == 0:
        return str(gettext("gratuit"))
    euros, rest = divmod(cents, 100)
    if str(get_locale()) == "en":
        return f"€{euros:,}.{rest:02}"
    return f"{euros:,}".replace(",", "\u00a0") + f",{rest:02}\u00a0€"


def when(moment: datetime) -> str:
    """A moment in Paris time, to the minute."""
    return str(format_datetime(moment, "d MMM y, HH:mm"))


def today_in_paris(moment: datetime) -> date:
    """The civil day in France of a moment: prices and rights change at midnight there."""
    return moment.astimezone(PARIS).date()


def _grouped(code: str) -> str:
    return "\u00a0".join(code[start : start + 4] for start in range(0, len(code), 4))


def _context() -> dict[str, Any]:
    config: Config = current_app.config["BANK"]
    who = g.get("actor")
    items = current_app.extensions["bank.nav"] if who else ()
    return {
        "bank_name": config.bank_name,
        "lang": str(get_locale() or "fr"),
        "actor": who,
        "nav": [item for item in items if _may_open(item)],
        # After how many seconds without a hand on it the page leaves this station to the next.
        "station_idle_s": g.get("station_idle_s"),
        "can": lambda name: who is not None and who.can(Permission(name)),
    }


def _may_open(item: NavItem) -> bool:
    who = actor_or_none()
    access = access_of(current_app, item.endpoint)
    return who is not None and (access is None or access.permission is None or who.can(access.permission))


def _only_forms() -> None:
    """Refuse JSON sent to a page, which forms would read as their fields. Raises Refusal(bad-request)."""
    if not speaks_json() and request.is_json:
        raise Refusal(Code.BAD_REQUEST)


def _headers(response: Response) -> Response:
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint != "static":
        # What depends on who asks is kept by no cache, not even the browser's own.
        headers.setdefault("Cache-Control", "no-store")
    if in_api():
        return response
    headers.setdefault("Content-Security-Policy", CSP)
    headers["Referrer-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=(), payment=()"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if current_app.config["BANK"].production:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


@bp.post("/language")
@public("anyone may choose the language")
def language_choice() -> BaseResponse:
    """Keep the language that the visitor chose."""
    chosen = request.form.get("language", "fr")
    session["language"] = chosen if chosen in LANGUAGES else "fr"
    target = request.form.get("next", "/")
    return redirect(local_path(target), 303)


@bp.get("/aide")
@public("whoever is lost needs help first")
def help_page() -> Response:
    """Whom to ask, and what to do when something is in the way."""
    return page("pages/help.html")


@bp.get("/accessibilite")
@public("a statement is for everybody")
def accessibility() -> Response:
    """What was tested, what was not, and where to complain."""
    return page("pages/accessibility.html")


@bp.get("/confidentialite")
@public("people may read what becomes of their data before they give any")
def privacy() -> Response:
    """What is written down about people, why, for how long, and what they may ask."""
    return page("pages/privacy.html")


def local_path(target: str | None) -> str:
    """The target if it is a path of this site, else the home page: an address must not send people elsewhere."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/"
    # Browsers drop tabs and line ends from an address, and read a backslash as a slash.
    return target if target.isprintable() and "\\" not in target else "/"
