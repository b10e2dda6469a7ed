"""Papers of the scan desk, in French: the commands that hang on a workshop's wall, the result of a stock-take."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import current_app
from flask_babel import force_locale, format_datetime, gettext
from sqlalchemy.orm import Session

from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.office import documents, letterhead
from bank.office.documents import CommandCard, CommandSection, CountedLine, StockTake
from bank.scanning import stock_queries
from bank.scanning.commands import COMMANDS, Act, Command
from bank.scanning.stock_queries import Line
from bank.web.words import word

A_SHEET = 12
ICONS: Mapping[Act, str] = {
    Act.DONE: "circle-check",
    Act.HELP: "lifebuoy",
    Act.UNDO: "arrow-back-up",
    Act.CANCEL: "circle-x",
    Act.PLACE: "map-pin",
    Act.BADGE: "user",
}
SVG = "http://www.w3.org/2000/svg"


def wall(session: Session) -> bytes:
    """The commands to hang on the wall, as a PDF."""
    with force_locale("fr"):
        return documents.commands(letterhead.head(session), _sheets())


def stock_take(session: Session, actor: Actor, take_id: int) -> StockTake:
    """The result of a take that is over. Raises Refusal(not-found)."""
    take = stock_queries.stock_take(session, actor, take_id)
    if take.closed_at is None:
        raise Refusal(Code.NOT_FOUND)
    with force_locale("fr"):
        return StockTake(
            head=letterhead.head(session),
            number=str(take.id),
            place=take.place,
            organisation=actor.organisation_name,
            opened=format_datetime(take.opened_at, "d MMMM y, HH:mm"),
            closed=format_datetime(take.closed_at, "d MMMM y, HH:mm"),
            expected=str(take.expected),
            found=str(len(take.found)),
            seen=tuple(map(_counted, take.found)),
            missing=tuple(map(_counted, take.missing)),
            others=tuple(map(_counted, take.others)),
        )


def _counted(line: Line) -> CountedLine:
    known = line.category is not None
    what = " ".join((word(line.category or "", "category"), line.maker, line.model)).strip() if known else ""
    return CountedLine(
        said=line.said,
        what=what or word(line.sight, "sight"),
        settled=word(line.settled, "settled_as") if line.settled else "",
        is_label=known,
    )


def _sheets() -> list[list[CommandSection]]:
    """What is said all day and the dangers first; then the problems, as many to a sheet as it holds."""
    cards = {command: _card(command, code) for command, code in COMMANDS.items()}
    of = {act: [cards[command] for command in COMMANDS if command.act is act] for act in Act}
    daily = [card for act in ICONS for card in of[act]]
    first = [_section(gettext("Je dis"), daily), _section(gettext("Danger"), of[Act.DANGER])]
    problems = of[Act.PROBLEM]
    some = [problems[start : start + A_SHEET] for start in range(0, len(problems), A_SHEET)]
    return [first, *([_section(gettext("Il y a un problème"), each)] for each in some)]


def _section(title: str, cards: Sequence[CommandCard]) -> CommandSection:
    return CommandSection(title=title, cards=tuple(cards))


def _card(command: Command, code: str) -> CommandCard:
    if command.problem is None:
        said, after = word(command.act, "command"), word(command.act, "command_next")
        return CommandCard(code=code, word=said, pictogram=_drawing(ICONS[command.act]), next=after)
    return CommandCard(
        code=code,
        word=word(command.problem, "problem"),
        pictogram=_drawing(_problem_icons()[command.problem]),
        danger=command.act is Act.DANGER,
    )


def _problem_icons() -> Mapping[str, str]:
    """The same pictograms as on the screens."""
    template = current_app.jinja_env.get_template("scanning/device_parts.html")
    return dict(template.module.PROBLEM_ICONS)  # type: ignore[attr-defined]  # what the template sets


def _drawing(name: str) -> str:
    """One pictogram of the sprite, as an SVG of its own."""
    sprite = Path(current_app.static_folder or "", "img", "icons.svg").read_text()
    (path,) = re.findall(rf'<symbol id="{name}" viewBox="0 0 24 24"><path d="([^"]+)"/>', sprite)
    return (
        f'<svg xmlns="{SVG}" viewBox="0 0 24 24"><path d="{path}" fill="none" stroke="#000"'
        ' stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )
