"""Every endpoint declares who may call it; one hook holds them to it before the view runs.

Who is asking is a hook that `create_app` sets (`identity/signin.py`): this floor knows no table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response as BaseResponse

from bank.actor import Actor, Permission
from bank.errors import Code, Refusal

V = TypeVar("V", bound=Callable[..., Any])

API = "/api/v1/"


@dataclass(frozen=True)
class Access:
    """Who may call an endpoint. `permission` None: anyone (`why` says so) or, if `signed_in`, any account."""

    permission: Permission | None = None
    signed_in: bool = True
    why: str = ""
    # The view hands the credentials to an action that checks them in its own SELECT (the scan).
    in_action: bool = False


def requires(permission: Permission, *, in_action: bool = False) -> Callable[[V], V]:
    """The endpoint needs this permission."""
    return _declare(Access(permission, in_action=in_action))


def signed_in(why: str) -> Callable[[V], V]:
    """The endpoint is for any account, whatever its roles, for this reason."""
    return _declare(Access(why=why))


def public(why: str) -> Callable[[V], V]:
    """The endpoint is for anyone, for this reason."""
    return _declare(Access(signed_in=False, why=why))


def takes_json(view: V) -> V:
    """The endpoint is for a page's own script: JSON beside the session, the token in a header; answers JSON."""
    view.takes_json = True  # type: ignore[attr-defined]  # read back by speaks_json
    return view


def _declare(access: Access) -> Callable[[V], V]:
    def mark(view: V) -> V:
        view.access = access  # type: ignore[attr-defined]  # read back by access_of and by the house rules
        return view

    return mark


def access_of(app: Flask, endpoint: str) -> Access | None:
    """What an endpoint declares, or None when it forgot to."""
    return getattr(app.view_functions[endpoint], "access", None)


def init(
    app: Flask, identify: Callable[[], Actor | None], ask_to_sign_in: Callable[[], BaseResponse]
) -> None:
    """Hold every request of the app to what its endpoint declares.

    `identify` tells who asks; `ask_to_sign_in` answers a page's request from nobody.
    """
    app.extensions["bank.identify"] = identify
    app.extensions["bank.ask_to_sign_in"] = ask_to_sign_in
    app.before_request(_check)


def _check() -> BaseResponse | None:
    endpoint = request.endpoint
    if endpoint is None:
        return None
    access = access_of(current_app, endpoint)
    if access is None:
        raise RuntimeError(f"{endpoint} declares no permission")
    if access.in_action:
        return None
    who = actor_or_none()
    if not access.signed_in:
        return None
    if who is None:
        return _ask_to_sign_in()
    if access.permission is not None:
        who.must(access.permission)
    return None


def _ask_to_sign_in() -> BaseResponse:
    if speaks_json():
        raise Refusal(Code.NOT_SIGNED_IN)
    ask: Callable[[], BaseResponse] = current_app.extensions["bank.ask_to_sign_in"]
    return ask()


def in_api() -> bool:
    """Whether the caller speaks JSON: the API answers problems, the pages answer pages."""
    return request.path.startswith(API)


def speaks_json() -> bool:
    """Whether a problem is answered as JSON: in the API, and where a page's own script asks."""
    view = current_app.view_functions.get(request.endpoint or "")
    return in_api() or getattr(view, "takes_json", False)


def bearer() -> str | None:
    """The bearer token of the request, if it carries one."""
    authorization = request.authorization
    if authorization is None or authorization.type != "bearer":
        return None
    return authorization.token


def actor_or_none() -> Actor | None:
    """Who is asking, read once per request in a unit of work of its own."""
    if "actor" not in g:
        g.actor = current_app.extensions["bank.identify"]()
    who: Actor | None = g.actor
    return who


def actor() -> Actor:
    """Who is asking. Raises Refusal(not-signed-in)."""
    who = actor_or_none()
    if who is None:
        raise Refusal(Code.NOT_SIGNED_IN)
    return who
