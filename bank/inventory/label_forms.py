"""Forms of labels: a blank one that is scanned, the device that it is for, and why the old one does not do."""

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import AnyOf, InputRequired, Length, Optional, Regexp

from bank.errors import Code, Refusal
from bank.inventory.labels import Why
from bank.inventory.models import Category
from bank.inventory.queries import Q_MAX
from bank.web.forms import PageForm

# What a scanner may give: an address, a code, or a glued mess that must be named as such.
SCANNED_MAX = 500
BATCH_MAX = 12
BATCH = "[A-Za-z0-9-]+$"
SCAN_OR_TYPE = _l("Scannez une étiquette, ou tapez son code.")


class ClaimForm(PageForm):
    """A blank label that was just stuck on one of the devices of a batch and category."""

    code = StringField(_l("Étiquette vierge"), [InputRequired(SCAN_OR_TYPE), Length(max=SCANNED_MAX)])
    batch = HiddenField(validators=[InputRequired(), Length(max=BATCH_MAX), Regexp(BATCH)])
    category = HiddenField(validators=[InputRequired(), AnyOf([each.value for each in Category])])
    # The page's own script sends the scan, and stays.
    stays = HiddenField()


class BearerForm(PageForm):
    """Which device a blank label is for."""

    code = StringField(
        _l("Numéro du matériel"),
        [InputRequired(_l("Scannez ou tapez un numéro du matériel.")), Length(max=Q_MAX)],
    )


class StickForm(PageForm):
    """A blank label for a device or a place. The button that is pressed says why the old one does not do."""

    label = StringField(_l("Étiquette vierge"), [InputRequired(SCAN_OR_TYPE), Length(max=SCANNED_MAX)])
    reason = HiddenField(validators=[Optional(), AnyOf([Why.LOST.value, Why.UNREADABLE.value])])

    def scanned_before(self) -> "StickForm":
        """With the blank label that was scanned on the page before, which the address names."""
        self.label.data = request.args.get("label", "")[:SCANNED_MAX]
        return self

    def scan_again(self, refusal: Refusal) -> None:
        """Empty the field for the next label, unless it is the reason alone that is missing."""
        if refusal.code is not Code.INVALID:
            self.label.data = ""

    @property
    def why(self) -> Why | None:
        """The reason, where one was given."""
        given = (self.reason.data or "").strip()
        return Why(given) if given else None


class SureForm(PageForm):
    """One button."""
