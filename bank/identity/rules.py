"""Pure questions on identity: what a role may do, whether a SIRET is one, which capacities hold on a day."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache

from stdnum.exceptions import ValidationError
from stdnum.fr import siret as siret_number

from bank.actor import Permission, permissions_from
from bank.identity.models import Capacity, CapacityKind, OrganisationRole, PersonRole

P = Permission

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
            P.DEVICE_SEE,
            P.LABEL_PRINT,
            P.REQUEST_SEE,
            P.REQUEST_ALLOCATE,
            P.JOB_SEE,
        }
    ),
    PersonRole.ADMINISTRATOR: frozenset({P.ORGANISATION_SEE, P.PERSON_INVITE, P.TOKEN_MANAGE}),
    PersonRole.DONOR: frozenset({P.BATCH_SEE}),
    PersonRole.OPERATOR: frozenset({P.DEVICE_SEE, P.DEVICE_SCAN}),
    PersonRole.SUPERVISOR: frozenset(
        {P.BATCH_SEE, P.BATCH_RECEIVE, P.DEVICE_SEE, P.DEVICE_SCAN, P.LABEL_PRINT, P.TOKEN_MANAGE, P.JOB_SEE}
    ),
    PersonRole.PRESCRIBER: frozenset({P.REQUEST_SEE, P.REQUEST_MAKE}),
    PersonRole.STRUCTURE: frozenset({P.REQUEST_SEE, P.REQUEST_MAKE}),
    PersonRole.DESK: frozenset({P.REQUEST_SEE, P.HANDOVER_MAKE}),
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


@lru_cache(maxsize=512)
def permissions(roles: frozenset[str], scopes: frozenset[str] = frozenset()) -> frozenset[Permission]:
    """The union of the roles' permissions; a token's scopes can only narrow it."""
    granted: frozenset[Permission] = frozenset().union(*(ROLES[PersonRole(role)] for role in roles))
    return granted & permissions_from(scopes) if scopes else granted


def misplaced_roles(roles: Iterable[PersonRole], organisation_roles: Iterable[str]) -> list[PersonRole]:
    """The person's roles that the organisation's own roles give no ground for."""
    held = {OrganisationRole(role) for role in organisation_roles}
    return [role for role in roles if not NEEDS[role] & held]


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
