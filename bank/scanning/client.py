"""What the desk's page is given to read codes and to say what became of them by itself: the server's own tables."""

from typing import Any

from flask import url_for

from bank.errors import Code
from bank.identity import codes as badges
from bank.inventory import codes as labels
from bank.inventory.models import StepKind
from bank.scanning import commands
from bank.signs import ALPHABET, KIND_MARK, LAYOUTS, SEPARATORS
from bank.web import words
from bank.workshops import rules

SOUNDS = ("done", "nothing", "refused", "pending")
# Whole vocabularies that the page speaks by itself.
SPOKEN = ("step_next", "scan_outcome", "problem", "at_rest", "command_next")
# Refusals that the page finds out without asking.
TOLD_HERE = (Code.BAD_CODE, Code.GLUED_CODES, Code.NOT_SIGNED_IN)
# Steps that take nothing down: one scan is the whole of them.
PLAIN = tuple(step for step in StepKind if not rules.PROOFS.get(step))


def tables() -> dict[str, Any]:
    """How to read a code, by the tables of `codes.py`, `commands.py` and the badges; where the desk's files are."""
    return {
        "alphabet": ALPHABET,
        "layouts": [{chr(typed): chr(meant) for typed, meant in layout.items()} for layout in LAYOUTS],
        "separators": "".join(map(chr, SEPARATORS)),
        "kind_mark": KIND_MARK,
        "label_length": labels.LENGTH,
        "passport_path": labels.PASSPORT_PATH,
        "badge_mark": badges.MARK,
        "badge_length": badges.LENGTH,
        "command_length": commands.LENGTH,
        "commands": commands.table(),
        "icons": _file("img/icons.svg"),
        "sounds": {name: _file(f"sounds/{name}.wav") for name in SOUNDS},
    }


def data() -> dict[str, Any]:
    """Everything that the scripts of a desk's page need, in the reader's language."""
    return {
        **tables(),
        "texts": words.vocabulary("desk"),
        "words": {name: words.vocabulary(name) for name in SPOKEN},
        "problems": {**{code.value: words.problem(code) for code in TOLD_HERE}, **_told_here()},
        "urls": {
            "desk": url_for("scanning.desk"),
            "device": url_for("scanning.device", code="CODE").replace("CODE", "{code}"),
        },
        "decoder": _file("vendor/barcode-detector/ponyfill.js"),
    }


def _told_here() -> dict[str, tuple[str, str]]:
    titles, what_to_do = (words.vocabulary(name) for name in ("desk_refusal", "desk_refusal_do"))
    return {code: (title, what_to_do[code]) for code, title in titles.items()}


def _file(name: str) -> str:
    return url_for("static", filename=name)
