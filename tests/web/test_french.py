"""French as it is set: no line begins with a double sign, and nought is one."""

import pytest
from flask import Flask
from flask_babel import force_locale, gettext, ngettext

from bank.web.french import held


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Besoin d’aide ?", "Besoin d’aide\u00a0?"),
        (" : %(detail)s", "\u00a0: %(detail)s"),
        ("du début à la fin ; « Postes »", "du début à la fin\u00a0; «\u00a0Postes\u00a0»"),
        ("batterie %(percent)s %%", "batterie %(percent)s\u00a0%%"),
        ("100 000 lignes, 2 000 euros", "100\u00a0000 lignes, 2\u00a0000 euros"),
        ("Lot %(ref)s", "Lot %(ref)s"),
        ("01 99 00 12 34", "01 99 00 12 34"),
        ("75342 Paris CEDEX 07", "75342 Paris CEDEX 07"),
    ],
)
def test_spaces_hold_where_french_breaks_no_line(written: str, shown: str) -> None:
    assert held(written) == shown


def test_what_a_sentence_is_given_is_left_alone(app: Flask) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "fr"}):
        assert gettext("Raison : %(reason)s.", reason="a : b") == "Raison\u00a0: a : b."


@pytest.mark.parametrize(("number", "shown"), [(0, "0 matériel"), (1, "1 matériel"), (2, "2 matériels")])
def test_nought_is_singular(app: Flask, number: int, shown: str) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "fr"}):
        assert ngettext("%(num)d matériel", "%(num)d matériels", number) == shown


def test_english_stays_as_its_catalogue_says(app: Flask) -> None:
    with app.test_request_context("/"), force_locale("en"):
        assert "\u00a0" not in gettext("Besoin d’aide ?")
