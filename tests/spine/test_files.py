"""Stored files: named by what is in them, kept once, never altered unseen."""

import threading

import pytest
from flask import Flask

from bank import files


def test_a_file_comes_back_as_it_went_in(app: Flask) -> None:
    data = bytes(range(256)) * 100
    digest = files.put(data)
    assert digest == files.name_of(data)
    assert files.get(digest) == data


def test_the_same_bytes_are_kept_once(app: Flask) -> None:
    digests = {files.put(b"the same") for _ in range(3)}
    assert len(digests) == 1
    kept = [path for path in (app.config["BANK"].var_dir / "files").rglob("*") if path.is_file()]
    assert [path.name for path in kept] == [*digests]


def test_put_by_many_at_once_it_is_whole(app: Flask) -> None:
    data = b"x" * 2_000_000

    def put() -> None:
        with app.app_context():
            files.put(data)

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files.get(files.name_of(data)) == data
    assert len([path for path in (app.config["BANK"].var_dir / "files").rglob("*") if path.is_file()]) == 1


def test_an_altered_file_is_found_out(app: Flask) -> None:
    digest = files.put(b"as it was")
    (app.config["BANK"].var_dir / "files" / digest[:2] / digest).write_bytes(b"as it is")
    with pytest.raises(ValueError, match="altered"):
        files.get(digest)


def test_what_was_never_stored_is_not_there(app: Flask) -> None:
    with pytest.raises(FileNotFoundError):
        files.get(files.name_of(b"never"))
