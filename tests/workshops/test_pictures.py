"""Pictures are told by their bytes, read to their end, and stripped of what does not draw them."""

import contextlib
import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bank.workshops import pictures
from bank.workshops.pictures import JPEG, PNG, NotAPicture

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
MODES = {"PNG": ("1", "L", "LA", "P", "RGB", "RGBA"), "JPEG": ("L", "RGB", "CMYK")}


def drawn(kind="PNG", mode="RGB", size=(40, 30), **options):
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(out, kind, **options)
    return out.getvalue()


def why(data):
    with pytest.raises(NotAPicture) as refused:
        pictures.read(data)
    return str(refused.value)


@pytest.mark.parametrize(("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes])
def test_a_picture_stays_the_same_picture(kind, mode):
    data = drawn(kind, mode)
    found = pictures.read(data)
    assert found.mimetype == pictures.mimetype(found.data) == {"PNG": PNG, "JPEG": JPEG}[kind]
    assert Image.open(io.BytesIO(found.data)).tobytes() == Image.open(io.BytesIO(data)).tobytes()
    assert pictures.read(found.data) == found


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_blocks": 2}, {"optimize": True}])
def test_a_photograph_of_any_make_is_read(options):
    data = drawn("JPEG", size=(200, 150), **options)
    found = Image.open(io.BytesIO(pictures.read(data).data))
    assert found.tobytes() == Image.open(io.BytesIO(data)).tobytes()


@pytest.mark.parametrize("side", range(1, 9))
def test_where_a_photograph_was_taken_is_removed_and_its_side_kept(side):
    noted = Image.Exif()
    noted[0x0112], noted[0x010F] = side, "Un téléphone"
    noted.get_ifd(0x8825)[2] = (49.0, 2.0, 0.0)
    data = drawn("JPEG", exif=noted.tobytes(), comment=b"chez Camille")
    found = pictures.read(data).data
    exif = Image.open(io.BytesIO(found)).getexif()
    assert dict(exif) == {0x0112: side}
    assert dict(exif.get_ifd(0x8825)) == {}
    assert "téléphone".encode() not in found
    assert b"Camille" not in found


def test_the_texts_of_a_png_are_removed():
    noted = PngInfo()
    noted.add_text("Author", "Camille Martin", zip=False)
    noted.add_itxt("Location", "Cergy")
    found = pictures.read(drawn(pnginfo=noted)).data
    assert b"Camille" not in found
    assert b"Cergy" not in found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SVG,
        HTML,
        b"GIF89a" + bytes(40),
        b"RIFF....WEBPVP8 ",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + SVG,
        b"\xff\xd8\xff\xe0" + SVG,
        b"\xff\xd8\xff\xd9",
        b"%PDF-1.7",
        drawn()[:-20],
        drawn("JPEG")[:-2],
        drawn("JPEG")[:200],
        drawn("BMP"),
    ],
)
def test_what_is_no_whole_picture_is_refused(data):
    assert why(data) == "not-a-picture"


def test_what_follows_the_picture_does_not_follow_it_into_the_store():
    for data in (drawn(), drawn("JPEG")):
        assert SVG not in pictures.read(data + SVG).data


def test_one_wrong_byte_of_a_png_is_seen():
    data = bytearray(drawn())
    data[60] ^= 1
    assert why(bytes(data)) == "not-a-picture"


def test_too_large_and_too_wide_are_said():
    assert why(drawn() + bytes(pictures.BYTES_MAX)) == "too-large"
    head = struct.pack(">IIBBBBB", pictures.SIDE_MAX + 1, 1, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I4s", len(head), b"IHDR") + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    assert why(b"\x89PNG\r\n\x1a\n" + chunk) == "too-wide"


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", drawn("JPEG")[:180], drawn()[:60]]),
)
def test_nothing_else_than_a_refusal_comes_of_noise(noise, start):
    with contextlib.suppress(NotAPicture):
        assert pictures.read(start + noise).mimetype in {PNG, JPEG}
