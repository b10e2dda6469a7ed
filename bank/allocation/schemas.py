"""JSON shapes: requests, allocations, quotes, hand-overs. Amounts are integer cents."""

import marshmallow as ma
from marshmallow import fields
from marshmallow.validate import Length, Range, Regexp

from bank.allocation.counter import DRAWING_MAX
from bank.allocation.models import (
    AllocationState,
    CancelReason,
    Collector,
    IdPaper,
    Need,
    Payment,
    ProofKind,
    RequestState,
    Signature,
)
from bank.allocation.queries import CODE_FORM
from bank.identity.models import LegalNature
from bank.identity.rules import ONE_LINE
from bank.inventory.models import Category
from bank.web.api import Schema

LARGEST_ID = 2**63 - 1
PROGRAMME = Regexp(f"^{CODE_FORM.pattern}$")
PRINTABLE = Regexp(f"^{ONE_LINE}$(?!\\n)")


def _about(text: str, example: object = None) -> dict[str, object]:
    return {"description": text} | ({"example": example} if example is not None else {})


class LineSchema(Schema):
    """A category and how many of it."""

    category = fields.Enum(Category, by_value=True, required=True)
    quantity = fields.Integer(load_default=1, strict=True, validate=Range(1, 100))


class LineOut(LineSchema):
    """A line of a request, how many of it are promised or handed over, and how many are still to be found."""

    promised = fields.Integer(required=True)
    missing = fields.Integer(required=True)


class RequestIn(Schema):
    """What is asked for."""

    programme = fields.String(required=True, validate=PROGRAMME, metadata=_about("Programme code.", "RSA"))
    lines = fields.List(
        fields.Nested(LineSchema),
        required=True,
        validate=Length(1, len(Category)),
        metadata=_about("Each category once. For a person, one of each."),
    )
    person_name = fields.String(
        load_default=None,
        allow_none=True,
        validate=[Length(1, 120), PRINTABLE],
        metadata=_about("For a programme for people: the name that the person gives at the counter."),
    )
    birth_date = fields.Date(
        load_default=None,
        allow_none=True,
        metadata=_about("Without it the person is found by the request's reference only."),
    )
    needs = fields.List(
        fields.Enum(Need, by_value=True),
        load_default=list,
        validate=Length(max=len(Need)),
        metadata=_about("What would help the person: a need, never a condition."),
    )
    contact = fields.String(
        load_default=None,
        allow_none=True,
        validate=[Length(1, 200), PRINTABLE],
        metadata=_about("How to tell the person that the device is there. Never a social security number."),
    )
    proof = fields.Enum(ProofKind, by_value=True, load_default=None, allow_none=True)
    proof_day = fields.Date(
        load_default=None, allow_none=True, metadata=_about("The day written on the proof.")
    )
    proof_seen = fields.Boolean(
        load_default=False, metadata=_about("The caller states that the proof was seen. No copy is kept.")
    )


class RequestQuery(Schema):
    """How the list is narrowed."""

    state = fields.Enum(RequestState, by_value=True, load_default=None)
    programme = fields.String(load_default=None, validate=PROGRAMME)
    mine = fields.Boolean(load_default=False, metadata=_about("Only those that the caller made."))
    cursor = fields.Integer(
        load_default=None,
        validate=Range(1, LARGEST_ID),
        metadata=_about("`next_cursor` of the page before."),
    )


class AllocationOut(Schema):
    """A device promised to a request, at its frozen price."""

    id = fields.Integer(required=True)
    device = fields.String(required=True, attribute="device_code")
    category = fields.Enum(Category, by_value=True, required=True)
    state = fields.Enum(AllocationState, by_value=True, required=True)
    price_cents = fields.Integer(required=True)
    cap_cents = fields.Integer(
        required=True,
        allow_none=True,
        metadata=_about("The legal cap of that day, where the device's origin has one."),
    )
    seller = fields.String(required=True, attribute="seller_name")
    custodian = fields.String(required=True, allow_none=True, attribute="custodian_name")
    decided_on = fields.Date(required=True, metadata=_about("The civil day in France whose prices apply."))
    reasons = fields.List(fields.String(), required=True, metadata=_about("What the price rests on."))


class RequestOut(Schema):
    """A request, as the caller may see it."""

    ref = fields.String(required=True)
    state = fields.Enum(RequestState, by_value=True, required=True)
    programme = fields.String(required=True, attribute="programme_code")
    lines = fields.List(fields.Nested(LineOut), required=True)
    organisation = fields.String(required=True, attribute="organisation_name")
    recipient_nature = fields.Enum(LegalNature, by_value=True, required=True)
    person_name = fields.String(
        required=True,
        allow_none=True,
        metadata=_about("Null for those who have no need of it, the coordinator among them."),
    )
    birth_date = fields.String(required=True, allow_none=True, metadata=_about("YYYY-MM-DD."))
    contact = fields.String(required=True, allow_none=True)
    needs = fields.List(fields.String(), required=True)
    cancel_reason = fields.Enum(CancelReason, by_value=True, required=True, allow_none=True)
    proof = fields.Enum(ProofKind, by_value=True, required=True, allow_none=True)
    proof_day = fields.Date(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    handover = fields.String(required=True, allow_none=True, attribute="handover_ref")


class RequestDetailOut(RequestOut):
    """A request with what is promised to it."""

    allocations = fields.List(fields.Nested(AllocationOut), required=True)
    total_cents = fields.Integer(required=True)


class RequestPageOut(Schema):
    """Some requests, newest first."""

    items = fields.List(fields.Nested(RequestOut), required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


class AllocationIn(Schema):
    """The device to promise."""

    device = fields.String(
        required=True, validate=Length(1, 200), metadata=_about("The label's code, as it was scanned.")
    )


class AllotmentIn(Schema):
    """The devices to promise in one go."""

    devices = fields.List(fields.String(validate=Length(1, 200)), required=True, validate=Length(1, 200))


class KeptBackOut(ma.Schema):
    """A device that was not promised, and why."""

    device = fields.String(required=True)
    code = fields.String(required=True, metadata=_about("As in a problem."))
    reasons = fields.List(fields.String())
    article = fields.String(allow_none=True)


class AllotmentOut(Schema):
    """What became of the devices."""

    promised = fields.List(fields.String(), required=True)
    refused = fields.List(fields.Nested(KeptBackOut), required=True)


class CancellationIn(Schema):
    """Why the request is not followed any more."""

    reason = fields.Enum(CancelReason, by_value=True, required=True)


class PersonIn(Schema):
    """Whom to look for: exactly this name, whatever its accents, hyphens and order, and this birth date."""

    person_name = fields.String(required=True, validate=[Length(1, 120), PRINTABLE])
    birth_date = fields.Date(required=True)


class FoundOut(Schema):
    """A request that was found. It repeats neither the name nor the date."""

    ref = fields.String(required=True)
    state = fields.Enum(RequestState, by_value=True, required=True)
    programme = fields.String(required=True, attribute="programme_name")
    organisation = fields.String(required=True, attribute="organisation_name")
    created_at = fields.DateTime(required=True)


class QuoteQuery(Schema):
    """One device for one request."""

    request = fields.String(required=True, validate=Length(1, 30))
    device = fields.String(required=True, validate=Length(1, 200))


class ObjectionOut(Schema):
    """Why not, and which article says so."""

    reason = fields.String(required=True)
    article = fields.String(required=True, allow_none=True)
    message = fields.String(required=True)


class QuoteOut(Schema):
    """The price of the day and the verdict. Nothing is reserved."""

    ok = fields.Boolean(required=True)
    day = fields.Date(required=True, metadata=_about("The civil day in France whose prices apply."))
    price_cents = fields.Integer(required=True, allow_none=True)
    cap_cents = fields.Integer(required=True, allow_none=True)
    reasons = fields.List(fields.String(), required=True)
    refusals = fields.List(fields.Nested(ObjectionOut), required=True)


class HandoverIn(Schema):
    """What happened at the counter."""

    request = fields.String(required=True, validate=Length(1, 30))
    devices = fields.List(
        fields.String(validate=Length(1, 200)),
        required=True,
        validate=Length(1, 100),
        metadata=_about("Every device of the request, as it was scanned."),
    )
    payment = fields.Enum(Payment, by_value=True, required=True)
    paid_cents = fields.Integer(
        required=True,
        strict=True,
        validate=Range(0, 2**31 - 1),
        metadata=_about("Must be the sum of the frozen prices."),
    )
    signature = fields.Enum(Signature, by_value=True, required=True)
    collector = fields.Enum(
        Collector,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata=_about("Who came. By default the person, or for a structure its representative."),
    )
    id_paper = fields.Enum(
        IdPaper,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata=_about("The kind of identity paper that was seen; never its number."),
    )
    signer_name = fields.String(
        load_default="",
        validate=(Length(max=120), PRINTABLE),
        metadata=_about("Of a mandated person, or of a structure's representative unless it is on paper."),
    )
    signer_title = fields.String(load_default="", validate=(Length(max=120), PRINTABLE))
    witness_name = fields.String(
        load_default="",
        validate=(Length(max=120), PRINTABLE),
        metadata=_about("With `witness`; without it the receipt leaves room to write it."),
    )
    drawing = fields.String(
        load_default="",
        validate=Length(max=DRAWING_MAX),
        metadata=_about("Asked for with `on_screen`: `M10 20L30 40...`, in a field of 1000 by 300."),
    )
    pin = fields.String(
        load_default="",
        validate=Length(max=20),
        metadata=_about("Asked for with `code`: the six digits of the slip. Five tries."),
    )


class HandoverOut(Schema):
    """A hand-over. It names nobody."""

    ref = fields.String(required=True)
    request = fields.String(required=True, attribute="request_ref")
    desk = fields.String(required=True, attribute="desk_name")
    payment = fields.Enum(Payment, by_value=True, required=True)
    paid_cents = fields.Integer(required=True)
    signature = fields.Enum(Signature, by_value=True, required=True)
    made_at = fields.DateTime(required=True)
    devices = fields.List(fields.Nested(AllocationOut), required=True, attribute="lines")
