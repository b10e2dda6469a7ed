"""HTML forms of the supervisor: what becomes of a device, of its drives, of an incident."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, NumberRange, Optional

from bank.inventory.models import DriveFate, StepKind
from bank.inventory.words import WORDS as INVENTORY_WORDS
from bank.web import words
from bank.web.forms import Form, Number, PageForm, set_errors
from bank.workshops import exits, incidents
from bank.workshops.exits import Exit, ExitReason, Leaving
from bank.workshops.models import IncidentOutcome
from bank.workshops.words import WORDS

ID_MAX = 2**63 - 1
CHOOSE = _l("Choisissez une réponse.")


def _choices(vocabulary: Mapping[str, Any], values: Iterable[str]) -> list[SelectChoice]:
    return [SelectChoice(str(value), vocabulary[value]) for value in values]


class ExitForm(Form):
    """Why a device leaves its route, or comes back to it."""

    reason = RadioField(_l("Pourquoi ?"), [InputRequired(CHOOSE)])
    to_destruction = BooleanField(
        _l("Un prestataire détruit les disques et en donne le certificat. J’en réponds.")
    )

    def __init__(self, which: Exit, *, drives_open: bool = False) -> None:
        super().__init__()
        self.exit = which
        reasons = exits.REASONS[which]
        if reasons:
            self.reason.choices = _choices(WORDS["exit_reason"], reasons)
        else:
            del self.reason
        if which is not Exit.RECYCLE or not drives_open:
            del self.to_destruction

    def to_leaving(self) -> Leaving:
        """As the action takes it; call it on a form that validates."""
        reason = ExitReason(self.reason.data) if "reason" in self else None
        return Leaving(self.exit, reason, "to_destruction" in self and bool(self.to_destruction.data))


class DrivesForm(Form):
    """What became of the drives that still are to erase."""

    fate = RadioField(
        _l("Les disques pas encore effacés"),
        [InputRequired(CHOOSE)],
        choices=_choices(WORDS["fate_said"], exits.WITHOUT_ERASURE),
    )

    def to_fate(self) -> DriveFate:
        """As the action takes it; call it on a form that validates."""
        return DriveFate(self.fate.data)


class SendBackForm(PageForm):
    """To which step of its route a blocked device goes; nothing chosen: it goes on where it stands."""

    step = RadioField(_l("À quelle étape ?"), [InputRequired(CHOOSE)])

    def __init__(self, steps: Iterable[StepKind]) -> None:
        super().__init__()
        self.step.choices = _choices(INVENTORY_WORDS["step"], steps)


class ResumeForm(PageForm):
    """What stopped the device is settled: a button, and nothing to fill in."""


class OutcomeForm(PageForm):
    """How an incident ended, for a device that stays missing."""

    outcome = RadioField(
        _l("Comment se termine-t-il ?"),
        [InputRequired(CHOOSE)],
        choices=_choices(WORDS["incident_outcome"], incidents.BY_HAND),
    )

    def to_outcome(self) -> IncidentOutcome:
        """As the action takes it; call it on a form that validates."""
        return IncidentOutcome(self.outcome.data)


class IncidentFilterForm(PageForm):
    """Which incidents to list: a form that lives in the address."""

    class Meta:
        csrf = False

    closed = BooleanField(_l("terminés"), false_values=(False, "false", "0", ""))
    cursor = Number(_l("Page"), [Optional(), NumberRange(1, ID_MAX)])

    def __init__(self) -> None:
        super().__init__(formdata=request.args)


def tell(form: PageForm, errors: object) -> None:
    """Say what an action found wrong where it belongs on the form."""
    if isinstance(errors, dict):
        said = {name: [words.word(fault, "exit_fault") for fault in errors[name]] for name in errors}
        set_errors(form, said)
