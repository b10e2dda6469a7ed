"""Pages of guides: what each step of the workshop shows, and its picture."""

from typing import Any

from flask import Blueprint, Response
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, TextAreaField
from wtforms.validators import Length, NumberRange
from wtforms.widgets import HiddenInput

from bank import db, files
from bank.actor import Permission
from bank.errors import Code, Refusal
from bank.inventory.models import StepKind
from bank.web import guard, pages, problems, words
from bank.web.forms import Number, PageForm, set_errors
from bank.web.guard import requires
from bank.web.words import word
from bank.workshops import guides, pictures
from bank.workshops.guides import ALT_MAX, TEXT_MAX, Guide
from bank.workshops.pictures import NotAPicture

bp = Blueprint("guides", __name__)

VERSION_MAX = 2**31 - 1


class GuideForm(PageForm):
    """What a step shows: a few words, a picture and what it shows."""

    version = Number(validators=[NumberRange(0, VERSION_MAX)], widget=HiddenInput(), default=0)
    text = TextAreaField(_l("Consigne"), [Length(max=TEXT_MAX)])
    picture = FileField(_l("Image"))
    alt = TextAreaField(_l("Ce que montre l’image"), [Length(max=ALT_MAX)])
    no_picture = BooleanField(_l("Retirer l’image"))

    def sent(self) -> bytes | None:
        """The bytes of a picture that was sent, if one was."""
        sent: Any = self.picture.data
        if not sent:
            return None
        with sent.stream:
            return sent.read() or None


@bp.get("/workshop/guides")
@requires(Permission.WORKSHOP_RUN)
def index() -> Response:
    """Every step, and what it shows."""
    with db.read() as session:
        shown = guides.guides(session, guard.actor())
    return pages.page("workshops/guides.html", guides=shown.values())


@bp.get("/workshop/guides/<step>")
@requires(Permission.WORKSHOP_RUN)
def edit(step: str) -> Response:
    """What one step shows."""
    found = _read(_step(step))
    form = GuideForm(formdata=None, data={"text": found.text, "alt": found.alt, "version": found.version})
    return _page(found, form)


@bp.post("/workshop/guides/<step>")
@requires(Permission.WORKSHOP_RUN)
def save(step: str) -> BaseResponse:
    """What it shows from now on. Of two writers the second sees what the first wrote."""
    found, form = _read(_step(step)), GuideForm()
    if not form.validate_on_submit():
        return _page(found, form, status=422)
    try:
        written = _written(found, form)
        with db.transaction() as session:
            guides.edit(session, guard.actor(), written)
    except NotAPicture as fault:
        set_errors(form, {"picture": [word(str(fault), "guide_fault")]})
        return _page(found, form, status=422)
    except Refusal as refusal:
        return _page(found, _blamed(form, refusal, found), status=problems.STATUS[refusal.code])
    return pages.done("guides.index", said=_("La consigne est enregistrée."))


@bp.get("/workshop/guides/<step>/picture/<digest>")
@requires(Permission.DEVICE_SCAN)
def picture(step: str, digest: str) -> Response:
    """The picture of a step, for its own workshop."""
    with db.read() as session:
        found = guides.guide(session, guard.actor(), _step(step))
    if found is None or found.picture != digest:
        raise Refusal(Code.NOT_FOUND)
    data = files.get(digest)
    return Response(data, mimetype=pictures.mimetype(data), headers={"Content-Disposition": "inline"})


def _step(name: str) -> StepKind:
    """The step. Raises Refusal(not-found)."""
    if name not in set(StepKind):
        raise Refusal(Code.NOT_FOUND)
    return StepKind(name)


def _read(step: StepKind) -> Guide:
    with db.read() as session:
        return guides.guides(session, guard.actor())[step]


def _written(found: Guide, form: GuideForm) -> Guide:
    """The guide as the form has it; a picture that was sent is stored. Raises NotAPicture."""
    data, digest = form.sent(), None if form.no_picture.data else found.picture
    if data is not None:
        digest = files.put(pictures.read(data).data)
    return Guide(found.step, form.text.data or "", digest, form.alt.data or "", form.version.data or 0)


def _blamed(form: GuideForm, refusal: Refusal, found: Guide) -> GuideForm:
    """Say a refusal where it belongs on the form. Raises it again when it is not about what was typed."""
    errors = refusal.facts.get("errors")
    if refusal.code is Code.INVALID and isinstance(errors, dict):
        set_errors(form, {name: [word(each, "guide_fault") for each in errors[name]] for name in errors})
    elif refusal.code is Code.EDITED_MEANWHILE:
        form.form_errors.append(words.problem(refusal.code)[1])
        form.version.raw_data, form.version.data = None, found.version
    else:
        raise refusal
    return form


def _page(found: Guide, form: GuideForm, *, status: int = 200) -> Response:
    return pages.page("workshops/guide.html", guide=found, form=form, status=status)
