"""HTML forms: a batch to enter, a reception, the list's filters. What holds together is asked of `rules.py`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, FormField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, NumberRange, Optional

from bank.donations.models import BatchState, GapReason
from bank.donations.queries import BatchSheet, Filters, Partner
from bank.donations.rules import LINE_MAX, NewBatch
from bank.donations.words import WORDS
from bank.errors import Code, Refusal
from bank.inventory.models import Category, LegalBasis
from bank.inventory.words import WORDS as INVENTORY_WORDS
from bank.web import words
from bank.web.forms import Form, Number, PageForm, Part, set_errors

ID_MAX = 2**63 - 1
ASKED = _l("Remplissez ce champ.")
CHOOSE = _l("Choisissez une réponse.")
IN_RANGE = NumberRange(0, LINE_MAX, _l("Un nombre de 0 à 2 000."))
NO_CHOICE = SelectChoice("", _l("Choisir"))
NO_GAP = SelectChoice("", _l("aucune"))
ALL = SelectChoice("", _l("tous"))


def _number(label: Any) -> Number:
    return Number(label, [Optional(), IN_RANGE])


def _choices(vocabulary: Mapping[str, Any], values: Iterable[str]) -> list[SelectChoice]:
    return [SelectChoice(str(value), vocabulary[value]) for value in values]


def _offered(partners: Sequence[Partner]) -> list[SelectChoice]:
    return [SelectChoice(str(partner.id), partner.name) for partner in partners]


# One number per category, empty for none: no row to add or to take away, so no script is needed.
AnnouncedPart = type(
    "AnnouncedPart",
    (Part,),
    {category.value: _number(INVENTORY_WORDS["category"][category]) for category in Category},
)


class NewBatchForm(Form):
    """A batch to enter by hand."""

    donor_id = SelectField(_l("Donateur"), [InputRequired(CHOOSE)])
    workshop_id = SelectField(_l("Atelier qui reçoit"), [InputRequired(CHOOSE)])
    legal_basis = SelectField(
        _l("Base légale du don"),
        [InputRequired(CHOOSE)],
        choices=[NO_CHOICE, *_choices(INVENTORY_WORDS["legal_basis"], LegalBasis)],
    )
    agreed_on = DateField(_l("Jour de l’accord"), [InputRequired(ASKED)])
    no_resale = BooleanField(_l("Rien ne doit être vendu"))
    unnamed = BooleanField(_l("Ne pas nommer le donateur en public"))
    purge_asked = BooleanField(_l("Effacement renforcé de chaque disque (niveau Purge)"))
    lines: Any = FormField(AnnouncedPart)

    def offer(self, donors: Sequence[Partner], workshops: Sequence[Partner]) -> None:
        """Give the choices that the database knows."""
        self.donor_id.choices = [NO_CHOICE, *_offered(donors)]
        self.workshop_id.choices = [NO_CHOICE, *_offered(workshops)]

    def to_new_batch(self) -> NewBatch:
        """As the action takes it; call it on a form that validates."""
        data: dict[str, Any] = self.data
        counts = data["lines"]
        return NewBatch(
            donor_id=int(data["donor_id"]),
            workshop_id=int(data["workshop_id"]),
            legal_basis=LegalBasis(data["legal_basis"]),
            agreed_on=data["agreed_on"],
            lines=tuple((category, counts[category]) for category in Category if counts[category]),
            no_resale=data["no_resale"],
            unnamed=data["unnamed"],
            purge_asked=data["purge_asked"],
        )


def _counted_part(category: Category) -> type[Part]:
    name = INVENTORY_WORDS["category"][category]
    return type(
        "CountedPart",
        (Part,),
        {
            "received": _number(_l("Arrivés : %(category)s", category=name)),
            "gap_reason": SelectField(
                _l("Raison de l’écart : %(category)s", category=name),
                [Optional()],
                choices=[NO_GAP, *_choices(WORDS["gap_reason"], GapReason)],
            ),
        },
    )


CountedParts = type(
    "CountedParts",
    (Part,),
    {category.value: FormField(_counted_part(category)) for category in Category},
)


class ReceptionForm(Form):
    """What arrived, category by category, with a reason where it is not what was announced."""

    lines: Any = FormField(CountedParts)

    def counts(self) -> dict[Category, int]:
        """What was counted; a number left empty is none."""
        return {category: self._line(category)["received"] or 0 for category in Category}

    def reasons(self) -> dict[Category, GapReason]:
        """The reasons that were chosen."""
        chosen = {category: self._line(category)["gap_reason"] for category in Category}
        return {category: GapReason(reason) for category, reason in chosen.items() if reason}

    def rows(self, batch: BatchSheet, *, announced: bool) -> list[tuple[Category, int, Any]]:
        """Category, announced and the fields: of what was announced, or of all the rest."""
        expected = {line.category: line.announced for line in batch.lines}
        return [
            (category, expected.get(category, 0), self.lines.form[category.value].form)
            for category in Category
            if (category in expected) is announced
        ]

    def _line(self, category: Category) -> dict[str, Any]:
        line: dict[str, Any] = self.lines.data[category.value]
        return line


class FilterForm(PageForm):
    """What the list is narrowed to: it lives in the address."""

    class Meta:
        csrf = False

    donor = SelectField(_l("Donateur"), [Optional()])
    state = SelectField(_l("État"), [Optional()], choices=[ALL, *_choices(WORDS["batch_state"], BatchState)])
    cursor = Number(_l("Page"), [Optional(), NumberRange(1, ID_MAX)])

    def __init__(self, donors: Sequence[Partner]) -> None:
        super().__init__(formdata=request.args)
        self.donor.choices = [ALL, *_offered(donors)]

    def to_filters(self) -> Filters:
        """As the query takes it; call it on a form that validates."""
        return Filters(
            donor_id=int(self.donor.data) if self.donor.data else None,
            state=BatchState(self.state.data) if self.state.data else None,
        )


def tell(form: PageForm, refusal: Refusal) -> None:
    """Say a refusal where it belongs on the form. Raises it again when it is not about what was typed."""
    gaps, errors = refusal.facts.get("categories"), refusal.facts.get("errors")
    if refusal.code is Code.GAP_UNEXPLAINED and isinstance(gaps, list):
        for category in gaps:
            reason = form.lines.form[category].form.gap_reason
            reason.errors = [*reason.errors, _l("Choisissez la raison de l’écart.")]
    elif refusal.code is Code.INVALID and isinstance(errors, dict):
        said = {name: [words.word(fault, "batch_fault") for fault in errors[name]] for name in errors}
        # A fault of the lines together is of no single field.
        form.form_errors = [*form.form_errors, *said.pop("lines", [])]
        set_errors(form, said)
    else:
        raise refusal
