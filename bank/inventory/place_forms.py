"""Forms of places: what one is and where it stands, and what is put in it."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.widgets import HiddenInput

from bank.inventory.label_forms import SCANNED_MAX
from bank.inventory.models import PlaceKind
from bank.inventory.place_queries import PlaceLine
from bank.inventory.places import NAME_MAX, PlaceDraft
from bank.inventory.queries import Q_MAX
from bank.inventory.words import WORDS
from bank.web.forms import Form, Number, PageForm, Unchosen

VERSION_MAX = 2**31 - 1


def _named(line: PlaceLine) -> str:
    """A place as a choice: what is around it, then itself."""
    return " › ".join((*line.path, line.name))


class PlaceForm(Form):
    """A place: how it is called, what it is, in which other it stands."""

    version = Number(validators=[NumberRange(0, VERSION_MAX)], widget=HiddenInput(), default=0)
    name = StringField(
        _l("Nom"),
        [
            InputRequired(_l("Remplissez ce champ.")),
            Length(max=NAME_MAX, message=_l("%(max)d signes au plus.")),
        ],
    )
    kind = RadioField(
        _l("Ce que c’est"),
        [InputRequired(_l("Choisissez une réponse de la liste."))],
        choices=[SelectChoice(kind.value, WORDS["place_kind"][kind]) for kind in PlaceKind],
    )
    within_id = SelectField(_l("Se trouve dans"), [Unchosen()])

    def offer(self, places: Sequence[PlaceLine], but: int | None = None) -> None:
        """The places in which this one may stand: not in itself."""
        lines = [(str(line.id), _named(line)) for line in places if line.id != but]
        self.within_id.choices = [SelectChoice("", _l("rien : c’est un endroit à part")), *_choices(lines)]

    def show(self, line: PlaceLine) -> None:
        """Fill in what is known."""
        self.version.data, self.name.data, self.kind.data = line.version, line.name, line.kind.value
        self.within_id.data = str(line.within_id or "")

    def to_draft(self) -> PlaceDraft:
        """As the action takes it."""
        within = self.within_id.data
        return PlaceDraft(self.name.data or "", PlaceKind(self.kind.data), int(within) if within else None)


def _choices(lines: Sequence[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, text) for value, text in lines]


class PutForm(PageForm):
    """A device that is put in the place of the page."""

    code = StringField(
        _l("Matériel à ranger ici"),
        [InputRequired(_l("Scannez une étiquette, ou tapez son code.")), Length(max=Q_MAX)],
    )
    # The page's own script sends the scan, and stays.
    stays = HiddenField()


class WhereForm(PageForm):
    """The place of a device: its label scanned, or itself chosen."""

    label = StringField(_l("Étiquette de l’emplacement"), [Length(max=SCANNED_MAX)])
    place = SelectField(_l("Ou choisissez-le"), [Unchosen()])

    def offer(self, places: Sequence[PlaceLine], now: int | None = None) -> None:
        """The organisation's places."""
        lines = _choices([(str(line.id), _named(line)) for line in places])
        self.place.choices = [SelectChoice("", _l("aucun")), *lines]
