"""`banque` with settings and options that cannot be: a sentence, never a traceback, and a status that says so."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bank.cli import main

KEYS = {
    "SECRET_KEY": "a test's own secret, long enough to pass",
    "DATA_KEY": "a test's own data key, long enough",
}
OPEN = ["open-bank", "--organisation", "Une banque", "--email", "a@exemple.fr", "--name", "A B"]


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        (["migrate"], {"BANK_ENV": "elsewhere"}),
        (["migrate"], {"PORT": "abc"}),
        (["migrate"], {"DATABASE_URL": "nonsense"}),
        (["migrate"], {"DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"}),
        (["migrate"], {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}),
        (["sweep"], {"REDIS_URL": "nonsense"}),
        (["journal", "verify"], {}),
        (["token", "create", "--email", "a@exemple.fr", "--days", "3"], {}),
        (["token", "create", "--email", "a@exemple.fr", "--days", "3", "--name", "x" * 61], {}),
        ([*OPEN, "--email", "nobody"], {}),
        ([*OPEN, "--name", "A\nB"], {}),
        ([*OPEN, "--organisation", " "], {}),
        ([*OPEN, "--organisation", "x" * 121], {}),
    ],
)
def test_what_cannot_be_ends_with_a_sentence(
    tmp_path: Path, arguments: list[str], settings: dict[str, str]
) -> None:
    environment = {**KEYS, "VAR_DIR": str(tmp_path), "DATABASE_URL": None, "REDIS_URL": None, **settings}
    ended = CliRunner().invoke(main, arguments, env=environment)
    assert ended.exit_code in (1, 2)
    assert isinstance(ended.exception, SystemExit), ended.exception
    assert "Error: " in ended.stderr
