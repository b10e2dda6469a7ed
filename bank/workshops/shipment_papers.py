"""The facts of the paper that travels with devices, in French: what leaves, from whom to whom, what is to erase."""

from collections import Counter
from collections.abc import Sequence

from flask_babel import force_locale, format_date
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.identity.models import Organisation
from bank.office import letterhead
from bank.office.documents import Transfer, TransferCount, TransferLine
from bank.web.pages import today_in_paris
from bank.web.words import word
from bank.workshops import shipment_queries
from bank.workshops.models import Shipment
from bank.workshops.shipment_queries import LineSheet
from bank.workshops.shipments import Difference, Settled


def note(session: Session, actor: Actor, shipment_id: int) -> Transfer:
    """What a shipment holds, for whoever carries it. Raises Refusal(not-found)."""
    sheet = shipment_queries.shipment(session, actor, shipment_id)
    row = session.get_one(Shipment, shipment_id)
    sent = [line for line in sheet.lines if _was_sent(line)]
    with force_locale("fr"):
        return Transfer(
            head=letterhead.head(session),
            number=str(shipment_id),
            day=str(format_date(today_in_paris(row.sent_at), "d MMMM y")),
            sender=letterhead.party(session.get_one(Organisation, row.organisation_id)),
            receiver=letterhead.party(session.get_one(Organisation, row.to_id)),
            counts=tuple(_counts(sent)),
            total=str(len(sent)),
            lines=tuple(_line(line) for line in sent),
            to_erase=sum(bool(line.open_drives) for line in sent),
        )


def _was_sent(line: LineSheet) -> bool:
    return line.difference is not Difference.UNEXPECTED and line.settled not in (
        Settled.NEVER_LEFT,
        Settled.NOT_SENT,
        Settled.UNDONE,
    )


def _counts(lines: Sequence[LineSheet]) -> list[TransferCount]:
    counted = Counter(line.category for line in lines)
    return [
        TransferCount(what=word(category, "category"), count=str(count))
        for category, count in sorted(counted.items())
    ]


def _line(line: LineSheet) -> TransferLine:
    named = " ".join(part for part in (line.maker, line.model) if part)
    what = word(line.category, "category")
    return TransferLine(
        code=line.code,
        what=f"{what}, {named}" if named else what,
        data="à effacer" if line.open_drives else "sans données",
    )
