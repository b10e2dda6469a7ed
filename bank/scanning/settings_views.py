"""How a person wants the desk; and the commands to hang on its wall."""

from dataclasses import asdict

from flask import Blueprint, Response
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, RadioField

from bank import db
from bank.actor import Permission
from bank.scanning import papers, settings
from bank.scanning.forms import offered
from bank.scanning.models import TextSize
from bank.scanning.settings import Wishes
from bank.scanning.words import WORDS
from bank.web import guard, pages
from bank.web.forms import PageForm
from bank.web.guard import requires

bp = Blueprint("desk_settings", __name__)
settings.on_desk(bp)


class SettingsForm(PageForm):
    """What a person may ask of the desk."""

    sound = BooleanField(_l("Sons"))
    vibration = BooleanField(_l("Vibrations"))
    speech = BooleanField(_l("Lire à voix haute"))
    contrast = BooleanField(_l("Contraste fort"))
    text_size = RadioField(_l("Taille du texte"), choices=offered(WORDS["text_size"]))

    def to_wishes(self) -> Wishes:
        """As they are kept; call it on a form that validates."""
        return Wishes(
            sound=bool(self.sound.data),
            vibration=bool(self.vibration.data),
            speech=bool(self.speech.data),
            contrast=bool(self.contrast.data),
            text_size=TextSize(self.text_size.data),
        )


@bp.get("/scan/settings")
@requires(Permission.DEVICE_SCAN)
def show() -> Response:
    """How I want the desk."""
    with db.read() as session:
        wishes = settings.of(session, guard.actor())
    return _page(SettingsForm(formdata=None, data=asdict(wishes)))


@bp.post("/scan/settings")
@requires(Permission.DEVICE_SCAN)
def save() -> BaseResponse:
    """From now on, like this."""
    form = SettingsForm()
    if not form.validate_on_submit():
        return _page(form, status=422)
    with db.transaction() as session:
        settings.save(session, guard.actor(), form.to_wishes())
    return pages.done("desk_settings.show", said=_("C’est réglé."))


@bp.get("/scan/commands.pdf")
@requires(Permission.DEVICE_SCAN)
def wall() -> Response:
    """The commands to print and to hang on the wall."""
    with db.read() as session:
        return pages.pdf(papers.wall(session), "commandes.pdf")


def _page(form: SettingsForm, *, status: int = 200) -> Response:
    return pages.page("scanning/settings.html", form=form, status=status)
