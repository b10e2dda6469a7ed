"""The room's pages: signing in, one's account, organisations and their people."""

import time

from flask import Blueprint, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from bank import crypto, db, work
from bank.actor import Permission
from bank.db import utcnow
from bank.errors import Code, Refusal
from bank.identity import actions, queries, rules, signin
from bank.identity.actions import MadeToken
from bank.identity.forms import (
    ChangePasswordForm,
    DisableForm,
    ForgotForm,
    InvitationForm,
    NewPasswordForm,
    OrganisationForm,
    ResendForm,
    SignInForm,
    TokenForm,
)
from bank.identity.models import OrganisationRole
from bank.web import guard, kept, pages, words
from bank.web.forms import Form, set_errors
from bank.web.guard import public, requires, signed_in
from bank.web.problems import STATUS

bp = Blueprint("identity", __name__)

# Refusals that the person can answer on the form itself; the others are a page.
ON_THE_FORM = frozenset(
    {
        Code.INVALID,
        Code.ALREADY_EXISTS,
        Code.EDITED_MEANWHILE,
        Code.BAD_CREDENTIALS,
        Code.TOO_MANY_TRIES,
    }
)


def tell(form: Form, refusal: Refusal) -> int:
    """Put a refusal where it belongs on the form; the status to answer with."""
    if refusal.code not in ON_THE_FORM:
        raise refusal
    errors = refusal.facts.get("errors")
    field = refusal.facts.get("field")
    sentence = words.problem(refusal.code)[1]
    if isinstance(errors, dict):
        set_errors(form, {name: _sentences(codes) for name, codes in errors.items()})
    elif isinstance(field, str):
        set_errors(form, {field: [sentence]})
    else:
        form.form_errors.append(sentence)
    return STATUS[refusal.code]


def _sentences(codes: list[str]) -> list[str]:
    return [words.word(code, "identity_fault") for code in codes]


def asked_status() -> int:
    """The status of a form that is shown: for the first time, or because it could not be taken."""
    return 422 if request.method == "POST" else 200


# --- signing in ---


def ask_to_sign_in() -> BaseResponse:
    """The answer to a page's request from nobody; what they were sending stays with them."""
    held = kept.hold()
    if held is None:
        target = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("identity.sign_in", next=target), 303)
    if not held.worth_it:
        if held.too_long:
            flash(words.word("too-long-to-keep", "identity_said"), "stop")
        return redirect(url_for("identity.sign_in", next=held.back), 303)
    return _sign_in_page(SignInForm(formdata=None), held, 401)


@bp.route("/sign-in", methods=["GET", "POST"])
@public("signing in is for those who are not")
def sign_in() -> BaseResponse:
    """Prove who one is with a password."""
    target = pages.local_path(request.args.get("next"))
    held = kept.unseal(request.form.get("kept"))
    form = SignInForm()
    if not form.validate_on_submit():
        if request.method == "GET" and guard.actor_or_none() is not None:
            return redirect(target, 303)
        return _sign_in_page(form, held, asked_status())
    try:
        signin.enter(form.email.data or "", form.password.data or "", request.remote_addr or "")
    except Refusal as refusal:
        return _sign_in_page(form, held, tell(form, refusal))
    return go_on(held, target)


@bp.post("/sign-in/demo")
@public("whoever tries the demo bank chooses whom to be; there is no such address elsewhere")
def sign_in_demo() -> BaseResponse:
    """Be one of the demo accounts. Raises Refusal(not-found) in any bank but the demo."""
    target = pages.local_path(request.args.get("next"))
    held = kept.unseal(request.form.get("kept"))
    signin.enter_demo(request.form.get("person", type=int) or 0)
    return go_on(held, target)


def _sign_in_page(form: SignInForm, held: kept.Kept | None, status: int) -> Response:
    return pages.page(
        "identity/sign_in.html",
        status=status,
        form=form,
        target=pages.local_path(request.args.get("next")),
        sealed=kept.seal(held) if held else None,
        demo=signin.demo_accounts(),
    )


def go_on(held: kept.Kept | None, target: str) -> BaseResponse:
    """Where someone who has just signed in was going, or what they were sending."""
    if held is None:
        return redirect(target, 303)
    if not held.may_go_to(guard.actor()):
        flash(words.word("typed-by-another", "identity_said"), "stop")
        return redirect("/", 303)
    return pages.page("pages/resume.html", kept=held)


@bp.post("/sign-out")
@public("signing out twice does no harm")
def sign_out() -> BaseResponse:
    """Close the session of this browser."""
    at_station = signin.station() is not None
    signin.close_session()
    door = "stations.enter" if at_station else "identity.sign_in"
    return pages.done(door, said=words.word("signed-out", "identity_said"))


@bp.route("/forgot", methods=["GET", "POST"])
@public("whoever forgot a password is not signed in")
def forgot() -> BaseResponse:
    """Ask for a link to a new password. The same answer, after the same time, for any address."""
    began = time.monotonic()
    form = ForgotForm()
    if not form.validate_on_submit():
        return pages.page("identity/forgot.html", form=form, status=asked_status())
    email = form.email.data or ""
    try:
        signin.brake_mails(crypto.search_hash(email), request.remote_addr or "")
    except Refusal as refusal:
        return pages.page("identity/forgot.html", status=tell(form, refusal), form=form)
    with db.transaction() as session:
        actions.ask_reset(session, email)
    signin.take_the_same_time(began)
    return pages.done("identity.sign_in", said=words.word("reset-asked", "identity_said"))


@bp.route("/password/<purpose>/<token>", methods=["GET", "POST"])
@public("the link itself is the proof")
def set_password(purpose: str, token: str) -> BaseResponse:
    """Choose a password, once, by a link that came by mail."""
    form = NewPasswordForm()
    try:
        link = signin.open_link(purpose, token)
        if not form.validate_on_submit() or not _acceptable(form, link.email):
            return pages.page(
                "identity/set_password.html", form=form, link=link, purpose=purpose, status=asked_status()
            )
        hashed = signin.hash_password(form.password.data or "")
        with db.transaction() as session:
            epoch = actions.set_password(session, link.person_id, link.epoch, hashed)
    except Refusal as refusal:
        if refusal.code is not Code.LINK_EXPIRED:
            raise
        return pages.page("identity/link_expired.html", status=STATUS[refusal.code])
    signin.open_session(link.person_id, epoch)
    return pages.done("home.show", said=words.word("password-set", "identity_said"))


def _acceptable(form: NewPasswordForm, email: str) -> bool:
    fault = rules.password_fault(form.password.data or "", email)
    if fault is not None:
        set_errors(form, {"password": _sentences([fault])})
    return fault is None


# --- one's account ---


@bp.get("/account")
@signed_in("everyone looks after their own account")
def account() -> Response:
    """One's name, rights and tokens."""
    actor = guard.actor()
    with db.read() as session:
        return pages.page(
            "identity/account.html",
            me=queries.myself(session, actor),
            tokens=queries.tokens(session, actor) if actor.can(Permission.TOKEN_MANAGE) else [],
        )


@bp.route("/account/password", methods=["GET", "POST"])
@signed_in("everyone looks after their own account")
def password() -> BaseResponse:
    """Change one's password; every other session is closed."""
    actor = guard.actor()
    form = ChangePasswordForm()
    if not form.validate_on_submit():
        return pages.page("identity/password.html", form=form, status=asked_status())
    try:
        email = signin.prove(actor, form.current.data or "", request.remote_addr or "")
    except Refusal as refusal:
        return pages.page("identity/password.html", status=tell(form, refusal), form=form)
    if not _acceptable(form, email):
        return pages.page("identity/password.html", form=form, status=422)
    hashed = signin.hash_password(form.password.data or "")
    with db.transaction() as session:
        epoch = actions.change_password(session, actor, hashed)
    signin.open_session(actor.person_id, epoch)
    return pages.done("identity.account", said=words.word("password-set", "identity_said"))


@bp.route("/account/tokens/new", methods=["GET", "POST"])
@requires(Permission.TOKEN_MANAGE)
def new_token() -> BaseResponse:
    """Make a token. The page that answers is the only one to show it."""
    actor = guard.actor()
    form = TokenForm()
    form.offer(actor)
    if not form.validate_on_submit():
        return pages.page("identity/new_token.html", form=form, status=asked_status())
    wish = form.to_wish()
    made: list[MadeToken] = []

    def make() -> str:
        made.append(actions.make_token(session, actor, wish))
        return str(made[0].id)

    with db.transaction() as session:
        work.once(session, actor, form.idempotency_key.data, ["token", wish.mark], make)
    if not made:
        return pages.done("identity.account", said=words.word("token-shown", "identity_said"))
    return pages.page("identity/token_made.html", wish=wish, secret=made[0].secret)


@bp.post("/account/tokens/<int:token_id>/revoke")
@requires(Permission.TOKEN_MANAGE)
def revoke_token(token_id: int) -> BaseResponse:
    """Make one of one's own tokens useless at once."""
    with db.transaction() as session:
        actions.revoke_token(session, guard.actor(), token_id)
    return pages.done("identity.account", said=words.word("token-revoked", "identity_said"))


def cursor() -> int | None:
    """Where the page of a list starts, as its address says."""
    asked = request.args.get("cursor", type=int)
    return asked if asked is not None and 0 < asked <= queries.ID_MAX else None


# --- organisations ---


@bp.get("/organisations")
@requires(Permission.ORGANISATION_SEE)
def organisations() -> BaseResponse:
    """All organisations; someone who sees only one goes straight to it."""
    actor = guard.actor()
    if not actor.sees_all:
        return redirect(url_for("identity.organisation", organisation_id=actor.organisation_id))
    q = request.args.get("q", "").replace("\x00", "").strip()[:120]
    role = request.args.get("role", "")
    wanted = OrganisationRole(role) if role in set(OrganisationRole) else None
    with db.read() as session:
        found = queries.organisations(session, actor, q=q, role=wanted, cursor=cursor())
    return pages.page(
        "identity/organisations.html", found=found, q=q, role=wanted, all_roles=list(OrganisationRole)
    )


@bp.get("/organisations/<int:organisation_id>")
@requires(Permission.ORGANISATION_SEE)
def organisation(organisation_id: int) -> Response:
    """One organisation: what it is in law, what it does here, and its people for those who manage them."""
    actor = guard.actor()
    with db.read() as session:
        sheet = queries.organisation(session, actor, organisation_id)
        people = None
        if actor.can(Permission.PERSON_INVITE):
            people = queries.people(session, actor, organisation_id, cursor=cursor())
    today = pages.today_in_paris(utcnow())
    return pages.page("identity/organisation.html", sheet=sheet, people=people, today=today)


@bp.route("/organisations/new", methods=["GET", "POST"])
@requires(Permission.ORGANISATION_EDIT)
def create_organisation() -> BaseResponse:
    """Add an organisation."""
    actor = guard.actor()
    form = OrganisationForm()
    if not form.validate_on_submit():
        return _organisation_form(form, asked_status())
    draft = form.to_draft()
    key = form.idempotency_key.data
    try:
        with db.transaction() as session:
            made = work.once(
                session,
                actor,
                key,
                ["organisation", draft.content],
                lambda: str(actions.create_organisation(session, actor, draft)),
            )
    except Refusal as refusal:
        return _organisation_form(form, tell(form, refusal))
    said = words.word("organisation-created", "identity_said")
    return pages.done("identity.organisation", said=said, organisation_id=int(made))


@bp.route("/organisations/<int:organisation_id>/edit", methods=["GET", "POST"])
@requires(Permission.ORGANISATION_EDIT)
def edit_organisation(organisation_id: int) -> BaseResponse:
    """Write an organisation anew, capacities included."""
    actor = guard.actor()
    form = OrganisationForm()
    with db.read() as session:
        sheet = queries.organisation(session, actor, organisation_id)
    if request.method == "GET":
        form.show(sheet)
    if not form.validate_on_submit():
        return _organisation_form(form, asked_status(), sheet)
    try:
        with db.transaction() as session:
            version = form.version.data or 0
            actions.edit_organisation(session, actor, organisation_id, version, form.to_draft())
    except Refusal as refusal:
        return _organisation_form(form, tell(form, refusal), sheet)
    said = words.word("organisation-edited", "identity_said")
    return pages.done("identity.organisation", said=said, organisation_id=organisation_id)


def _organisation_form(
    form: OrganisationForm, status: int, sheet: queries.OrganisationSheet | None = None
) -> Response:
    form.make_room()
    return pages.page("identity/organisation_form.html", form=form, sheet=sheet, status=status)


# --- people ---


@bp.route("/organisations/<int:organisation_id>/invite", methods=["GET", "POST"])
@requires(Permission.PERSON_INVITE)
def invite(organisation_id: int) -> BaseResponse:
    """Invite someone into an organisation."""
    actor = guard.actor()
    with db.read() as session:
        sheet = queries.organisation(session, actor, organisation_id)
    form = InvitationForm()
    form.offer(rules.offered_roles(sheet.roles, sees_all=actor.sees_all))
    if not form.validate_on_submit():
        return pages.page("identity/invite.html", form=form, sheet=sheet, status=asked_status())
    invitation = form.to_invitation()
    try:
        with db.transaction() as session:
            work.once(
                session,
                actor,
                form.idempotency_key.data,
                ["person", organisation_id, invitation.mark],
                lambda: str(actions.invite(session, actor, organisation_id, invitation)),
            )
    except Refusal as refusal:
        return pages.page("identity/invite.html", status=tell(form, refusal), form=form, sheet=sheet)
    said = words.word("invited", "identity_said")
    return pages.done("identity.organisation", said=said, organisation_id=organisation_id)


@bp.get("/people/<int:person_id>")
@requires(Permission.PERSON_INVITE)
def person(person_id: int) -> Response:
    """One person's account, for those who manage the accounts of that organisation."""
    return _person(person_id, DisableForm(), 200)


def _person(person_id: int, form: DisableForm, status: int) -> Response:
    with db.read() as session:
        line = queries.person(session, guard.actor(), person_id)
    return pages.page("identity/person.html", person=line, form=form, resend=ResendForm(), status=status)


@bp.post("/people/<int:person_id>/invitation")
@requires(Permission.PERSON_INVITE)
def resend_invitation(person_id: int) -> BaseResponse:
    """Mail the link again to someone who has not joined."""
    actor = guard.actor()
    key = ResendForm().idempotency_key.data
    try:
        with db.transaction() as session:
            work.once(
                session,
                actor,
                key,
                ["invitation", person_id],
                lambda: str(actions.resend_invitation(session, actor, person_id)),
            )
    except Refusal as refusal:
        return _explained(refusal, person_id)
    return pages.done("identity.person", said=words.word("invited", "identity_said"), person_id=person_id)


@bp.post("/people/<int:person_id>/disable")
@requires(Permission.PERSON_INVITE)
def disable(person_id: int) -> BaseResponse:
    """Shut someone out as of their next request."""
    form = DisableForm()
    if not form.validate_on_submit():
        return _person(person_id, form, 422)
    try:
        with db.transaction() as session:
            actions.disable(session, guard.actor(), person_id)
    except Refusal as refusal:
        return _explained(refusal, person_id)
    return pages.done("identity.person", said=words.word("disabled", "identity_said"), person_id=person_id)


def _explained(refusal: Refusal, person_id: int) -> BaseResponse:
    """Say on the person's page why this cannot be done to them."""
    reason = refusal.facts.get("reason")
    if not isinstance(reason, str):
        raise refusal
    flash(words.word(reason, "account_refusal"), "stop")
    return redirect(url_for("identity.person", person_id=person_id), 303)
