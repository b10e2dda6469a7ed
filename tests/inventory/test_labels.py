"""Labels: made in hundreds, claimed once, replaced, never used again."""

import random

import pytest
import sqlalchemy as sa

from bank import db
from bank.db import utcnow
from bank.inventory import codes, labels, queries
from bank.inventory.models import Label, LabelState
from bank.inventory.queries import Filters
from tests.factories import World


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
