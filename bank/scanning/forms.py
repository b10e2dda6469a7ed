"""The desk's forms: one code; a step that is done, with what each kind of step takes down; what is wrong."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

import wtforms
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    RadioField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from bank.errors import Code, Refusal
from bank.inventory.actions import DriveSeen, Erasure, Evidence, KnownDrive
from bank.inventory.models import (
    DriveFate,
    DriveKind,
    ErasureMethod,
    ErasureResult,
    Grade,
    StepKind,
)
from bank.inventory.words import WORDS as INVENTORY_WORDS
from bank.scanning.actions import CODE_MAX, Scan
from bank.scanning.queries import Asked, Tool
from bank.web.forms import Form, Number, PageForm, Part
from bank.workshops import rules
from bank.workshops.models import Problem
from bank.workshops.rules import (
    MAKER_MAX,
    MODEL_MAX,
    NOTHING_SEEN,
    SERIAL_MAX,
    SIZE_MAX_GB,
    TOOL_MAX,
    VERSION_MAX,
    Function,
    Repair,
    Seen,
    System,
)
from bank.workshops.words import WORDS as WORKSHOP_WORDS

MAX_DRIVES = 4
NEEDED = _l("Répondez à cette question.")

# One question for two facts: what became of the drive and, if it is still there, whether its erasure worked.
ENDINGS = {
    "passed": (DriveFate.PRESENT, ErasureResult.PASSED),
    "failed": (DriveFate.PRESENT, ErasureResult.FAILED),
    "removed": (DriveFate.REMOVED, None),
    "destroyed": (DriveFate.DESTROYED, None),
}


DRIVE_KINDS = {
    DriveKind.SSD.value: _l("SSD"),
    DriveKind.NVME.value: _l("SSD NVMe (petite barrette)"),
    DriveKind.HDD.value: _l("Disque dur"),
    DriveKind.EMMC.value: _l("Mémoire soudée"),
    DriveKind.PHONE.value: _l("Mémoire du téléphone"),
}
METHODS = {
    ErasureMethod.CLEAR_OVERWRITE.value: _l("Réécriture complète"),
    ErasureMethod.PURGE_ATA_SANITIZE.value: _l("Commande ATA Sanitize"),
    ErasureMethod.PURGE_NVME_SANITIZE.value: _l("Commande NVMe Sanitize"),
    ErasureMethod.PURGE_CRYPTO_ERASE.value: _l("Effacement de la clé de chiffrement"),
    ErasureMethod.FACTORY_RESET.value: _l("Retour aux réglages d’usine"),
}
WORDS = {**INVENTORY_WORDS, **WORKSHOP_WORDS}
WORKS = {"passed": _l("Marche"), "failed": _l("En panne")}


def offered(words: Mapping[str, LazyString]) -> list[SelectChoice]:
    """A table of words as the answers to choose from."""
    return [SelectChoice(value, text) for value, text in words.items()]


class Asks:
    """Marks a question of a drive as one to be answered; whether the drive is there at all, the form knows."""

    field_flags: ClassVar = {"required": True}

    def __call__(self, form: wtforms.Form, field: wtforms.Field) -> None:
        """Ask nothing yet."""


def printable(_form: wtforms.Form, field: wtforms.Field) -> None:
    """No control sign nor half of a character."""
    if field.data and not field.data.isprintable():
        raise wtforms.ValidationError(_l("Retirez les signes qui ne s’impriment pas."))


class CodeForm(Form):
    """What the scanner typed."""

    code = StringField(
        _l("Code de l’étiquette"),
        [InputRequired(_l("Scannez une étiquette, ou tapez son code.")), Length(max=CODE_MAX)],
    )


class StepForm(Form):
    """The step is done. Its key is the scan's name: a double click is one scan."""

    station = HiddenField()

    def seen(self) -> Seen:
        """What was seen and done, where the step asks for it."""
        return NOTHING_SEEN

    def blame(self, refusal: Refusal, said: str) -> None:
        """Put the refusal of a record at the field that it is about. `said` is its sentence."""
        field = getattr(self, BLAMED.get(str(refusal.facts.get("why")), ""), None)
        if field is None:
            self.form_errors.append(said)
        else:
            field.errors = [*field.errors, said]

    def to_scan(self, code: str) -> Scan:
        """The scan that this form is. Raises Refusal(bad-request) on fields that no page has made."""
        try:
            scan_id, station = str(UUID(self.idempotency_key.data)), StepKind(self.station.data or "")
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(Code.BAD_REQUEST) from error
        return Scan(scan_id, code, Asked.DONE, station, self.seen())


# Where on its form the reason of a refused record is shown; those of the drives concern the whole form.
BLAMED = {
    "repairs-missing": "repairs",
    "repairs-and-none": "repairs",
    "os-missing": "os",
    "os-unsupported": "os",
    "grade-missing": "grade",
    "battery-missing": "battery",
    "battery-without": "battery",
}


class TellForm(Form):
    """Something else than *done*: a problem, a call for help, a danger."""

    station = HiddenField()
    reason = HiddenField()

    def to_scan(self, code: str, asked: Asked) -> Scan:
        """The scan that this form is. Raises Refusal(bad-request) on fields that no page has made."""
        try:
            scan_id = str(UUID(self.idempotency_key.data))
            station = StepKind(self.station.data) if self.station.data else None
            reason = Problem(self.reason.data) if self.reason.data else None
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(Code.BAD_REQUEST) from error
        return Scan(scan_id, code, asked, station, Seen(reason=reason) if reason else NOTHING_SEEN)


class SettleForm(PageForm):
    """A scan that was refused has been dealt with."""

    scan_id = HiddenField()


class UndoForm(Form):
    """The last scan was a mistake. Its key is the name of the scan that takes it back."""

    undoes = HiddenField()

    def to_scan(self, code: str) -> Scan:
        """The scan that this form is. Raises Refusal(bad-request) on fields that no page has made."""
        try:
            scan_id, undoes = str(UUID(self.idempotency_key.data)), str(UUID(self.undoes.data))
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(Code.BAD_REQUEST) from error
        return Scan(scan_id, code, Asked.UNDO, undoes=undoes)


class PowerOnForm(StepForm):
    """It starts. What is written on it may be noted, and need not."""

    serial = StringField(_l("Numéro de série"), [Optional(), Length(max=SERIAL_MAX), printable])
    maker = StringField(_l("Marque"), [Optional(), Length(max=MAKER_MAX), printable])
    model = StringField(_l("Modèle"), [Optional(), Length(max=MODEL_MAX), printable])

    def seen(self) -> Seen:
        """What was read on the device, where it is news."""
        serial, maker, model = (
            (field.data or "").strip() or None for field in (self.serial, self.maker, self.model)
        )
        return Seen(serial=serial, maker=maker, model=model)


class RepairForm(StepForm):
    """What was repaired, or that nothing was to be."""

    repairs = SelectMultipleField(
        _l("Qu’avez-vous réparé ?"),
        [Asks()],
        choices=offered(WORDS["repair"]),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def seen(self) -> Seen:
        """The repairs that were ticked."""
        return Seen(repairs=frozenset(Repair(each) for each in self.repairs.data or ()))


class InstallForm(StepForm):
    """What runs on it now. What nobody mends any more is not offered."""

    os = RadioField(_l("Qu’avez-vous installé ?"), [Asks()], validate_choice=False)

    def offer(self, today: date) -> None:
        """Offer what is in force on a day."""
        self.os.choices = offered({system.value: WORDS["system"][system] for system in rules.systems(today)})

    def seen(self) -> Seen:
        """The system that was chosen."""
        return Seen(os=System(self.os.data) if self.os.data in set(System) else None)


class FunctionalForm(StepForm):
    """Each function was tried: it works, or it does not. The page asks for those of the device's category."""

    def check(self, function: Function) -> wtforms.Field:
        """The field of one function."""
        field: wtforms.Field = self[f"check_{function.value}"]
        return field

    def blame(self, refusal: Refusal, said: str) -> None:
        """Each function that was not tried says so."""
        missing = refusal.facts.get("missing")
        if not isinstance(missing, list):
            super().blame(refusal, said)
            return
        for name in missing:
            field = self.check(Function(name))
            field.errors = [*field.errors, NEEDED]

    def seen(self) -> Seen:
        """The functions that were tried."""
        answers = {function: self.check(function).data for function in Function}
        return Seen(checks={name: said == "passed" for name, said in answers.items() if said in WORKS})


for _name, _words in WORDS["function"].items():
    _field = RadioField(_words, [Asks()], choices=offered(WORKS), validate_choice=False)
    setattr(FunctionalForm, f"check_{_name}", _field)


class GradingForm(StepForm):
    """How it looks, and what is left of its battery."""

    grade = RadioField(
        _l("Comment est-il ?"), [Asks()], choices=offered(WORDS["grade"]), validate_choice=False
    )
    battery = Number(_l("Batterie, en pourcentage"), [Asks(), Optional(), NumberRange(0, 100)])

    def seen(self) -> Seen:
        """The grade and the battery."""
        grade = Grade(self.grade.data) if self.grade.data in set(Grade) else None
        return Seen(grade=grade, battery=self.battery.data)


class DriveForm(Part):
    """One drive."""

    kind = RadioField(_l("Quel disque ?"), [Asks()], choices=offered(DRIVE_KINDS), validate_choice=False)
    serial = StringField(_l("Numéro de série"), [Optional(), Length(max=SERIAL_MAX), printable])
    size_gb = Number(_l("Taille en Go"), [Optional(), NumberRange(1, SIZE_MAX_GB)])
    ending = RadioField(
        _l("Résultat"),
        [Asks()],
        choices=[
            SelectChoice("passed", _l("Effacement réussi")),
            SelectChoice("failed", _l("Effacement raté")),
            SelectChoice("removed", _l("Disque retiré")),
            SelectChoice("destroyed", _l("Disque détruit")),
        ],
        validate_choice=False,
    )
    method = RadioField(_l("Comment ?"), [Asks()], choices=offered(METHODS), validate_choice=False)
    tool = StringField(_l("Logiciel"), [Asks(), Length(max=TOOL_MAX), printable])
    tool_version = StringField(_l("Version du logiciel"), [Asks(), Length(max=VERSION_MAX), printable])

    @property
    def is_filled(self) -> bool:
        """Whether somebody wrote about this drive: the tool alone was filled in by the page."""
        return bool(self.kind.data or self.serial.data or self.size_gb.data or self.ending.data)

    def unanswered(self) -> list[wtforms.Field]:
        """The questions that this drive leaves open."""
        asked: list[tuple[wtforms.Field, bool]] = [(self.kind, self.kind.data in DRIVE_KINDS)]
        fate, _result = ENDINGS.get(self.ending.data or "", (DriveFate.PRESENT, None))
        if fate is DriveFate.PRESENT:
            asked += [
                (self.method, self.method.data in METHODS),
                (self.tool, bool((self.tool.data or "").strip())),
                (self.tool_version, bool((self.tool_version.data or "").strip())),
            ]
        asked.append((self.ending, self.ending.data in ENDINGS))
        return [field for field, answered in asked if not answered]

    def to_drive(self) -> DriveSeen:
        """The drive, once every question has its answer."""
        fate, result = ENDINGS[self.ending.data]
        erasure = None
        if result is not None:
            tool, version = (self.tool.data or "").strip(), (self.tool_version.data or "").strip()
            erasure = Erasure(ErasureMethod(self.method.data), tool, version, result)
        return DriveSeen(
            DriveKind(self.kind.data), self.serial.data or None, self.size_gb.data, fate, erasure
        )


class ErasureForm(StepForm):
    """What was seen of the drives: each of them, or the word that there is none."""

    no_drive = BooleanField(_l("Il n’y a pas de disque dans cet appareil"))
    drives = FieldList(FormField(DriveForm), min_entries=MAX_DRIVES, max_entries=MAX_DRIVES)

    def validate(self, extra_validators: Any = None) -> bool:
        """Each drive written about is whole; without any, the box is ticked."""
        sound = bool(super().validate(extra_validators))
        filled = self._filled()
        if self.no_drive.data and filled:
            self.no_drive.errors = [_l("Vous avez aussi décrit un disque. Gardez l’un ou l’autre.")]
            return False
        if self.no_drive.data:
            return sound
        unanswered = [field for drive in filled or [self.drives[0].form] for field in drive.unanswered()]
        for field in unanswered:
            field.errors = [*field.errors, NEEDED]
        # The list took its errors from its drives before these were added.
        self.drives.errors = [drive.errors for drive in self.drives if drive.errors]
        return sound and not unanswered

    def _filled(self) -> list[DriveForm]:
        return [drive.form for drive in self.drives if drive.form.is_filled]

    def seen(self) -> Seen:
        """Every drive that was written about, or the word that there is none."""
        if self.no_drive.data:
            return Seen(drives=Evidence(no_drive=True))
        return Seen(drives=Evidence(tuple(drive.to_drive() for drive in self._filled())))


FORMS: Mapping[StepKind, type[StepForm]] = {
    StepKind.POWER_ON: PowerOnForm,
    StepKind.ERASURE: ErasureForm,
    StepKind.REPAIR: RepairForm,
    StepKind.INSTALL: InstallForm,
    StepKind.FUNCTIONAL: FunctionalForm,
    StepKind.GRADING: GradingForm,
}


def fresh(step: StepKind, known: Sequence[KnownDrive], tool: Tool | None, system: str | None) -> StepForm:
    """The empty form of a step. What was used last, and the drives that are there, need not be said again."""
    start: dict[str, str | int | None] = {}
    if tool:
        start = {"method": tool.method.value, "tool": tool.name, "tool_version": tool.version}
    there: list[dict[str, str | int | None]] = [
        {"kind": drive.kind.value, "serial": drive.serial, "size_gb": drive.size_gb}
        for drive in known
        if drive.facts.fate is DriveFate.PRESENT and drive.kind is not DriveKind.UNSEEN
    ]
    drives = [start | drive for drive in there[:MAX_DRIVES]]
    drives += [dict(start) for _ in range(MAX_DRIVES - len(drives))]
    form = FORMS.get(step, StepForm)
    return form(formdata=None, data={"station": step.value, "drives": drives, "os": system})


def sent(station: str | None) -> StepForm:
    """The form that was sent, of the step that its page showed."""
    try:
        return FORMS.get(StepKind(station or ""), StepForm)()
    except ValueError:
        return StepForm()
