"""Stock-takes: what was seen, what was not, and what becomes of each once somebody has decided."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
import sqlalchemy as sa

from bank import db
from bank.errors import Code, Refusal
from bank.identity import codes as badges
from bank.identity.models import PersonRole
from bank.inventory import labels, places, register
from bank.inventory.lifecycle import State
from bank.inventory.models import CodeKind, DeviceCode, Label, PlaceKind
from bank.inventory.place_queries import places as places_of
from bank.inventory.places import PlaceDraft
from bank.journal import Entry
from bank.scanning import commands, stock_queries, stock_takes
from bank.scanning.models import Sight, StockTakeScan
from bank.scanning.stock_queries import Settlement, Why
from bank.workshops.models import Incident

OPERATOR, SUPERVISOR = (PersonRole.OPERATOR,), (PersonRole.SUPERVISOR,)
LOST, LEFT, PUT = Settlement.LOST, Settlement.LEFT, Settlement.PUT


@dataclass
class Count:
    """A shelf with two devices on it and one in a box on it, another shelf with one; a take of the first."""

    world: object
    shelf: int = 0
    take: int = 0
    codes: dict = field(default_factory=dict)

    def __post_init__(self):
        # Made before any unit of work is open.
        for name in ("supervisor", "operator", "other_operator", "donor_user"):
            getattr(self.world, name)
        self.shelf = self.place("Étagère 3")
        self.codes["box"] = self.put(self.place("Caisse 1", PlaceKind.BOX, self.shelf))
        self.codes["one"], self.codes["two"] = self.put(self.shelf), self.put(self.shelf)
        self.codes["far"] = self.put(self.place("Étagère 9"))
        self.take = self.open()

    def place(self, name, kind=PlaceKind.SHELF, within=None):
        with db.transaction() as session:
            return places.make(session, self.world.supervisor, PlaceDraft(name, kind, within))

    def put(self, place_id, state=State.READY):
        device = self.world.device(state)
        with db.transaction() as session:
            places.put(session, self.world.supervisor, device.code, place_id)
        return device.code

    def open(self, actor=None, key=None):
        with db.transaction() as session:
            return stock_takes.open_at(session, actor or self.world.operator, key or str(uuid4()), self.shelf)

    def see(self, *given, actor=None):
        with db.transaction() as session:
            return stock_takes.scan(session, actor or self.world.operator, self.take, given)

    def read(self, actor=None):
        with db.read() as session:
            return stock_queries.stock_take(session, actor or self.world.operator, self.take)

    def close(self, choices=None, **kwargs):
        with db.transaction() as session:
            stock_takes.close(session, self.world.supervisor, self.take, choices or {}, **kwargs)

    def standing(self, name):
        with db.read() as session:
            return register.look(session, self.codes.get(name, name))


@pytest.fixture
def count(world):
    return Count(world)


def said(lines):
    return {line.said for line in lines}


def entries(kind):
    with db.read() as session:
        return session.scalars(sa.select(Entry.facts).where(Entry.kind == kind).order_by(Entry.id)).all()


def rows(model):
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model))


# --- counting ---


def test_what_stands_there_and_in_its_boxes_is_expected_until_it_is_seen(count):
    assert said(count.read().missing) == {count.codes[name] for name in ("one", "two", "box")}
    one, box = count.see(count.codes["one"], count.codes["box"])
    assert (one.sight, one.again, box.sight) == (Sight.FOUND, False, Sight.FOUND)
    counted = count.read()
    assert said(counted.found) == {count.codes["one"], count.codes["box"]}
    assert said(counted.missing) == {count.codes["two"]}
    assert counted.expected == 3


def test_seen_twice_is_one_by_whatever_code(count):
    standing = count.standing("one")
    with db.transaction() as session:
        session.add(DeviceCode(device_id=standing.device_id, kind=CodeKind.SERIAL, value="PF1A2B3C"))
    first, again, by_serial = count.see(count.codes["one"], count.codes["one"].lower(), "pf1a2b3c")
    assert [each.again for each in (first, again, by_serial)] == [False, True, True]
    assert by_serial.said == count.codes["one"]
    assert len(count.read().found) == 1


def test_what_is_not_expected_says_why(count):
    world = count.world
    theirs = world.person(world.other_workshop, *OPERATOR)
    codes = {
        Why.OTHER_PLACE: count.codes["far"],
        Why.NO_PLACE: world.device(State.READY).code,
        Why.MISSING: world.device(State.MISSING).code,
        Why.GONE: world.device(State.RECYCLED).code,
        Why.ELSEWHERE: world.device(State.READY, actor=theirs).code,
        Why.UNKNOWN: "SN-12345",
    }
    sights = count.see(*codes.values())
    assert [each.sight for each in sights] == [Sight.UNEXPECTED] * 5 + [Sight.UNKNOWN]
    others = {line.why: line for line in count.read().others}
    assert {why: line.said for why, line in others.items()} == codes
    assert others[Why.OTHER_PLACE].place == "Étagère 9"
    assert [each.said for each in count.read().others] == list(reversed(codes.values())), "the latest first"


def test_what_is_no_thing_is_told_and_counted_nowhere(count):
    one, two = count.codes["one"], count.codes["two"]
    with db.read() as session:
        (shelf,) = [line for line in places_of(session, count.world.supervisor) if line.id == count.shelf]
    badge, command = badges.mint(), next(iter(commands.COMMANDS.values()))
    answers = count.see(one + two, shelf.code, badge, command, "", "\x00 \t")
    assert [each.reason for each in answers] == [
        Code.GLUED_CODES,
        Code.PLACE_LABEL,
        Code.BAD_CODE,
        Code.BAD_CODE,
        Code.BAD_CODE,
        Code.BAD_CODE,
    ]
    assert rows(StockTakeScan) == 0


def test_a_badge_is_kept_nowhere_whatever_the_keyboard(count):
    badge = badges.mint()
    for given in (badge, badge.lower(), badge.translate(str.maketrans("1234567890", "&é\"'(-è_çà"))):
        assert count.see(given)[0].said == ""


def test_a_label_that_was_replaced_or_stuck_since_means_its_device(count):
    world = count.world
    with db.transaction() as session:
        (blank,) = labels.mint_blanks(session, world.workshop, 1)
        code = session.execute(sa.select(Label.code).where(Label.id == blank)).scalar_one()
    assert count.see(code)[0].sight is Sight.UNKNOWN
    was = count.codes["one"]
    with db.transaction() as session:
        labels.stick(session, world.supervisor, was, code, labels.Why.LOST)
    answer = count.see(was)[0]
    assert (answer.sight, answer.said) == (Sight.FOUND, code)
    assert said(count.read().found) == {code}
    count.close()
    assert said(count.read().found) == {code}


def test_two_people_count_one_take(app, count):
    world = count.world
    colleague = world.person(world.workshop, *OPERATOR)
    assert count.open(colleague) == count.take
    codes = [count.codes[name] for name in ("one", "two", "box", "far")]

    def see(actor):
        with app.app_context():
            return [count.see(code, actor=actor)[0] for code in codes]

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(see, [world.operator, colleague] * 2))
    assert sum(not each.again for four in seen for each in four) == len(codes)
    assert rows(StockTakeScan) == len(codes)


def test_two_who_start_at_once_share_a_take(app, count):
    shelf = count.place("Étagère 4")

    def start(_):
        with app.app_context(), db.transaction() as session:
            return stock_takes.open_at(session, count.world.operator, str(uuid4()), shelf)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(start, range(8)))) == 1
    assert len(entries("stock_take.opened")) == 2


def test_the_same_key_starts_nothing_more_even_once_it_is_closed(count):
    first = count.open(key="k")
    count.close()
    assert count.open(key="k") == first
    assert count.open(key="l") != first


# --- settling ---


def test_nothing_chosen_puts_what_was_unexpected_here_and_leaves_what_was_not_seen(count):
    lost = count.world.device(State.MISSING)
    count.see(count.codes["one"], count.codes["far"], lost.code, "SN-12345")
    count.close()
    assert count.standing("far").place_id == count.shelf
    found = count.standing(lost.code)
    assert (found.state, found.place_id) == (State.RECEIVED, count.shelf)
    assert count.standing("two").state is State.READY
    result = count.read()
    assert {line.said: line.settled for line in result.missing} == {
        count.codes["two"]: LEFT,
        count.codes["box"]: LEFT,
    }
    assert {line.said: line.settled for line in result.others} == {
        count.codes["far"]: PUT,
        lost.code: PUT,
        "SN-12345": LEFT,
    }
    assert entries("stock_take.opened")[-1] == f'{{"expected":3,"place":{count.shelf}}}'
    assert entries("stock_take.closed") == ['{"found":1,"missing":2,"unexpected":3}']


def test_the_result_stays_whatever_becomes_of_the_devices(count):
    count.see(count.codes["one"], count.codes["far"])
    count.close()
    before = count.read()
    with db.transaction() as session:
        places.put(session, count.world.supervisor, count.codes["one"], None)
    assert count.read() == before


def test_one_that_was_lost_with_data_opens_an_incident(count):
    full = count.put(count.shelf, State.RECEIVED)
    assert count.standing(full).open_drives
    count.close({full: LOST, count.codes["one"]: LOST})
    assert count.standing(full).state is count.standing("one").state is State.MISSING
    with db.read() as session:
        assert session.scalars(sa.select(Incident.device_id)).all() == [count.standing(full).device_id]


def test_what_is_unexpected_may_be_left_where_the_register_has_it(count):
    place = count.standing("far").place_id
    count.see(count.codes["far"])
    count.close({count.codes["far"]: LEFT})
    assert count.standing("far").place_id == place


def test_closed_twice_it_is_closed_once(app, count):
    count.see(count.codes["far"])

    def close(_):
        with app.app_context():
            count.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(close, range(4)))
    assert len(entries("stock_take.closed")) == 1
    assert len(entries("device.put")) == 5
    with pytest.raises(Refusal) as refused:
        count.see(count.codes["one"])
    assert refused.value.code is Code.TAKE_CLOSED


def test_one_that_was_seen_meanwhile_is_not_lost(count):
    shown = {line.said: LOST for line in count.read().missing}
    count.see(count.codes["one"])
    with pytest.raises(Refusal) as refused:
        count.close(shown)
    assert refused.value.code is Code.EDITED_MEANWHILE
    assert refused.value.facts["codes"] == [count.codes["one"]]
    assert count.standing("two").state is State.READY


def test_what_moves_was_shown_first(count):
    count.see(count.codes["far"])
    with pytest.raises(Refusal) as refused:
        count.close({}, all_shown=True)
    assert refused.value.code is Code.EDITED_MEANWHILE
    count.close({count.codes["far"]: PUT}, all_shown=True)
    assert count.read().closed_at


@pytest.mark.parametrize("choice", [LOST, PUT])
def test_a_choice_that_a_line_does_not_offer_is_refused(count, choice):
    count.see("SN-12345", count.codes["one"])
    for code in ("SN-12345", count.codes["one"], "NOWHERE"):
        with pytest.raises(Refusal) as refused:
            count.close({code: choice})
        assert refused.value.code is Code.EDITED_MEANWHILE


def test_scans_and_the_close_at_once_lose_nothing(app, count):
    codes = [count.put(count.shelf) for _ in range(12)]

    def see(code):
        with app.app_context():
            try:
                return count.see(code)[0].sight is Sight.FOUND
            except Refusal as refusal:
                return refusal.code

    def close(_):
        with app.app_context():
            count.close()

    with ThreadPoolExecutor(4) as pool:
        taken = pool.map(see, codes[:6])
        closing = pool.map(close, range(2))
        taken = [*taken, *pool.map(see, codes[6:])]
        list(closing)
    result = count.read()
    assert set(taken) <= {True, Code.TAKE_CLOSED}
    assert {code for code, ok in zip(codes, taken, strict=True) if ok is True} == said(result.found)
    assert said(result.found) | said(result.missing) >= set(codes)


# --- who may ---


def test_an_operator_counts_and_a_supervisor_closes(count):
    with pytest.raises(Refusal) as refused, db.transaction() as session:
        stock_takes.close(session, count.world.operator, count.take, {})
    assert refused.value.code is Code.NOT_ALLOWED
    with pytest.raises(Refusal) as refused, db.transaction() as session:
        stock_takes.open_at(session, count.world.donor_user, "k", count.shelf)
    assert refused.value.code is Code.NOT_ALLOWED


def test_another_organisation_sees_nothing_of_it(count):
    theirs = count.world.other_operator
    for act in (
        lambda session: stock_takes.open_at(session, theirs, "k", count.shelf),
        lambda session: stock_takes.scan(session, theirs, count.take, ["x"]),
        lambda session: stock_queries.stock_take(session, theirs, count.take),
    ):
        with pytest.raises(Refusal) as refused, db.transaction() as session:
            act(session)
        assert refused.value.code is Code.NOT_FOUND
    with db.read() as session:
        assert stock_queries.takes(session, theirs, closed=False) == []
        assert [line.id for line in stock_queries.takes(session, count.world.operator, closed=False)] == [
            count.take
        ]


def test_their_device_says_nothing_of_where_it_is(count):
    world = count.world
    theirs = world.person(world.other_workshop, *SUPERVISOR)
    device = world.device(State.READY, actor=theirs)
    with db.transaction() as session:
        place_id = places.make(session, theirs, PlaceDraft("Leur étagère", PlaceKind.SHELF))
        places.put(session, theirs, device.code, place_id)
    count.see(device.code)
    (line,) = count.read().others
    assert (line.why, line.place) == (Why.ELSEWHERE, None)
