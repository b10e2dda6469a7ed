"""How each person wants the desk: kept, carried by the desk's pages and by no others."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from bank import db
from bank.identity.models import PersonRole
from bank.inventory.lifecycle import State
from bank.scanning import settings
from bank.scanning.models import DeskSettings, TextSize
from bank.scanning.settings import Wishes

OPERATOR = (PersonRole.OPERATOR,)
ASKED = {"vibration": "y", "speech": "y", "contrast": "y", "text_size": "largest"}
CALM = 'data-sound="on" data-vibration="on" data-speech="off" data-contrast="off" data-text-size="normal"'
LOUD = 'data-sound="off" data-vibration="on" data-speech="on" data-contrast="on" data-text-size="largest"'


def test_who_asked_for_nothing_has_sound_and_no_voice(world):
    page = world.client(world.operator).get("/scan").text
    assert CALM in page


def test_what_is_asked_shows_on_every_page_of_the_desk_and_nowhere_else(world):
    client, device = world.client(world.operator), world.device(State.IN_WORK)
    kept = client.post("/scan/settings", data=ASKED)
    assert kept.status_code == 303
    for path in ("/scan", "/scan/settings", f"/scan/{device.code}"):
        assert LOUD in client.get(path).text, path
    for path in ("/account", "/devices"):
        assert "data-sound" not in client.get(path).text, path


def test_they_are_ones_own_and_follow_the_badge_to_a_station(world):
    world.client(world.operator).post("/scan/settings", data=ASKED)
    colleague = world.person(world.workshop, *OPERATOR)
    assert CALM in world.client(colleague).get("/scan").text
    _id, secret = world.station(open_=True)
    station = world.at_station(secret)
    station.post("/station", data={"badge": world.badge(world.operator, pin=None)})
    assert LOUD in station.get("/scan").text


def test_the_form_shows_what_is_kept_and_the_last_word_holds(world):
    client = world.client(world.operator)
    client.post("/scan/settings", data=ASKED)
    client.post("/scan/settings", data={"sound": "y", "text_size": "large"})
    with db.read() as session:
        kept = settings.of(session, world.operator)
    assert kept == Wishes(True, False, False, False, TextSize.LARGE)
    assert 'checked class="form-check-input" id="text_size-1"' in client.get("/scan/settings").text


@pytest.mark.parametrize("size", ["", "huge", "\x00", "normal "])
def test_a_size_that_no_page_offers_is_refused(world, size):
    client = world.client(world.operator)
    assert client.post("/scan/settings", data={"text_size": size}).status_code == 422
    assert CALM in client.get("/scan").text


def test_saved_twice_at_once_it_is_one_row(app, world):
    actor = world.operator

    def save(size):
        with app.app_context(), db.transaction() as session:
            settings.save(session, actor, Wishes(text_size=size))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, [*TextSize, *TextSize]))
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(DeskSettings)) == 1


def test_the_api_asks_nothing_of_them(world):
    api, device, asked = world.api(world.operator), world.device(State.IN_WORK), []
    sa.event.listen(db.db.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    api.post(
        "/scans",
        json={"scan_id": "5b0f6d0e-0000-4000-8000-000000000001", "code": device.code, "outcome": "look"},
    )
    assert asked
    assert not any("desk_settings" in statement for statement in asked)
