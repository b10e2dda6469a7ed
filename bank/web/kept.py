"""What somebody had typed when their session or their page expired: nothing is lost, and nothing is stored.

The page that asks them to sign in carries it, sealed. Whoever signs in is shown it and sends it with one button.
A form of another site is never taken up: its author would have chosen what is sent.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, request, session
from flask_babel import gettext
from werkzeug.exceptions import HTTPException
from wtforms import BooleanField, FieldList, FormField, HiddenField
from wtforms.fields.choices import SelectChoice, SelectFieldBase  # type: ignore[attr-defined]  # newer than its types
from wtforms.widgets import HiddenInput

from bank import crypto
from bank.actor import Actor
from bank.web.forms import PageForm
from bank.web.guard import access_of, actor_or_none, in_api
from bank.web.pages import local_path

LONGEST = 64_000
FIELDS_MAX = 500
LASTS_S = 12 * 3_600
# The proofs of who one is, and what belongs to one page only.
NEVER = frozenset({"csrf_token", "password", "current", "pin", "badge"})
UNSAID = frozenset({"idempotency_key", "version", "kept", "next"})
SESSION_KEY = "who"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What was sent, and to which page. `person_id`: whose session it was, where that can still be told."""

    path: str
    endpoint: str
    back: str
    fields: tuple[tuple[str, str], ...] = ()
    person_id: int | None = None
    has_file: bool = False
    too_long: bool = False

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Each answer with its question, as the page asked it."""
        return list(_said(self.fields))

    @property
    def worth_it(self) -> bool:
        """Whether something was typed; a button alone is pressed again on its own page."""
        return bool(self.lines)

    def may_go_to(self, actor: Actor) -> bool:
        """Whether this person may see and send it: theirs, as far as can be told, and within their rights."""
        access = access_of(current_app, self.endpoint)
        if access is None or self.person_id not in (None, actor.person_id):
            return False
        return access.permission is None or actor.can(access.permission)


def from_own_page() -> bool:
    """Whether this request comes from a page of this site, as only the browser itself can say."""
    site = request.headers.get("Sec-Fetch-Site")
    if site in (None, "none"):
        return request.headers.get("Origin") == request.host_url.rstrip("/")
    return site == "same-origin"


def hold() -> Kept | None:
    """What this request sent to a page, or None when it came from elsewhere."""
    if request.method != "POST" or in_api() or request.endpoint is None or not from_own_page():
        return None
    fields = tuple((name, text) for name, text in request.form.items(multi=True) if name not in NEVER)
    who = session.get(SESSION_KEY)
    kept = Kept(
        path=request.full_path.rstrip("?"),
        endpoint=request.endpoint,
        back=_back(),
        fields=fields,
        person_id=who[0] if isinstance(who, list) and who else None,
        has_file=any(file.filename for file in request.files.values()),
    )
    if len(fields) > FIELDS_MAX or sum(len(name) + len(text) for name, text in fields) > LONGEST:
        return replace(kept, fields=(), too_long=True)
    return kept


def hold_for(path: str) -> Kept | None:
    """What a page was going to send to `path`, when it is left before that; None when nothing goes there."""
    held, target = hold(), local_path(path)
    try:
        endpoint, _values = current_app.url_map.bind(request.host).match(
            target.partition("?")[0], method="POST"
        )
    except HTTPException:
        return None
    return replace(held, path=target, endpoint=endpoint) if held is not None else None


def seal(kept: Kept) -> str:
    """As a page carries it: whoever finds the page open can neither read nor change it."""
    return crypto.sealed(json.dumps(asdict(kept)))


def unseal(text: str | None) -> Kept | None:
    """What a page carried, if it is ours and of today."""
    opened = crypto.unsealed(text or "", LASTS_S)
    if opened is None:
        return None
    values: dict[str, Any] = json.loads(opened)
    fields = tuple((name, value) for name, value in values.pop("fields"))
    return Kept(fields=fields, **values)


def again() -> Kept | None:
    """What was sent to a page that expired while its sender is still signed in."""
    kept = hold()
    who = actor_or_none()
    return kept if kept is not None and kept.worth_it and (who is None or kept.may_go_to(who)) else None


def _back() -> str:
    """The page that was being filled in, when the browser says."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host or not parts.path.startswith("/") or parts.path.startswith("//"):
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _said(fields: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The answers that a person gave, with their labels: those of the form that asks for most of them."""
    given = [(name, text) for name, text in fields if text and name not in UNSAID]
    names = {name.partition("-")[0] for name, _text in given}
    form = max(_forms(PageForm), key=lambda each: len(names & _fields(each)), default=PageForm)
    for name, text in given:
        field = _field(form, name.split("-"))
        if field is None:
            yield str(gettext("Autre réponse")), text
        elif not _hidden(field):
            label = field.kwargs.get("label") or next(iter(field.args), "") or gettext("Autre réponse")
            yield str(label), _answer(field, text)


def _forms(form: type[Any]) -> Iterator[type[Any]]:
    for each in form.__subclasses__():
        yield each
        yield from _forms(each)


def _fields(form: type[Any]) -> set[str]:
    return {name for name in dir(form) if hasattr(getattr(form, name), "field_class")}


def _field(form: type[Any], path: list[str]) -> Any:
    """The field, not yet of any form, that a name such as `lines-0-count` stands for."""
    field = getattr(form, path[0], None)
    for part in path[1:]:
        inner = next(iter(getattr(field, "args", ())), None)
        field = (
            inner if _is(field, FieldList) else getattr(inner, part, None) if _is(field, FormField) else None
        )
    return field if hasattr(field, "field_class") else None


def _is(field: Any, kind: type[Any]) -> bool:
    return hasattr(field, "field_class") and issubclass(field.field_class, kind)


def _hidden(field: Any) -> bool:
    return _is(field, HiddenField) or isinstance(field.kwargs.get("widget"), HiddenInput)


def _answer(field: Any, text: str) -> str:
    """A choice in its words where the form knows them; the text itself otherwise."""
    if _is(field, BooleanField):
        return str(gettext("oui"))
    if not _is(field, SelectFieldBase):
        return text
    offered = field.kwargs.get("choices")
    known = map(SelectChoice.from_input, offered) if isinstance(offered, list | tuple) else ()
    return next((str(each.label) for each in known if str(each.value) == text), str(gettext("votre choix")))
