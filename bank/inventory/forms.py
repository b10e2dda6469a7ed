"""What the list of devices is narrowed to: a form that lives in the address."""

from collections.abc import Iterable

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import SearchField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.validators import Length, NumberRange, Optional

from bank.inventory.lifecycle import State
from bank.inventory.models import Category
from bank.inventory.queries import Q_MAX, Filters
from bank.inventory.words import WORDS
from bank.web.forms import Number, PageForm

ID_MAX = 2**63 - 1
BATCH_MAX = 12


def _choices(vocabulary: str, values: Iterable[str]) -> list[SelectChoice]:
    words = WORDS[vocabulary]
    return [SelectChoice("", _l("tous")), *(SelectChoice(str(value), words[value]) for value in values)]


class FilterForm(PageForm):
    """Filters of the list; an unknown one is told, not ignored."""

    class Meta:
        csrf = False

    q = SearchField(
        _l("Code, numéro de série ou lot"),
        [Optional(), Length(max=Q_MAX, message=_l("%(max)d signes au plus."))],
    )
    state = SelectField(_l("État"), [Optional()], choices=_choices("state", State))
    category = SelectField(_l("Catégorie"), [Optional()], choices=_choices("category", Category))
    batch = SearchField(_l("Lot"), [Optional(), Length(max=BATCH_MAX, message=_l("%(max)d signes au plus."))])
    cursor = Number(_l("Page"), [Optional(), NumberRange(1, ID_MAX)])

    def __init__(self) -> None:
        super().__init__(formdata=request.args)

    def to_filters(self) -> Filters:
        """As the query takes it; call it on a form that validates."""
        return Filters(
            q=self.q.data or None,
            state=State(self.state.data) if self.state.data else None,
            category=Category(self.category.data) if self.category.data else None,
            batch=self.batch.data or None,
        )
