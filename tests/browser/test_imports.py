"""A donor's spreadsheet in a real browser: sent, looked at, corrected, written by the worker, followed."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, Visitor

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

DONOR = "donateur@demo.exemple"
TITLES = "Type;Marque;Modèle;N° de série;N° d’inventaire;Remarque\n"
FIRST = "Écran;Dell;P2419H;SCREEN-OF-A-TEST;;\n"
GOOD = "".join(f"Portable;HP;EliteBook 840 G5;5CG9{number:06};PARC-{number};\n" for number in range(40))
BAD = "Portable;Lenovo;ThinkPad T480;6,37E+15;PARC-90;\nPortable;Lenovo;ThinkPad T480;None;PARC-91;\n"


def a_draft(served: Served, folder: Path) -> str:
    """A draft of BNP's, made from the command line; its reference."""
    file = folder / "premier.csv"
    file.write_text(TITLES + FIRST)
    told = json.loads(served.command("import-batch", str(file), "--donor", "BNP Paribas", "--json"))
    assert told["rows"] == 1
    return "BNP Paribas"


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.name"))


def test_a_spreadsheet_from_the_file_to_the_batch(visitor: Visitor, served: Served, tmp_path: Path) -> None:
    a_draft(served, tmp_path)
    page = visitor.sign_in(DONOR).open("/batches?state=draft")
    page.locator("main").get_by_role("link", name=re.compile("^L-")).first.click()
    address = page.url.split("?")[0]
    page.goto(f"{address}/import")
    visitor.look("import-new")
    wrong = tmp_path / "courrier.csv"
    wrong.write_bytes(b"%PDF-1.7 not a table")
    page.get_by_label("Votre tableau").set_input_files(wrong)
    page.get_by_role("button", name="Voir l’aperçu").click()
    expect(page.get_by_role("alert")).to_contain_text("Ce fichier n’est pas un tableau.")
    visitor.look("import-wrong")

    right = tmp_path / "sortie-de-parc.csv"
    right.write_text(TITLES + GOOD + BAD, encoding="cp1252")
    page.get_by_label("Votre tableau").set_input_files(right)
    page.get_by_role("button", name="Voir l’aperçu").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Aperçu de votre tableau")
    expect(page.get_by_text("Rien n’est encore ajouté.")).to_be_visible()
    assert page.title().startswith("Aperçu de votre tableau")
    expect(page.get_by_role("table", name="Lignes refusées ou à vérifier")).to_be_visible()
    expect(page.get_by_text("Le tableur a abîmé ce numéro.")).to_be_visible()
    visitor.look("import-preview")

    page.get_by_label("Remarque").select_option("ne pas lire")
    page.get_by_role("button", name="Refaire l’aperçu").press("Enter")
    expect(page.get_by_text("Votre tableau est relu.").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Télécharger les lignes refusées").click()
    assert "Pourquoi" in Path(download.value.path()).read_text("utf-8-sig")

    page.get_by_role("button", name="Ajouter ces 41 matériels").press("Enter")
    expect(page.locator("#main").get_by_text("41 matériels ajoutés au lot.")).to_be_visible()
    visitor.look("import-done")
    page.get_by_role("main").get_by_role("link", name="Voir le lot").click()
    expect(page.get_by_role("main")).to_contain_text("41")
