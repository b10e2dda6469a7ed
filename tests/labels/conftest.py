"""Labels made up for the tests: the same ones each time."""

from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest

from labels.label import Label

ALPHABET = "0123456789BCDEFGHJKLNPRSTUVXY"
ALPHABETS = (ALPHABET, ALPHABET, "0123456789", "0123456789BC")
PREFIX = "https://banque.example.fr/d/"
LINES = (
    ("Lenovo ThinkPad T480", "Portable · i5 · 16 Go", "Lot LOT-2026-0042", "Banque du numérique"),
    ("HP EliteDesk 800 G5 Desktop Mini Business Edition, reconditionné", "Unité centrale"),
    ("Écran Dell P2419H 24″", "Reçu à l’œil nu : 20 €", "ÀÂÇÉÈÊËÎÏÔŒÙÛÜŸ", "àâçéèêëîïôœùûüÿ «»"),
    (),
)


def code(seed: int, alphabet: str) -> str:
    digest = sha256(str(seed).encode()).digest()
    return "".join(alphabet[byte % len(alphabet)] for byte in digest[:10])


@pytest.fixture
def codes() -> Callable[[int], list[str]]:
    """So many codes of ten signs, some of them with the runs of digits that Code 128 packs in pairs."""

    def make(count: int) -> list[str]:
        return [code(place, ALPHABETS[place % len(ALPHABETS)]) for place in range(count)]

    return make


@pytest.fixture
def labels(codes: Callable[[int], list[str]]) -> Callable[[int], Iterator[Label]]:
    """So many labels, with none to four lines."""

    def make(count: int) -> Iterator[Label]:
        for place, code in enumerate(codes(count)):
            yield Label(code, PREFIX + code, LINES[place % len(LINES)])

    return make
