"""French as it is set: what the catalogue cannot say, since French is its source.

Sentences are written with plain spaces; a reader is shown the ones that hold, so that no line begins with a colon.
"""

import re
from functools import cached_property, lru_cache

from babel.support import NullTranslations
from flask_babel import Babel, Domain, get_locale

HOLDS = "\u00a0"
# Before a double sign, inside quotes, before %, between thousands.
LOOSE = re.compile(r" (?=[:;?!»])|(?<=«) | (?=%%)|(?<=\d) (?=\d{3}\b)")


@lru_cache(maxsize=4096)
def held(sentence: str) -> str:
    """`sentence`, with the spaces where French breaks no line."""
    return LOOSE.sub(HOLDS, sentence)


class French(NullTranslations):
    """The sentences themselves. Nought counts as one."""

    def ugettext(self, message: str) -> str:
        """The sentence, as it is set."""
        return held(message)

    def ungettext(self, singular: str, plural: str, number: int) -> str:
        """The one of both that goes with `number`, as it is set."""
        return held(singular if number < 2 else plural)


class Sentences(Domain):
    """English from its catalogue, French from here."""

    french = French()

    def get_translations(self) -> NullTranslations:
        """Those of this request's language."""
        return self.french if str(get_locale()) == "fr" else super().get_translations()


class Languages(Babel):
    """Flask-Babel, with these sentences."""

    @cached_property
    def domain_instance(self) -> Sentences:
        """What every sentence of the application goes through."""
        return Sentences(domain=self.domain)
