"""A scan from end to end: its unit of work, and the first answer when the same scan comes again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bank import db
from bank.actor import Actor, Permission
from bank.errors import Code, Refusal
from bank.inventory import codes, finding, register
from bank.inventory.register import Standing
from bank.scanning import actions, queries
from bank.scanning.actions import Scan
from bank.scanning.queries import Result

Look = Callable[[Session, str], tuple[Actor, Standing]]


def take(scan: Scan, look: Look, who: Callable[[], Actor]) -> Result:
    """Take one scan in. A repeat is not looked for beforehand: the database refuses it, or the register does.

    `look` is asked inside the unit of work; `who` only when a first answer must be found. Raises Refusal.
    """
    try:
        with db.transaction() as session:
            return actions.scan(session, scan, partial(look, session, scan.code))
    except (Refusal, IntegrityError):
        actor = who()
        with db.read() as session:
            first = queries.first_answer(session, actor, scan.scan_id, scan.code, scan.asked)
        if first is None:
            raise
        return first


def take_together(scans: Sequence[Scan], actor: Actor) -> list[Result]:
    """Take in, as one unit of work, as many of the first scans as can be; none is no refusal."""
    if len(scans) < 2:
        return []
    try:
        with db.transaction() as session:
            return actions.scan_together(session, actor, scans)
    except (Refusal, IntegrityError):
        return []


def take_scanned(scan: Scan, look: Look, who: Callable[[], Actor]) -> Result:
    """Take a scan in whose code is as the scanner gave it: the device's label, else any other code that it carries.

    Other codes are looked for only where it is no label, so that a label costs nothing more.
    Raises Refusal(several-match) with the labels of the devices that it may be, Refusal(void-label) with the label
    that came instead, for who may see the device, and what `take` raises.
    """
    try:
        return take(replace(scan, code=codes.read(scan.code)), look, who)
    except Refusal as refusal:
        if refusal.code is Code.VOID_LABEL:
            raise _with_successor(who(), scan.code) from refusal
        if refusal.code not in finding.NO_LABEL:
            raise
        found = _by_other_code(who(), scan.code)
        if found is None:
            raise
    return take(replace(scan, code=found), look, who)


def _by_other_code(actor: Actor, scanned: str) -> str | None:
    actor.must(Permission.DEVICE_SCAN)
    with db.read() as session:
        return finding.the_one(session, actor, scanned)


def _with_successor(actor: Actor, scanned: str) -> Refusal:
    with db.read() as session:
        once = finding.replaced(session, actor, scanned)
    return Refusal(Code.VOID_LABEL, **({"device": once.code} if once else {}))


def as_known(actor: Actor) -> Look:
    """How to look when the person has signed in already."""
    return lambda session, code: (actor, register.look(session, code))
