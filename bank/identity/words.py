"""French words for this room's codes."""

from bank.web.words import Vocabularies

WORDS: Vocabularies = {}
