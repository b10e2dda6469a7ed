"""The desk's forms: one code; a step that is done; what was seen of the drives."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

import wtforms
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from bank.errors import Code, Refusal
from bank.inventory.actions import DriveSeen, Erasure, Evidence, KnownDrive
from bank.inventory.models import DriveFate, DriveKind, ErasureMethod, ErasureResult, StepKind
from bank.scanning.actions import CODE_MAX, Scan
from bank.scanning.queries import Asked, Tool
from bank.web.forms import Form, Number, Part
from bank.workshops.rules import SERIAL_MAX, SIZE_MAX_GB, TOOL_MAX, VERSION_MAX

MAX_DRIVES = 4
CHOOSE = SelectChoice("", _l("Choisir"))
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

    def evidence(self) -> Evidence | None:
        """What was seen, where the step asks for it."""
        return None

    def to_scan(self, code: str) -> Scan:
        """The scan that this form is. Raises Refusal(bad-request) on fields that no page has made."""
        try:
            scan_id, station = str(UUID(self.idempotency_key.data)), StepKind(self.station.data or "")
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(Code.BAD_REQUEST) from error
        return Scan(scan_id, code, Asked.DONE, station, self.evidence())


class DriveForm(Part):
    """One drive."""

    kind = SelectField(
        _l("Quel disque ?"),
        [Asks()],
        choices=[CHOOSE, *(SelectChoice(*each) for each in DRIVE_KINDS.items())],
        validate_choice=False,
    )
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
    method = SelectField(
        _l("Comment ?"),
        [Asks()],
        choices=[CHOOSE, *(SelectChoice(*each) for each in METHODS.items())],
        validate_choice=False,
    )
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

    def evidence(self) -> Evidence:
        """Every drive that was written about, or the word that there is none."""
        if self.no_drive.data:
            return Evidence(no_drive=True)
        return Evidence(tuple(drive.to_drive() for drive in self._filled()))


FORMS: dict[StepKind, type[StepForm]] = {StepKind.ERASURE: ErasureForm, StepKind.CONTROL: StepForm}


def fresh(step: StepKind, known: Sequence[KnownDrive], tool: Tool | None) -> StepForm:
    """The empty form of a step. The drives that are known to be there need not be typed again."""
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
    return FORMS[step](formdata=None, data={"station": step.value, "drives": drives})


def sent(station: str | None) -> StepForm:
    """The form that was sent, of the step that its page showed."""
    try:
        return FORMS[StepKind(station or "")]()
    except ValueError:
        return StepForm()
