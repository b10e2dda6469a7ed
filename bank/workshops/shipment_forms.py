"""The forms of a shipment: what arrived, what became of what did not, which to list."""

from uuid import UUID

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from bank.errors import Code, Refusal
from bank.inventory.register import ScanMark
from bank.web.forms import LARGEST, Form, Number, PageForm
from bank.workshops.shipments import Settled

# What a scanner may give: an address, a code, or a glued mess that must be named as such.
CODE_MAX = 500


class ArrivalForm(Form):
    """A device was scanned where it goes. Its key is the name of the scan."""

    code = StringField(
        _l("Étiquette du matériel arrivé"),
        [InputRequired(_l("Scannez une étiquette, ou tapez son code.")), Length(max=CODE_MAX)],
    )

    def to_mark(self) -> ScanMark:
        """The name of the scan. Raises Refusal(bad-request) on one that no page has made."""
        try:
            return ScanMark(str(UUID(self.idempotency_key.data)))
        except (ValueError, TypeError, AttributeError) as error:
            raise Refusal(Code.BAD_REQUEST) from error


class SettleForm(PageForm):
    """What became of one device."""

    outcome = HiddenField()

    def to_settled(self) -> Settled:
        """The answer. Raises Refusal(bad-request) on one that no page offers."""
        if self.outcome.data not in set(Settled):
            raise Refusal(Code.BAD_REQUEST)
        return Settled(self.outcome.data)


class ShipmentFilterForm(PageForm):
    """Which shipments to list: a form that lives in the address."""

    class Meta:
        csrf = False

    closed = BooleanField(_l("terminés"), false_values=(False, "false", "0", ""))
    cursor = Number(_l("Page"), [Optional(), NumberRange(1, LARGEST)])

    def __init__(self) -> None:
        super().__init__(formdata=request.args)
