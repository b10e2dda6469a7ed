"""A start that would put data at risk is refused, with the reason."""

from pathlib import Path

import pytest

from bank.config import BankEnv, Config, ConfigRefused, normalise_database_url
from tests.conftest import make_config

STRONG = "kZ8v2Qm7Lr4Xw9Tn3Bp6Hs1Yd5Gf0Jc2"
PRODUCTION = {
    "env": BankEnv.PRODUCTION,
    "secret_key": STRONG,
    "data_keys": (STRONG[::-1],),
    "public_url": "https://banque.exemple",
    "redis_url": "redis://localhost",
    "mail_url": "smtp://localhost",
}


def test_a_production_with_all_it_needs_starts(tmp_path: Path) -> None:
    make_config("postgresql+psycopg://x", tmp_path, **PRODUCTION).check()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"secret_key": ""}, "SECRET_KEY"),
        ({"data_keys": ()}, "DATA_KEY"),
        ({"secret_key": "short"}, "SECRET_KEY"),
        ({"secret_key": "change-me-change-me-change-me-change-me"}, "SECRET_KEY"),
        ({"data_keys": ("an-example-key-an-example-key-an-example",)}, "DATA_KEY"),
        ({"public_url": "http://banque.exemple"}, "PUBLIC_URL"),
        ({"redis_url": ""}, "REDIS_URL"),
        ({"mail_url": ""}, "MAIL_URL"),
    ],
)
def test_production_refuses(tmp_path: Path, change: dict[str, object], named: str) -> None:
    config = make_config("postgresql+psycopg://x", tmp_path, **(PRODUCTION | change))
    with pytest.raises(ConfigRefused, match=named):
        config.check()


def test_no_secret_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SECRET_KEY", "DATA_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    with pytest.raises(ConfigRefused, match="SECRET_KEY and DATA_KEY"):
        Config.from_env()
    monkeypatch.setenv("SECRET_KEY", STRONG)
    monkeypatch.setenv("DATA_KEY", f"{STRONG},older")
    config = Config.from_env()
    assert config.data_keys == (STRONG, "older")
    assert config.database_url == f"sqlite:///{tmp_path / 'banque.sqlite3'}"


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"])
def test_every_spelling_of_postgresql_means_psycopg(given: str) -> None:
    assert normalise_database_url(given) == "postgresql+psycopg://u@h/d"
