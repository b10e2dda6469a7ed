"""What assistive technology is told, and where the keyboard is, along five journeys in a real browser.

Everything is found by role and name, as a screen reader finds it; everything is done with the keyboard, except
choosing a file, which is the system's own window. `test_thin_path` and its neighbours look at the pictures.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Served, Visitor
from tests.factories import today

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(300)]

BANK = "Banque du numérique"
REF = re.compile(r"/requests/D-[0-9A-Z]+$")
# One line of a snapshot: its role, its name where it has one, and what else it says of itself.
LINE = re.compile(r"^\s*- '?([a-z]+)(?: \"((?:[^\"\\]|\\.)*)\")?([^:]*)")
NEVER_NAMELESS = frozenset(
    [
        "button",
        "checkbox",
        "combobox",
        "dialog",
        "form",
        "group",
        "heading",
        "img",
        "link",
        "navigation",
        "progressbar",
        "radio",
        "radiogroup",
        "region",
        "searchbox",
        "spinbutton",
        "table",
        "textbox",
    ]
)
STOPS_MAX = 250
TITLES = "Type;Marque;Modèle;N° de série;N° d’inventaire;Remarque\n"
ABOVE = (
    "each => Boolean(document.activeElement.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_PRECEDING)"
)
WATCH = """() => {
  window.seen = new Set();
  window.top_link = document.activeElement;
  document.addEventListener("focusin", event => seen.add(event.target));
}"""
# What the Tab key could reach in the page and did not; of radio buttons it only stops on one.
UNREACHED = """() => Array.from(document.querySelectorAll("a[href], button, input, select, textarea, summary"))
  .filter(each => each.checkVisibility() && !each.disabled && each.type !== "radio" && !seen.has(each))
  .map(each => each.outerHTML)"""


@dataclass
class People:
    """Those of the demo bank, each in front of their own browser; signed in once."""

    served: Served
    browser: Browser
    pages: dict[str, Page] = field(default_factory=dict)

    def at(self, who: str, path: str) -> Page:
        """Somebody's page, opened there."""
        if who not in self.pages:
            context = self.browser.new_context(locale="fr-FR", viewport={"width": 1280, "height": 800})
            context.set_default_timeout(15_000)
            self.pages[who] = Visitor(self.served, context).sign_in(f"{who}@demo.exemple").page
        self.pages[who].goto(f"{self.served.url}{path}")
        return self.pages[who]


@pytest.fixture(scope="module")
def people(served: Served, browser: Browser) -> Iterator[People]:
    everyone = People(served, browser)
    yield everyone
    for page in everyone.pages.values():
        page.context.close()


# ---- what every page owes ----


def told(page: Page) -> list[tuple[str, str, str]]:
    """The accessibility tree, top to bottom: role, name, the rest."""
    lines = map(LINE.match, page.locator("body").aria_snapshot().splitlines())
    return [(each[1], each[2] or "", each[3]) for each in lines if each and each[1] != "text"]


def holds(page: Page, title: str, heading: str | None = None) -> None:
    """One title, one first heading, the landmarks, a name on everything that needs one, honest tables."""
    expect(page).to_have_title(f"{title} – {BANK}")
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.lang") == "fr"
    expect(page.get_by_role("heading", level=1)).to_have_text(heading or title)
    for landmark in ("banner", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1, landmark
    assert page.get_by_role("navigation", name="Principal").count() == 1
    tree = told(page)
    nameless = [role for role, name, _rest in tree if role in NEVER_NAMELESS and not name.strip()]
    # What unfolds is a group too, which its summary names in the browser's own tree.
    assert nameless == ["group"] * page.locator("details:visible").count()
    buttons = [name for role, name, _rest in tree if role == "button"]
    assert sorted(set(buttons)) == sorted(buttons), "two buttons of the same name"
    for table in page.get_by_role("table").all():
        is_honest(table)


def stays_a_table(page: Page) -> None:
    """On a phone its rows are drawn as cards; the browser's own tree must still say that it is a table."""
    page.set_viewport_size({"width": 360, "height": 800})
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = {node["role"]["value"] for node in tree if not node["ignored"]}
    assert {"table", "row", "columnheader", "rowheader", "cell"} <= roles
    page.set_viewport_size({"width": 1280, "height": 800})


def is_honest(table: Locator) -> None:
    """A caption, named columns, and a first cell that names its row."""
    assert table.get_by_role("caption").inner_text().strip()
    columns = table.get_by_role("columnheader")
    assert columns.count() >= 2
    rows = table.get_by_role("row").count() - 1
    assert table.get_by_role("rowheader").count() == rows


def is_told(page: Page, sentence: str | re.Pattern[str]) -> None:
    """The region that reads changes aloud says it, whatever else the page shows."""
    expect(page.get_by_role("status").last).to_contain_text(sentence)


# ---- the keyboard ----


def is_focused(wanted: Locator) -> bool:
    return bool(wanted.evaluate("each => each === document.activeElement"))


def reach(wanted: Locator) -> Locator:
    """Press Tab, or Shift and Tab when it is above, until the focus is there."""
    expect(wanted).to_be_visible()
    key = "Shift+Tab" if wanted.evaluate(ABOVE) else "Tab"
    for _ in range(STOPS_MAX):
        if is_focused(wanted):
            return wanted
        wanted.page.keyboard.press(key)
    raise AssertionError(f"{wanted} cannot be reached with the Tab key")


def press(wanted: Locator, key: str = "Enter") -> None:
    reach(wanted).page.keyboard.press(key)


def choose(group: Locator, name: str) -> None:
    """Answer a question: Tab enters its radio buttons where the browser likes, the arrows go round them."""
    radios, wanted = group.get_by_role("radio"), group.get_by_role("radio", name=name)
    keyboard = group.page.keyboard
    key = "Shift+Tab" if group.evaluate(ABOVE) else "Tab"
    for _ in range(STOPS_MAX):
        if any(is_focused(each) for each in radios.all()):
            break
        keyboard.press(key)
    for _ in range(radios.count()):
        keyboard.press("ArrowDown")
        if wanted.is_checked():
            return
    raise AssertionError(f"{name} cannot be chosen with the arrows")


def write(wanted: Locator, text: str) -> None:
    """Type over what a field holds."""
    keyboard = reach(wanted).page.keyboard
    keyboard.press("Control+A")
    keyboard.type(text)


def write_day(wanted: Locator, day: date) -> None:
    """Type a date from its first part on, in the order of the browser's own language."""
    keyboard = reach(wanted).page.keyboard
    for order in ("%m%d%Y", "%d%m%Y"):
        while is_focused(wanted):
            keyboard.press("Shift+Tab")
        keyboard.press("Tab")
        keyboard.type(f"{day:{order}}")
        if wanted.input_value() == day.isoformat():
            return
    raise AssertionError(wanted.input_value())


def goes_round(page: Page) -> None:
    """Tab from the top reaches everything and comes back to the top: no trap, nothing left out."""
    page.get_by_role("link", name="Aller au contenu").focus()
    page.evaluate(WATCH)
    for _ in range(STOPS_MAX // 10):
        for _stop in range(10):
            page.keyboard.press("Tab")
        if page.evaluate("seen.has(top_link)"):
            assert page.evaluate(UNREACHED) == []
            return
    raise AssertionError("the focus never comes back to the top")


def skips_to_the_content(page: Page) -> None:
    """The first stop of a page jumps over its menus."""
    page.reload()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def is_to_correct(page: Page, *wrong: tuple[Locator, str, str]) -> None:
    """The summary has the focus, and names the fields in the order of the page; each link leads to its field,
    which says itself what is wrong with it. `wrong`: the field, its name in the summary, the sentence.
    """
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("heading", level=2)).to_have_text("À corriger avant de continuer")
    expect(summary.get_by_role("link")).to_have_text([name for _at, name, _said in wrong])
    for at, name, said in wrong:
        link = summary.get_by_role("link", name=name, exact=True)
        assert said in link.locator("xpath=..").inner_text()
        press(link)
        expect(at).to_be_focused()
        expect(at).to_have_accessible_description(re.compile(re.escape(said)))
        # A group has no such state: its description carries the error.
        if at.evaluate("each => each.tagName") != "FIELDSET":
            expect(at).to_have_attribute("aria-invalid", "true")


# ---- the journeys' common steps ----


def ask(people: People, *things: str) -> str:
    """The Red Cross asks for a person; the reference."""
    page = people.at("prescripteur", "/requests/new?programme=RSA")
    answer(page, "Awa Exemple", *things)
    press(page.get_by_role("button", name="Envoyer la demande"))
    return asked(page)


def asked(page: Page) -> str:
    """The reference of the request that the page has come to."""
    page.wait_for_url(REF)
    return page.url.rpartition("/")[2]


def answer(page: Page, name: str, *things: str) -> None:
    write_day(page.get_by_label("Date inscrite sur le justificatif"), today())
    press(page.get_by_role("checkbox", name=re.compile("^J’ai vu ce justificatif")), "Space")
    write(page.get_by_role("textbox", name="Nom de la personne"), name)
    for thing in things:
        press(page.get_by_role("checkbox", name=re.compile(f"^{thing} :")), "Space")


def promise(people: People, ref: str, workshop: str) -> list[str]:
    """The coordinator promises the first device of that workshop on each line; their codes."""
    page = people.at("coordination", f"/requests/{ref}")
    codes = []
    for table in page.get_by_role("table", name=re.compile("^Matériel disponible")).all():
        row = table.get_by_role("row").filter(has=page.get_by_role("cell", name=workshop)).first
        press(row.get_by_role("checkbox"), "Space")
        codes.append(code_of(row.get_by_role("checkbox")))
    press(page.get_by_role("button", name="Réserver le matériel coché"))
    is_told(page, "réservé")
    return codes


def code_of(named: Locator) -> str:
    """The ten signs of a device, read from the name of what stands for it."""
    found = re.search(r"\"(\w{4}) (\w{4}) (\w{2}) ", named.aria_snapshot())
    assert found is not None
    return "".join(found.groups())


# ---- the five journeys ----


def test_a_donor_reads_the_preview_of_a_spreadsheet(people: People, tmp_path: Path) -> None:
    page = people.at("donateur", "/batches/announce")
    holds(page, "Annoncer un don")
    skips_to_the_content(page)
    goes_round(page)
    press(page.get_by_role("button", name="Garder ce qui est écrit et envoyer un tableau"))
    holds(page, "Ajouter depuis un tableur")

    sheet, preview = page.get_by_label("Votre tableau"), page.get_by_role("button", name="Voir l’aperçu")
    press(preview)
    is_to_correct(page, (sheet, "Votre tableau", "Choisissez"))
    holds(page, "Ajouter depuis un tableur")
    file = tmp_path / "parc.csv"
    serials = (uuid4().hex[:12], uuid4().hex[:12], "6,37E+15")
    file.write_text(TITLES + "".join(f"Portable;HP;EliteBook 840 G5;{each};;\n" for each in serials))
    reach(sheet).set_input_files(file)
    press(preview)
    holds(page, "Aperçu de votre tableau")
    is_told(page, "Votre tableau est lu. Vérifiez-le.")
    seen = page.get_by_role("list", name="Ce que donne le tableau").get_by_role("listitem")
    expect(seen).to_have_text(["2 nouveaux", "1 refusé"])
    refused = page.get_by_role("table", name="Lignes refusées ou à vérifier").get_by_role("row").last
    expect(refused.get_by_role("rowheader")).to_have_text("4")
    expect(refused).to_contain_text("Le tableur a abîmé ce numéro.")
    goes_round(page)

    press(page.get_by_role("combobox", name="N° d’inventaire"), "Home")
    press(page.get_by_role("button", name="Refaire l’aperçu"))
    is_told(page, "Votre tableau est relu.")
    holds(page, "Aperçu de votre tableau")
    press(page.get_by_role("button", name="Ajouter ces 2 matériels"))
    is_told(page, "2 matériels ajoutés au lot.")
    holds(page, "Votre tableau")
    press(page.get_by_role("main").get_by_role("link", name="Voir le lot"))
    page.wait_for_url(re.compile(r"/batches/L-[0-9A-Z]+$"))
    holds(page, f"Lot {page.url.rpartition('/')[2]}")


def test_a_prescriber_asks_for_a_person(people: People) -> None:
    page = people.at("prescripteur", "/requests/new")
    holds(page, "Demander du matériel", "Pour qui demandez-vous ?")
    goes_round(page)
    press(page.get_by_role("link", name="Demander avec ce dispositif : Revenu de solidarité active"))
    holds(page, "Demander pour une personne")
    goes_round(page)
    send = page.get_by_role("button", name="Envoyer la demande")
    press(send)
    day, name = (
        page.get_by_label("Date inscrite sur le justificatif"),
        page.get_by_label("Nom de la personne"),
    )
    things = page.get_by_role("group", name="Matériel demandé")
    is_to_correct(
        page,
        (day, "Date inscrite sur le justificatif", "Remplissez ce champ."),
        (name, "Nom de la personne", "Remplissez ce champ."),
        (things, "Matériel demandé", "Choisissez au moins un matériel."),
    )
    holds(page, "Demander pour une personne")
    answer(page, "Awa 2 85 05 78 006 084", "écran")
    press(send)
    # The last link followed was another field's: it must not keep the focus from the summary.
    is_to_correct(page, (name, "Nom de la personne", "numéro de sécurité sociale"))
    expect(things.get_by_role("checkbox", checked=True)).to_have_accessible_name(re.compile("^écran"))
    write(name, "Awa Exemple")
    press(send)
    ref = asked(page)
    holds(page, f"Demande {ref}")
    is_told(page, f"Demande {ref} enregistrée.")


def test_a_prescriber_follows_a_request(people: People) -> None:
    ref = ask(people, "écran")
    page = people.at("prescripteur", "/requests")
    holds(page, "Demandes")
    goes_round(page)
    stays_a_table(page)
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=ref))
    expect(row.get_by_role("cell").last).to_have_text("en attente")
    press(row.get_by_role("link", name=ref))
    holds(page, f"Demande {ref}")
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", level=2)).to_have_text(
        ["Et maintenant", "Matériel demandé", "La demande", "Ce qui s’est passé"]
    )
    expect(main.get_by_role("cell").last).to_have_text("Il manque 1 écran.")
    promise(people, ref, "AGOIE")
    page.reload()
    holds(page, f"Demande {ref}")
    expect(main.get_by_text("Prévenez la personne")).to_be_visible()
    expect(main.get_by_role("listitem").last).to_contain_text("Tout le matériel est réservé")
    goes_round(page)


def test_a_prescriber_finds_a_request_again(people: People) -> None:
    ref = ask(people, "écran")
    page = people.at("prescripteur", "/requests/find")
    holds(page, "Retrouver une demande")
    search = page.get_by_role("main").get_by_role("button", name="Chercher")
    write(page.get_by_role("textbox", name="Nom et prénom exacts"), "Awa Exemple")
    press(search)
    born = page.get_by_label("Date de naissance")
    is_to_correct(page, (born, "Date de naissance", "Remplissez ce champ."))
    write_day(born, date(1985, 5, 12))
    press(search)
    is_told(page, "Rien ne correspond")
    write(page.get_by_role("textbox", name="Référence de la demande"), ref)
    press(search)
    is_told(page, "Demande trouvée.")
    holds(page, f"Demande {ref}")
    press(page.get_by_role("link", name="Annuler cette demande"))
    holds(page, f"Annuler la demande {ref}")
    stop = page.get_by_role("button", name="Annuler cette demande")
    press(stop)
    is_to_correct(
        page, (page.get_by_role("group", name="Pourquoi ?"), "Pourquoi ?", "Choisissez une réponse.")
    )
    choose(page.get_by_role("group", name="Pourquoi ?"), "plus besoin")
    press(stop)
    is_told(page, f"Demande {ref} annulée.")


def test_the_desk_scans_and_hands_over(people: People) -> None:
    ref = ask(people, "écran", "tablette")
    codes = promise(people, ref, "AGOIE")
    page = people.at("guichet", "/desk")
    holds(page, "Guichet")
    code = page.get_by_role("textbox", name="Code du bon, du matériel ou de la demande")
    expect(code).to_be_focused()
    goes_round(page)
    write(code, "ZZZZ")
    page.keyboard.press("Enter")
    is_to_correct(page, (code, "Code du bon, du matériel ou de la demande", "Rien ici ne porte ce code."))
    write(code, ref)
    page.keyboard.press("Enter")
    holds(page, f"Remise de la demande {ref}")
    scan_each(page, codes)
    goes_round(page)

    save = page.get_by_role("button", name="Enregistrer la remise")
    press(save)
    paper, payment = (
        page.get_by_role("group", name=name)
        for name in ("Quel papier d’identité avez-vous vu ?", "Moyen de paiement")
    )
    is_to_correct(
        page,
        (paper, "Quel papier d’identité avez-vous vu ?", "Choisissez une réponse."),
        (payment, "Moyen de paiement", "Choisissez une réponse."),
    )
    holds(page, f"Remise de la demande {ref}")
    expect(page.get_by_text("Tout est scanné : 2 sur 2.")).to_be_visible()
    choose(paper, "Carte d’identité")
    choose(payment, "Espèces")
    choose(page.get_by_role("group", name="Comment signe-t-on ?"), "La personne signe la feuille")
    press(save)
    page.wait_for_url(re.compile("/handovers/R-"))
    is_told(page, "Remise enregistrée.")
    holds(page, f"Remise {page.url.rpartition('/')[2]}")
    goes_round(page)


def scan_each(page: Page, codes: list[str]) -> None:
    """After each scan the field has the focus again and the tick is read aloud; after the last, what comes next."""
    place = page.get_by_role("region", name="1. Scanner le matériel")
    scan = place.get_by_role("textbox", name="Étiquette du matériel")
    for code, said in (
        ("0000000000", "Ce n’est pas un code"),
        (codes[0], "c’est bien lui"),
        (codes[0], "déjà"),
    ):
        expect(scan).to_be_focused()
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        is_told(page, said)
    expect(scan).to_be_focused()
    expect(place.get_by_role("cell", name="scanné", exact=True)).to_have_count(1)
    holds(page, page.title().removesuffix(f" – {BANK}"))
    page.keyboard.type(codes[1])
    page.keyboard.press("Enter")
    is_told(page, "Tout est scanné. Passez à la suite.")
    expect(page.get_by_text("Tout est scanné : 2 sur 2.")).to_be_focused()
    expect(place.get_by_role("cell", name="scanné", exact=True)).to_have_count(2)


def test_a_coordinator_allocates(people: People) -> None:
    page = people.at("ccas", "/requests/new?programme=ESPACE-COMMUNE")
    write(page.get_by_role("spinbutton", name="unité centrale"), "2")
    write(page.get_by_role("spinbutton", name=re.compile(r"^écran \(")), "2")
    press(page.get_by_role("button", name="Voir le prix"))
    holds(page, "Vérifier la demande et son prix")
    press(page.get_by_role("button", name="Envoyer la demande"))
    ref = asked(page)

    page = people.at("coordination", "/requests?state=open")
    holds(page, "Demandes")
    press(page.get_by_role("main").get_by_role("link", name=ref))
    holds(page, f"Demande {ref}")
    reserve = page.get_by_role("button", name="Réserver le matériel coché")
    press(reserve)
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("Choisissez au moins un matériel.")
    holds(page, f"Demande {ref}")
    goes_round(page)
    for things in ("unités centrales", "écrans"):
        press(page.get_by_role("button", name=f"Cocher les 2 premiers : {things}"))
        is_told(page, "Les 2 premiers sont cochés.")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(4)
    press(reserve)
    is_told(page, "4 matériels réservés pour cette demande.")
    holds(page, f"Demande {ref}")
    release = page.get_by_role("button", name=re.compile("^Libérer le matériel"))
    expect(release).to_have_count(4)
    press(release.first)
    is_told(page, "Matériel libéré. La demande attend de nouveau.")
    holds(page, f"Demande {ref}")
