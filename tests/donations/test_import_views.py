"""The pages on a donor's spreadsheet, through HTTP, and the resources of the API."""

import io
import json
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bank import cli, db
from bank.donations.models import ImportState
from bank.inventory.models import Category
from tests.donations.test_imports import SHEETS, announced, batches, draft, items, laptops, run_jobs
from tests.factories import World

CP1252 = (SHEETS / "parc-cp1252.csv").read_bytes()


def upload(client: FlaskClient, ref: str, data: bytes, name: str = "parc.csv", **fields: str) -> TestResponse:
    form: dict[str, Any] = {"idempotency_key": str(uuid4()), "file": (io.BytesIO(data), name), **fields}
    return client.post(f"/batches/{ref}/import", data=form, content_type="multipart/form-data")


def test_a_donor_sends_sees_confirms_and_follows(world: World) -> None:
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    assert "une ligne par matériel" in client.get(f"/batches/{ref}/import").text
    sent = upload(client, ref, CP1252)
    assert sent.status_code == 303
    preview = client.get(sent.location)
    assert "Aperçu de votre tableau" in preview.text
    assert "Rien n’est encore ajouté" in preview.text
    for said in (
        "4 nouveaux",
        "1 refusé",
        "1 à vérifier",
        "Ajouter ces 4 matériels",
        "Le tableur a abîmé ce numéro",
        "6,37E+15",
        "EliteBook 840 G5",
    ):
        assert said in preview.text, said
    assert items(ref) == []
    pressed = client.post(f"{sent.location}/confirm")
    assert pressed.status_code == 303
    waiting = client.get(pressed.location)
    assert "L’ajout attend son tour" in waiting.text
    assert "est arrêté" in waiting.text, "there is no queue in this test, and the page says so"
    assert "hx-trigger" in client.get(f"{sent.location}/progress").text
    run_jobs()
    ended = client.get(f"{sent.location}/progress")
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (204, "true")
    done = client.get(sent.location)
    assert "Ajout terminé" in done.text
    assert "4 matériels ajoutés au lot" in done.text
    assert announced(ref) == {Category.LAPTOP: 2, Category.DESKTOP: 1, Category.SCREEN: 1}


def test_the_refused_rows_come_back_as_they_stood_with_the_reason(world: World) -> None:
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    location = upload(client, ref, CP1252).location
    answer = client.get(f"{location}/refused.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    titles, row = answer.data.decode("utf-8-sig").strip().split("\r\n")
    assert titles == "Type;Marque;Modèle;N° de série;N° d’inventaire;Remarque;Pourquoi"
    assert row.startswith("Portable;Lenovo;ThinkPad T480;6,37E+15;BNP-0104;;Le tableur a abîmé ce numéro.")


def test_the_columns_can_be_changed_and_the_preview_is_made_again(world: World) -> None:
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    data = "Type;Désignation;Serial\nPortable;HP 840;S1AB\n".encode()
    location = upload(client, ref, data).location
    changed = client.post(
        f"{location}/columns", data={"column-0": "category", "column-1": "model", "column-2": "serial"}
    )
    assert changed.status_code == 303
    page = client.get(location).text
    assert '<option value="model" selected>' in page
    assert "HP" in page
    wrong = client.post(f"{location}/columns", data={"column-0": "nonsense"})
    assert wrong.status_code == 422
    blank = client.post(f"{location}/columns", data={})
    assert blank.status_code == 422
    assert "Aucun titre de colonne" in blank.text


def test_a_file_without_types_takes_the_one_that_is_said(world: World) -> None:
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    location = upload(client, ref, b"Serial;Site\nS1AB;Cergy\n", default_category="screen").location
    assert "1 nouveau" in client.get(location).text
    client.post(f"{location}/confirm")
    run_jobs()
    assert announced(ref) == {Category.SCREEN: 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Ce fichier est vide."),
        (b"%PDF-1.7 ...", "Ce fichier n’est pas un tableau."),
        (b"name,email\nA,b@c.fr\n", "Aucun titre de colonne n’a été reconnu."),
        ("Type;N° de série\n".encode(), "Ce tableau a des titres, mais aucun matériel en dessous."),
    ],
)
def test_a_file_that_cannot_be_read_is_said_at_its_field(world: World, data: bytes, said: str) -> None:
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    answer = upload(client, ref, data, default_category="screen")
    assert answer.status_code == 422
    assert said in answer.text
    assert 'id="file-error"' in answer.text
    assert '<option selected value="screen">' in answer.text, "what was chosen is still there"


def test_no_file_at_all_is_asked_for(world: World) -> None:
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    answer = client.post(f"/batches/{ref}/import", data={"idempotency_key": "k"})
    assert answer.status_code == 422
    assert "Choisissez un fichier." in answer.text


def test_the_same_file_again_offers_nothing_to_add(world: World) -> None:
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    first = upload(client, ref, laptops(2)).location
    client.post(f"{first}/confirm")
    run_jobs()
    again = client.get(upload(client, ref, laptops(2)).location).text
    assert "2 déjà connus" in again
    assert "Rien à ajouter" in again
    assert "/confirm" not in again


def test_a_file_name_that_is_none_does_no_harm(world: World) -> None:
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    for name in ("../../etc/passwd", "C:\\temp\\<b>parc</b>.csv", "x" * 400, "\x00\x1b.csv"):
        location = upload(client, ref, laptops(1), name).location
        page = client.get(location).text
        assert "<b>parc" not in page
        assert "etc/" not in page


def test_a_workbook_is_named_by_its_sheet(world: World) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Sortie de parc"  # type: ignore[union-attr]  # a new workbook has a sheet
    for row in ([], ["Sortie"], ["Type", "Modèle", "N° de série"], ["UC", "7060", 6370000000000001]):
        book.active.append(row)  # type: ignore[union-attr]  # the same
    stored = io.BytesIO()
    book.save(stored)
    ref, client = draft(world.donor_user), world.client(world.donor_user)
    page = client.get(upload(client, ref, stored.getvalue(), "parc.xlsx").location).text
    assert "feuille «\u00a0Sortie de parc\u00a0», titres à la ligne 3." in page
    assert "6.37E+15" in page


def test_a_batch_that_is_no_draft_takes_no_spreadsheet(world: World) -> None:
    client = world.client(world.donor_user)
    answer = client.get(f"/batches/{world.batch()}/import")
    assert answer.status_code == 409
    assert "Lot déjà envoyé" in answer.text


# --- the API ---


def post(world: World, ref: str, data: bytes, *, key: str = "k", **fields: str) -> TestResponse:
    return world.api(world.donor_user).post(
        f"/batches/{ref}/imports",
        data={"file": (io.BytesIO(data), "parc.csv"), **fields},
        content_type="multipart/form-data",
        key=key,
    )


def test_a_dry_run_answers_the_report_and_stores_nothing(world: World) -> None:
    ref = draft(world.donor_user)
    answer = post(world, ref, CP1252, dry_run="true")
    assert answer.status_code == 200
    assert answer.json == {
        "id": None,
        "state": "preview",
        "rows": 5,
        "new": 4,
        "same": 0,
        "changed": 0,
        "refused": 1,
        "suspicious": 1,
        "problems": [
            {
                "row": 5,
                "column": "N° de série",
                "code": "scientific-notation",
                "message": "Le tableur a abîmé ce numéro. Mettez la colonne au format texte.",
            },
            {
                "row": 6,
                "column": "N° de série",
                "code": "junk-serial",
                "message": "Ce n’est pas un vrai numéro. Il sera relevé à la réception.",
            },
        ],
    }
    with db.read() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM batch_import").scalar() == 0


def test_a_file_sent_by_a_program_is_written_and_followed(world: World) -> None:
    ref = draft(world.donor_user)
    made = post(world, ref, CP1252)
    assert made.status_code == 202
    assert made.json["state"] == "waiting"
    assert post(world, ref, CP1252).json["id"] == made.json["id"]
    run_jobs()
    found = world.api(world.donor_user).get(made.headers["Location"].removeprefix("/api/v1")).json
    assert (found["state"], found["new"], found["refused"]) == (ImportState.DONE, 4, 1)
    assert [problem["row"] for problem in found["problems"]] == [5, 6]
    assert announced(ref)[Category.LAPTOP] == 2
    again = post(world, ref, CP1252, key="other")
    run_jobs()
    told = world.api(world.donor_user).get(f"/imports/{again.json['id']}").json
    assert (told["new"], told["same"]) == (0, 4)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"dry_run": "perhaps"}, 422),
        ({"default_category": "spoon"}, 422),
        ({"unknown": "1"}, 422),
    ],
)
def test_what_a_program_says_wrong_is_refused(world: World, fields: dict[str, str], status: int) -> None:
    assert post(world, draft(world.donor_user), CP1252, **fields).status_code == status


def test_a_program_must_send_a_file_that_can_be_read(world: World) -> None:
    ref, api = draft(world.donor_user), world.api(world.donor_user)
    assert api.post(f"/batches/{ref}/imports", data={"dry_run": "true"}).status_code == 422
    assert post(world, ref, b"%PDF", key="p").json["errors"] == {"file": ["not-a-spreadsheet"]}


# --- the command ---


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(cli, "create_app", lambda: world.app)

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(cli.main, ["import-batch", *arguments])

    return invoke


def test_the_command_says_what_a_file_comes_to(world: World, run: Any) -> None:
    assert world.bnp
    file = str(SHEETS / "parc-utf8-bom.csv")
    tried = run(file, "--donor", "bnp paribas", "--dry-run", "--json")
    assert tried.exit_code == 0, tried.output
    told = json.loads(tried.output)
    assert {name: told[name] for name in ("rows", "new", "same", "changed", "refused", "suspicious")} == {
        "rows": 5, "new": 4, "same": 0, "changed": 0, "refused": 1, "suspicious": 1,
    }  # fmt: skip
    assert told["problems"][0] == {
        "row": 5,
        "column": "N° de série",
        "code": "scientific-notation",
        "message": "Le tableur a abîmé ce numéro. Mettez la colonne au format texte.",
    }
    assert batches() == []
    done = json.loads(run(file, "--donor", "BNP Paribas", "--json").output)
    assert (done["new"], done["refused"]) == (4, 1)
    again = json.loads(run(file, "--donor", "BNP Paribas", "--json").output)
    assert (again["new"], again["same"]) == (0, 4)
    [ref] = batches()
    assert len(items(ref)) == 4
    assert "4 same" in run(file, "--donor", "BNP Paribas").output


def test_the_command_fails_on_what_it_cannot_read(world: World, run: Any, tmp_path: Any) -> None:
    assert world.bnp
    wrong = tmp_path / "parc.csv"
    wrong.write_bytes(b"%PDF-1.7")
    for arguments in (
        (str(wrong), "--donor", "BNP Paribas", "--json"),
        (str(SHEETS / "parc.xls"), "--donor", "Nobody", "--json"),
        (str(tmp_path / "nothing.csv"), "--donor", "BNP Paribas"),
    ):
        ended = run(*arguments)
        assert ended.exit_code != 0
        assert "Error: " in ended.stderr
    assert "n’est pas un tableau" in run(str(wrong), "--donor", "BNP Paribas").stderr
    assert batches() == []


def test_rows_of_one_category_can_be_brought(world: World, run: Any, tmp_path: Any) -> None:
    assert world.bnp
    file = tmp_path / "écrans.csv"
    file.write_bytes(b"Serial\nS1AB\nS2AB\n")
    told = json.loads(run(str(file), "--donor", "BNP Paribas", "--category", "screen", "--json").output)
    assert told["new"] == 2
