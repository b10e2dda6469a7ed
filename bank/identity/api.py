"""The room's resources under /api/v1: organisations, people, one's own tokens, and who one is."""

from dataclasses import asdict
from typing import Any

from flask import url_for

from bank import db, work
from bank.actor import Permission
from bank.identity import actions, queries, schemas
from bank.identity.actions import Invitation, MadeToken, TokenWish
from bank.identity.queries import OrganisationSheet, PersonLine
from bank.identity.rules import OrganisationDraft
from bank.web import guard
from bank.web.api import Blueprint, idempotency_key
from bank.web.guard import requires, signed_in

bp = Blueprint("identity", __name__, "Organisations, people, tokens.")

Headers = dict[str, str]


@bp.route("/me")
@signed_in("whoever holds a token may ask whose it is")
@bp.response(200, schemas.MeSchema)
def me() -> dict[str, Any]:
    """Whom this token speaks for, and what it may do."""
    actor = guard.actor()
    with db.read() as session:
        line = queries.myself(session, actor)
    return asdict(line) | {"permissions": sorted(actor.permissions)}


# --- organisations ---


@bp.route("/organisations")
@requires(Permission.ORGANISATION_SEE)
@bp.arguments(schemas.OrganisationsQuerySchema, location="query")
@bp.response(200, schemas.OrganisationsSchema)
def organisations(wanted: dict[str, Any]) -> queries.Organisations:
    """Organisations by name: all of them for a coordinator, one's own for the others."""
    with db.read() as session:
        return queries.organisations(session, guard.actor(), **wanted)


@bp.route("/organisations/<int:organisation_id>")
@requires(Permission.ORGANISATION_SEE)
@bp.response(200, schemas.OrganisationSchema)
def organisation(organisation_id: int) -> OrganisationSheet:
    """One organisation with its legal capacities."""
    with db.read() as session:
        return queries.organisation(session, guard.actor(), organisation_id)


@bp.route("/organisations", methods=["POST"])
@requires(Permission.ORGANISATION_EDIT)
@bp.arguments(schemas.OrganisationBodySchema)
@bp.response(201, schemas.OrganisationSchema)
def create_organisation(body: dict[str, Any]) -> tuple[OrganisationSheet, int, Headers]:
    """Add an organisation."""
    actor, key = guard.actor(), idempotency_key()
    draft: OrganisationDraft = body["draft"]
    with db.transaction() as session:
        made = work.once(
            session,
            actor,
            key,
            ["organisation", draft.content],
            lambda: str(actions.create_organisation(session, actor, draft)),
        )
        sheet = queries.organisation(session, actor, int(made))
    return sheet, 201, {"Location": url_for("identity_api.organisation", organisation_id=sheet.id)}


@bp.route("/organisations/<int:organisation_id>", methods=["PUT"])
@requires(Permission.ORGANISATION_EDIT)
@bp.arguments(schemas.OrganisationEditSchema)
@bp.response(200, schemas.OrganisationSchema)
def edit_organisation(body: dict[str, Any], organisation_id: int) -> OrganisationSheet:
    """Write an organisation anew, capacities included."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.edit_organisation(session, actor, organisation_id, body["version"], body["draft"])
        session.expire_all()
        return queries.organisation(session, actor, organisation_id)


# --- people ---


@bp.route("/people")
@requires(Permission.PERSON_INVITE)
@bp.arguments(schemas.PeopleQuerySchema, location="query")
@bp.response(200, schemas.PeopleSchema)
def people(wanted: dict[str, Any]) -> queries.People:
    """The people of an organisation."""
    actor = guard.actor()
    organisation_id = wanted.pop("organisation_id") or actor.organisation_id
    with db.read() as session:
        return queries.people(session, actor, organisation_id, **wanted)


@bp.route("/people/<int:person_id>")
@requires(Permission.PERSON_INVITE)
@bp.response(200, schemas.PersonSchema)
def person(person_id: int) -> PersonLine:
    """One person."""
    with db.read() as session:
        return queries.person(session, guard.actor(), person_id)


@bp.route("/people", methods=["POST"])
@requires(Permission.PERSON_INVITE)
@bp.arguments(schemas.InvitationSchema)
@bp.response(201, schemas.PersonSchema)
def invite(body: dict[str, Any]) -> tuple[PersonLine, int, Headers]:
    """Invite someone: they receive a link by mail."""
    actor, key = guard.actor(), idempotency_key()
    organisation_id: int = body["organisation_id"]
    invitation: Invitation = body["invitation"]
    with db.transaction() as session:
        made = work.once(
            session,
            actor,
            key,
            ["person", organisation_id, invitation.mark],
            lambda: str(actions.invite(session, actor, organisation_id, invitation)),
        )
        line = queries.person(session, actor, int(made))
    return line, 201, {"Location": url_for("identity_api.person", person_id=line.id)}


@bp.route("/people/<int:person_id>/invitation", methods=["POST"])
@requires(Permission.PERSON_INVITE)
@bp.response(200, schemas.PersonSchema)
def resend_invitation(person_id: int) -> PersonLine:
    """Mail the link again to someone who has not joined."""
    actor, key = guard.actor(), idempotency_key()
    with db.transaction() as session:
        work.once(
            session,
            actor,
            key,
            ["invitation", person_id],
            lambda: str(actions.resend_invitation(session, actor, person_id)),
        )
        return queries.person(session, actor, person_id)


@bp.route("/people/<int:person_id>/disable", methods=["POST"])
@requires(Permission.PERSON_INVITE)
@bp.response(200, schemas.PersonSchema)
def disable(person_id: int) -> PersonLine:
    """Shut someone out at once: sessions, links and tokens."""
    actor = guard.actor()
    with db.transaction() as session:
        actions.disable(session, actor, person_id)
        session.expire_all()
        return queries.person(session, actor, person_id)


# --- tokens ---


@bp.route("/tokens")
@requires(Permission.TOKEN_MANAGE)
@bp.response(200, schemas.TokensSchema)
def tokens() -> dict[str, Any]:
    """One's own tokens, newest first."""
    with db.read() as session:
        return {"items": queries.tokens(session, guard.actor())}


@bp.route("/tokens", methods=["POST"])
@requires(Permission.TOKEN_MANAGE)
@bp.arguments(schemas.TokenWishSchema)
@bp.response(201, schemas.MadeTokenSchema)
def make_token(wish: TokenWish) -> tuple[dict[str, Any], int, Headers]:
    """Make a token of one's own. Its secret is in this answer only."""
    actor, key = guard.actor(), idempotency_key()
    made: list[MadeToken] = []

    def make() -> str:
        made.append(actions.make_token(session, actor, wish))
        return str(made[0].id)

    with db.transaction() as session:
        token_id = int(work.once(session, actor, key, ["token", wish.mark], make))
        line = queries.token(session, actor, token_id)
    headers = {"Location": url_for("identity_api.token", token_id=token_id), "Cache-Control": "no-store"}
    return asdict(line) | {"secret": made[0].secret if made else None}, 201, headers


@bp.route("/tokens/<int:token_id>")
@requires(Permission.TOKEN_MANAGE)
@bp.response(200, schemas.TokenSchema)
def token(token_id: int) -> queries.TokenLine:
    """One of one's own tokens."""
    with db.read() as session:
        return queries.token(session, guard.actor(), token_id)


@bp.route("/tokens/<int:token_id>", methods=["DELETE"])
@requires(Permission.TOKEN_MANAGE)
@bp.response(204)
def revoke_token(token_id: int) -> None:
    """Make one of one's own tokens useless at once."""
    with db.transaction() as session:
        actions.revoke_token(session, guard.actor(), token_id)
