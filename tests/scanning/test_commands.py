"""Command codes: told from every other code, whatever keyboard they come through."""

from itertools import product

import pytest

from bank.identity import codes as badges
from bank.inventory import codes as labels
from bank.scanning import commands
from bank.scanning.commands import COMMANDS, Act, Command
from bank.signs import ALPHABET
from bank.workshops.models import DANGERS, Problem

FRENCH_DIGITS = str.maketrans("1234567890", "&é\"'(-è_çà")
US_DIGITS = str.maketrans("1234567890", "!@#$%^&*()")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.problem or command.act)
def test_each_is_read_whatever_the_keyboard(command):
    code = COMMANDS[command]
    given = [
        code,
        code.lower(),
        f" {code}\r\n",
        code.translate(FRENCH_DIGITS),
        code.lower().translate(FRENCH_DIGITS),
        code.translate(US_DIGITS),
        f"{code[:3]}-{code[3:]}\t",
    ]
    assert [commands.read(text) for text in given] == [command] * len(given)


def test_there_is_one_for_every_problem_and_everything_else_that_is_asked():
    assert {command.problem for command in COMMANDS if command.problem} == set(Problem)
    assert {command.act for command in COMMANDS} == set(Act)
    for command in COMMANDS:
        assert (command.act is Act.DANGER) == (command.problem in DANGERS)


def test_no_two_are_alike_nor_like_a_label_or_a_badge():
    codes = list(COMMANDS.values())
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert len(code) == commands.LENGTH
        assert commands.LENGTH not in (labels.LENGTH, badges.LENGTH)
        assert set(code) <= set(ALPHABET)
        assert badges.read(code) is None
    for one, other in product(codes, codes):
        assert badges.read(one + other + one) is None, "three in a row are as long as a badge"
        if one != other:
            assert sum(a != b for a, b in zip(one, other, strict=True)) >= 2


def test_one_wrong_sign_is_never_another_command():
    for code in COMMANDS.values():
        for place, sign in product(range(commands.LENGTH), ALPHABET):
            if sign != code[place]:
                assert commands.read(code[:place] + sign + code[place + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    ["", "CDE", "FT", "CDEFT", COMMANDS[Command(Act.DONE)] * 2, "7K3F9RTC2H", "é" * 6, "\x00", "c" * 5000],
)
def test_anything_else_is_no_command(text):
    assert commands.read(text) is None


def test_what_hangs_on_walls_does_not_change():
    """These codes are printed: a new one may be added, none of these may move."""
    assert COMMANDS[Command(Act.DONE)][:5] == "CDEFT"
    assert COMMANDS[Command(Act.UNDO)][:5] == "CDEUN"
    assert COMMANDS[Command(Act.PROBLEM, Problem.NO_POWER)][:5] == "CDENP"


def test_the_page_is_given_the_same_table():
    rows = commands.table()
    assert {row["code"] for row in rows} == set(COMMANDS.values())
    assert all(
        commands.read(row["code"]) == Command(Act(row["act"]), row["problem"] and Problem(row["problem"]))
        for row in rows
    )
