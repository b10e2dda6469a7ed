"""create_app(): the one place, with the command line, that knows everybody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

from bank import crypto, db, demo, reactions, schema, work
from bank.allocation import api as allocation_api
from bank.allocation import desk_views, look_views, price_views
from bank.allocation import views as allocation_views
from bank.allocation import words as allocation_words
from bank.config import BankEnv, Config, ConfigRefused
from bank.donations import api as donations_api
from bank.donations import import_api, import_views
from bank.donations import views as donations_views
from bank.donations import words as donations_words
from bank.home import views as home_views
from bank.identity import api as identity_api
from bank.identity import signin, stations
from bank.identity import views as identity_views
from bank.identity import words as identity_words
from bank.inventory import api as inventory_api
from bank.inventory import label_views, place_views
from bank.inventory import views as inventory_views
from bank.inventory import words as inventory_words
from bank.office import api as office_api
from bank.office import documents, letterhead
from bank.office import views as office_views
from bank.office import words as office_words
from bank.scanning import api as scanning_api
from bank.scanning import (
    offline_views,
    series_views,
    settings_views,
    stock_api,
    stock_views,
    tray_api,
    tray_views,
)
from bank.scanning import views as scanning_views
from bank.scanning import words as scanning_words
from bank.web import api, guard, observe, pages, problems, words
from bank.workshops import api as workshops_api
from bank.workshops import guide_views, incident_views, shipment_api, shipment_views
from bank.workshops import views as workshops_views
from bank.workshops import words as workshops_words

MAX_CONTENT_BYTES = 32 * 1024 * 1024
SESSION_LASTS = timedelta(hours=12)

# The largest id that a database holds: a longer number in an address names nothing.
LARGEST_ID = 2**63 - 1

ROOMS = (
    identity_views,
    stations,
    inventory_views,
    label_views,
    place_views,
    donations_views,
    import_views,
    scanning_views,
    series_views,
    tray_views,
    settings_views,
    stock_views,
    offline_views,
    allocation_views,
    desk_views,
    price_views,
    look_views,
    workshops_views,
    incident_views,
    guide_views,
    shipment_views,
    office_views,
    home_views,
)
RESOURCES = (
    identity_api.bp,
    inventory_api.bp,
    office_api.bp,
    donations_api.bp,
    import_api.bp,
    workshops_api.bp,
    scanning_api.bp,
    tray_api.bp,
    shipment_api.bp,
    stock_api.bp,
    allocation_api.bp,
)
NAV = (
    pages.NavItem("home.show", _l("Accueil"), "home"),
    pages.NavItem("donations.index", _l("Lots"), "package"),
    pages.NavItem("scanning.desk", _l("Poste de scan"), "scan"),
    pages.NavItem("workshops.board", _l("Atelier"), "tool"),
    pages.NavItem("shipments.index", _l("Transferts"), "truck"),
    pages.NavItem("incidents.index", _l("Incidents"), "alert-triangle"),
    pages.NavItem("inventory.devices", _l("Matériels"), "device-laptop"),
    pages.NavItem("places.index", _l("Emplacements"), "shelf"),
    pages.NavItem("labels.home", _l("Étiquettes"), "sticker"),
    pages.NavItem("allocation.requests", _l("Demandes"), "users"),
    pages.NavItem("prices.index", _l("Prix"), "currency-euro"),
    pages.NavItem("looks.index", _l("Consultations"), "eye"),
    pages.NavItem("desk.desk", _l("Guichet"), "handover"),
    pages.NavItem("stations.index", _l("Postes et badges"), "key"),
    pages.NavItem("identity.organisations", _l("Organisations"), "building"),
)


class Bank(Flask):
    """Flask without coroutines: none of our views is one, and asking at every call is not free."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself."""
        return func

    def log_exception(self, exc_info: Any) -> None:
        """Nothing: `web/problems.py` writes a fault down, without the address, which may be a mailed link."""


class Id(IntegerConverter):
    """An id in an address."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_ID)


def create_app(config: Config | None = None) -> Flask:
    """The application, wired. Raises ConfigRefused."""
    config = config or Config.from_env()
    config.check()
    observe.configure_logging()
    app = Bank("bank", static_folder="web/static", template_folder="web/templates")
    app.config |= {
        "BANK": config,
        "SECRET_KEY": config.secret_key,
        "MAX_CONTENT_LENGTH": MAX_CONTENT_BYTES,
        "PERMANENT_SESSION_LIFETIME": SESSION_LASTS,
        # An answer that changed nothing must not bring back the session as it was when it was asked: a picture that
        # comes late would undo what a form has just said.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.production,
        "WTF_CSRF_TIME_LIMIT": int(SESSION_LASTS.total_seconds()),
        "BABEL_TRANSLATION_DIRECTORIES": "web/translations",
    }
    app.url_map.converters["int"] = Id
    if config.production:
        # In production the only one who can reach us is the proxy, which says for whom it asks.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    checks = {"database": schema.answers, "migrations": schema.is_current, "queue": work.queue_answers}
    if config.production:
        checks["no_demo_account"] = _has_no_demo_account
    observe.init(app, checks)
    crypto.init(app, config.data_keys)
    db.init(app, config.database_url, on_entry=work.plan, after_commit=work.send)
    work.init(app, reactions.REACTIONS, config.redis_url)
    problems.init(app)
    guard.init(app, signin.identify, stations.ask_to_sign_in)
    # Hashing costs a tenth of a second by design; a test suite signs in hundreds of times.
    light = config.env is BankEnv.TEST
    signin.init(app, config.redis_url, PasswordHasher(1, 8, 1) if light else PasswordHasher())
    pages.init(
        app,
        NAV,
        words.merge(
            identity_words.WORDS,
            inventory_words.WORDS,
            office_words.WORDS,
            donations_words.WORDS,
            workshops_words.WORDS,
            scanning_words.WORDS,
            allocation_words.WORDS,
        ),
        signin.bank_contact,
    )
    for room in ROOMS:
        app.register_blueprint(room.bp)
    app.extensions["bank.draw_card"] = _draw_card
    api.init(app, RESOURCES, config.bank_name)
    app.view_functions["static"] = guard.public("assets are no secret")(app.view_functions["static"])
    if config.production:
        _refuse_demo_accounts(app)
    return app


def _refuse_demo_accounts(app: Flask) -> None:
    """Everybody knows the password of the demo accounts. Raises ConfigRefused while one of them is open."""
    with app.app_context():
        found = not _has_no_demo_account()
        # A process forked from this one must not share its connection.
        db.db.engine.dispose()
    if found:
        raise ConfigRefused(
            "This database holds accounts of the demo bank, whose password is public. Production needs a "
            "database of its own; or disable each account in @demo.exemple, with BANK_ENV=demo."
        )


def _draw_card(session: Session, code: str, name: str, workshop: str) -> bytes:
    """A badge to cut out."""
    return documents.badges(
        letterhead.head(session), [documents.Badge(code=code, name=name, workshop=workshop)]
    )


def _has_no_demo_account() -> bool:
    """Whether no demo account can sign in; a database that does not answer yet is another check's concern."""
    try:
        return not signin.any_enabled(account.email for account in demo.ACCOUNTS)
    except DBAPIError:
        return True
