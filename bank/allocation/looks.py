"""Opening a request. If it is for a person, whoever opens it is written down, in a unit of work of its own.

That line of the access log is all that a GET may write in this house.
"""

from bank import db
from bank.actor import Actor
from bank.allocation import actions, queries
from bank.allocation.queries import RequestFacts


def opened(actor: Actor, ref: str) -> RequestFacts:
    """The request as this actor may see it. Raises Refusal(not-found), and then writes nothing."""
    with db.read() as session:
        asked = queries.find(session, actor, ref)
    if asked.for_a_person:
        with db.transaction() as session:
            actions.note_look(session, actor, asked.id)
    return asked
