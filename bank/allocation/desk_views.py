"""The counter's pages: the hand-over of a request, and its paper."""

from flask import Blueprint, Response
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from bank import db, work
from bank.actor import Permission
from bank.allocation import handovers, queries
from bank.allocation.desk_forms import HandoverForm
from bank.errors import Code, Refusal
from bank.web import guard, pages
from bank.web.guard import requires

bp = Blueprint("desk", __name__)

# What the counter can put right: scan again, count again.
OF_THE_COUNTER = frozenset(
    {Code.INVALID, Code.BAD_CODE, Code.GLUED_CODES, Code.OTHER_CUSTODIAN, Code.PAYMENT_MISMATCH}
)


@bp.get("/requests/<ref>/handover")
@requires(Permission.HANDOVER_MAKE)
def counter(ref: str) -> Response:
    """What is to be scanned, paid and signed."""
    with db.read() as session:
        asked = queries.find(session, guard.actor(), ref)
    return pages.page("allocation/counter.html", asked=asked, form=HandoverForm.of(asked, fresh=True))


@bp.post("/requests/<ref>/handover")
@requires(Permission.HANDOVER_MAKE)
def hand_over(ref: str) -> BaseResponse:
    """Give the devices to whom they are for."""
    actor = guard.actor()
    with db.read() as session:
        asked = queries.find(session, actor, ref)
    form = HandoverForm.of(asked)
    if not form.validate_on_submit():
        return pages.page("allocation/counter.html", asked=asked, form=form, status=422)
    made = form.made(ref)
    try:
        with db.transaction() as session:
            key = form.idempotency_key.data
            handover_ref = work.once(
                session,
                actor,
                key,
                ["handover", vars(made)],
                lambda: handovers.hand_over(session, actor, made),
            )
    except Refusal as refusal:
        if refusal.code not in OF_THE_COUNTER:
            raise
        form.explain(refusal)
        return pages.page("allocation/counter.html", asked=asked, form=form, status=422)
    return pages.done("desk.handover", ref=handover_ref, said=gettext("Remise enregistrée."))


@bp.get("/handovers/<ref>")
@requires(Permission.REQUEST_SEE)
def handover(ref: str) -> Response:
    """The paper of a hand-over: what was given, what was paid, a place to sign."""
    with db.read() as session:
        facts = queries.find_handover(session, guard.actor(), ref)
    return pages.page("allocation/handover.html", facts=facts)
