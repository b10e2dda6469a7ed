"""Proving who one is: passwords, sessions, tokens, single-use links, and the brake on guessing.

Nothing here needs the queue: with Redis down the brake counts in the process's memory and people still sign in.
"""

import hashlib
import secrets
from typing import Any

import sqlalchemy as sa
import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask import Flask, current_app, session
from itsdangerous import BadSignature, URLSafeTimedSerializer
from limits import parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError

from bank import db
from bank.actor import Actor
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import rules
from bank.identity.models import ApiToken, Organisation, Person
from bank.web import guard

PASSWORD_MIN = 12
SESSION_KEY = "who"
LINK_MAX_AGE_S = {"reset": 3_600, "invitation": 7 * 86_400}
PER_ACCOUNT = parse("8 per 15 minutes")
PER_ADDRESS = parse("40 per 15 minutes")

log = structlog.get_logger()

BY_SESSION = (
    sa.select(Person.id, Person.organisation_id, Person.roles, Person.epoch, Person.name, Organisation.name)
    .join(Organisation, Person.organisation_id == Organisation.id)
    .where(Person.id == sa.bindparam("person_id"), Person.disabled_at.is_(None))
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


def init(app: Flask, redis_url: str, hasher: PasswordHasher) -> None:
    """Prepare the password hasher and the brake."""
    app.extensions["bank.hasher"] = hasher
    # Verified when the account does not exist, so that the answer takes as long either way.
    app.extensions["bank.decoy"] = hasher.hash(secrets.token_hex(16))
    memory = MovingWindowRateLimiter(MemoryStorage())
    shared = memory
    if redis_url:
        storage: Storage = storage_from_string(_limits_url(redis_url))  # type: ignore[assignment]
        shared = MovingWindowRateLimiter(storage)  # type: ignore[arg-type]
    app.extensions["bank.brakes"] = (shared, memory)


def _limits_url(redis_url: str) -> str:
    return redis_url.replace("unix://", "redis+unix://", 1)


def identify() -> Actor | None:
    """Who is asking: a bearer token on the API, a session on the pages. The hook behind `web/guard.py`."""
    if guard.in_api():
        secret = guard.bearer()
        return _by_token(secret) if secret else None
    who = session.get(SESSION_KEY)
    return _by_session(who) if isinstance(who, list) and len(who) == 2 else None


def _by_session(who: list[int]) -> Actor | None:
    person_id, epoch = who
    with db.read() as reading:
        row = reading.execute(BY_SESSION, {"person_id": person_id}).one_or_none()
    if row is None or row[3] != epoch:
        return None
    return Actor(row[0], row[1], rules.permissions(row[2]), row[4], row[5])


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
    return hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes as long when there is none."""
    hasher: PasswordHasher = current_app.extensions["bank.hasher"]
    try:
        hasher.verify(stored or current_app.extensions["bank.decoy"], password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


def brake(account: str, address: str) -> None:
    """Count a try for the account and for the address. Raises Refusal(too-many-tries).

    Keys are digests: an address or a name is not to be read in Redis.
    """
    for limit, kind, value in ((PER_ACCOUNT, "account", account), (PER_ADDRESS, "address", address)):
        key = hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
        if not _hit(limit, key):
            raise Refusal(Code.TOO_MANY_TRIES)


def _hit(limit: Any, key: str) -> bool:
    shared, memory = current_app.extensions["bank.brakes"]
    try:
        return bool(shared.hit(limit, key))
    except (RedisError, StorageError) as error:
        log.warning("brake.queue_unreachable", error=type(error).__name__)
        return bool(memory.hit(limit, key))


def open_session(person_id: int, epoch: int) -> None:
    """Sign the person in on this browser; whatever the session held before is dropped."""
    language = session.get("language")
    session.clear()
    session[SESSION_KEY] = [person_id, epoch]
    session.permanent = True
    if language:
        session["language"] = language


def close_session() -> None:
    """Sign out."""
    session.pop(SESSION_KEY, None)


def link_token(purpose: str, person_id: int, epoch: int) -> str:
    """What a mailed link carries: signed, dated, and void as soon as the person's epoch rises."""
    return _serializer(purpose).dumps([person_id, epoch])


def read_link(purpose: str, token: str) -> tuple[int, int]:
    """The person and the epoch of a link. Raises Refusal(link-expired)."""
    try:
        person_id, epoch = _serializer(purpose).loads(token, max_age=LINK_MAX_AGE_S[purpose])
    except (BadSignature, ValueError, TypeError) as error:
        raise Refusal(Code.LINK_EXPIRED) from error
    return int(person_id), int(epoch)


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"banque:{purpose}")
