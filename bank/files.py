"""Stored files, named by what is in them (SHA-256): the same bytes are kept once, and a changed file shows."""

import hashlib
import os
import tempfile
from pathlib import Path

from flask import current_app


def put(data: bytes) -> str:
    """Store bytes durably; the returned digest (64 hex signs) is their name from now on."""
    digest = name_of(data)
    path = _path(digest)
    if path.exists():
        return digest
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    Path(temporary).replace(path)
    return digest


def get(digest: str) -> bytes:
    """The bytes stored under this digest. Raises FileNotFoundError, ValueError when they were altered."""
    data = _path(digest).read_bytes()
    if name_of(data) != digest:
        raise ValueError(f"stored file {digest} was altered")
    return data


def name_of(data: bytes) -> str:
    """The digest under which these bytes are stored, or would be."""
    return hashlib.sha256(data).hexdigest()


def _path(digest: str) -> Path:
    root: Path = current_app.config["BANK"].var_dir / "files"
    return root / digest[:2] / digest
