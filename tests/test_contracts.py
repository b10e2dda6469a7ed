"""The import contracts catch what they are for: deliberate violations, each in a copy of the house."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINTER = Path(sys.executable).parent / "lint-imports"

VIOLATIONS = {
    "a room sees its neighbour": ("bank/donations/actions.py", "import bank.workshops.rules", "Upper floors"),
    "the register looks up": ("bank/inventory/queries.py", "import bank.donations.rules", "Upper floors"),
    "a read calls a change": ("bank/donations/queries.py", "import bank.donations.actions", "Inside a room"),
    "a rule asks the web": ("bank/allocation/pricing.py", "import flask", "Rules ask nobody"),
    "labels know the bank": ("labels/layout.py", "import bank.config", "labels/ knows nothing"),
    "a room prints by itself": ("bank/scanning/views.py", "import labels.pdf", "office/ is the one door"),
    "a room queues by itself": ("bank/identity/jobs.py", "import rq", "work is the one door"),
    "a module without a floor": ("bank/utils.py", "import json", "Upper floors"),
}


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    """Ask the linter about a copy of the house, and only about it."""
    environment = os.environ | {"PYTHONPATH": str(house)}
    command = [LINTER, "--no-cache"]
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the sources."""
    for name in ("bank", "labels"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("static", "__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def test_the_house_as_it_stands_is_kept(house: Path) -> None:
    done = lint(house)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_violation_is_caught_by_its_contract(house: Path, violation: str) -> None:
    path, line, contract = VIOLATIONS[violation]
    file = house / path
    file.write_text((file.read_text() if file.exists() else "") + f"\n{line}\n")
    done = lint(house)
    assert done.returncode != 0
    broken = [row for row in done.stdout.splitlines() if row.endswith("BROKEN")]
    assert [row for row in broken if row.startswith(contract)], done.stdout
