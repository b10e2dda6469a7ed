"""Personal data at rest: encrypted columns, and keyed hashes to find a row by an exact value.

`DATA_KEY` lists keys, newest first: the first writes, all read, so that a key can be changed without a stop
(`banque rekey`). Encryption, search and seals use different keys derived from the same setting (HKDF, RFC 5869).
"""

import hashlib
import hmac
import re
import unicodedata
from base64 import urlsafe_b64encode
from datetime import date

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, current_app
from sqlalchemy.types import TypeDecorator

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


class Keyring:
    """The keys of one running bank."""

    def __init__(self, data_keys: tuple[str, ...]) -> None:
        self.fernet = MultiFernet(
            [Fernet(urlsafe_b64encode(derive(key, b"encryption"))) for key in data_keys]
        )
        self.search_keys = [derive(key, b"search") for key in data_keys]
        self.recipient_keys = [derive(key, b"recipient") for key in data_keys]
        self.seal = MultiFernet([Fernet(urlsafe_b64encode(derive(key, b"seal"))) for key in data_keys])


def derive(key: str, purpose: bytes) -> bytes:
    """32 bytes for one purpose out of one setting."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"banque:" + purpose).derive(key.encode())


def init(app: Flask, data_keys: tuple[str, ...]) -> None:
    """Give the app its keys."""
    app.extensions["bank.keyring"] = Keyring(data_keys)


def _keyring() -> Keyring:
    keyring: Keyring = current_app.extensions["bank.keyring"]
    return keyring


class Encrypted(TypeDecorator[str]):
    """Text that only this bank can read. Cannot be compared in a query: that is the point."""

    impl = sa.Text()
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else _keyring().fernet.encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else _keyring().fernet.decrypt(value.encode()).decode()


def sealed(text: str) -> str:
    """A text that travels through somebody's browser: nobody there can read or change it."""
    return _keyring().seal.encrypt(text.encode()).decode()


def unsealed(text: str, max_age_s: int) -> str | None:
    """What was sealed, or None when it is not ours or too old."""
    try:
        return _keyring().seal.decrypt(text.encode("utf-8", "replace"), ttl=max_age_s).decode()
    except InvalidToken:
        return None


def normalised(text: str) -> str:
    """How people's names and addresses are compared: case, accents and spaces folded away, a name's hyphens too."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "@.+_-" if "@" in plain else ""
    return "".join(char for char in plain if char.isalnum() or char in kept)


def recipient_hash(name: str, birth_date: date) -> str:
    """The keyed hash by which a recipient can be found; its key is used for nothing else."""
    return _recipient_hashed(name, birth_date, _keyring().recipient_keys[0])


def recipient_hashes(name: str, birth_date: date) -> list[str]:
    """Every hash under which the recipient may be stored: one per key still accepted."""
    return [_recipient_hashed(name, birth_date, key) for key in _keyring().recipient_keys]


def _recipient_hashed(name: str, birth_date: date, key: bytes) -> str:
    text = f"{words_of_name(name)}|{birth_date.isoformat()}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def words_of_name(name: str) -> str:
    """A person's name as it is compared: no case, accents, hyphens or apostrophes, its words in any order."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(LIGATURES))
    kept = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(sorted(re.findall(r"\w+", kept)))


def search_hash(text: str) -> str:
    """The keyed hash to store beside an encrypted value, made with the newest key."""
    return _hashed(text, _keyring().search_keys[0])


def search_hashes(text: str) -> list[str]:
    """Every hash under which the value may be stored: one per key still accepted."""
    return [_hashed(text, key) for key in _keyring().search_keys]


def _hashed(text: str, key: bytes) -> str:
    return hmac.new(key, normalised(text).encode(), hashlib.sha256).hexdigest()
