"""Papers: what they say, that they are tagged, and that no fact is read as markup."""

import ctypes
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdfium2 import raw

from bank.office import documents
from bank.office.documents import (
    Badge,
    CountLine,
    ErasedDevice,
    ErasedDrive,
    Erasure,
    Head,
    Loan,
    Notice,
    Party,
    Receipt,
    ReceiptLine,
    Reception,
    Seller,
    Signed,
    Slip,
)
from tests.scanned import scanned

HELP = "01 99 00 95 95"
HEAD = Head(bank="Banque du numérique 95", address="2 avenue du Parc, 95000 Cergy", help=HELP)
AGOIE = Party(name="AGOIE", address="5 rue de la Gare, 95370 Montigny-lès-Cormeilles", siret="39412345600018")
BNP = Party(name="BNP Paribas", address="16 boulevard des Italiens, 75009 Paris")
STROKES = (tuple((40 + 8 * step, 100 + 3 * step) for step in range(20)), ((300, 40),))

RECEIPT = Receipt(
    head=HEAD,
    number="R-7K3F9B",
    day="22 novembre 2026",
    sellers=(Seller(party=AGOIE, vat="TVA non applicable, article 293 B"),),
    recipient="Zoë Œuvrard",
    lines=(
        ReceiptLine(
            code="7K3F9B2TC4", what="Ordinateur portable", price="20,00 €", condition="Batterie 82 %"
        ),
        ReceiptLine(code="B3NV5S8RK1", what="Écran", price="gratuit"),
    ),
    total="20,00 €",
    paid="Payé en espèces",
    signed=Signed(how="Signé à l’écran.", strokes=STROKES, width=600, height=200),
    come_back="AGOIE, 5 rue de la Gare",
    guarantee="12 mois",
    lesson="Médiathèque de Cergy, le mardi à 14 h.",
)
SLIP = Slip(
    head=HEAD,
    code="B7K3F9B2TC",
    day="mardi 24 novembre 2026",
    time="14 h 30",
    desk=AGOIE,
    price="20,00 €",
    what=("1 ordinateur portable",),
    bring=("Ce bon", "Une pièce d’identité"),
    sign_code="482915",
)
RECEPTION = Reception(
    head=HEAD,
    number="P-7K3F9B",
    batch="L-7K3F9",
    day="18 novembre 2026",
    donor=BNP,
    receiver=AGOIE,
    lines=(CountLine(what="Écrans", announced="4", received="3", gap="− 1", reason="Gardé par le donateur"),),
    announced="4",
    received="3",
    gap="− 1",
)
DRIVE = ErasedDrive(
    kind="SSD NVMe",
    serial="S4XNF0M1",
    method="Purge",
    tool="nwipe 0.38",
    result="Effacé",
    day="19 novembre 2026",
    workshop="AGOIE",
)
ERASURE = Erasure(
    head=HEAD,
    number="E-7K3F9B",
    batch="L-7K3F9",
    day="22 novembre 2026",
    donor=BNP,
    issuer=AGOIE,
    summary="2 appareils, 2 disques effacés.",
    devices=(
        ErasedDevice(
            code="7K3F9B2TC4",
            what="Ordinateur portable",
            drives=(DRIVE, replace(DRIVE, serial="HDD99")),
            own_marks=("Série PF1X", "Inventaire 0042"),
        ),
        ErasedDevice(
            code="B3NV5S8RK1", what="Unité centrale", drives=(ErasedDrive(kind="", result="Sans disque"),)
        ),
    ),
)
NOTICE = Notice(
    head=HEAD,
    controller=AGOIE,
    contact="donnees@banque.exemple",
    legal_basis="Cela relève d’une mission d’intérêt public.",
    kept=("Votre demande : deux ans.", "Le reçu : dix ans."),
    asked_by="la Croix-Rouge française",
)
BADGES = [Badge(code=f"C7K3F9B2T{place}", name=f"Inès {place}", workshop="AGOIE") for place in range(9)]

PAPERS: dict[str, Callable[[], bytes]] = {
    "receipt": lambda: documents.receipt(RECEIPT),
    "loan": lambda: documents.receipt(
        replace(RECEIPT, loan=Loan(until="22 mai 2027", where="MJC de Persan"))
    ),
    "slip": lambda: documents.slip(SLIP),
    "reception": lambda: documents.reception(RECEPTION),
    "erasure": lambda: documents.erasure(ERASURE),
    "notice": lambda: documents.notice(NOTICE),
    "badges": lambda: documents.badges(HEAD, BADGES),
}
every_paper = pytest.mark.parametrize("name", PAPERS)


def text_of(pdf: bytes) -> str:
    """What a reader finds on all pages, on one line; spaces that hold are spaces."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
    return " ".join(" ".join(pages).replace("\u00a0", " ").split())


def page_count(pdf: bytes) -> int:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return len(document)
    finally:
        document.close()


def _string(ask: Callable[..., int], element: object) -> str:
    size = ask(element, None, 0)
    if not size:
        return ""
    held = ctypes.create_string_buffer(size)
    ask(element, held, size)
    return held.raw.decode("utf-16-le").rstrip("\0")


def _walked(element: object) -> Iterator[tuple[str, str]]:
    if not element:
        return
    yield (
        _string(raw.FPDF_StructElement_GetType, element),
        _string(raw.FPDF_StructElement_GetAltText, element),
    )
    for place in range(raw.FPDF_StructElement_CountChildren(element)):
        yield from _walked(raw.FPDF_StructElement_GetChildAtIndex(element, place))


def tags(pdf: bytes) -> list[tuple[str, str]]:
    """The type and the alternative text of each tag of the first page."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        assert raw.FPDFCatalog_IsTagged(document.raw)
        page = document[0]
        tree = raw.FPDF_StructTree_GetForPage(page.raw)
        roots = range(raw.FPDF_StructTree_CountChildren(tree))
        found = [tag for place in roots for tag in _walked(raw.FPDF_StructTree_GetChildAtIndex(tree, place))]
        raw.FPDF_StructTree_Close(tree)
        return found
    finally:
        document.close()


@every_paper
def test_a_paper_is_tagged_titled_and_in_french(name: str) -> None:
    pdf = PAPERS[name]()
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert b"/Lang(fr-FR)" in pdf
    assert b"/DisplayDocTitle true" in pdf
    document = pypdfium2.PdfDocument(pdf)
    assert document.get_metadata_dict()["Title"]
    document.close()
    assert "H1" in [kind for kind, _ in tags(pdf)]


@every_paper
def test_every_paper_says_whose_it_is_whom_to_call_and_its_pages(name: str) -> None:
    text = text_of(PAPERS[name]())
    assert HEAD.bank in text
    assert HELP in text
    assert "Page 1 sur" in text


@every_paper
def test_the_same_facts_give_the_same_paper(name: str) -> None:
    assert PAPERS[name]() == PAPERS[name]()


@every_paper
def test_a_paper_is_a4(name: str) -> None:
    document = pypdfium2.PdfDocument(PAPERS[name]())
    sizes = {tuple(sorted(round(side) for side in page.get_size())) for page in document}
    document.close()
    assert sizes == {(595, 842)}


@pytest.mark.parametrize("name", ["receipt", "loan", "reception", "erasure"])
def test_tables_have_header_cells(name: str) -> None:
    kinds = [kind for kind, _ in tags(PAPERS[name]())]
    assert {"Table", "THead", "TH", "TD"} <= set(kinds)


def test_a_receipt_says_what_for_how_much_and_what_to_do_if_it_breaks() -> None:
    text = text_of(documents.receipt(RECEIPT))
    for said in (
        "Reçu n° R-7K3F9B",
        "Vendu par AGOIE",
        "SIRET 394 123 456 00018",
        "Zoë Œuvrard",
        "7K3F 9B2T C4",
        "Batterie 82 %",
        "Total : 20,00 €",
        "Payé en espèces",
        "TVA non applicable, article 293 B",
        "Si l’appareil tombe en panne",
        "Pendant 12 mois",
        "Médiathèque de Cergy",
        "Signé à l’écran.",
    ):
        assert said in text


def test_a_gift_is_given_not_sold_and_names_no_tax() -> None:
    given = replace(
        RECEIPT,
        sold=False,
        sellers=(Seller(party=AGOIE),),
        total="gratuit",
        paid="Rien à payer",
        guarantee="",
    )
    text = text_of(documents.receipt(given))
    assert "Donné par AGOIE" in text
    assert "TVA" not in text
    assert "Vos droits prévus par la loi restent entiers" in text


def test_each_of_several_sellers_is_named_beside_its_device_with_its_own_tax() -> None:
    loxy = Seller(party=Party(name="Loxy"), vat="TVA comprise")
    lines = (replace(RECEIPT.lines[0], seller="AGOIE"), replace(RECEIPT.lines[1], seller="Loxy"))
    text = text_of(documents.receipt(replace(RECEIPT, sellers=(*RECEIPT.sellers, loxy), lines=lines)))
    assert "AGOIE : TVA non applicable, article 293 B" in text
    assert "Loxy : TVA comprise" in text
    assert "Écran Loxy" in text


def test_a_loan_says_when_and_where_it_comes_back_and_is_no_receipt() -> None:
    text = text_of(PAPERS["loan"]())
    assert "Bon de prêt" in text
    assert "À rapporter le 22 mai 2027 MJC de Persan" in text
    assert "Reçu" not in text


def test_a_drawn_signature_is_a_figure_that_a_screen_reader_names() -> None:
    assert ("Figure", "Signature tracée à l’écran") in tags(documents.receipt(RECEIPT))
    by_hand = replace(RECEIPT, signed=Signed(how="Signé sur papier.", blank=True))
    assert "Figure" not in [kind for kind, _ in tags(documents.receipt(by_hand))]


def test_a_receipt_of_fifty_devices_repeats_its_header_row() -> None:
    long = documents.receipt(replace(RECEIPT, lines=RECEIPT.lines * 25))
    document = pypdfium2.PdfDocument(long)
    pages = [page.get_textpage().get_text_bounded().replace("\u00a0", " ") for page in document]
    document.close()
    held = [page for page in pages if "7K3F 9B2T C4" in page]
    assert len(held) > 1
    assert all("Matériel" in page and "Prix" in page for page in held)


def test_a_slip_scans_to_its_code_and_is_named() -> None:
    pdf = documents.slip(SLIP)
    assert scanned(pdf) == {SLIP.code}
    assert ("Figure", f"Code QR du bon {SLIP.code}") in tags(pdf)
    text = text_of(pdf)
    assert "mardi 24 novembre 2026 à 14 h 30" in text
    assert "B7K3 F9B2 TC" in text
    assert "482 915" in text


def test_a_slip_without_a_code_to_say_does_not_speak_of_one() -> None:
    assert "code de signature" not in text_of(documents.slip(replace(SLIP, sign_code="")))


def test_counts_stand_beside_what_was_announced() -> None:
    text = text_of(PAPERS["reception"]())
    assert "Écrans 4 3 − 1 Gardé par le donateur" in text
    assert "pas un reçu fiscal" in text


def test_a_certificate_says_each_drive_beside_the_donors_own_marks() -> None:
    text = text_of(PAPERS["erasure"]())
    for said in (
        "7K3F 9B2T C4",
        "Série PF1X",
        "Inventaire 0042",
        "S4XNF0M1",
        "HDD99",
        "nwipe 0.38",
        "Effacé",
    ):
        assert said in text
    assert "Sans disque" in text


def test_a_certificate_of_a_thousand_drives_is_made_in_seconds() -> None:
    began = perf_counter()
    pdf = documents.erasure(replace(ERASURE, devices=ERASURE.devices * 500))
    assert perf_counter() - began < 10
    assert page_count(pdf) > 50


def test_the_notice_holds_on_one_page() -> None:
    assert page_count(PAPERS["notice"]()) == 1


def test_badges_are_eight_to_a_sheet_scan_and_never_spell_their_code() -> None:
    pdf = PAPERS["badges"]()
    assert page_count(pdf) == 2
    assert scanned(pdf) == {card.code for card in BADGES}
    assert "C7K3F9B2T" not in text_of(pdf).replace(" ", "")


NASTY = [
    "#panic()",
    "$x^2$",
    "*gras* _ital_ `code`",
    "[crochet] ]",
    "= titre",
    "\\u{41} \\",
    "@ref <label>",
    '"); read("/etc/passwd")',
    "// commentaire",
    "https://exemple.fr",
    "- liste",
    "~--- ...",
    "'simple' \"double\"",
    "{} #{1+1}",
]


@pytest.mark.parametrize("name", NASTY)
def test_no_sign_of_a_name_is_read_as_markup(name: str) -> None:
    facts = replace(RECEIPT, recipient=name, signer=name, lines=(replace(RECEIPT.lines[0], what=name),))
    assert text_of(documents.receipt(facts)).count(name) == 3


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Éloïse Œ’Çà", "Éloïse Œ’Çà"),
        ("E\u0301ric", "Éric"),
        ("Łukasz Şahin Đặng Ñandú", "Łukasz Şahin Đặng Ñandú"),
        ("Ελένη Шевченко", "Ελένη Шевченко"),
        ("20\u202f€", "20\u00a0€"),
        ("王小明", "…"),
        ("Awa 🎉 Diallo", "Awa … Diallo"),
        ("a\u202eb\u200bc\x00d", "abcd"),
        ("deux\nlignes\tici", "deux lignes ici"),
        ("ﬁn", "fin"),
    ],
)
def test_what_no_font_can_show_is_replaced(typed: str, printed: str) -> None:
    assert documents.shown(typed) == printed
    documents.receipt(replace(RECEIPT, recipient=typed))


def test_every_sign_that_is_let_through_has_a_font() -> None:
    signs = [
        chr(number)
        for first, last in documents.SHOWN
        for number in range(first, last + 1)
        if unicodedata.category(chr(number)) not in documents.UNSEEN
    ]
    kept = tuple(ReceiptLine(code="7K3F9B2TC4", what=" ".join(signs), price="0") for _ in "x")
    documents.receipt(replace(RECEIPT, lines=kept))
    documents.erasure(replace(ERASURE, devices=(replace(ERASURE.devices[0], own_marks=tuple(signs)),)))
    documents.badges(HEAD, [Badge(code="C7K3F9B2T1", name=" ".join(signs), workshop="AGOIE")])


@given(text=st.text(max_size=60))
def test_any_name_makes_a_paper(text: str) -> None:
    documents.receipt(replace(RECEIPT, recipient=text, collected_by=text, lesson=text))


def test_papers_are_made_by_several_threads_at_once() -> None:
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: documents.receipt(RECEIPT), range(40)))
    assert len(set(made)) == 1


def test_a_receipt_is_made_while_the_person_waits() -> None:
    documents.receipt(RECEIPT)
    began = perf_counter()
    for place in range(10):
        documents.receipt(replace(RECEIPT, number=f"R-{place:06}"))
    assert perf_counter() - began < 3
