"""What the columns and the category words of a donor's spreadsheet mean. Tables, and how they are looked up. Pure.

Gathered from what people write and from what inventory tools export (GLPI, OCS Inventory, Snipe-IT, Intune,
Lansweeper, SCCM): French and English, compared without accents, case and punctuation.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from bank.inventory.models import Category


class Field(StrEnum):
    """What a column can tell of a device."""

    CATEGORY = "category"
    MAKER = "maker"
    MODEL = "model"
    SERIAL = "serial"
    ASSET_TAG = "asset_tag"
    IMEI = "imei"
    QUANTITY = "quantity"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the sheet: its place from 0, its title as it stands, and what it tells; None is ignored."""

    index: int
    title: str
    field: Field | None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The surest titles first: of two columns that tell the same, the one that stands earlier here is read.
TITLES: Mapping[Field, Sequence[str]] = {
    Field.CATEGORY: (
        "categorie",
        "category",
        "type de materiel",
        "type materiel",
        "categorie de materiel",
        "type d equipement",
        "type equipement",
        "type d appareil",
        "type appareil",
        "nature du materiel",
        "nature",
        "famille",
        "device type",
        "device category",
        "asset type",
        "assettype",
        "assettypename",
        "equipment type",
        "item type",
        "computer type",
        "type d ordinateur",
        "type ordinateur",
        "chassis type",
        "type de chassis",
        "chassis",
        "genre",
        "type",
        "types",
        "materiel",
        "equipement",
        "appareil",
        "device",
        "equipment",
        "designation",
        "libelle",
        "article",
    ),
    Field.MAKER: (
        "marque",
        "fabricant",
        "constructeur",
        "maker",
        "make",
        "manufacturer",
        "brand",
        "vendor",
        "oem",
        "system manufacturer",
        "device manufacturer",
        "smanufacturer",
    ),
    Field.MODEL: (
        "modele",
        "model",
        "modele exact",
        "model name",
        "nom du modele",
        "nom modele",
        "modele du materiel",
        "device model",
        "system model",
        "product model",
        "asset model",
        "assetmodel",
        "smodel",
        "marque et modele",
        "marque modele",
        "modele et marque",
        "marque modele reference",
        "make and model",
        "make model",
        "brand and model",
        "manufacturer model",
        "fabricant modele",
        "constructeur modele",
        "reference",
        "reference modele",
        "ref modele",
        "modele reference",
        "model no",
        "model number",
        "numero de modele",
        "n de modele",
        "no de modele",
        "product name",
        "product",
        "produit",
        "nom du produit",
    ),
    Field.SERIAL: (
        "numero de serie",
        "numero serie",
        "num de serie",
        "num serie",
        "n de serie",
        "n serie",
        "no de serie",
        "no serie",
        "nserie",
        "nr de serie",
        "nr serie",
        "numeros de serie",
        "n s",
        "s n",
        "sn",
        "ns",
        "serial number",
        "serialnumber",
        "serial no",
        "serial nr",
        "serial num",
        "serial",
        "serials",
        "serie",
        "serial n",
        "serial tag",
        "device serial number",
        "device serial",
        "bios serial number",
        "bios serial",
        "sserialnumber",
        "ssn",
        "numero de serie constructeur",
        "numero de serie fabricant",
        "service tag",
        "dell service tag",
    ),
    Field.ASSET_TAG: (
        "numero d inventaire",
        "numero inventaire",
        "num inventaire",
        "n d inventaire",
        "n inventaire",
        "no d inventaire",
        "no inventaire",
        "code inventaire",
        "inventaire",
        "etiquette",
        "etiquette d inventaire",
        "etiquette inventaire",
        "numero d etiquette",
        "n d etiquette",
        "n etiquette",
        "numero etiquette",
        "code etiquette",
        "asset tag",
        "assettag",
        "asset number",
        "asset no",
        "asset id",
        "asset",
        "inventory number",
        "inventory no",
        "inventory tag",
        "numero d immobilisation",
        "n d immobilisation",
        "immobilisation",
        "numero immo",
        "n immo",
        "numero de parc",
        "n de parc",
        "no de parc",
        "numero parc",
        "code parc",
        "tag",
        "code barre",
        "code barres",
        "codebarre",
        "barcode",
        "identifiant interne",
        "numero interne",
        "n interne",
        "account info tag",
    ),
    Field.IMEI: (
        "imei",
        "numero imei",
        "n imei",
        "no imei",
        "code imei",
        "imei 1",
        "imei1",
        "imei number",
        "imei meid",
    ),
    Field.QUANTITY: (
        "quantite",
        "qte",
        "quantity",
        "qty",
        "nombre",
        "nb",
        "nbre",
        "quantites",
        "nombre d unites",
    ),
}
# Too common to make a row a row of titles by themselves.
WEAK = _words(
    """
    type types nature genre tag asset reference article product produit designation libelle device chassis
    make serie
    equipement materiel appareil equipment famille inventaire ns sn oem vendor nb nombre
    """
) | {"n s"}
# A longer title that says one of these says it of the device, unless it speaks of one of its parts.
WITHIN: Mapping[Field, Sequence[str]] = {
    Field.SERIAL: ("numero de serie", "n de serie", "no de serie", "numero serie", "serial number", "serial no"),
    Field.ASSET_TAG: ("numero d inventaire", "n d inventaire", "code inventaire", "asset tag", "inventory number"),
    Field.IMEI: ("imei",),
    Field.CATEGORY: ("categorie de", "type de materiel", "type d equipement", "device type", "asset category"),
    Field.MAKER: ("marque du", "marque de", "fabricant du", "constructeur du"),
    Field.MODEL: ("modele du", "modele de", "device model", "model name"),
}  # fmt: skip
PARTS = _words(
    """
    disque disques drive disk hdd ssd ecran moniteur moniteurs monitor batterie battery licence license windows
    office logiciel software os systeme processeur processor cpu carte sim memoire memory ram chargeur adaptateur
    contrat contract garantie warranty imprimante station dock bios facture commande utilisateur user baie
    """
)

LAPTOP, DESKTOP, ALL_IN_ONE = Category.LAPTOP, Category.DESKTOP, Category.ALL_IN_ONE
SCREEN, TEACHING_SCREEN, TABLET = Category.SCREEN, Category.TEACHING_SCREEN, Category.TABLET
SMARTPHONE, BASIC_PHONE, PRINTER = Category.SMARTPHONE, Category.BASIC_PHONE, Category.PRINTER
MULTIFUNCTION, SCANNER, ROUTER = Category.MULTIFUNCTION, Category.SCANNER, Category.ROUTER
PROJECTOR, ACCESSORY = Category.PROJECTOR, Category.ACCESSORY

# The leftmost of these in what was written decides, and of two that begin there the longer: a "chargeur de PC
# portable" is an accessory, a "téléphone portable" is no laptop.
WORDS: Mapping[Category, str] = {
    LAPTOP: """
        laptop|notebook|note book|sub notebook|ultrabook|netbook|chromebook|macbook|portable|pc portable|pcp
        ordinateur portable|ordinateur pc portable|micro portable|micro ordinateur portable|poste portable
        portable pc|mobile workstation|station mobile|station de travail mobile|station portable|convertible
        pc hybride|ordinateur hybride|2 en 1|2 in 1|laptop computer|mobile computer|pc ultraportable|ultraportable
        mac portable|client leger portable
        """,
    DESKTOP: """
        desktop|desktops|unite centrale|uc|fixe|pc fixe|pc de bureau|ordinateur fixe|ordinateur de bureau|poste fixe
        micro fixe|tour|mini tour|pc tour|tower|mini tower|micro tower|micro tour|sff|usff|small form factor
        desktop computer|desktop pc|pc desktop|workstation|station de travail|mini pc|mini desktop|minipc|nuc
        mac mini|mac pro|mac studio|low profile desktop|space saving|unite fixe|client leger|thin client
        barebone|lunch box
        central unit|ordinateur unite centrale|pc bureau
        """,
    ALL_IN_ONE: """
        all in one|aio|tout en un|ordinateur tout en un|pc tout en un|imac|all in one pc|monobloc
        all in one computer|pc all in one
        """,
    SCREEN: """
        ecran|moniteur|ecran pc|ecran d ordinateur|ecran ordinateur|ecran plat|ecran lcd|ecran led|ecran tft|monitor
        screen|display|lcd|moniteur lcd|afficheur|ecran de pc|ecran informatique
        """,
    TEACHING_SCREEN: """
        ecran interactif|ecran numerique interactif|eni|tni|tbi|vpi|tableau interactif|tableau numerique
        tableau numerique interactif|tableau blanc interactif|ecran tactile interactif|interactive screen
        interactive display|interactive whiteboard|interactive flat panel|teaching screen|ecran pedagogique
        ecran de presentation|smartboard|smart board
        """,
    TABLET: "tablette|tablet|ipad|tablette tactile|tablette numerique|tablet pc|tablette pc|galaxy tab|slate",
    SMARTPHONE: """
        smartphone|smart phone|iphone|telephone|telephone portable|telephone mobile|mobile|mobile phone|cell phone
        cellphone|phone|portable telephone|gsm smartphone|telephone smartphone|telephone intelligent|terminal mobile
        """,
    BASIC_PHONE: """
        basic phone|feature phone|telephone simple|telephone basique|telephone a touches|telephone fixe
        poste telephonique|telephone ip|telephone dect|dect|gsm|telephone gsm|telephone de bureau|ip phone
        desk phone|telephone senior
        telephone a clapet
        """,
    PRINTER: """
        imprimante|printer|imprimante laser|imprimante jet d encre|laser printer|traceur|plotter|imprimante reseau
        imprimante etiquettes|imprimante personnelle|label printer
        """,
    MULTIFUNCTION: """
        multifonction|multifonctions|mfp|imprimante multifonction|imprimante multifonctions|copieur|photocopieur
        photocopieuse|copieur multifonction|multifunction|multi fonction|multi fonctions|multifunction printer
        imprimante scanner|imprimante multi fonction|imprimante multi fonctions|all in one printer|copier|mopieur
        imprimante tout en un|imprimante all in one
        """,
    SCANNER: "scanner|scanneur|numeriseur|scanner de documents|document scanner|scaner",
    ROUTER: """
        routeur|router|routeur 4g|routeur 5g|routeur wifi|box 4g|box 5g|box internet|modem|modem routeur|hotspot
        cle 4g|cle 3g|point d acces mobile|mifi|4g router|5g router|mobile router|box
        """,
    PROJECTOR: "videoprojecteur|video projecteur|projecteur|projector|video projector|vp|retroprojecteur|beamer",
    ACCESSORY: """
        accessoire|accessoires|accessory|peripherique|clavier|souris|ensemble clavier souris|keyboard|mouse
        station d accueil|station accueil|dock|docking|docking station|station d acceuil|replicateur de ports|casque
        headset|micro casque|webcam|camera|cable|cables|chargeur|charger|alimentation|bloc alimentation|adaptateur
        adapter|batterie|battery|sacoche|housse|sac|hub|enceinte|haut parleur|haut parleurs|speaker|lecteur|graveur
        disque externe|disque dur externe|cle usb|onduleur|ups|support|bras|pave numerique|tapis|switch|antivol
        lecteur de carte|barre de son|tablette graphique|douchette|lecteur code barre
        """,
}  # fmt: skip
# These say a computer and not which: the model may tell.
ANY_COMPUTER = (
    "ordinateur|ordinateurs|pc|pcs|computer|computers|micro|poste|postes|machine|machines|mac|station"
)

# A model says what kind of thing it is: only ever a suspicion.
MODELS: Mapping[Category, str] = {
    LAPTOP: """
        latitude|elitebook|probook|zbook|thinkpad|macbook|lifebook|tecra|portege|satellite|travelmate|ideapad
        vivobook
        zenbook|chromebook|surface laptop|surface book|expertbook|elite x2|xps 13|xps 15|xps 9|dragonfly|matebook
        swift|toughbook|notebook|gram
        """,
    DESKTOP: """
        optiplex|elitedesk|prodesk|thinkcentre|esprimo|veriton|mac mini|macmini|compaq dc|compaq 6|compaq 8|nuc
        vostro 3|celsius|thinkstation|mac pro|futro|wyse
        """,
    ALL_IN_ONE: "imac|eliteone|proone|ideacentre aio|aio",
    TABLET: "ipad|galaxy tab|surface pro|surface go|mediapad|lenovo tab|tab a|tab s",
    SMARTPHONE: "iphone|galaxy s|galaxy a|galaxy xcover|redmi|xperia|pixel|oneplus|fairphone|moto g",
    PRINTER: "laserjet|officejet|deskjet|ecosys|phaser",
    PROJECTOR: "powerlite",
    SCREEN: "ultrasharp|elitedisplay|prodisplay|thinkvision|syncmaster|flexscan|prolite",
}  # fmt: skip

MAKERS = (
    "Hewlett-Packard",
    "Hewlett Packard",
    "Fujitsu Siemens",
    "Konica Minolta",
    "Acer",
    "Apple",
    "Asus",
    "BenQ",
    "Brother",
    "Canon",
    "Dell",
    "Epson",
    "Fujitsu",
    "Google",
    "HP",
    "Huawei",
    "iiyama",
    "Kyocera",
    "Lenovo",
    "Lexmark",
    "LG",
    "Microsoft",
    "MSI",
    "NEC",
    "Nokia",
    "Panasonic",
    "Philips",
    "Ricoh",
    "Samsung",
    "Sony",
    "Terra",
    "Toshiba",
    "TP-Link",
    "ViewSonic",
    "Wiko",
    "Xerox",
    "Xiaomi",
)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Lower case, without accents and punctuation, one space between words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("°", " ").replace("œ", "oe"))
    signs = (sign if sign.isalnum() else " " for sign in decomposed if not unicodedata.combining(sign))
    return " ".join("".join(signs).split())


def _phrases(text: str) -> list[str]:
    return [phrase.strip() for line in text.strip().splitlines() for phrase in line.split("|")]


def _table(words: Mapping[Category, str]) -> Mapping[str, Category]:
    return MappingProxyType({phrase: category for category in words for phrase in _phrases(words[category])})


CATEGORY_OF = _table(WORDS)
MODEL_OF = _table(MODELS)
COMPUTERS = frozenset(_phrases(ANY_COMPUTER))
RANK: Mapping[str, tuple[Field, int]] = MappingProxyType(
    {title: (field, place) for field, titles in TITLES.items() for place, title in enumerate(titles)}
)
LONGEST = 5
# What comes after every exact title.
LAST = 1_000


def recognise(titles: Sequence[str]) -> tuple[Column, ...]:
    """What each title says; a field is given once, to the title that says it best."""
    best: dict[Field, tuple[int, int]] = {}
    for index, title in enumerate(titles):
        found = _field(title)
        if found and (found[0] not in best or found[1] < best[found[0]][0]):
            best[found[0]] = (found[1], index)
    fields = {index: field for field, (_rank, index) in best.items()}
    return tuple(Column(index, title, fields.get(index)) for index, title in enumerate(titles))


def sure(columns: Sequence[Column]) -> int:
    """How much a row looks like one of titles: the titles recognised, or 0 where they may be anything."""
    known = [column for column in columns if column.field]
    strong = any(column.field is not Field.QUANTITY and plain(column.title) not in WEAK for column in known)
    return len(known) if strong or len(known) > 1 else 0


@lru_cache(maxsize=1024)
def _field(title: str) -> tuple[Field, int] | None:
    """What a title says and how surely, 0 best."""
    for said in _readings(title):
        if said in RANK:
            return RANK[said]
    words = plain(title).split()
    if PARTS.isdisjoint(words):
        for field, phrases in WITHIN.items():
            if any(f" {phrase} " in f" {' '.join(words)} " for phrase in phrases):
                return field, LAST
    return None


def _readings(title: str) -> Iterator[str]:
    """The title, then without what inventory tools and people put around it."""
    yield plain(title)
    # Shelf: "cf: Serial number,type:text"; people: "N° de série (sous la machine) *".
    bare = re.sub(r"^cf:|,\s*type:.*$|\(.*?\)|\[.*?\]", " ", title, flags=re.IGNORECASE)
    yield plain(bare)
    # GLPI: "Ordinateur - Numéro de série"; OCS: "Bios: Serial number".
    pieces = [plain(piece) for piece in re.split(r"\s[-–—]\s|:|\.|>", bare)]
    if PARTS.isdisjoint(" ".join(pieces).split()):
        yield pieces[-1]
    yield re.sub(
        r"\b(?:du|de la|de l|des|de|d) (?:materiel|equipement|appareil|pc|ordinateur|poste)$", "", pieces[0]
    ).strip()


def category(words: str) -> Category | None:
    """The category in what was written, by the leftmost phrase that is known; None where there is none."""
    return _leftmost(plain(words))


def is_any_computer(words: str) -> bool:
    """Whether it says a computer, and not which kind."""
    return not COMPUTERS.isdisjoint(plain(words).split())


def guess(maker: str, model: str) -> Category | None:
    """The category that a model makes one think of; None where it says nothing."""
    said = plain(f"{maker} {model}")
    return next((MODEL_OF[phrase] for phrase in MODEL_ORDER if f" {phrase}" in f" {said}"), None)


# The longer name first: an "elitebook" is no "notebook".
MODEL_ORDER = tuple(sorted(MODEL_OF, key=len, reverse=True))


@lru_cache(maxsize=4096)
def _leftmost(said: str) -> Category | None:
    words = said.split()
    for start in range(len(words)):
        for stop in range(min(len(words), start + LONGEST), start, -1):
            phrase = " ".join(words[start:stop])
            found = CATEGORY_OF.get(phrase) or CATEGORY_OF.get(_singular(phrase))
            if found:
                return found
    return None


def _singular(phrase: str) -> str:
    return " ".join(word.removesuffix("s") if len(word) > 3 else word for word in phrase.split())


def split_maker(model: str) -> tuple[str, str]:
    """A maker's name at the head of a model, and the rest: ("Dell", "Latitude 5490")."""
    for maker in MAKERS:
        head, rest = model[: len(maker)], model[len(maker) :]
        if head.casefold() == maker.casefold() and rest[:1].isspace():
            return maker, rest.strip()
    return "", model
