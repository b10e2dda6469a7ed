"""The one family of refusals. Inside the house: a code and facts. Statuses and sentences are given at the rim."""

from enum import StrEnum
from typing import Any, TypeAlias


class Code(StrEnum):
    """Every reason why something is refused; the screens, the API and the letters all speak these."""

    # who is asking
    NOT_SIGNED_IN = "not-signed-in"
    NOT_ALLOWED = "not-allowed"
    BAD_CREDENTIALS = "bad-credentials"
    LINK_EXPIRED = "link-expired"
    TOO_MANY_TRIES = "too-many-tries"
    BADGE_REFUSED = "badge-refused"
    FORM_EXPIRED = "form-expired"
    PASS_EXPIRED = "pass-expired"
    PASS_WITHDRAWN = "pass-withdrawn"
    # what is asked
    NOT_FOUND = "not-found"
    BAD_REQUEST = "bad-request"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_ACCEPTABLE = "not-acceptable"
    TOO_LARGE = "too-large"
    UNSUPPORTED_TYPE = "unsupported-type"
    INVALID = "invalid"
    IDEMPOTENCY_KEY_MISSING = "idempotency-key-missing"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    EDITED_MEANWHILE = "edited-meanwhile"
    ALREADY_EXISTS = "already-exists"
    # labels and codes
    BAD_CODE = "bad-code"
    GLUED_CODES = "glued-codes"
    UNKNOWN_LABEL = "unknown-label"
    VOID_LABEL = "void-label"
    BLANK_LABEL = "blank-label"
    LABEL_TAKEN = "label-taken"
    SEVERAL_MATCH = "several-match"
    PLACE_LABEL = "place-label"
    NOT_DRAWN_YET = "not-drawn-yet"
    # the register
    ILLEGAL_MOVE = "illegal-move"
    OUT_OF_STEP = "out-of-step"
    OTHER_CUSTODIAN = "other-custodian"
    DRIVES_OPEN = "drives-open"
    ALREADY_TAKEN = "already-taken"
    MOVED_MEANWHILE = "moved-meanwhile"
    EVIDENCE_MISSING = "evidence-missing"
    NO_ROUTE = "no-route"
    BLOCKED = "blocked"
    NOT_BLOCKED = "not-blocked"
    NO_DONOR = "no-donor"
    ROW_TAKEN = "row-taken"
    SAME_PERSON = "same-person"
    OTHER_REQUEST = "other-request"
    ON_ITS_WAY = "on-its-way"
    NOT_ON_SHIPMENT = "not-on-shipment"
    SHIPMENT_CLOSED = "shipment-closed"
    TAKE_CLOSED = "take-closed"
    # taking back
    NOTHING_TO_UNDO = "nothing-to-undo"
    NOT_UNDOABLE = "not-undoable"
    UNDONE_ALREADY = "undone-already"
    MOVED_SINCE = "moved-since"
    NOT_YOURS = "not-yours"
    TOO_LATE = "too-late"
    # batches
    BATCH_CLOSED = "batch-closed"
    BATCH_MOVED_ON = "batch-moved-on"
    BATCH_SENT = "batch-sent"
    GAP_UNEXPLAINED = "gap-unexplained"
    # allocation
    NOT_ELIGIBLE = "not-eligible"
    NO_TARIFF = "no-tariff"
    UNLAWFUL = "unlawful"
    REQUEST_CLOSED = "request-closed"
    LINE_FULL = "line-full"
    PAYMENT_MISMATCH = "payment-mismatch"
    # the house itself
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"


Fact: TypeAlias = str | int | bool | list[str] | dict[str, Any] | None


class Refusal(Exception):
    """An answer of no, with its reason. Nothing was written.

    `facts` go to the caller as they are: ids, codes and counts, never a person's data.
    """

    def __init__(self, code: Code, **facts: Fact) -> None:
        super().__init__(code.value)
        self.code = code
        self.facts = facts
