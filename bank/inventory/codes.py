"""Label codes: how one is made, and how whatever a scanner gives is read. Pure, but for the dice.

A code is nine random signs and one check sign: pure ISO 7064, radix 2, over the 29 signs of `signs.py`.
"""

import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import product

from stdnum.iso7064 import mod_37_2

from bank.errors import Code, Refusal
from bank.signs import ALPHABET, LAYOUTS, SEPARATORS, bare

LENGTH = 10
PASSPORT_PATH = "/D/"


UNFORESEEABLE = secrets.SystemRandom()

_dice: ContextVar[random.Random | None] = ContextVar("dice", default=None)


@contextmanager
def drawn_with(dice: random.Random) -> Iterator[None]:
    """Draw codes with other dice: a demo's are the same at every run, hence known to everybody."""
    mark = _dice.set(dice)
    try:
        yield
    finally:
        _dice.reset(mark)


def mint(length: int = LENGTH) -> str:
    """A new random code; unique only once the database has taken it."""
    dice = _dice.get() or UNFORESEEABLE
    body = "".join(dice.choice(ALPHABET) for _ in range(length - 1))
    return body + str(mod_37_2.calc_check_digit(body, ALPHABET))


def is_code(text: str, length: int = LENGTH) -> bool:
    """Whether the text is a well-formed code with the right check sign."""
    return (
        len(text) == length
        and all(sign in ALPHABET for sign in text)
        and bool(mod_37_2.is_valid(text, ALPHABET))
    )


def read(scanned: str) -> str:
    """The code in what a scanner or a hand gave.

    Lower case, spaces, the passport's address, digits typed through the wrong keyboard layout and the mark of the
    kind of symbol (`]C0`) are repaired; two codes glued together are refused rather than guessed.
    Raises Refusal(bad-code, glued-codes).
    """
    glued = False
    for given, layout in product(dict.fromkeys((scanned.strip(), bare(scanned))), LAYOUTS):
        meant: str = given.translate(layout).upper()
        pieces = [piece.translate(SEPARATORS) for piece in meant.split(PASSPORT_PATH)]
        last, before = pieces[-1].rstrip("/"), pieces[:-1]
        glued = glued or len(before) > 1 or _glued(last) or any(is_code(piece[:LENGTH]) for piece in before)
        if is_code(last) and not glued:
            return last
    raise Refusal(Code.GLUED_CODES if glued else Code.BAD_CODE)


def grouped(code: str) -> str:
    """`7K3F 9RTC 2H`: as people read it aloud."""
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def _glued(text: str) -> bool:
    pieces = [text[start : start + LENGTH] for start in range(0, len(text), LENGTH)]
    return len(pieces) > 1 and all(is_code(piece) for piece in pieces)
