"""Papers of the scan desk, in French: the commands that hang on a workshop's wall."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from flask import current_app
from flask_babel import force_locale, gettext
from sqlalchemy.orm import Session

from bank.office import documents, letterhead
from bank.office.documents import CommandCard, CommandSection
from bank.scanning.commands import COMMANDS, Act, Command
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
