"""Forms speak the language of their page, where WTForms has sentences of its own too."""

from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from flask import Flask
from flask_babel import force_locale
from werkzeug.datastructures import MultiDict
from wtforms import DateField, FormField, IntegerField, SelectField
from wtforms.i18n import messages_path
from wtforms.validators import DataRequired, Length, NumberRange

from bank.web import forms
from tests.factories import World


class Inner(forms.Part):
    """Fields without sentences, inside a form."""

    count = IntegerField("Nombre", [NumberRange(1, 9)])
    day = DateField("Jour")


class Outer(forms.PageForm):
    """Fields without sentences."""

    class Meta:
        csrf = False

    choice = SelectField("Choix", choices=["a", "b"])
    text = IntegerField("Nombre", [DataRequired(), Length(max=3)])
    inner = FormField(Inner)


SENT = [
    ({"inner-count": "many"}, ("inner", "count"), "Écrivez un nombre entier."),
    ({"inner-count": "12"}, ("inner", "count"), "Un nombre de 1 à 9."),
    ({"inner-day": "31/02/2026"}, ("inner", "day"), "Cette date n’est pas valable. Vérifiez-la."),
    ({"choice": "c"}, ("choice",), "Choisissez une réponse de la liste."),
    ({"text": "0"}, ("text",), "Remplissez ce champ."),
]


@pytest.mark.parametrize(("sent", "place", "sentence"), SENT)
def test_a_field_without_a_sentence_is_given_ours(
    app: Flask, sent: dict[str, str], place: tuple[str, ...], sentence: str
) -> None:
    with app.test_request_context(), force_locale("fr"):
        form = Outer(formdata=MultiDict(sent))
        assert not form.validate()
        errors = form.errors
        for name in place:
            errors = errors[name]
        assert errors[0] == sentence


def test_each_of_our_sentences_stands_for_one_that_wtforms_says() -> None:
    with (Path(messages_path()) / "fr/LC_MESSAGES/wtforms.mo").open("rb") as file:
        ids = [message.id for message in read_mo(file)]
    said = {text for each in ids for text in ([each] if isinstance(each, str) else each)}
    assert sorted(forms.SENTENCES.keys() - said) == []


def test_a_number_inside_a_batch_is_refused_in_french(world: World) -> None:
    answer = world.client(world.coordinator).post("/batches/new", data={"lines-laptop": "beaucoup"})
    assert answer.status_code == 422
    assert "Écrivez un nombre entier." in answer.text
    assert "Not a valid" not in answer.text
