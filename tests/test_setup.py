"""The doors of the project: the targets of make, the list of settings, the setup script."""

import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bank import config
from tests import hosts

ROOT = Path(__file__).parents[1]
TARGETS = {"setup", "run", "test", "check", "soak", "bench", "help"}


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[1] for line in listed.splitlines()} == TARGETS


def test_env_example_names_exactly_the_settings_that_the_code_reads() -> None:
    example = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE))
    read = set(re.findall(r'env\.\w+\("([A-Z_]+)"', Path(config.__file__).read_text()))
    assert named == read


def test_env_example_can_be_sourced_with_every_line_uncommented(tmp_path: Path) -> None:
    uncommented = re.sub(r"^# (?=[A-Z_]+=)", "", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    copy = tmp_path / ".env"
    copy.write_text(uncommented)
    shell = ["sh", "-euc", f'. {copy}; printf %s "$BANK_NAME"']
    assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout == "Banque du numérique"


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.partition("==") for line in lines if not line.startswith("#"))
    return {name.lower().replace("_", "-"): version for name, _, version in pairs}


def test_every_required_package_is_pinned() -> None:
    required = re.findall(r'^    "([A-Za-z0-9-]+)[\[>]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(required) > 20
    assert [name for name in required if name.lower() not in _pins()] == []


def _setup_with(tmp_path: Path, python: str) -> str:
    """What the setup script says where `python3` is that script and nothing else is installed."""
    shutil.copy(ROOT / "setup.sh", tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "dirname"):
        (tools / name).symlink_to(str(shutil.which(name)))
    (tools / "python3").write_text(f"#!/bin/sh\n{python}\n")
    (tools / "python3").chmod(0o755)
    command = [str(tools / "sh"), "./setup.sh", "run"]
    ended = subprocess.run(
        command, cwd=tmp_path, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert not (tmp_path / ".venv").exists()
    return ended.stderr


def test_setup_names_the_python_that_is_too_old(tmp_path: Path) -> None:
    said = _setup_with(tmp_path, '[ "$1" = --version ] && echo Python 3.9.2; exit 1')
    assert "Python 3.11 or newer is needed, and Python 3.9.2" in said
    assert "apt-get install python3 python3-venv" in said


def test_setup_names_the_part_of_python_that_is_missing(tmp_path: Path) -> None:
    said = _setup_with(tmp_path, "case $2 in *ensurepip*) exit 1;; esac; echo Python 3.11.2")
    assert "apt-get install python3-venv" in said


def test_what_the_tests_lack_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert any("apt-get install chromium" in sentence for sentence in hosts.lacking())


def test_a_database_is_copied_from_a_template_and_dropped() -> None:
    with hosts.postgres() as server:
        first = hosts.create_database(server)
        with hosts._session(make_url(first)) as session:
            session.execute("CREATE TABLE device (code text)")
        session.close()
        copy = hosts.create_database(server, template=first)
        with hosts._session(make_url(copy)) as session:
            assert session.execute("SELECT count(*) FROM device").fetchone() == (0,)
        hosts.drop_database(copy)  # the session above is still open, as one of a killed test would be
        hosts.drop_database(first)
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            hosts._session(make_url(copy))
        session.close()
