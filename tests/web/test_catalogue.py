"""The English of the screens: whole, in the trade's words, and on the pages of whoever chose it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask

from bank.inventory.lifecycle import State
from bank.web import pages
from tests.factories import World

ROOT = Path(__file__).parents[2]
PLACEHOLDER = re.compile(r"%\((\w+)\)[ds]|(?<!\w)%[ds]")
Forms = tuple[str, ...]


def forms(text: str | list[str] | tuple[str, ...]) -> Forms:
    """A message, or its singular and its plural."""
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with (ROOT / "bank/web/translations/en/LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale="en")


@pytest.fixture(scope="module")
def messages(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id]


@pytest.fixture(scope="module")
def said() -> set[Forms]:
    """What the source says, in French."""
    with (ROOT / "babel.cfg").open() as file:
        method_map, options_map = parse_mapping_cfg(file)
    found = extract_from_dir(
        str(ROOT / "bank"),
        method_map=method_map,
        options_map=options_map,
        keywords=DEFAULT_KEYWORDS | {"_l": None},
    )
    return {forms(message) for _file, _line, message, _comments, _context in found}


def test_every_sentence_has_its_english_and_no_other_is_kept(
    messages: list[Message], catalogue: Catalog, said: set[Forms]
) -> None:
    assert len(said) > 700
    kept = {forms(message.id) for message in messages}
    assert sorted(said - kept) == []
    assert sorted(kept - said) == []
    assert dict(catalogue.obsolete) == {}
    assert [message.id for message in messages if not all(forms(message.string))] == []


def test_no_translation_is_a_guess(messages: list[Message], catalogue: Catalog) -> None:
    assert not catalogue.fuzzy
    assert [message.id for message in messages if message.fuzzy] == []


def test_a_translation_is_given_what_its_sentence_is_given(messages: list[Message]) -> None:
    wrong = [
        french
        for message in messages
        for french, english in zip(forms(message.id), forms(message.string), strict=True)
        if sorted(_placeholders(french)) != sorted(_placeholders(english))
    ]
    assert wrong == []


def _placeholders(text: str) -> Iterator[str]:
    return (match[0] for match in PLACEHOLDER.finditer(text))


def test_a_translation_keeps_the_spaces_and_lines_of_its_sentence(messages: list[Message]) -> None:
    """A sentence that begins with a colon follows another; French sets a space between them, English none."""
    wrong = [
        french
        for message in messages
        for french, english in zip(forms(message.id), forms(message.string), strict=True)
        if french.count("\n") != english.count("\n") or english != english.strip() or " :" in english
    ]
    assert wrong == []


def test_quotes_are_typographic(messages: list[Message]) -> None:
    assert [text for each in messages for text in forms(each.id) + forms(each.string) if "'" in text] == []


# One word for one thing: each French word, and what the English of its sentences must hold.
FIXED = {
    r"\blots?\b": r"\bbatch(es)?\b",
    r"\bannoncée?s?\b": r"\bannounced\b",
    r"\bréceptionnée?s?\b": r"\breceived\b",
    r"\ben atelier\b": r"\bin work\b|work begun|workshop",
    r"\bdisponibles?\b": r"\bready\b",
    r"\bréservée?s?\b": r"\breserved\b",
    r"\bremis\b(?! en état)": r"\bhanded over\b",
    r"\bremises?\b": r"\bhand-over\b",
    r"\bprêté\b": r"\bon loan\b",
    r"\bpour pièces\b": r"\bharvested\b",
    r"\brecyclé\b": r"\brecycled\b",
    r"\bparcours\b": r"\broute\b",
    r"\bétapes?\b": r"\bstep\b",
    r"\bjustificatif\b": r"\bproof\b",
    r"\breçus fiscaux\b": r"\breceipts\b",
    r"\beffac": r"\beras",
    r"\bunité centrale\b": r"\bdesktop\b",
    r"\bprescripteurs?\b": r"\bprescribers?\b",
    r"\bdispositifs?\b": r"\bprogrammes?\b",
    r"\bencadrant\b": r"\bsupervisor\b",
    # A number of inventory is an asset tag.
    r"(?<!d’)\binventaires?\b": r"\bstock-takes?\b",
}


@pytest.mark.parametrize("french", FIXED)
def test_a_word_of_the_trade_has_one_english_word(french: str, messages: list[Message]) -> None:
    held = [
        (sentence, english)
        for message in messages
        for sentence, english in zip(forms(message.id), forms(message.string), strict=True)
        if re.search(french, sentence, re.IGNORECASE)
    ]
    assert held
    assert [pair for pair in held if not re.search(FIXED[french], pair[1], re.IGNORECASE)] == []


def test_a_device_that_nobody_finds_is_missing_and_nothing_else_is(messages: list[Message]) -> None:
    english = {message.id: message.string for message in messages}
    assert english["introuvable"] == "missing"
    assert [text for text in english.values() if "missing" in str(text).lower()] == [
        english[each] for each in english if "introuvable" in str(each) and "Introuvable" not in str(each)
    ]


# --- on the pages ---


class Reader(HTMLParser):
    """The texts of a page that a person reads or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._skipped = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        # The button that leads back to French is in French, and says so.
        self._skipped = tag in {"script", "style"} or given.get("lang") == "fr"
        self.texts += [given[name] or "" for name in ("aria-label", "data-label", "title") if name in given]

    def handle_endtag(self, tag: str) -> None:
        self._skipped = False

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.texts.append(data)


CODE = re.compile(r"\b[0-9A-Z]{4}\s[0-9A-Z]{4}\s[0-9A-Z]{2}\b")
FRENCH = re.compile(
    r"\b(le|la|les|des|une|du|et|est|vous|ce|cette|pour|avec|pas|lots?|matériels?|demandes?|étape|étiquette)\b",
    re.IGNORECASE,
)
# What stays in French: the names that the test bank was given, its sources in law, and the French names of English
# explanations.
NAMES = (
    "Banque du numérique 95",
    "CCAS du Thillay",
    "Défenseur des droits",
    "Délibération du Conseil départemental",
    "Décret du 7 novembre 2022, La Gazette des communes",
    "L3212-2 et D3212-3-1",
    "Revenu de solidarité active",
    "revenu de solidarité active",
    "fonds de solidarité pour le logement",
    "Code général de la propriété des personnes publiques",
    "établissement ou service d’accompagnement par le travail",
    "atelier et chantier d’insertion",
)


PEOPLE = ("coordinator", "supervisor", "operator", "donor_user", "prescriber_user", "ccas_user", "desk_user")


@pytest.fixture
def english(app: Flask, catalogue: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue of the source, compiled; whatever `make` compiled before is not looked at."""
    folder = tmp_path / "translations"
    compiled = folder / "en/LC_MESSAGES/messages.mo"
    compiled.parent.mkdir(parents=True)
    with compiled.open("wb") as file:
        write_mo(file, catalogue)
    _look_in(app, folder, monkeypatch)


def _look_in(app: Flask, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.extensions["babel"], "translation_directories", [str(folder)])
    # The catalogues that were read are kept for the whole process.
    monkeypatch.setattr(pages.babel.domain_instance, "cache", {})


@pytest.mark.usefixtures("english")
def test_whoever_chose_english_reads_english(world: World) -> None:
    batch, device = world.batch(), world.device(State.IN_WORK)
    world.programme_rsa()
    coordinator, prescriber = world.client(world.coordinator), world.client(world.prescriber_user)
    read = [
        (coordinator, "/"),
        (coordinator, "/batches"),
        (coordinator, "/batches/new"),
        (coordinator, f"/batches/{batch}"),
        (coordinator, "/devices"),
        (coordinator, f"/devices/{device.code}"),
        (coordinator, "/requests"),
        (coordinator, "/organisations"),
        (world.client(world.supervisor), f"/devices/{device.code}/identity"),
        (world.client(world.supervisor), f"/workshop/devices/{device.code}"),
        (world.client(world.supervisor), f"/workshop/devices/{device.code}/drives"),
        (coordinator, "/organisations/new"),
        (coordinator, "/account"),
        (coordinator, "/nowhere"),
        (prescriber, "/requests/new"),
        (world.client(world.operator), f"/scan/{device.code}"),
        (world.anonymous(), "/sign-in"),
        (world.anonymous(), f"/d/{device.code}"),
    ]
    found = {}
    for client, address in read:
        client.post("/language", data={"language": "en"})
        answer = client.get(address)
        assert answer.status_code == (404 if address == "/nowhere" else 200), address
        assert '<html lang="en"' in answer.text
        found[address] = _french_in(answer.text)
    assert {address: words for address, words in found.items() if words} == {}


@pytest.mark.usefixtures("english")
def test_every_page_with_a_name_of_its_own_is_in_english(app: Flask, world: World) -> None:
    """Whoever may open it: lists, forms and the pages of nothing in particular."""
    world.batch()
    world.device(State.IN_WORK)
    world.programme_rsa()
    people = [getattr(world, name) for name in PEOPLE]
    addresses = {
        rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments
    }
    read, found = set(), {}
    for client in [world.anonymous(), *map(world.client, people)]:
        client.post("/language", data={"language": "en"})
        for address in sorted(addresses - read):
            answer = client.get(address)
            if answer.status_code == 200 and answer.mimetype == "text/html":
                read.add(address)
                found[address] = _french_in(answer.text)
    assert len(read) > 25
    assert {address: words for address, words in found.items() if words} == {}


def _french_in(page: str) -> list[str]:
    reader = Reader()
    reader.feed(page)
    text = "\n".join(reader.texts)
    for name in NAMES:
        text = text.replace(name, "")
    # A code drawn at random may spell a word.
    text = CODE.sub("", text)
    return [line.strip() for line in text.splitlines() if FRENCH.search(line)]


@pytest.mark.usefixtures("english")
def test_the_reader_of_these_tests_knows_french(world: World) -> None:
    assert _french_in(world.client(world.coordinator).get("/batches").text)


def test_without_the_compiled_catalogue_pages_are_in_french(
    app: Flask, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _look_in(app, tmp_path, monkeypatch)
    client = world.client(world.coordinator)
    client.post("/language", data={"language": "en"})
    answer = client.get("/batches")
    assert answer.status_code == 200
    assert "Saisir un lot" in answer.text
