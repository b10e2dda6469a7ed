"""What titles and category words mean. No database."""

import pytest
from flask import Flask
from flask_babel import force_locale

from bank.donations import columns
from bank.donations.columns import Field
from bank.inventory.models import Category
from bank.web import words

L, D, S = Category.LAPTOP, Category.DESKTOP, Category.SCREEN


def fields(*titles: str) -> dict[str, Field | None]:
    return {column.title: column.field for column in columns.recognise(titles)}


@pytest.mark.parametrize(
    ("title", "field"),
    [
        ("N° de série", Field.SERIAL),
        ("N° SERIE", Field.SERIAL),
        ("n°série", Field.SERIAL),
        ("No. de série :", Field.SERIAL),
        ("S/N", Field.SERIAL),
        ("Serial Number", Field.SERIAL),
        ("serial_number", Field.SERIAL),
        ("Numéro de série (sous la machine) *", Field.SERIAL),
        ("Ordinateur - Numéro de série", Field.SERIAL),
        ("Bios: Serial number", Field.SERIAL),
        ("cf: Serial number,type:text", Field.SERIAL),
        ("Service Tag", Field.SERIAL),
        ("Type de matériel", Field.CATEGORY),
        ("Catégorie", Field.CATEGORY),
        ("Device type", Field.CATEGORY),
        ("Fabricant", Field.MAKER),
        ("MARQUE", Field.MAKER),
        ("Modèle", Field.MODEL),
        ("Marque / Modèle", Field.MODEL),
        ("Model No.", Field.MODEL),
        ("Modèle du PC", Field.MODEL),
        ("N° d’inventaire", Field.ASSET_TAG),
        ("Numéro d'inventaire", Field.ASSET_TAG),
        ("Asset Tag", Field.ASSET_TAG),
        ("Étiquette", Field.ASSET_TAG),
        ("IMEI", Field.IMEI),
        ("IMEI 1", Field.IMEI),
        ("Quantité", Field.QUANTITY),
        ("Remarque", None),
        ("email", None),
        ("Nom", None),
        ("Système d'exploitation - Numéro de série", None),
        ("Composants - Modèle du disque", None),
        ("Numéro de série de l’écran", None),
        ("Modèle de processeur", None),
    ],
)
def test_a_title_says_what_its_column_tells(title: str, field: Field | None) -> None:
    assert fields(title) == {title: field}


def test_of_two_columns_that_say_the_same_the_surer_is_read() -> None:
    assert fields("type", "category", "Type de matériel") == {
        "type": None,
        "category": Field.CATEGORY,
        "Type de matériel": None,
    }


def test_of_two_equal_columns_the_first_is_read() -> None:
    read = columns.recognise(["Série", "Série"])
    assert [column.field for column in read] == [Field.SERIAL, None]


@pytest.mark.parametrize(
    ("titles", "sure"),
    [
        (["Type", "Marque", "N° de série"], True),
        (["N° de série"], True),
        (["Type"], False),
        (["Quantité"], False),
        (["Matériel", "Quantité"], True),
        (["name", "email"], False),
        (["Inventaire du parc", "", ""], False),
    ],
)
def test_a_row_is_one_of_titles_when_what_it_says_is_no_accident(titles: list[str], sure: bool) -> None:
    assert bool(columns.sure(columns.recognise(titles))) is sure


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ("Portable", L),
        ("PC portable", L),
        ("ORDINATEUR PORTABLE 15 pouces", L),
        ("Ordinateurs portables", L),
        ("Notebook", L),
        ("laptop", L),
        ("MacBook", L),
        ("UC", D),
        ("Unité centrale + clavier + souris", D),
        ("PC fixe", D),
        ("Tour", D),
        ("Mini-PC", D),
        ("Low Profile Desktop", D),
        ("Tout-en-un", Category.ALL_IN_ONE),
        ("All-in-One", Category.ALL_IN_ONE),
        ('iMac 21"', Category.ALL_IN_ONE),
        ("écran", S),
        ("ÉCRANS 24 pouces", S),
        ("Moniteur LCD", S),
        ("Écran interactif", Category.TEACHING_SCREEN),
        ("ENI", Category.TEACHING_SCREEN),
        ("Tablette", Category.TABLET),
        ("iPad", Category.TABLET),
        ("Téléphone portable", Category.SMARTPHONE),
        ("Smartphone", Category.SMARTPHONE),
        ("Téléphone fixe", Category.BASIC_PHONE),
        ("Imprimante", Category.PRINTER),
        ("Imprimante multifonction", Category.MULTIFUNCTION),
        ("MFP", Category.MULTIFUNCTION),
        ("Scanner", Category.SCANNER),
        ("Routeur 4G", Category.ROUTER),
        ("Vidéo-projecteur", Category.PROJECTOR),
        ("Clavier", Category.ACCESSORY),
        ("Station d’accueil", Category.ACCESSORY),
        ("Chargeur de PC portable", Category.ACCESSORY),
        ("Sacoches", Category.ACCESSORY),
        ("CPU", None),
        ("Office Supplies", None),
        ("Ordinateur", None),
        ("", None),
        ("chaise", None),
    ],
)
def test_a_category_is_read_in_the_words_of_the_trade(said: str, category: Category | None) -> None:
    assert columns.category(said) is category


@pytest.mark.parametrize("category", Category)
def test_our_own_words_and_codes_come_back(app: Flask, category: Category) -> None:
    """A list that we exported can be sent again, in both languages."""
    assert columns.category(category.value) is category
    for language in ("fr", "en"):
        with app.test_request_context(), force_locale(language):
            assert columns.category(words.word(category.value, "category")) is category


def test_a_word_for_any_computer_says_no_category() -> None:
    assert columns.is_any_computer("PC")
    assert columns.is_any_computer("Ordinateur HP")
    assert not columns.is_any_computer("Portable")


@pytest.mark.parametrize(
    ("maker", "model", "category"),
    [
        ("Dell", "Latitude 5490", L),
        ("HP", "EliteBook 840 G5", L),
        ("", "Lenovo ThinkPad T480", L),
        ("Dell", "OptiPlex 7060", D),
        ("Apple", "iPhone 8", Category.SMARTPHONE),
        ("Apple", "iPad Air", Category.TABLET),
        ("Apple", "iMac", Category.ALL_IN_ONE),
        ("Apple", "Mac mini", D),
        ("HP", "EliteOne 800", Category.ALL_IN_ONE),
        ("Dell", "P2419H", None),
    ],
)
def test_a_model_makes_one_think_of_a_category(maker: str, model: str, category: Category | None) -> None:
    assert columns.guess(maker, model) is category


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("Dell Latitude 5490", ("Dell", "Latitude 5490")),
        ("HP EliteBook", ("HP", "EliteBook")),
        ("hewlett-packard ProBook", ("Hewlett-Packard", "ProBook")),
        ("HPE", ("", "HPE")),
        ("Latitude", ("", "Latitude")),
        ("", ("", "")),
    ],
)
def test_a_maker_at_the_head_of_a_model_is_taken_off(text: str, split: tuple[str, str]) -> None:
    assert columns.split_maker(text) == split
