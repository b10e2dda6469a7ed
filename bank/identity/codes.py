"""A badge's code: a mark, fourteen random signs (68 bits) and a check sign, in the signs of every other code.

It opens a session: it stands in the badge's QR alone, never in letters, and only its hash is kept.
"""

import secrets

from stdnum.iso7064 import mod_37_2

from bank.signs import ALPHABET, LAYOUTS, SEPARATORS, bare

MARK = "BDG"
RANDOM_SIGNS = 14
LENGTH = len(MARK) + RANDOM_SIGNS + 1


def mint() -> str:
    """A new random code."""
    body = MARK + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_SIGNS))
    return body + str(mod_37_2.calc_check_digit(body, ALPHABET))


def read(scanned: str) -> str | None:
    """The badge's code in what a scanner gave, whatever its keyboard; None when it is something else."""
    for layout in LAYOUTS:
        text = bare(scanned).translate(layout).upper().translate(SEPARATORS)
        if len(text) == LENGTH and text.startswith(MARK) and _is_whole(text):
            return text
    return None


def _is_whole(text: str) -> bool:
    return all(sign in ALPHABET for sign in text) and bool(mod_37_2.is_valid(text, ALPHABET))
