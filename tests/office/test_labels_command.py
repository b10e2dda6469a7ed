"""`banque labels`: blank labels printed ahead, from the command line."""

from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import sqlalchemy as sa
import zxingcpp
from click.testing import CliRunner

from bank import cli, db
from bank.identity.models import OrganisationRole
from bank.inventory import codes
from bank.inventory.models import Label, LabelState
from bank.office import printing
from tests.factories import World


@pytest.fixture
def own(world: World) -> int:
    """The bank's own organisation."""
    return world.organisation("La banque", roles={OrganisationRole.BANK})


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(cli, "create_app", lambda: world.app)

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(cli.main, ["labels", "--out", str(tmp_path / "out.pdf"), *arguments])

    return invoke


def blanks() -> list[tuple[str, int]]:
    with db.read() as session:
        rows = session.execute(
            sa.select(Label.code, Label.organisation_id)
            .where(Label.state == LabelState.BLANK, Label.printed_at.is_not(None))
            .order_by(Label.id)
        )
        return [(row.code, row.organisation_id) for row in rows]


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def scanned(file: Path) -> list[set[str]]:
    document = pypdfium2.PdfDocument(file)
    pages = [page.render(scale=200 / 72, grayscale=True).to_pil() for page in document]
    document.close()
    return [{found.text for found in zxingcpp.read_barcodes(page)} for page in pages]


def test_labels_are_stored_blank_and_printed_in_the_order_of_their_sheet(
    own: int, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "LABELS_AT_ONCE", 4)
    ended = run("--count", "10", "--sheet", "L7160", "--start", "15")
    assert (ended.exit_code, ended.stdout) == (0, "10 labels\n")
    made = blanks()
    assert [owner for _, owner in made] == [own] * 10
    assert all(codes.is_code(code) for code, _ in made)
    printed = [
        {text for code in part for text in (code, f"http://localhost/d/{code}")} for part in split(made, 7)
    ]
    assert scanned(tmp_path / "out.pdf") == printed
    assert names(tmp_path) == ["out.pdf"]


def split(made: list[tuple[str, int]], first: int) -> list[list[str]]:
    told = [code for code, _ in made]
    return [told[:first], told[first:]]


def test_labels_of_another_organisation(world: World, run: Any) -> None:
    name = world.bnp and "BNP Paribas"
    assert run("--count", "2", "--sheet", "50x25", "--for", name.lower()).exit_code == 0
    assert [owner for _, owner in blanks()] == [world.bnp] * 2


def test_a_sample_stores_nothing(world: World, run: Any, tmp_path: Path) -> None:
    assert run("--count", "3", "--sheet", "12mm", "--sample").exit_code == 0
    assert [len(page) for page in scanned(tmp_path / "out.pdf")] == [2, 2, 2]
    assert blanks() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--count", "0", "--sheet", "L7160"),
        ("--count", "-1", "--sheet", "L7160"),
        ("--count", "1000001", "--sheet", "L7160"),
        ("--count", "many", "--sheet", "L7160"),
        ("--count", "1", "--sheet", "L9999"),
        ("--count", "1", "--sheet", "L7160", "--start", "0"),
        ("--count", "1", "--sheet", "L7160", "--start", "22"),
        ("--count", "1", "--sheet", "50x25", "--start", "2"),
        ("--count", "1", "--sheet", "L7160", "--for", "Personne"),
        ("--count", "1", "--sheet", "L7160", "--out", "/nowhere/at/all.pdf"),
        ("--count", "1", "--sheet", "L7160", "--out", "/"),
    ],
)
def test_what_cannot_be_is_refused_and_burns_no_code(
    own: int, run: Any, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ended = run(*arguments)
    assert ended.exit_code in (1, 2)
    assert isinstance(ended.exception, SystemExit), ended.exception
    assert "Error: " in ended.stderr
    assert blanks() == []
    assert names(tmp_path) == []


def test_a_bank_without_an_organisation_of_its_own_must_be_told_whose(world: World, run: Any) -> None:
    ended = run("--count", "1", "--sheet", "L7160")
    assert ended.exit_code == 1
    assert "--for" in ended.stderr


def test_a_file_that_fails_midway_leaves_the_one_before(
    own: int, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tmp_path / "out.pdf"
    before.write_bytes(b"the labels of yesterday")

    def full(out: Any, *_: Any) -> None:
        out.write(b"%PDF")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(printing, "write_pdf", full)
    assert run("--count", "1", "--sheet", "L7160").exit_code == 1
    assert before.read_bytes() == b"the labels of yesterday"
    assert names(tmp_path) == ["out.pdf"]
