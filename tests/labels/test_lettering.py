"""Signs, widths, and lines that fit."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ImageFont

from labels import lettering
from labels.lettering import BOLD, CODE_PAGE, CUT, REGULAR, Font, cut, fitting, printable


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Écran « 24 pouces » à 20 € – l’œuf", "Écran « 24 pouces » à 20 € – l’œuf"),
        ("e\u0301cran", "écran"),
        ("  bords  ", "bords"),
        ("20\u202f€", "20 €"),
        ("non\u2011sécable \u2212 24\u2033", 'non-sécable - 24"'),
        ("Dvořák Łódź Şişli", "Dvorák Lódz Sisli"),
        ("\ufefféc\u00adran\u200b", "écran"),
        ("ﬁn x\u0304", "fin x"),
        ("25 µm", "25 um"),
        ("联想 ThinkPad", "… ThinkPad"),
        ("联想", "…"),
        ("💻 portable", "… portable"),
        ("\ud800", "…"),
        ("", ""),
    ],
)
def test_text_in_signs_that_can_be_printed(text: str, printed: str) -> None:
    assert printable(text) == printed


@given(st.text())
def test_any_text_can_be_printed(text: str) -> None:
    printed = printable(text)
    assert len(printed.encode(CODE_PAGE)) == len(printed)
    assert printable(printed) == printed


@given(st.text(max_size=120), st.floats(min_value=5, max_value=60))
def test_a_line_never_exceeds_its_room(text: str, room: float) -> None:
    text = printable(text)
    size = fitting([text], REGULAR, room, 3.0, 2.0)
    shown = cut(text, REGULAR, room, size)
    assert 2.0 <= size <= 3.0
    assert REGULAR.width(shown, size) <= room + 0.01
    assert shown == text or (shown.endswith(CUT) and text.startswith(shown[:-1]))


def test_a_line_shrinks_before_it_is_cut() -> None:
    text = "Conseil départemental"
    exact = REGULAR.width(text, 2.5)
    size = fitting([text, "court"], REGULAR, exact, 3.0, 2.0)
    assert size == pytest.approx(2.5)
    assert cut(text, REGULAR, exact, size) == text
    assert cut(text, REGULAR, exact / 2, 2.0).endswith(CUT)


def test_a_cut_leaves_no_space_before_the_ellipsis() -> None:
    assert cut("Unité centrale", REGULAR, REGULAR.width("Unité " + CUT, 3.0), 3.0) == "Unité" + CUT


@pytest.mark.parametrize(("font", "file"), [(REGULAR, "regular.ttf"), (BOLD, "bold.ttf")])
def test_widths_are_those_that_freetype_reads(font: Font, file: str) -> None:
    path = Path(lettering.__file__).with_name("fonts") / file
    drawn = ImageFont.truetype(path, 1000, layout_engine=ImageFont.Layout.BASIC)
    for sign in "0123456789BCDEFGHJKLNPRSTUVXY azmqioAQZWM-.,:'()/ÉÈÊÀÂÇÙÎÔéèêëàâçùîïôœŒ’–…":
        assert font.width(sign, 1000) == pytest.approx(drawn.getlength(sign)), sign
