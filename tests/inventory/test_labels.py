"""Labels: made in hundreds, claimed once, replaced, never used again."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db, journal
from bank.actor import Actor
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.inventory import codes, finding, identify, labels, queries, register, replay
from bank.inventory.identify import Identity
from bank.inventory.labels import Claimed, Why
from bank.inventory.lifecycle import State
from bank.inventory.models import Category, Label, LabelState
from bank.inventory.queries import Filters
from bank.inventory.register import Standing
from tests.factories import World

BATCH = "L-TEST0"


@pytest.fixture(autouse=True)
def _people(world: World) -> None:
    """They are made in units of work of their own."""
    assert all((world.operator, world.other_operator, world.coordinator))


@contextmanager
def refused(code: Code) -> Iterator[None]:
    with pytest.raises(Refusal) as caught:
        yield
    assert caught.value.code is code


def minted(world: World, count: int, organisation: int | None = None) -> list[int]:
    organisation = organisation or world.workshop
    with db.transaction() as session:
        return labels.mint_blanks(session, organisation, count)


def test_blanks_are_made_in_hundreds_in_order_and_each_under_a_code_of_its_own(world: World) -> None:
    ids = minted(world, 2_345)
    with db.read() as session:
        made = session.scalars(sa.select(Label).order_by(Label.id)).all()
    assert [row.id for row in made] == ids
    assert {(row.state, row.organisation_id, row.printed_at) for row in made} == {
        (LabelState.BLANK, world.workshop, None)
    }
    assert len({row.code for row in made}) == 2_345
    assert all(codes.is_code(row.code) for row in made)


def test_a_code_that_is_taken_already_is_drawn_again(world: World) -> None:
    made: set[int] = set()
    for _twice in range(2):
        with codes.drawn_with(random.Random(7)):  # noqa: S311 -- the same codes twice
            made |= set(minted(world, 3))
    assert len(made) == 6


@pytest.mark.parametrize("count", [0, 1])
def test_no_more_blanks_are_made_than_asked(world: World, count: int) -> None:
    assert len(minted(world, count)) == count


def test_a_label_is_printed_for_the_first_time_once(world: World) -> None:
    [label_id] = minted(world, 1)
    first = utcnow()
    for at in (first, utcnow()):
        with db.transaction() as session:
            labels.mark_printed(session, [label_id], at)
    with db.read() as session:
        assert session.get_one(Label, label_id).printed_at == first


def test_what_was_never_printed_is_found_apart(world: World) -> None:
    old, new = world.device(), world.device()
    with db.read() as session:
        [sticker, _] = queries.stickers_of(session, world.operator, batch="L-TEST0")
    assert (sticker.code, sticker.printed) == (old.code, False)
    with db.transaction() as session:
        labels.mark_printed(session, [sticker.label_id], utcnow())
    with db.read() as session:
        unprinted = queries.stickers_of(session, world.operator, unprinted=True)
        listed = queries.devices(session, world.operator, Filters(unprinted=True)).devices
        both = queries.stickers_of(session, world.operator, codes=[old.code, new.code])
        foreign = queries.stickers_of(session, world.other_operator, codes=[old.code, new.code])
    assert [each.code for each in unprinted] == [each.code for each in listed] == [new.code]
    assert [(each.code, each.printed) for each in both] == [(old.code, True), (new.code, False)]
    assert foreign == []


# --- claimed, replaced, void ---


def blanks(world: World, count: int, organisation: int | None = None) -> list[str]:
    """Codes of fresh blank labels that were printed ahead."""
    ids = minted(world, count, organisation)
    with db.transaction() as session:
        labels.mark_printed(session, ids, utcnow())
        return list(session.scalars(sa.select(Label.code).where(Label.id.in_(ids)).order_by(Label.id)))


def claim(actor: Actor, code: str, category: Category = Category.LAPTOP) -> Claimed:
    with db.transaction() as session:
        return labels.claim_next(session, actor, BATCH, category, code)


def stick(actor: Actor, device: Standing, code: str, why: Why | None = Why.LOST) -> Standing:
    with db.transaction() as session:
        return labels.stick(session, actor, device.code, code, why)


def printed(device: Standing) -> None:
    with db.transaction() as session:
        found = session.scalars(sa.select(Label.id).where(Label.code == device.code)).all()
        labels.mark_printed(session, found, utcnow())


def row(code: str) -> Label:
    with db.read() as session:
        return session.scalars(sa.select(Label).where(Label.code == code)).one()


def last_entry(device: Standing) -> tuple[str, dict[str, object]]:
    with db.read() as session:
        kind, facts = session.execute(
            sa.select(journal.Entry.kind, journal.Entry.facts)
            .where(journal.Entry.subject == "device", journal.Entry.subject_id == device.device_id)
            .order_by(journal.Entry.seq.desc())
            .limit(1)
        ).one()
    return kind, json.loads(facts)


def in_turn(app: Flask, *attempts: Callable[[], object]) -> list[str]:
    """Run them all at once; what each came to."""
    gate, outcomes = threading.Barrier(len(attempts)), []

    def run(attempt: Callable[[], object]) -> None:
        with app.app_context():
            gate.wait()
            try:
                attempt()
                outcomes.append("done")
            except Refusal as refusal:
                outcomes.append(refusal.code.value)

    threads = [threading.Thread(target=run, args=(attempt,)) for attempt in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_a_blank_is_given_to_the_next_device_whose_own_label_was_never_printed(world: World) -> None:
    first, second, screen = world.device(), world.device(), world.device(category=Category.SCREEN)
    one, two = blanks(world, 2)
    with db.read() as session:
        assert [(each.category, each.count) for each in labels.waiting(session, world.operator)] == [
            (Category.SCREEN, 1),
            (Category.LAPTOP, 2),
        ]
    claimed = claim(world.operator, one)
    assert (claimed.standing.device_id, claimed.standing.code, claimed.left) == (first.device_id, one, 1)
    assert last_entry(first) == (
        "device.relabel",
        {"label": one, "was": first.code, "reason": "claimed", "set": {}},
    )
    assert (row(first.code).state, row(first.code).device_id) == (LabelState.VOID, None)
    assert (row(one).state, row(one).device_id) == (LabelState.CLAIMED, first.device_id)
    assert claim(world.operator, two).standing.device_id == second.device_id
    with refused(Code.NOT_FOUND):
        claim(world.operator, *blanks(world, 1))
    assert row(screen.code).state is LabelState.CLAIMED
    assert replay.verify().faults == []


def test_the_same_blank_twice_says_so_and_changes_nothing(world: World) -> None:
    world.device(), world.device()
    [code] = blanks(world, 1)
    first, again = claim(world.operator, code), claim(world.operator, code)
    assert (first.again, again.again, again.left) == (False, True, 1)
    assert again.standing == first.standing


def test_what_was_printed_touched_or_is_elsewhere_is_never_claimed(world: World) -> None:
    sent, told, worked = world.device(), world.device(), world.device(State.IN_WORK)
    printed(sent)
    with db.transaction() as session:
        identify.identify(session, world.operator, told.code, Identity(serial="PF1A2B3C"))
    elsewhere = world.device(actor=world.other_operator)
    [code] = blanks(world, 1)
    with refused(Code.NOT_FOUND):
        claim(world.operator, code)
    assert {row(each.code).state for each in (sent, told, worked, elsewhere)} == {LabelState.CLAIMED}
    assert row(code).state is LabelState.BLANK


def test_a_lost_label_is_replaced_and_still_says_what_it_was_on(world: World) -> None:
    device = world.device(State.IN_WORK)
    [code] = blanks(world, 1)
    after = stick(world.operator, device, code)
    assert (after.code, after.state, after.step_id) == (code, State.IN_WORK, device.step_id)
    assert last_entry(device)[1] == {"label": code, "was": device.code, "reason": "lost", "set": {}}
    assert (row(device.code).state, row(device.code).device_id) == (LabelState.REPLACED, device.device_id)
    with db.read() as session, refused(Code.VOID_LABEL):
        register.look(session, device.code)
    with db.read() as session:
        once = finding.replaced(session, world.operator, device.code)
        assert once is not None
        assert (once.code, once.held) == (code, True)
        assert finding.replaced(session, world.other_operator, device.code) is None
        assert finding.replaced(session, world.operator, code) is None
        # Its own pages still open by the old label: what is printed on papers must not lead nowhere.
        assert queries.sheet(session, world.operator, device.code).code == code
    assert replay.verify().faults == []


def test_the_same_replacement_again_changes_nothing(world: World) -> None:
    device = world.device(State.IN_WORK)
    [code] = blanks(world, 1)
    after = stick(world.operator, device, code)
    assert stick(world.operator, after, code) == after


def test_a_reason_is_needed_where_the_label_may_be_stuck(world: World) -> None:
    device = world.device()
    one, two = blanks(world, 2)
    after = stick(world.operator, device, one, None)
    assert last_entry(device)[1]["reason"] == "claimed"
    for why in (None, Why.CLAIMED):
        with refused(Code.INVALID):
            stick(world.operator, after, two, why)
    assert row(one).state is LabelState.CLAIMED


@pytest.mark.parametrize("state", [State.HANDED_OVER, State.RECYCLED])
def test_what_has_left_gets_no_other_label(world: World, state: State) -> None:
    device = world.device(state)
    [code] = blanks(world, 1)
    with refused(Code.ILLEGAL_MOVE):
        stick(world.operator, device, code)
    assert row(code).state is LabelState.BLANK


def test_only_who_holds_a_device_changes_its_label(world: World) -> None:
    device = world.device()
    [code] = blanks(world, 1, world.other_workshop)
    with refused(Code.NOT_FOUND):
        stick(world.other_operator, device, code)
    with refused(Code.NOT_ALLOWED):
        stick(world.coordinator, device, code)


def test_the_banks_own_blanks_are_for_all_another_workshops_for_itself(world: World) -> None:
    device = world.device()
    [of_another] = blanks(world, 1, world.other_workshop)
    [of_the_bank] = blanks(world, 1, world.bank)
    with refused(Code.LABEL_TAKEN):
        stick(world.operator, device, of_another)
    with db.read() as session:
        assert finding.blank(session, world.operator, of_the_bank).code == of_the_bank
        with refused(Code.NOT_FOUND):
            finding.blank(session, world.operator, of_another)
    assert stick(world.operator, device, of_the_bank).code == of_the_bank


def test_a_label_that_was_used_is_never_used_again(world: World) -> None:
    device, other = world.device(), world.device()
    one, two = blanks(world, 2)
    after = stick(world.operator, device, one)
    after = stick(world.operator, after, two, Why.UNREADABLE)
    for used in (device.code, one, two):
        with refused(Code.LABEL_TAKEN):
            stick(world.operator, other, used)
        with refused(Code.LABEL_TAKEN):
            claim(world.operator, used, Category.SCREEN)
    assert after.code == two


def test_a_spoilt_blank_is_void_once_and_for_all(world: World) -> None:
    device = world.device()
    [code] = blanks(world, 1)
    with db.transaction() as session:
        labels.void(session, world.operator, code)
    assert row(code).state is LabelState.VOID
    with refused(Code.LABEL_TAKEN):
        stick(world.operator, device, code)
    with db.transaction() as session, refused(Code.NOT_FOUND):
        labels.void(session, world.operator, code)
    with db.transaction() as session, refused(Code.NOT_FOUND):
        labels.void(session, world.operator, device.code)
    with db.read() as session:
        entry = session.scalars(sa.select(journal.Entry).where(journal.Entry.kind == "label.voided")).one()
    assert (entry.subject_id, entry.facts) == (row(code).id, '{"reason":"spoilt"}')


def test_of_two_who_stick_the_same_blank_one_wins(world: World) -> None:
    devices = [world.device(State.IN_WORK) for _ in range(3)]
    [code] = blanks(world, 1)
    actor = world.operator
    told = in_turn(world.app, *(lambda each=each: stick(actor, each, code) for each in devices))  # type: ignore[misc]
    assert told == ["done", "label-taken", "label-taken"]
    assert sum(row(each.code).state is LabelState.REPLACED for each in devices) == 1
    assert replay.verify().faults == []


def test_of_two_who_label_the_same_device_one_wins(world: World) -> None:
    device = world.device(State.IN_WORK)
    codes_ = blanks(world, 3)
    actor = world.operator
    told = in_turn(world.app, *(lambda code=code: stick(actor, device, code) for code in codes_))  # type: ignore[misc]
    assert told == ["done", "void-label", "void-label"]
    assert [row(code).state for code in codes_].count(LabelState.BLANK) == 2
    assert replay.verify().faults == []


def test_three_who_claim_at_once_each_get_a_device_of_their_own(world: World) -> None:
    devices = [world.device() for _ in range(3)]
    codes_ = blanks(world, 3)
    actor = world.operator
    told = in_turn(world.app, *(lambda code=code: claim(actor, code) for code in codes_))  # type: ignore[misc]
    assert told == ["done"] * 3
    assert {row(code).device_id for code in codes_} == {each.device_id for each in devices}
    assert replay.verify().faults == []


def test_the_last_device_is_claimed_once(world: World) -> None:
    world.device()
    codes_ = blanks(world, 3)
    actor = world.operator
    told = in_turn(world.app, *(lambda code=code: claim(actor, code) for code in codes_))  # type: ignore[misc]
    assert told.count("done") == 1
    assert replay.verify().faults == []
