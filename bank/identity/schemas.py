"""JSON shapes under /api/v1."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from bank.actor import Permission
from bank.identity import rules
from bank.identity.actions import Invitation, TokenWish
from bank.identity.models import CapacityKind, LegalNature, OrganisationRole, PersonRole, WorkshopKind
from bank.identity.queries import ID_MAX, PersonState, TokenState
from bank.identity.rules import CapacityDraft, Fault, OrganisationDraft
from bank.web.api import Schema


def one_line(longest: int, description: str) -> fields.String:
    """A text of one line, asked for."""
    shape = validate.Regexp(f"^(?=.*\\S){rules.ONE_LINE}$(?!\\n)")
    return fields.String(
        required=True,
        validate=[validate.Length(min=1, max=longest), shape],
        metadata={"description": description},
    )


def a_mail_address(text: str) -> None:
    """Raise ValidationError unless mail could be sent there."""
    if rules.email_or_none(text) is None:
        raise ValidationError(Fault.EMAIL_WRONG.value)


def cursor() -> fields.Integer:
    """Where a list goes on."""
    return fields.Integer(
        validate=validate.Range(1, ID_MAX), metadata={"description": "`next_cursor` of the page before."}
    )


def next_cursor() -> fields.Integer:
    """Where the next page starts."""
    return fields.Integer(allow_none=True, metadata={"description": "Null on the last page."})


def some_line(longest: int, description: str) -> fields.String:
    """A text of one line, or nothing."""
    return fields.String(
        load_default="",
        validate=[validate.Length(max=longest), validate.Regexp(f"^{rules.ONE_LINE}$(?!\\n)")],
        metadata={"description": description},
    )


class CapacitySchema(Schema):
    """A legal capacity, held from a day to a day, both included."""

    kind = fields.Enum(CapacityKind, by_value=True, required=True)
    reference = one_line(120, "The decree, approval or ruling that gives it.")
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(load_default=None, allow_none=True)

    @post_load
    def draft(self, data: dict[str, Any], **_options: Any) -> CapacityDraft:
        """What the rules read."""
        return CapacityDraft(**data)


class OrganisationBodySchema(Schema):
    """An organisation to create."""

    name = one_line(120, "Its name, which no other organisation of the bank has.")
    legal_nature = fields.Enum(LegalNature, by_value=True, required=True)
    roles = fields.List(
        fields.Enum(OrganisationRole, by_value=True), required=True, validate=validate.Length(min=1)
    )
    workshop_kind = fields.Enum(
        WorkshopKind,
        by_value=True,
        load_default=None,
        allow_none=True,
        metadata={"description": "For workshops, and only for them."},
    )
    siret = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=20),
        metadata={"description": "14 digits, checked; La Poste's establishments have their own check."},
    )
    address = some_line(rules.ADDRESS_MAX, "Where it is, as papers say it.")
    phone = some_line(rules.PHONE_MAX, "Whom to call; the bank's own is on every page and paper.")
    first_lesson = some_line(rules.LESSON_MAX, "Where and when the first lesson is, for receipts.")
    capacities = fields.List(
        fields.Nested(CapacitySchema), load_default=list, validate=validate.Length(max=50)
    )

    @post_load
    def draft(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """What the rules read, under `draft`; the version, if any, beside it."""
        version = {"version": data.pop("version")} if "version" in data else {}
        data |= {"roles": frozenset(data["roles"]), "capacities": tuple(data["capacities"])}
        return {"draft": OrganisationDraft(**data), **version}


class OrganisationEditSchema(OrganisationBodySchema):
    """An organisation written anew: what is left out is taken away."""

    version = fields.Integer(
        required=True,
        validate=validate.Range(1, 2**31 - 1),
        metadata={"description": "The version that was read; a stale one is refused."},
    )


class OrganisationLineSchema(Schema):
    """An organisation in a list."""

    id = fields.Integer()
    name = fields.String()
    legal_nature = fields.Enum(LegalNature, by_value=True)
    roles = fields.List(fields.Enum(OrganisationRole, by_value=True))
    workshop_kind = fields.Enum(WorkshopKind, by_value=True, allow_none=True)
    siret = fields.String(allow_none=True)


class OrganisationSchema(OrganisationLineSchema):
    """An organisation, with its capacities and the version that an edit quotes."""

    version = fields.Integer()
    address = fields.String()
    phone = fields.String()
    first_lesson = fields.String()
    capacities = fields.List(fields.Nested(CapacitySchema))


class OrganisationsQuerySchema(Schema):
    """What to list."""

    q = fields.String(
        load_default="",
        validate=[validate.Length(max=120), validate.Regexp(f"^{rules.ONE_LINE}$")],
        metadata={"description": "A part of the name, or a whole SIRET."},
    )
    role = fields.Enum(OrganisationRole, by_value=True, load_default=None)
    cursor = cursor()


class OrganisationsSchema(Schema):
    """A page of organisations, by name."""

    items = fields.List(fields.Nested(OrganisationLineSchema))
    next_cursor = next_cursor()


class InvitationSchema(Schema):
    """Someone to invite. A mailed link lets them choose a password."""

    organisation_id = fields.Integer(required=True, validate=validate.Range(1, ID_MAX))
    name = one_line(120, "First and last name.")
    email = fields.String(required=True, validate=[validate.Length(max=rules.EMAIL_MAX), a_mail_address])
    roles = fields.List(
        fields.Enum(PersonRole, by_value=True), required=True, validate=validate.Length(min=1)
    )

    @post_load
    def invitation(self, data: dict[str, Any], **_options: Any) -> dict[str, Any]:
        """What the action takes."""
        organisation_id = data.pop("organisation_id")
        data |= {"email": data["email"].strip(), "roles": frozenset(data["roles"])}
        return {"organisation_id": organisation_id, "invitation": Invitation(**data)}


class PersonSchema(Schema):
    """Someone with an account."""

    id = fields.Integer()
    organisation_id = fields.Integer()
    organisation = fields.String()
    name = fields.String()
    email = fields.String()
    roles = fields.List(fields.Enum(PersonRole, by_value=True))
    state = fields.Enum(PersonState, by_value=True)


class PeopleQuerySchema(Schema):
    """Whose people to list; one's own organisation's when it is not said."""

    organisation_id = fields.Integer(load_default=None, validate=validate.Range(1, ID_MAX))
    cursor = cursor()


class PeopleSchema(Schema):
    """A page of people, in the order they came."""

    items = fields.List(fields.Nested(PersonSchema))
    next_cursor = next_cursor()


class MeSchema(Schema):
    """Whom this token speaks for, and what it may do."""

    id = fields.Integer()
    organisation_id = fields.Integer()
    organisation = fields.String()
    name = fields.String()
    email = fields.String()
    roles = fields.List(fields.Enum(PersonRole, by_value=True))
    permissions = fields.List(fields.Enum(Permission, by_value=True))


class TokenWishSchema(Schema):
    """A token to make."""

    name = one_line(60, "What it is for, to tell it from the others.")
    days = fields.Integer(required=True, validate=validate.Range(1, rules.TOKEN_DAYS_MAX))
    scopes = fields.List(
        fields.Enum(Permission, by_value=True),
        load_default=list,
        metadata={"description": "Among one's own permissions; all of them when none is named."},
    )

    @post_load
    def wish(self, data: dict[str, Any], **_options: Any) -> TokenWish:
        """What the action takes."""
        return TokenWish(name=data["name"], days=data["days"], scopes=frozenset(data["scopes"]))


class TokenSchema(Schema):
    """One of one's own tokens."""

    id = fields.Integer()
    name = fields.String()
    scopes = fields.List(
        fields.Enum(Permission, by_value=True),
        metadata={"description": "Empty: all that its person may do."},
    )
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    state = fields.Enum(TokenState, by_value=True)


class MadeTokenSchema(TokenSchema):
    """A token just made."""

    secret = fields.String(
        allow_none=True,
        metadata={"description": "Shown this once; null when the same request is sent again."},
    )


class TokensSchema(Schema):
    """One's own tokens, newest first."""

    items = fields.List(fields.Nested(TokenSchema))
