"""The forms of a tray: what is to be done, where to, and the things, one label a line."""

from collections.abc import Sequence
from uuid import UUID

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length

from bank.errors import Code, Refusal
from bank.inventory.models import StepKind
from bank.inventory.words import WORDS as INVENTORY_WORDS
from bank.scanning.actions import CODE_MAX
from bank.scanning.trays import MOST, REASONS, STEPS, Tray, TrayAction
from bank.web.forms import Form
from bank.workshops.models import Problem
from bank.workshops.words import WORDS as WORKSHOP_WORDS

# So many labels as a tray holds, however a scanner writes each.
CODES_MAX = MOST * 80


class TrayForm(Form):
    """A tray. Its key is its name: sent twice, it acts once."""

    codes = TextAreaField(
        _l("Étiquettes des matériels, une par ligne"),
        [InputRequired(_l("Scannez au moins un matériel.")), Length(max=CODES_MAX)],
    )
    then = HiddenField(default="check")

    def said(self) -> list[str]:
        """What was scanned, line by line."""
        return [line.strip()[:CODE_MAX] for line in (self.codes.data or "").splitlines() if line.strip()]

    def to_tray(self, action: TrayAction) -> Tray:
        """The tray that this form is. Raises Refusal(bad-request) on a name that no page has made."""
        try:
            name = str(UUID(self.idempotency_key.data))
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(Code.BAD_REQUEST) from error
        return Tray(name, action)


class PutForm(TrayForm):
    """Things that go to a place."""

    place = StringField(
        _l("Étiquette de l’emplacement"),
        [InputRequired(_l("Scannez d’abord l’étiquette de l’emplacement.")), Length(max=CODE_MAX)],
    )

    def to_tray(self, action: TrayAction) -> Tray:
        """With the place that was scanned."""
        return Tray(super().to_tray(action).name, action, place=self.place.data)


class PassForm(TrayForm):
    """Things of which one step is done."""

    station = SelectField(
        _l("Étape faite"),
        [InputRequired(_l("Choisissez l’étape."))],
        choices=[SelectChoice("", _l("Choisissez l’étape"))]
        + [SelectChoice(step.value, INVENTORY_WORDS["step"][step]) for step in STEPS],
    )

    def to_tray(self, action: TrayAction) -> Tray:
        """With the step."""
        return Tray(super().to_tray(action).name, action, station=StepKind(self.station.data))


class ProblemForm(TrayForm):
    """Things that one problem stops."""

    reason = SelectField(
        _l("Problème"),
        [InputRequired(_l("Choisissez le problème."))],
        choices=[SelectChoice("", _l("Choisissez le problème"))]
        + [SelectChoice(reason.value, WORKSHOP_WORDS["problem"][reason]) for reason in REASONS],
    )

    def to_tray(self, action: TrayAction) -> Tray:
        """With the problem."""
        return Tray(super().to_tray(action).name, action, reason=Problem(self.reason.data))


class ShipForm(TrayForm):
    """Things that leave for another organisation."""

    to = SelectField(_l("Structure qui reçoit"), [InputRequired(_l("Choisissez qui reçoit."))])

    def offer(self, receivers: Sequence[tuple[int, str]]) -> None:
        """Offer who takes things in."""
        self.to.choices = [SelectChoice("", _l("Choisissez qui reçoit"))] + [
            SelectChoice(str(each), name) for each, name in receivers
        ]

    def to_tray(self, action: TrayAction) -> Tray:
        """With the organisation."""
        return Tray(super().to_tray(action).name, action, to=int(self.to.data))


FORMS: dict[TrayAction, type[TrayForm]] = {
    TrayAction.PUT: PutForm,
    TrayAction.PASS: PassForm,
    TrayAction.PROBLEM: ProblemForm,
    TrayAction.SHIP: ShipForm,
    TrayAction.LABELS: TrayForm,
    TrayAction.HAND_OVER: TrayForm,
}


class UndoTrayForm(Form):
    """A whole tray was a mistake."""

    tray = HiddenField()
    codes = HiddenField(validators=[Length(max=CODES_MAX)])

    def said(self) -> list[str]:
        """Its things."""
        return [line[:CODE_MAX] for line in (self.codes.data or "").split() if line]

    def to_tray(self) -> Tray:
        """The tray that is taken back; what it did is read from the journal. Raises Refusal(bad-request)."""
        try:
            return Tray(str(UUID(self.tray.data)), TrayAction.PASS)
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(Code.BAD_REQUEST) from error
