"""The base of every HTML form: CSRF, and a key that makes a double click harmless."""

from uuid import uuid4

from flask_wtf import FlaskForm
from wtforms import HiddenField


class Form(FlaskForm):
    """A form that creates something. The key stays the same when the form comes back with errors."""

    idempotency_key = HiddenField(default=lambda: str(uuid4()))


def set_errors(form: FlaskForm, errors: dict[str, list[str]]) -> None:
    """Put a refusal's field errors on the form, so that they show where they belong."""
    for name, messages in errors.items():
        field = getattr(form, name, None)
        if field is not None:
            field.errors = [*field.errors, *messages]
