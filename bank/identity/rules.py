"""Pure questions on identity: what a role may do, whether a SIRET is one, which capacities hold on a day."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Any

from stdnum.exceptions import ValidationError
from stdnum.fr import siret as siret_number

from bank.actor import Permission, permissions_from
from bank.identity.models import (
    Capacity,
    CapacityKind,
    LegalNature,
    OrganisationRole,
    PersonRole,
    WorkshopKind,
)

P = Permission

EMAIL_MAX = 254
EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
# Neither control signs nor halves of characters: one breaks a mail's header, the other no database stores.
ONE_LINE = r"[^\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]*"

# As people write them, short numbers and foreign ones too: papers print it, nothing dials it.
PHONE = re.compile(r"(?=(?:[^0-9]*[0-9]){2})\+?[0-9 ().-]{2,30}")
ADDRESS_MAX, PHONE_MAX, LESSON_MAX = 200, 30, 300

PASSWORD_MIN = 12
PASSWORD_MAX = 200
COMMONPLACE = frozenset(
    {
        "123456123456",
        "123456789012",
        "1234567890123",
        "azertyuiop12",
        "azertyuiop123",
        "azertyuiopqs",
        "banquedunumerique",
        "banque du numérique",
        "bonjour12345",
        "jetaimejetaime",
        "motdepasse12",
        "motdepasse123",
        "motdepasse1234",
        "mot de passe",
        "password1234",
        "passwordpassword",
        "qwertyuiop12",
        "qwertyuiop123",
    }
)
TOKEN_DAYS_MAX = 365
PIN = re.compile(r"[0-9]{4,6}")
# Drawn on the pad rather than remembered; years are refused too.
EASY_PINS = frozenset({"2580", "0852", "1397", "1793", "7931", "9713", "1973", "147258", "159357", "112233"})
# Wrong PINs in a row, counted on the badge itself, until only the supervisor can help.
PIN_TRIES = 5
IDLE_MINUTES = (1, 60)
# Of the invented people of a demo bank: no mail is ever sent there.
DEMO_DOMAIN = "@demo.exemple"

ROLES: Mapping[PersonRole, frozenset[Permission]] = {
    PersonRole.COORDINATOR: frozenset(
        {
            P.WHOLE_BANK,
            P.ORGANISATION_SEE,
            P.ORGANISATION_EDIT,
            P.PERSON_INVITE,
            P.TOKEN_MANAGE,
            P.BATCH_SEE,
            P.BATCH_ENTER,
            P.BATCH_TAKE_IN,
            P.DEVICE_SEE,
            P.INCIDENT_SETTLE,
            P.LABEL_PRINT,
            P.PLACE_EDIT,
            P.REQUEST_SEE,
            P.REQUEST_ALLOCATE,
            P.PRICE_EDIT,
            P.LOOK_SEE,
            P.APPOINTMENT_SET,
        }
    ),
    PersonRole.ADMINISTRATOR: frozenset({P.ORGANISATION_SEE, P.PERSON_INVITE, P.TOKEN_MANAGE, P.LOOK_SEE}),
    PersonRole.DONOR: frozenset({P.BATCH_SEE, P.BATCH_ANNOUNCE}),
    PersonRole.OPERATOR: frozenset({P.DEVICE_SEE, P.DEVICE_SCAN, P.LABEL_PRINT, P.SHIPMENT_RECEIVE}),
    PersonRole.SUPERVISOR: frozenset(
        {
            P.BATCH_SEE,
            P.BATCH_RECEIVE,
            P.BATCH_TAKE_IN,
            P.DEVICE_SEE,
            P.DEVICE_SCAN,
            P.LABEL_PRINT,
            P.PLACE_EDIT,
            P.TOKEN_MANAGE,
            P.WORKSHOP_RUN,
            P.SHIPMENT_RECEIVE,
            P.INCIDENT_SETTLE,
            P.STATION_MANAGE,
        }
    ),
    PersonRole.PRESCRIBER: frozenset({P.REQUEST_SEE, P.REQUEST_MAKE}),
    PersonRole.STRUCTURE: frozenset({P.REQUEST_SEE, P.REQUEST_MAKE}),
    PersonRole.DESK: frozenset({P.REQUEST_SEE, P.APPOINTMENT_SET, P.HANDOVER_MAKE, P.SHIPMENT_RECEIVE}),
}

# A person's role needs their organisation to have one of these.
NEEDS: Mapping[PersonRole, frozenset[OrganisationRole]] = {
    PersonRole.COORDINATOR: frozenset({OrganisationRole.BANK}),
    PersonRole.ADMINISTRATOR: frozenset(OrganisationRole),
    PersonRole.DONOR: frozenset({OrganisationRole.DONOR}),
    PersonRole.OPERATOR: frozenset({OrganisationRole.WORKSHOP}),
    PersonRole.SUPERVISOR: frozenset({OrganisationRole.WORKSHOP}),
    PersonRole.PRESCRIBER: frozenset({OrganisationRole.PRESCRIBER}),
    PersonRole.STRUCTURE: frozenset({OrganisationRole.STRUCTURE}),
    PersonRole.DESK: frozenset({OrganisationRole.DESK}),
}

# What may be done with a badge: whoever finds one must not reach accounts, keys or other badges with it.
AT_A_STATION = frozenset(
    {
        P.BATCH_SEE,
        P.BATCH_RECEIVE,
        P.BATCH_TAKE_IN,
        P.DEVICE_SEE,
        P.DEVICE_SCAN,
        P.LABEL_PRINT,
        P.PLACE_EDIT,
        P.SHIPMENT_RECEIVE,
        P.WORKSHOP_RUN,
    }
)

# What somebody with several roles is best known by, first one first.
FOREMOST = (
    PersonRole.DONOR,
    PersonRole.COORDINATOR,
    PersonRole.SUPERVISOR,
    PersonRole.OPERATOR,
    PersonRole.STRUCTURE,
    PersonRole.PRESCRIBER,
    PersonRole.DESK,
    PersonRole.ADMINISTRATOR,
)


@lru_cache(maxsize=512)
def permissions(roles: frozenset[str], scopes: frozenset[str] = frozenset()) -> frozenset[Permission]:
    """The union of the roles' permissions; a token's scopes can only narrow it."""
    granted: frozenset[Permission] = frozenset().union(*(ROLES[PersonRole(role)] for role in roles))
    return granted & permissions_from(scopes) if scopes else granted


def foremost(roles: Iterable[str]) -> PersonRole:
    """The role that someone with several is best known by. Raises ValueError for someone without any."""
    held = set(roles)
    return min((role for role in PersonRole if role in held), key=FOREMOST.index)


def misplaced_roles(roles: Iterable[PersonRole], organisation_roles: Iterable[str]) -> list[PersonRole]:
    """The person's roles that the organisation's own roles give no ground for."""
    held = {OrganisationRole(role) for role in organisation_roles}
    return [role for role in roles if not NEEDS[role] & held]


def at_a_station(roles: Iterable[str]) -> frozenset[Permission]:
    """What a badge opens: the work at the bench, and nothing that a password guards."""
    at_work = frozenset(roles) & {PersonRole.OPERATOR.value, PersonRole.SUPERVISOR.value}
    return permissions(at_work) & AT_A_STATION


def pin_fault(pin: str) -> "Fault | None":
    """Why a PIN is refused, if it is: not 4 to 6 digits, or among the first that anybody would try."""
    if not PIN.fullmatch(pin):
        return Fault.PIN_WRONG
    steps = {int(later) - int(sooner) for sooner, later in pairwise(pin)}
    in_a_row = len(steps) == 1 and steps <= {-1, 0, 1}
    in_pairs = len(pin) > 2 and pin == (pin[:2] * 3)[: len(pin)]
    if in_a_row or in_pairs or pin in EASY_PINS or re.fullmatch(r"(19|20)\d\d", pin):
        return Fault.PIN_EASY
    return None


class Fault(StrEnum):
    """What is wrong with one field; the screens have a sentence for each (`words.py`)."""

    SIRET_WRONG = "siret-wrong"
    SIRET_OF_A_PERSON = "siret-of-a-person"
    PHONE_WRONG = "phone-wrong"
    KIND_MISSING = "kind-missing"
    KIND_WITHOUT_WORKSHOP = "kind-without-workshop"
    DAYS_REVERSED = "days-reversed"
    CAPACITY_TWICE = "capacity-twice"
    VAT_CONTRADICTION = "vat-contradiction"
    ROLE_IN_USE = "role-in-use"
    ROLE_MISPLACED = "role-misplaced"
    ROLE_BEYOND = "role-beyond"
    EMAIL_WRONG = "email-wrong"
    PASSWORD_WRONG = "password-wrong"
    PASSWORD_SHORT = "password-short"
    PASSWORD_LONG = "password-long"
    PASSWORD_COMMONPLACE = "password-commonplace"
    PASSWORD_IS_EMAIL = "password-is-email"
    SCOPE_BEYOND = "scope-beyond"
    DAYS_OUT_OF_RANGE = "days-out-of-range"
    PIN_WRONG = "pin-wrong"
    PIN_EASY = "pin-easy"


Faults = dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class CapacityDraft:
    """A legal capacity as someone wrote it down."""

    kind: CapacityKind
    reference: str
    valid_from: date
    valid_until: date | None = None


@dataclass(frozen=True, kw_only=True)
class OrganisationDraft:
    """An organisation as someone wrote it down; each field has its shape, `faults` says whether they agree."""

    name: str
    legal_nature: LegalNature
    roles: frozenset[OrganisationRole]
    workshop_kind: WorkshopKind | None = None
    siret: str | None = None
    address: str = ""
    phone: str = ""
    first_lesson: str = ""
    capacities: tuple[CapacityDraft, ...] = ()

    @property
    def content(self) -> dict[str, Any]:
        """The same for the same draft, to tell a repeat from another: a set has no order of its own."""
        return asdict(self) | {"roles": sorted(self.roles)}


def faults(draft: OrganisationDraft) -> Faults:
    """What does not hold together in a draft, by field; empty when all is well."""
    found: Faults = {}
    if draft.siret and draft.legal_nature is LegalNature.PERSON:
        found["siret"] = [Fault.SIRET_OF_A_PERSON]
    elif draft.siret and siret_or_none(draft.siret) is None:
        found["siret"] = [Fault.SIRET_WRONG]
    if draft.phone and not PHONE.fullmatch(draft.phone):
        found["phone"] = [Fault.PHONE_WRONG]
    works = OrganisationRole.WORKSHOP in draft.roles
    if works and draft.workshop_kind is None:
        found["workshop_kind"] = [Fault.KIND_MISSING]
    if not works and draft.workshop_kind is not None:
        found["workshop_kind"] = [Fault.KIND_WITHOUT_WORKSHOP]
    capacity = capacity_fault(draft.capacities)
    if capacity is not None:
        found["capacities"] = [capacity]
    return found


def capacity_fault(capacities: Iterable[CapacityDraft]) -> Fault | None:
    """Whether dates are reversed, or two capacities that exclude each other hold on a same day."""
    rows = sorted(capacities, key=lambda row: row.valid_from)
    if any(row.valid_until is not None and row.valid_until < row.valid_from for row in rows):
        return Fault.DAYS_REVERSED
    if any(_overlap([row for row in rows if row.kind is kind]) for kind in CapacityKind):
        return Fault.CAPACITY_TWICE
    vat = (CapacityKind.VAT_LIABLE, CapacityKind.VAT_EXEMPT)
    if _overlap([row for row in rows if row.kind in vat]):
        return Fault.VAT_CONTRADICTION
    return None


def _overlap(rows: list[CapacityDraft]) -> bool:
    return any(
        one.valid_until is None or next_one.valid_from <= one.valid_until for one, next_one in pairwise(rows)
    )


def offered_roles(organisation_roles: Iterable[str], *, sees_all: bool) -> list[PersonRole]:
    """The roles that someone may give to a person of this organisation. Only a coordinator makes another."""
    misplaced = misplaced_roles(PersonRole, organisation_roles)
    return [
        role
        for role in PersonRole
        if role not in misplaced and (sees_all or role is not PersonRole.COORDINATOR)
    ]


def roles_fault(
    roles: Iterable[PersonRole], organisation_roles: Iterable[str], *, sees_all: bool
) -> Fault | None:
    """Why these roles cannot be given to a person of this organisation, if they cannot."""
    wanted = list(roles)
    if misplaced_roles(wanted, organisation_roles):
        return Fault.ROLE_MISPLACED
    if not sees_all and PersonRole.COORDINATOR in wanted:
        return Fault.ROLE_BEYOND
    return None


def email_or_none(text: str) -> str | None:
    """The address without the spaces around it, or None when mail could not be sent there."""
    address = text.strip()
    return address if len(address) <= EMAIL_MAX and EMAIL.fullmatch(address) else None


def password_fault(password: str, email: str) -> Fault | None:
    """Why a password is refused, if it is: too short, known to everybody, or the address. No rule on its signs."""
    plain = password.casefold()
    if len(password) < PASSWORD_MIN:
        return Fault.PASSWORD_SHORT
    if len(password) > PASSWORD_MAX:
        return Fault.PASSWORD_LONG
    if plain in COMMONPLACE or len(set(plain)) == 1:
        return Fault.PASSWORD_COMMONPLACE
    if plain == email.casefold():
        return Fault.PASSWORD_IS_EMAIL
    return None


def token_faults(days: int, scopes: Collection[Permission], held: frozenset[Permission]) -> Faults:
    """Why a token cannot be made as asked: it lasts a year at most and can do no more than its maker."""
    found: Faults = {}
    if not 1 <= days <= TOKEN_DAYS_MAX:
        found["days"] = [Fault.DAYS_OUT_OF_RANGE]
    if not held.issuperset(scopes):
        found["scopes"] = [Fault.SCOPE_BEYOND]
    return found


def siret_or_none(text: str) -> str | None:
    """The 14 digits of a valid SIRET, or None. La Poste's establishments have their own check (python-stdnum)."""
    try:
        number: str = siret_number.validate(text)
    except ValidationError:
        return None
    return number


def capacities_on(capacities: Iterable[Capacity], day: date) -> frozenset[CapacityKind]:
    """The legal capacities in force on a day, both ends included."""
    return frozenset(
        capacity.kind
        for capacity in capacities
        if capacity.valid_from <= day and (capacity.valid_until is None or day <= capacity.valid_until)
    )
