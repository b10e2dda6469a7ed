"""Guides of steps: written by supervisors, seen at their step by their own workshop."""

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.exc import IntegrityError

from bank import db
from bank.errors import Code, Refusal
from bank.identity.models import PersonRole
from bank.inventory.lifecycle import State
from bank.inventory.models import StepKind
from bank.journal import Entry
from bank.workshops import guides
from bank.workshops.guides import Guide

ERASURE = StepKind.ERASURE


def photo(kind="JPEG"):
    out = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(out, kind)
    return out.getvalue()


def send(client, step="erasure", data=None, name="photo.jpg", **fields):
    told = {"text": "Prenez le câble bleu.", "alt": "Un câble bleu.", "version": "0"} | fields
    if data is not None:
        told["picture"] = (io.BytesIO(data), name)
    return client.post(f"/workshop/guides/{step}", data=told, content_type="multipart/form-data")


def kept(actor, step=ERASURE):
    with db.read() as session:
        return guides.guide(session, actor, step)


def test_what_a_supervisor_writes_is_shown_at_its_step(world):
    supervisor, operator = world.client(world.supervisor), world.client(world.operator)
    assert send(supervisor, data=photo()).status_code == 303
    here, elsewhere = world.device(State.IN_WORK), world.device(State.IN_WORK, step=2)
    page = operator.get(f"/scan/{here.code}").text
    found = kept(world.operator)
    address = f"/workshop/guides/erasure/picture/{found.picture}"
    assert "Prenez le câble bleu." in page
    assert f'src="{address}" alt="Un câble bleu."' in page
    assert "câble bleu" not in operator.get(f"/scan/{elsewhere.code}").text
    shown = operator.get(address)
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(shown.data)).size == (60, 40)
    with db.read() as session:
        entry = session.execute(
            sa.select(Entry.facts, Entry.person_id).where(Entry.kind == "guide.edited")
        ).one()
    assert entry == ('{"step":"erasure"}', world.supervisor.person_id)


def test_it_is_changed_and_taken_away(world):
    client = world.client(world.supervisor)
    send(client, data=photo("PNG"), name="x.png")
    first = kept(world.operator)
    assert send(client, text="Autre chose.", version="1").status_code == 303
    assert kept(world.operator) == Guide(ERASURE, "Autre chose.", first.picture, "Un câble bleu.", 2)
    assert send(client, text="Autre chose.", no_picture="y", alt="", version="2").status_code == 303
    assert kept(world.operator) == Guide(ERASURE, "Autre chose.", None, "", 3)
    assert client.get(f"/workshop/guides/erasure/picture/{first.picture}").status_code == 404
    assert send(client, text="", alt="", version="3").status_code == 303
    assert kept(world.operator) is None


def test_the_second_of_two_writers_is_told_and_sees_what_the_first_wrote(world):
    client = world.client(world.supervisor)
    send(client, text="La première.")
    late = send(client, text="La seconde.")
    assert late.status_code == 409
    assert "La première." in late.text
    assert "La seconde." in late.text
    assert 'name="version" type="hidden" value="1"' in late.text
    assert send(client, text="La seconde.", version="1").status_code == 303
    assert kept(world.operator).text == "La seconde."


def test_two_first_writers_at_once_are_one(app, world):
    actor = world.supervisor

    def write(number):
        with app.app_context():
            try:
                with db.transaction() as session:
                    guides.edit(session, actor, Guide(ERASURE, f"Consigne {number}."))
            except (Refusal, IntegrityError):
                return 0
            return 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(4))) == 1


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "photo.png"),
        (b"<svg/>", "dessin.svg"),
        (b"GIF89a" + bytes(50), "photo.jpg"),
        (photo()[:100], "coupee.jpg"),
    ],
)
def test_what_is_no_picture_is_refused_at_its_field(world, data, name):
    answer = send(world.client(world.supervisor), data=data, name=name)
    assert answer.status_code == 422
    assert 'id="picture-error"' in answer.text
    assert "Prenez le câble bleu." in answer.text
    assert kept(world.operator) is None


def test_a_picture_that_is_too_large_is_said_to_be(world):
    # Written by hand: the test client leaves the file open in which it keeps a large body.
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
    body = b"\r\n".join(
        (
            part.format("version", "").encode() + b"0",
            part.format("picture", '; filename="grand.png"').encode() + bytes(7 * 1024 * 1024),
            b"--b--",
        )
    )
    answer = world.client(world.supervisor).post(
        "/workshop/guides/erasure", data=body, content_type="multipart/form-data; boundary=b"
    )
    assert answer.status_code == 422
    assert "dépasse 6 Mo" in answer.text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"alt": ""}, "alt"),
        ({"alt": "x" * 151}, "alt"),
        ({"text": "x" * 301}, "text"),
        ({"text": "\x00"}, "text"),
    ],
)
def test_what_cannot_be_shown_to_everybody_is_refused_at_its_field(world, fields, field):
    answer = send(world.client(world.supervisor), data=photo(), **fields)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


def test_who_works_elsewhere_has_their_own(world):
    send(world.client(world.supervisor), data=photo())
    digest = kept(world.operator).picture
    assert kept(world.other_operator) is None
    theirs = world.client(world.other_operator)
    assert theirs.get(f"/workshop/guides/erasure/picture/{digest}").status_code == 404
    assert world.client(world.donor_user).get(f"/workshop/guides/erasure/picture/{digest}").status_code == 403


def test_an_operator_reads_and_does_not_write(world):
    assert world.client(world.operator).get("/workshop/guides").status_code == 403
    assert send(world.client(world.operator)).status_code == 403
    with pytest.raises(Refusal) as refused, db.transaction() as session:
        guides.edit(session, world.operator, Guide(ERASURE, "x"))
    assert refused.value.code is Code.NOT_ALLOWED


def test_a_step_that_no_route_has_is_not_found(world):
    client = world.client(world.supervisor)
    assert client.get("/workshop/guides/nowhere").status_code == 404
    assert client.get("/workshop/guides/erasure/picture/" + "0" * 64).status_code == 404


def test_a_badge_at_a_station_may_write(world):
    boss = world.person(world.workshop, PersonRole.SUPERVISOR)
    _id, secret = world.station(open_=True)
    station = world.at_station(secret)
    station.post("/station", data={"badge": world.badge(boss, pin=None)})
    assert send(station).status_code == 303
