"""The bases of every HTML form: our words, CSRF, and a key that makes a double click harmless."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import wtforms
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.i18n import translations
from wtforms import HiddenField
from wtforms.validators import StopValidation

LARGEST = 2**63 - 1
NOT_OFFERED = _l("Choisissez une réponse de la liste.")
# What WTForms says when a field gives no sentence of its own; where it has two, by the plural.
SENTENCES: Mapping[str, LazyString] = {
    "This field is required.": _l("Remplissez ce champ."),
    "Not a valid integer value.": _l("Écrivez un nombre entier."),
    "Not a valid date value.": _l("Cette date n’est pas valable. Vérifiez-la."),
    "Number must be between %(min)s and %(max)s.": _l("Un nombre de %(min)s à %(max)s."),
    "Field cannot be longer than %(max)d characters.": _l("%(max)d signes au plus."),
    "Not a valid choice.": NOT_OFFERED,
    "Invalid Choice: could not coerce.": NOT_OFFERED,
    "Invalid choice(s): one or more data inputs could not be coerced.": NOT_OFFERED,
    "'%(value)s' are not valid choices for this field.": NOT_OFFERED,
}


class OurWords:
    """The sentences of WTForms in plain words; those that no page can meet stay WTForms' own."""

    def gettext(self, string: str) -> str:
        """The sentence, in the reader's language."""
        return str(SENTENCES.get(string) or translations.gettext(string))

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """The sentence for this number."""
        return str(SENTENCES.get(plural) or translations.ngettext(singular, plural, n))


class InOurWords:
    """What makes a form, or a part of one, speak the language of its page."""

    class Meta:
        def get_translations(self, form: Any) -> OurWords:
            """Where WTForms looks for its sentences."""
            return OurWords()


class Part(InOurWords, wtforms.Form):
    """A few fields inside a form. WTForms would give it English sentences, whatever its form speaks."""


class PageForm(InOurWords, FlaskForm):
    """A form of a page."""


class Number(wtforms.IntegerField):
    """A whole number; one of hundreds of digits is none, as it cannot be compared."""

    def process_formdata(self, valuelist: Any) -> None:
        """Read what was typed."""
        super().process_formdata(valuelist)
        if self.data is not None and abs(self.data) > LARGEST:
            self.data = None
            raise ValueError(str(SENTENCES["Not a valid integer value."]))


class Unchosen:
    """A choice that a form may leave out.

    WTForms' `Optional` takes for empty whatever begins with an empty text or is a space, and asks no more of it:
    of a choice that would let pass what was never offered.
    """

    field_flags: Mapping[str, Any] = {"optional": True}

    def __call__(self, form: Any, field: wtforms.Field) -> None:
        """Ask no more of a field that was not sent. Raises StopValidation."""
        if not field.raw_data:
            field.errors = []
            raise StopValidation


class Form(PageForm):
    """A form that creates something. The key stays the same when the form comes back with errors."""

    idempotency_key = HiddenField(default=lambda: str(uuid4()))


def set_errors(form: FlaskForm, errors: dict[str, list[str]]) -> None:
    """Put a refusal's field errors on the form, so that they show where they belong."""
    for name, messages in errors.items():
        field = getattr(form, name, None)
        if field is not None:
            field.errors = [*field.errors, *messages]
