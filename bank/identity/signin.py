"""Proving who one is: passwords, sessions, tokens, single-use links, and the brake on guessing.

Nothing here needs the queue: with Redis down the brake counts in the process's memory and people still sign in.
"""

import hashlib
import secrets
import time
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask import Flask, current_app, g, request, session, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from bank import crypto, db, journal
from bank.actor import Actor
from bank.config import BankEnv, Config
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import codes, rules
from bank.identity.models import ApiToken, Badge, Organisation, OrganisationRole, Person, PersonRole, Station
from bank.journal import Kind
from bank.web import guard
from bank.web.pages import Contact

SESSION_KEY = "who"
# Of a session that a badge opened: badge, station, and when it was last seen at work (seconds).
AT_STATION = "at"
# A badge that waits for its PIN, and since when.
PENDING = "badge"
PENDING_S = 120
STATION_COOKIE = "station"
STATION_COOKIE_S = 400 * 86_400
# A session is marked as at work this often at most.
SEEN_EVERY_S = 15
LINK_MAX_AGE_S = {"reset": 3_600, "invitation": 7 * 86_400}
# Tries for one account, right or wrong, until one is right; wrong ones only for an address, which a whole
# workshop may share.
PER_ACCOUNT = parse("8 per 15 minutes")
PER_ADDRESS = parse("40 per 15 minutes")
# Wrong badges and wrong PINs at one station, which a workshop shares.
PER_STATION = parse("30 per 15 minutes")
MAILS_PER_ACCOUNT = parse("3 per 15 minutes")
MAILS_PER_ADDRESS = parse("20 per 15 minutes")
# Writing a request down takes longer than finding nobody: the answer waits until this has passed either way.
ASKING_TAKES_S = 0.4
REDIS_TIMEOUT_S = 1.0
# Every page names whom to call: it is read again this often at most.
CONTACT_KEPT_S = 60.0

log = structlog.get_logger()

BY_SESSION = (
    sa.select(Person.id, Person.organisation_id, Person.roles, Person.epoch, Person.name, Organisation.name)
    .join(Organisation, Person.organisation_id == Organisation.id)
    .where(Person.id == sa.bindparam("person_id"), Person.disabled_at.is_(None))
)
BY_BADGE_SESSION = (
    sa.select(
        Person.id,
        Person.organisation_id,
        Person.roles,
        Person.epoch,
        Person.name,
        Organisation.name,
        Station.idle_minutes,
    )
    .join(Organisation, Person.organisation_id == Organisation.id)
    .join(Badge, Badge.person_id == Person.id)
    .join(Station, Station.organisation_id == Person.organisation_id)
    .where(
        Person.id == sa.bindparam("person_id"),
        Person.disabled_at.is_(None),
        Badge.id == sa.bindparam("badge_id"),
        Badge.voided_at.is_(None),
        Station.id == sa.bindparam("station_id"),
        Station.secret_hash == sa.bindparam("secret_hash"),
        Station.revoked_at.is_(None),
    )
)
BY_STATION_SECRET = sa.select(
    Station.id, Station.organisation_id, Station.name, Station.open, Station.idle_minutes
).where(Station.secret_hash == sa.bindparam("secret_hash"), Station.revoked_at.is_(None))
BADGE_SHOWN = (
    sa.select(Badge.id, Badge.person_id, Badge.pin_hash, Badge.tries, Person.epoch, Person.roles, Person.name)
    .join(Person, Badge.person_id == Person.id)
    .where(
        Person.organisation_id == sa.bindparam("organisation_id"),
        Person.disabled_at.is_(None),
        Badge.voided_at.is_(None),
    )
)
BY_BADGE_CODE = BADGE_SHOWN.where(Badge.code_hash == sa.bindparam("code_hash"))
BY_BADGE_ID = BADGE_SHOWN.where(Badge.id == sa.bindparam("badge_id"))
BY_ID = sa.select(Person.email, Person.password_hash).where(Person.id == sa.bindparam("person_id"))
BY_LINK = sa.select(Person.email).where(
    Person.id == sa.bindparam("person_id"),
    Person.epoch == sa.bindparam("epoch"),
    Person.disabled_at.is_(None),
)
BY_EMAIL = (
    sa.select(Person.id, Person.epoch, Person.password_hash)
    .where(Person.email_hash.in_(sa.bindparam("hashes", expanding=True)), Person.disabled_at.is_(None))
    .limit(1)
)
BANK_CONTACT = (
    sa.select(Organisation.name, Organisation.address, Organisation.phone)
    .where(
        (sa.literal(" ") + sa.type_coerce(Organisation.roles, sa.Text()) + " ").contains(
            f" {OrganisationRole.BANK.value} "
        )
    )
    .order_by(Organisation.id)
    .limit(1)
)
BY_DEMO = (
    sa.select(
        Person.id,
        Person.epoch,
        Person.name,
        Person.email,
        Person.roles,
        Organisation.name.label("organisation"),
    )
    .join(Organisation, Person.organisation_id == Organisation.id)
    .where(Person.disabled_at.is_(None), Person.password_hash.is_not(None))
    .order_by(Person.id)
    # They are the first that a demo bank makes; those who come after are no concern of the sign-in page.
    .limit(100)
)
BY_TOKEN = (
    sa.select(Person.id, Person.organisation_id, Person.roles, ApiToken.scopes, Organisation.name)
    .join(ApiToken, ApiToken.person_id == Person.id)
    .join(Organisation, Person.organisation_id == Organisation.id)
    .where(
        ApiToken.hash == sa.bindparam("token_hash"),
        ApiToken.revoked_at.is_(None),
        ApiToken.expires_at > sa.bindparam("now"),
        Person.disabled_at.is_(None),
    )
)


@dataclass(frozen=True)
class Link:
    """Whom a mailed link is for, and the epoch at which it was made."""

    person_id: int
    epoch: int
    email: str


@dataclass(frozen=True)
class DemoAccount:
    """An invented person of the demo bank, and the role under which the sign-in page offers them."""

    id: int
    epoch: int
    name: str
    organisation: str
    role: PersonRole


@dataclass(frozen=True)
class StationHere:
    """The station that this browser is."""

    id: int
    organisation_id: int
    name: str
    open: bool
    idle_minutes: int


@dataclass(frozen=True)
class Shown:
    """A badge that was scanned, and whether its PIN is still to be given."""

    name: str
    needs_pin: bool


@dataclass(frozen=True)
class _Card:
    """A badge in force and whose it is, in the order of `BADGE_SHOWN`."""

    id: int
    person_id: int
    pin_hash: str | None
    tries: int
    epoch: int
    roles: frozenset[str]
    name: str


def init(app: Flask, redis_url: str, hasher: PasswordHasher) -> None:
    """Prepare the password hasher and the brake."""
    app.extensions["bank.hasher"] = hasher
    # Verified when the account does not exist, so that the answer takes as long either way.
    app.extensions["bank.decoy"] = hasher.hash(secrets.token_hex(16))
    memory = MovingWindowRateLimiter(MemoryStorage())
    shared = memory
    if redis_url:
        patience = {"socket_connect_timeout": REDIS_TIMEOUT_S, "socket_timeout": REDIS_TIMEOUT_S}
        shared = MovingWindowRateLimiter(storage_from_string(_limits_url(redis_url), **patience))
    app.extensions["bank.brakes"] = (shared, memory)


def _limits_url(redis_url: str) -> str:
    return redis_url.replace("unix://", "redis+unix://", 1)


def identify() -> Actor | None:
    """Who is asking: a bearer token on the API, a session on the pages. The hook behind `web/guard.py`."""
    if guard.in_api():
        secret = guard.bearer()
        return _by_token(secret) if secret else None
    who, at = session.get(SESSION_KEY), session.get(AT_STATION)
    if not isinstance(who, list) or len(who) != 2:
        return None
    return _by_session(who) if at is None else _by_badge(who, at)


def _by_session(who: list[int]) -> Actor | None:
    person_id, epoch = who
    with db.read() as reading:
        row = reading.execute(BY_SESSION, {"person_id": person_id}).one_or_none()
    if row is None or row[3] != epoch:
        return None
    return Actor(row[0], row[1], rules.permissions(row[2]), row[4], row[5])


def _by_badge(who: list[int], at: list[int]) -> Actor | None:
    """The operator at a station: as long as badge and station hold, and somebody is at work there."""
    (person_id, epoch), (badge_id, station_id, seen) = who, at
    keys = {"person_id": person_id, "badge_id": badge_id, "station_id": station_id}
    with db.read() as reading:
        row = reading.execute(BY_BADGE_SESSION, keys | {"secret_hash": _cookie_hash()}).one_or_none()
    if row is None or row[3] != epoch:
        return None
    now, idle_s = _now_s(), row[6] * 60
    if now - seen > idle_s:
        return None
    if now - seen >= SEEN_EVERY_S:
        session[AT_STATION] = [badge_id, station_id, now]
    g.station_idle_s = idle_s
    return Actor(row[0], row[1], rules.at_a_station(row[2]), row[4], row[5])


def _now_s() -> int:
    return int(utcnow().timestamp())


def _cookie_hash() -> str:
    return token_hash(request.cookies.get(STATION_COOKIE, ""))


def _by_token(secret: str) -> Actor | None:
    with db.read() as reading:
        row = reading.execute(BY_TOKEN, {"token_hash": token_hash(secret), "now": utcnow()}).one_or_none()
    return Actor(row[0], row[1], rules.permissions(row[2], row[3]), "", row[4]) if row else None


def token_hash(secret: str) -> str:
    """What is stored of a token. It is 256 random bits, so a plain digest keeps it safe."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hash_password(password: str) -> str:
    """Argon2id. Slow on purpose: call it before a transaction opens."""
    hasher: PasswordHasher = current_app.extensions["bank.hasher"]
    return hasher.hash(_same_signs(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes as long when there is none."""
    hasher: PasswordHasher = current_app.extensions["bank.hasher"]
    try:
        hasher.verify(stored or current_app.extensions["bank.decoy"], _same_signs(password))
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


def _same_signs(password: str) -> str:
    """An accented letter has two spellings, and keyboards differ on which they send."""
    return unicodedata.normalize("NFKC", password)


def enter(email: str, password: str, address: str) -> None:
    """Sign in on this browser. One refusal whatever the reason: nobody learns which addresses have an account.

    Raises Refusal(bad-credentials, too-many-tries).
    """
    account = crypto.search_hash(email)
    brake(account, address)
    with db.read() as reading:
        row = reading.execute(BY_EMAIL, {"hashes": crypto.search_hashes(email)}).one_or_none()
    if not matches(row.password_hash if row else None, password) or row is None:
        count_failure(address)
        raise Refusal(Code.BAD_CREDENTIALS)
    ease(account)
    open_session(row.id, row.epoch)


def bank_contact() -> Contact:
    """Whom to turn to, as the bank's own organisation says; as last known while the database does not answer."""
    known: tuple[float, Contact] = current_app.extensions.get("bank.contact", (0.0, Contact()))
    if known[0] > time.monotonic():
        return known[1]
    try:
        with db.read() as reading:
            row = reading.execute(BANK_CONTACT).first()
    except SQLAlchemyError:
        return known[1]
    found = Contact(*row) if row else Contact()
    current_app.extensions["bank.contact"] = (time.monotonic() + CONTACT_KEPT_S, found)
    return found


def demo_accounts() -> list[DemoAccount]:
    """Whom a visitor of the demo bank may be; nobody in any other bank."""
    config: Config = current_app.config["BANK"]
    if config.env is not BankEnv.DEMO:
        return []
    with db.read() as reading:
        rows = reading.execute(BY_DEMO).all()
    found = [
        DemoAccount(row.id, row.epoch, row.name, row.organisation, rules.foremost(row.roles))
        for row in rows
        if row.email.endswith(rules.DEMO_DOMAIN) and row.roles
    ]
    return sorted(found, key=lambda each: (rules.FOREMOST.index(each.role), each.id))


def enter_demo(person_id: int) -> None:
    """Sign in as one of the demo accounts, without a password. Raises Refusal(not-found)."""
    account = next((each for each in demo_accounts() if each.id == person_id), None)
    if account is None:
        raise Refusal(Code.NOT_FOUND)
    open_session(account.id, account.epoch)


def any_enabled(emails: Iterable[str]) -> bool:
    """Whether one of these addresses can sign in."""
    hashes = [each for email in emails for each in crypto.search_hashes(email)]
    query = sa.select(Person.id).where(Person.email_hash.in_(hashes), Person.disabled_at.is_(None))
    with db.read() as reading:
        return reading.scalar(query.limit(1)) is not None


# --- with a badge ---


def station() -> StationHere | None:
    """The station that this browser was made, if it was and still is one."""
    if STATION_COOKIE not in request.cookies:
        return None
    with db.read() as reading:
        row = reading.execute(BY_STATION_SECRET, {"secret_hash": _cookie_hash()}).one_or_none()
    return StationHere(*row) if row else None


def is_badge(scanned: str) -> bool:
    """Whether what was scanned is a badge's code and not a label's."""
    return codes.read(scanned) is not None


def change_badge(scanned: str) -> str:
    """Another badge was scanned at work: its holder takes over, the one before is signed out, the station stays.

    The address to go on at: the scan desk, or where the PIN is asked for. On a refusal nobody is signed out.
    Raises Refusal(badge-refused, too-many-tries).
    """
    return url_for("stations.pin" if show_badge(scanned).needs_pin else "scanning.desk")


def show_badge(scanned: str) -> Shown:
    """A badge was scanned at this browser. At an open station its holder is signed in; elsewhere the PIN is next.

    Raises Refusal(badge-refused, too-many-tries).
    """
    here = _braked_station()
    code = codes.read(scanned)
    with db.read() as reading:
        keys = {"organisation_id": here.organisation_id, "code_hash": token_hash(code or "")}
        row = reading.execute(BY_BADGE_CODE, keys).one_or_none()
    card = _Card(*row) if row else None
    if card is None or not rules.at_a_station(card.roles):
        _count_wrong(here)
        raise _refused("unknown")
    if card.tries >= rules.PIN_TRIES:
        raise _refused("locked")
    if _is_at_work(card):
        return Shown(card.name, needs_pin=False)
    if here.open:
        _sit_down(card, here)
        return Shown(card.name, needs_pin=False)
    if card.pin_hash is None:
        raise _refused("no-pin")
    lock()
    session[PENDING] = [card.id, _now_s()]
    return Shown(card.name, needs_pin=True)


def waiting_badge() -> str | None:
    """The name of the person whose badge waits for its PIN at this browser."""
    here = station()
    card = _pending(here) if here is not None else None
    return card.name if card is not None else None


def enter_pin(pin: str) -> None:
    """Sign in the holder of the badge that waits. The try is counted before it is compared: racing gains nothing.

    Raises Refusal(badge-refused, too-many-tries).
    """
    here = _braked_station()
    card = _pending(here)
    if card is None:
        raise _refused("too-late")
    with db.transaction() as writing:
        tries = writing.scalar(
            sa.update(Badge)
            .where(Badge.id == card.id, Badge.voided_at.is_(None), Badge.tries < rules.PIN_TRIES)
            .values(tries=Badge.tries + 1)
            .returning(Badge.tries)
        )
    if tries is None:
        raise _refused("locked")
    if not matches(card.pin_hash, pin):
        _count_wrong(here)
        raise _wrong_pin(card, here, tries)
    _forget_tries(card.id, tries)
    _sit_down(card, here)


def lock() -> None:
    """Leave the station to whoever comes next."""
    for key in (SESSION_KEY, AT_STATION, PENDING):
        session.pop(key, None)
    g.pop("actor", None)


def _braked_station() -> StationHere:
    here = station()
    if here is None:
        raise _refused("not-a-station")
    if not _ask("test", PER_STATION, "station", str(here.id)):
        raise Refusal(Code.TOO_MANY_TRIES)
    return here


def _count_wrong(here: StationHere) -> None:
    _ask("hit", PER_STATION, "station", str(here.id))


def _refused(reason: str, **facts: int) -> Refusal:
    return Refusal(Code.BADGE_REFUSED, reason=reason, **facts)


def _pending(here: StationHere) -> _Card | None:
    pending = session.get(PENDING)
    if not isinstance(pending, list) or _now_s() - pending[1] > PENDING_S:
        return None
    with db.read() as reading:
        keys = {"organisation_id": here.organisation_id, "badge_id": pending[0]}
        row = reading.execute(BY_BADGE_ID, keys).one_or_none()
    return _Card(*row) if row else None


def _is_at_work(card: _Card) -> bool:
    """Whether this badge is the one that the session here was opened with."""
    at = session.get(AT_STATION)
    return at is not None and at[0] == card.id and identify() is not None


def _wrong_pin(card: _Card, here: StationHere, tries: int) -> Refusal:
    if tries < rules.PIN_TRIES:
        return _refused("wrong-pin", left=rules.PIN_TRIES - tries)
    session.pop(PENDING, None)
    who = Actor(card.person_id, here.organisation_id, frozenset())
    with db.transaction() as writing:
        facts = {"badge": card.id, "station": here.id}
        journal.append(writing, who, Kind.PERSON_BADGE_LOCKED, card.person_id, facts)
    return _refused("locked")


def _forget_tries(badge_id: int, tries: int) -> None:
    """A right PIN wipes the wrong ones, unless others, tried meanwhile, locked the badge. Raises Refusal."""
    still = Badge.tries <= tries if tries == rules.PIN_TRIES else Badge.tries < rules.PIN_TRIES
    with db.transaction() as writing:
        wiped = writing.scalar(
            sa.update(Badge).where(Badge.id == badge_id, still).values(tries=0).returning(Badge.id)
        )
    if wiped is None:
        raise _refused("locked")


def _sit_down(card: _Card, here: StationHere) -> None:
    open_session(card.person_id, card.epoch)
    session[AT_STATION] = [card.id, here.id, _now_s()]
    with db.transaction() as writing:
        writing.execute(sa.update(Station).where(Station.id == here.id).values(last_used_at=utcnow()))


def brake(account: str, address: str) -> None:
    """Count a try for the account, before anything is compared. Raises Refusal(too-many-tries).

    Keys are digests: an address or a name is not to be read in Redis.
    """
    if not _ask("test", PER_ADDRESS, "address", address) or not _ask("hit", PER_ACCOUNT, "account", account):
        raise Refusal(Code.TOO_MANY_TRIES)


def count_failure(address: str) -> None:
    """Count a wrong try for the address it came from."""
    _ask("hit", PER_ADDRESS, "address", address)


def prove(actor: Actor, password: str, address: str) -> str:
    """The address of someone signed in who gives their password again. Braked as signing in is.

    Raises Refusal(invalid, too-many-tries).
    """
    brake(f"person {actor.person_id}", address)
    with db.read() as reading:
        email, stored = reading.execute(BY_ID, {"person_id": actor.person_id}).one()
    if not matches(stored, password):
        count_failure(address)
        raise Refusal(Code.INVALID, errors={"current": [rules.Fault.PASSWORD_WRONG]})
    ease(f"person {actor.person_id}")
    return str(email)


def ease(account: str) -> None:
    """Forget the tries of an account whose owner got in."""
    _ask("clear", PER_ACCOUNT, "account", account)


def brake_mails(account: str, address: str) -> None:
    """Count a request for a mail, whether or not the account exists. Raises Refusal(too-many-tries)."""
    by_address = _ask("hit", MAILS_PER_ADDRESS, "mail-address", address)
    if not _ask("hit", MAILS_PER_ACCOUNT, "mail-account", account) or not by_address:
        raise Refusal(Code.TOO_MANY_TRIES)


def _ask(verb: str, limit: RateLimitItem, kind: str, value: str) -> bool:
    """Ask the brake that the processes share, or this process's own when the queue is down."""
    key = hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
    shared, memory = current_app.extensions["bank.brakes"]
    try:
        return bool(getattr(shared, verb)(limit, key))
    except (RedisError, StorageError) as error:
        log.warning("brake.queue_unreachable", error=type(error).__name__)
        return bool(getattr(memory, verb)(limit, key))


def take_the_same_time(began: float) -> None:
    """Wait until `ASKING_TAKES_S` have passed since `began` (`time.monotonic`)."""
    time.sleep(max(0.0, began + ASKING_TAKES_S - time.monotonic()))


def open_session(person_id: int, epoch: int) -> None:
    """Sign the person in on this browser; whatever the session held before is dropped."""
    language = session.get("language")
    session.clear()
    # What this request had found out about its sender is of the session before.
    g.pop("actor", None)
    g.pop("csrf_token", None)
    session[SESSION_KEY] = [person_id, epoch]
    session.permanent = True
    if language:
        session["language"] = language


def close_session() -> None:
    """Sign out."""
    lock()


def link_token(purpose: str, person_id: int, epoch: int) -> str:
    """What a mailed link carries: signed, dated, and void as soon as the person's epoch rises."""
    return _serializer(purpose).dumps([person_id, epoch])


def open_link(purpose: str, token: str) -> Link:
    """Whom a link was made for, while it still holds. Raises Refusal(link-expired; not-found for no purpose)."""
    if purpose not in LINK_MAX_AGE_S:
        raise Refusal(Code.NOT_FOUND)
    try:
        person_id, epoch = _serializer(purpose).loads(token, max_age=LINK_MAX_AGE_S[purpose])
    except (BadSignature, ValueError, TypeError) as error:
        raise Refusal(Code.LINK_EXPIRED) from error
    with db.read() as reading:
        email = reading.scalar(BY_LINK, {"person_id": person_id, "epoch": epoch})
    if email is None:
        raise Refusal(Code.LINK_EXPIRED)
    return Link(person_id, epoch, email)


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"banque:{purpose}")
