"""HTML forms: a spreadsheet to send, and what its columns tell."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types

from bank.donations.columns import Field
from bank.donations.import_queries import ImportSheet
from bank.donations.imports import FILENAME_MAX, Upload
from bank.donations.words import WORDS
from bank.errors import Code, Refusal
from bank.inventory.models import Category
from bank.inventory.words import WORDS as INVENTORY_WORDS
from bank.web import words
from bank.web.forms import Form, PageForm, Unchosen, set_errors

NO_CATEGORY = SelectChoice("", _l("celui de chaque ligne"))
IGNORED = SelectChoice("", _l("ne pas lire"))
CATEGORIES = [
    NO_CATEGORY,
    *(SelectChoice(each.value, INVENTORY_WORDS["category"][each]) for each in Category),
]
FIELDS = [IGNORED, *(SelectChoice(each.value, WORDS["sheet_field"][each]) for each in Field)]
COLUMN = "column-"


class UploadForm(Form):
    """A spreadsheet to read into a draft."""

    file = FileField(_l("Votre tableau"), [FileRequired(_l("Choisissez un fichier."))])
    default_category = SelectField(_l("Type de matériel"), [Unchosen()], choices=CATEGORIES)

    def data_and_upload(self) -> tuple[bytes, Upload]:
        """The bytes, and what is said of them; call it on a form that validates."""
        sent: Any = self.file.data
        return sent.read(), Upload("", clean_name(sent.filename), (), _category(self.default_category.data))


class ColumnsForm(PageForm):
    """What each column of a file that was sent tells: one choice per column."""

    default_category = SelectField(_l("Type de matériel"), [Unchosen()], choices=CATEGORIES)

    def told(self, seen: ImportSheet) -> tuple[tuple[int, Field | None], ...]:
        """What was chosen of each column. Raises Refusal(invalid) on what was not offered."""
        chosen = [request.form.get(f"{COLUMN}{place}", "") for place in range(len(seen.understood.titles))]
        if any(each and each not in set(Field) for each in chosen):
            raise Refusal(Code.INVALID, errors={"columns": ["not-offered"]})
        return tuple((place, Field(each) if each else None) for place, each in enumerate(chosen))

    def to_upload(self, seen: ImportSheet) -> Upload:
        """The same file, understood as was chosen."""
        return Upload(
            seen.digest,
            seen.filename,
            self.told(seen),
            _category(self.default_category.data),
            seen.understood.everywhere,
        )


class ConfirmForm(PageForm):
    """A yes to what was shown."""


def clean_name(name: str | None) -> str:
    """A file's own name, without the folders and signs that somebody's computer put in it."""
    last = PurePath((name or "").replace("\\", "/")).name
    return "".join(sign for sign in last if sign.isprintable())[:FILENAME_MAX] or "tableau"


def tell(form: UploadForm | ColumnsForm, refusal: Refusal) -> None:
    """Put what is wrong with a file at its field. Raises the refusal again when it is about something else."""
    errors = refusal.facts.get("errors")
    if refusal.code is not Code.INVALID or not isinstance(errors, dict) or set(errors) - {"file"}:
        raise refusal
    name = "file" if isinstance(form, UploadForm) else "default_category"
    said = [words.word(fault, "sheet_fault") for fault in errors["file"]]
    set_errors(form, {name: said})


def _category(text: str | None) -> Category | None:
    return Category(text) if text else None


def choices_of(seen: ImportSheet) -> Sequence[tuple[int, str, str]]:
    """Each column of a file: its place, its title, and the field that it tells now."""
    found = seen.understood
    return [
        (place, title, str(field or ""))
        for place, (title, field) in enumerate(zip(found.titles, found.fields, strict=True))
    ]
