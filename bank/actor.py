"""Who acts, and what they may do. A frozen value: actions receive it, nobody reads it from the web session."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bank.errors import Code, Refusal


class Permission(StrEnum):
    """Every right in the house, `subject.verb`. Roles are sets of these (`identity/rules.py`)."""

    ORGANISATION_SEE = "organisation.see"
    ORGANISATION_EDIT = "organisation.edit"
    PERSON_INVITE = "person.invite"
    TOKEN_MANAGE = "token.manage"
    BATCH_SEE = "batch.see"
    BATCH_ANNOUNCE = "batch.announce"
    BATCH_ENTER = "batch.enter"
    BATCH_RECEIVE = "batch.receive"
    # To count in what nobody had announced.
    BATCH_TAKE_IN = "batch.take_in"
    DEVICE_SEE = "device.see"
    DEVICE_SCAN = "device.scan"
    # To decide at the workshop: what is blocked, who asked for help, what leaves the route for good.
    WORKSHOP_RUN = "workshop.run"
    # To say what arrived of what another organisation sent.
    SHIPMENT_RECEIVE = "shipment.receive"
    # To follow a device that went missing with data on it, until it is settled.
    INCIDENT_SETTLE = "incident.settle"
    STATION_MANAGE = "station.manage"
    LABEL_PRINT = "label.print"
    PLACE_EDIT = "place.edit"
    REQUEST_SEE = "request.see"
    REQUEST_MAKE = "request.make"
    REQUEST_ALLOCATE = "request.allocate"
    PRICE_EDIT = "price.edit"
    # Who looked at a person's file.
    LOOK_SEE = "look.see"
    APPOINTMENT_SET = "appointment.set"
    HANDOVER_MAKE = "handover.make"
    # Not a right to do something but to see beyond one's own organisation: the coordinator's.
    WHOLE_BANK = "whole-bank.see"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at work for one organisation, with the rights they have at this moment."""

    person_id: int
    organisation_id: int
    permissions: frozenset[Permission]
    name: str = ""
    organisation_name: str = ""

    def can(self, permission: Permission) -> bool:
        """Whether this actor holds the permission."""
        return permission in self.permissions

    def must(self, permission: Permission) -> None:
        """Raise Refusal(not-allowed) unless the actor holds the permission."""
        if permission not in self.permissions:
            raise Refusal(Code.NOT_ALLOWED, permission=permission.value)

    @property
    def sees_all(self) -> bool:
        """Whether queries are not narrowed to the actor's own organisation."""
        return Permission.WHOLE_BANK in self.permissions


def permissions_from(text: Iterable[str]) -> frozenset[Permission]:
    """Permissions from their stored names; raises ValueError on a name that does not exist."""
    return frozenset(Permission(name) for name in text)


# Whoever sits at the server: opens a bank, loads the demo. Person 0 in the journal.
COMMAND_LINE = Actor(0, 0, frozenset(Permission))
