"""Command codes: what a scanner says where there is no screen to touch. Pure: a table, and how one is read.

A command is the mark, two signs that never change once they hang on a wall, and a check sign. It is neither as
long as a label's code nor as a badge's, so that none is ever taken for another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from stdnum.iso7064 import mod_37_2

from bank.signs import ALPHABET, LAYOUTS, SEPARATORS, bare
from bank.workshops.models import DANGERS, Problem

MARK = "CDE"
SIGNS = 2
LENGTH = len(MARK) + SIGNS + 1


class Act(StrEnum):
    """What a command asks the desk to do."""

    DONE = "done"
    PROBLEM = "problem"
    DANGER = "danger"
    HELP = "help"
    UNDO = "undo"
    CANCEL = "cancel"
    # The next scan is a place; the next scan is a badge.
    PLACE = "place"
    BADGE = "badge"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that may be asked; of a problem or a danger, which."""

    act: Act
    problem: Problem | None = None


P = Problem
_PLAIN: Mapping[Act, str] = {
    Act.DONE: "FT",
    Act.HELP: "HE",
    Act.UNDO: "UN",
    Act.CANCEL: "CX",
    Act.PLACE: "PL",
    Act.BADGE: "BG",
}
_PROBLEMS: Mapping[Problem, str] = {
    P.NO_POWER: "NP",
    P.NO_CHARGER: "NC",
    P.BLACK_SCREEN: "BS",
    P.BIOS_PASSWORD: "BP",
    P.ACCOUNT_LOCK: "LK",
    P.MANAGED: "GD",
    P.ERASURE_FAILED: "EF",
    P.DRIVE_DEAD: "DD",
    P.DRIVE_NOT_FOUND: "DN",
    P.MARKS_STUCK: "TK",
    P.PART_MISSING: "PT",
    P.NOT_REPAIRABLE: "NR",
    P.INSTALL_FAILED: "JF",
    P.SCREEN_BROKEN: "SB",
    P.KEYBOARD_BROKEN: "KB",
    P.BATTERY_DEAD: "BD",
    P.NETWORK_BROKEN: "NB",
    P.SOUND_BROKEN: "SN",
    P.DIRTY: "DY",
    P.TOO_DAMAGED: "TD",
    P.NOT_AS_SAID: "NS",
    P.OTHER: "TH",
    P.BATTERY_SWOLLEN: "BF",
    P.SMELL: "SL",
    P.BROKEN_GLASS: "BV",
}


def _whole(signs: str) -> str:
    body = MARK + signs
    return body + str(mod_37_2.calc_check_digit(body, ALPHABET))


def _of(problem: Problem) -> Command:
    return Command(Act.DANGER if problem in DANGERS else Act.PROBLEM, problem)


COMMANDS: Mapping[Command, str] = MappingProxyType(
    {Command(act): _whole(signs) for act, signs in _PLAIN.items()}
    | {_of(problem): _whole(signs) for problem, signs in _PROBLEMS.items()}
)
_BY_CODE: Mapping[str, Command] = MappingProxyType({code: command for command, code in COMMANDS.items()})


def read(scanned: str) -> Command | None:
    """The command in what a scanner gave, whatever its keyboard; None when it is something else."""
    for layout in LAYOUTS:
        found = _BY_CODE.get(bare(scanned).translate(layout).upper().translate(SEPARATORS))
        if found is not None:
            return found
    return None


def table() -> list[dict[str, str | None]]:
    """Every command with its code, as the desk's page is given it: `code`, `act`, `problem`."""
    return [
        {"code": code, "act": command.act.value, "problem": command.problem and command.problem.value}
        for command, code in COMMANDS.items()
    ]
