"""Refusals become answers here, and only here: RFC 9457 problem+json for programs, a page for people.

The same codes for both. A new code gets its status in STATUS and its words in `words.py`; a test compares.
"""

import traceback
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.exceptions import HTTPException

from bank.errors import Code, Refusal
from bank.web import kept, words
from bank.web.guard import in_api, speaks_json

log = structlog.get_logger()

STATUS: Mapping[Code, int] = {
    Code.NOT_SIGNED_IN: 401,
    Code.NOT_ALLOWED: 403,
    Code.BAD_CREDENTIALS: 422,
    Code.LINK_EXPIRED: 410,
    Code.TOO_MANY_TRIES: 429,
    Code.BADGE_REFUSED: 422,
    Code.FORM_EXPIRED: 400,
    Code.PASS_EXPIRED: 403,
    Code.PASS_WITHDRAWN: 403,
    Code.NOT_FOUND: 404,
    Code.BAD_REQUEST: 400,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.NOT_ACCEPTABLE: 406,
    Code.TOO_LARGE: 413,
    Code.UNSUPPORTED_TYPE: 415,
    Code.INVALID: 422,
    Code.IDEMPOTENCY_KEY_MISSING: 400,
    Code.IDEMPOTENCY_KEY_REUSED: 422,
    Code.EDITED_MEANWHILE: 409,
    Code.ALREADY_EXISTS: 409,
    Code.BAD_CODE: 422,
    Code.GLUED_CODES: 422,
    Code.UNKNOWN_LABEL: 404,
    Code.VOID_LABEL: 409,
    Code.BLANK_LABEL: 409,
    Code.LABEL_TAKEN: 409,
    Code.SEVERAL_MATCH: 409,
    Code.PLACE_LABEL: 409,
    Code.NOT_DRAWN_YET: 409,
    Code.ILLEGAL_MOVE: 409,
    Code.OUT_OF_STEP: 409,
    Code.OTHER_CUSTODIAN: 403,
    Code.DRIVES_OPEN: 409,
    Code.ALREADY_TAKEN: 409,
    Code.MOVED_MEANWHILE: 409,
    Code.EVIDENCE_MISSING: 422,
    Code.BLOCKED: 409,
    Code.NOT_BLOCKED: 409,
    Code.NO_DONOR: 409,
    Code.ROW_TAKEN: 409,
    Code.SAME_PERSON: 409,
    Code.OTHER_REQUEST: 409,
    Code.ON_ITS_WAY: 409,
    Code.NOT_ON_SHIPMENT: 409,
    Code.SHIPMENT_CLOSED: 409,
    Code.TAKE_CLOSED: 409,
    Code.NOTHING_TO_UNDO: 409,
    Code.NOT_UNDOABLE: 409,
    Code.UNDONE_ALREADY: 409,
    Code.MOVED_SINCE: 409,
    Code.NOT_YOURS: 409,
    Code.TOO_LATE: 409,
    Code.NO_ROUTE: 409,
    Code.BATCH_CLOSED: 409,
    Code.BATCH_MOVED_ON: 409,
    Code.BATCH_SENT: 409,
    Code.GAP_UNEXPLAINED: 422,
    Code.NOT_ELIGIBLE: 422,
    Code.NO_TARIFF: 422,
    Code.UNLAWFUL: 422,
    Code.REQUEST_CLOSED: 409,
    Code.LINE_FULL: 409,
    Code.PAYMENT_MISMATCH: 422,
    Code.UNAVAILABLE: 503,
    Code.BROKEN: 500,
}

# What Werkzeug and the libraries raise, in our words.
HTTP: Mapping[int, Code] = {
    400: Code.BAD_REQUEST,
    401: Code.NOT_SIGNED_IN,
    403: Code.NOT_ALLOWED,
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    406: Code.NOT_ACCEPTABLE,
    413: Code.TOO_LARGE,
    415: Code.UNSUPPORTED_TYPE,
    422: Code.INVALID,
    429: Code.TOO_MANY_TRIES,
}


def init(app: Flask) -> None:
    """Translate every refusal and every fault of the app."""
    app.register_error_handler(Refusal, answer)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(IntegrityError, _clash)
    app.register_error_handler(OperationalError, _unavailable)
    app.register_error_handler(HTTPException, http_answer)
    app.register_error_handler(500, _broken)


def _form_expired(_error: CSRFError) -> Response:
    """The page is too old to be taken at its word: what was typed is shown, to be sent again on purpose."""
    held = None if speaks_json() else kept.again()
    if held is None:
        return answer(Refusal(Code.FORM_EXPIRED))
    response = make_response(render_template("pages/resume.html", kept=held), STATUS[Code.FORM_EXPIRED])
    response.headers["Cache-Control"] = "no-store"
    return response


def http_answer(error: HTTPException) -> Response:
    """A library's HTTP error, with the field errors of a schema where there are some."""
    if error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]  # a redirect is no problem
    data = getattr(error, "data", None) or {}
    facts = {"errors": data["messages"]} if "messages" in data else {}
    response = answer(Refusal(HTTP.get(error.code, Code.BAD_REQUEST), **facts))
    for name, value in error.get_response().headers:
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _clash(_error: IntegrityError) -> Response:
    """The database had the last word: somebody else was first."""
    return answer(Refusal(Code.ALREADY_EXISTS))


def _unavailable(error: OperationalError) -> Response:
    log.error("database.unavailable", error=type(error.orig).__name__)
    response = answer(Refusal(Code.UNAVAILABLE))
    response.headers["Retry-After"] = "5"
    return response


def _broken(error: Exception) -> Response:
    # The caller gets the request's id, under which the log says where it broke; neither gets the fault's text,
    # which may quote what somebody typed.
    fault = getattr(error, "original_exception", None) or error
    trace = "".join(traceback.format_tb(fault.__traceback__))
    log.error("request.broken", error=type(fault).__name__, trace=trace)
    return answer(Refusal(Code.BROKEN))


def body(refusal: Refusal) -> dict[str, Any]:
    """A refusal as programs read it."""
    title, detail = words.problem(refusal.code)
    return {
        "type": f"/problems/{refusal.code.value}",
        "title": title,
        "status": STATUS[refusal.code],
        "detail": detail,
        "code": refusal.code.value,
        "request_id": g.get("request_id", ""),
        **refusal.facts,
    }


def answer(refusal: Refusal) -> Response:
    """A refusal as the caller understands it."""
    status = STATUS[refusal.code]
    title, detail = words.problem(refusal.code)
    if speaks_json():
        response = jsonify(body(refusal))
        response.content_type = "application/problem+json"
        if status == 401 and in_api():
            response.headers["WWW-Authenticate"] = 'Bearer realm="banque"'
    else:
        response = make_response(
            render_template("pages/problem.html", title=title, detail=detail, refusal=refusal, status=status)
        )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    if request.method == "TRACE":
        response.headers.setdefault("Allow", "GET, HEAD, OPTIONS")
    return response
