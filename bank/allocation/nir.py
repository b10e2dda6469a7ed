"""Recognise a NIR (French social security number) in what people type about a person. Pure.

The bank has no right to hold one. Its structure and its key are looked for in person fields and free text only:
elsewhere an IMEI has 15 digits too, and a SIRET has 14.
"""

import re
import unicodedata

from stdnum.fr import nir

BODY, WITH_KEY = 13, 15
# Sex (3, 4, 7 and 8 are given while the number is awaited), year, month (or a code for an unknown one),
# département (2A and 2B in Corsica, 99 abroad), commune, rank in the register, and sometimes the key.
STRUCTURE = re.compile(
    r"[1-478][0-9]{2}(?:0[1-9]|1[0-2]|20|3[0-9]|4[0-2]|[5-9][0-9])"
    r"(?:0[1-9]|[1-9][0-9]|2[AB])(?!000)[0-9]{3}(?!000)[0-9]{3}(?:[0-9]{2})?"
)
SEPARATORS = r"[\s./\-]+"
SIGNS = r"(?:2[AB]|[0-9])+"
RUN = re.compile(f"{SIGNS}(?:{SEPARATORS}{SIGNS})*")


def found_in(text: str) -> bool:
    """Whether a NIR stands in the text, however it is spaced, with or without its key."""
    plain = unicodedata.normalize("NFKC", text).upper()
    return any(_in_run(re.split(SEPARATORS, run)) for run in RUN.findall(plain))


def _in_run(groups: list[str]) -> bool:
    """Whether some neighbouring groups of signs, put together, are a NIR."""
    for start in range(len(groups)):
        joined = ""
        for group in groups[start:]:
            joined += group
            if len(joined) > WITH_KEY:
                break
            if _is_nir(joined):
                return True
    return False


def _is_nir(signs: str) -> bool:
    if STRUCTURE.fullmatch(signs) is None:
        return False
    return len(signs) == BODY or bool(nir.is_valid(signs))
