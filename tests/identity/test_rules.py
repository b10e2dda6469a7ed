"""Pure rules: roles, SIRET, capacities, addresses, passwords."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank.actor import Permission
from bank.identity import rules
from bank.identity.models import CapacityKind, LegalNature, OrganisationRole, PersonRole, WorkshopKind
from bank.identity.rules import CapacityDraft, Fault, OrganisationDraft
from bank.identity.words import WORDS

P = Permission
R = OrganisationRole

SIRETS = {
    "La Poste, which fails Luhn": "35600000049837",
    "La Poste, written with spaces": "356 000 000 49837",
    "a State body, in 1": "11000201100044",
    "a public operator, in 13": "13002526500013",
    "a département, in 2": "22950127500015",
    "a company": "55208131766522",
}


@pytest.mark.parametrize("number", SIRETS.values(), ids=SIRETS.keys())
def test_a_siret_is_fourteen_checked_digits(number: str) -> None:
    assert rules.siret_or_none(number) == number.replace(" ", "")


@pytest.mark.parametrize(
    "number",
    [
        "35600000049838",
        "55208131766523",
        "552081317",
        "5520813176652",
        "552081317665220",
        "5520813176652A",
        "",
    ],
    ids=["La Poste off by one", "Luhn", "a SIREN", "13", "15", "letter", "empty"],
)
def test_what_is_no_siret_is_refused(number: str) -> None:
    assert rules.siret_or_none(number) is None


MAY = {
    PersonRole.COORDINATOR: {
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
    },
    PersonRole.ADMINISTRATOR: {P.ORGANISATION_SEE, P.PERSON_INVITE, P.TOKEN_MANAGE, P.LOOK_SEE},
    PersonRole.DONOR: {P.BATCH_SEE, P.BATCH_ANNOUNCE},
    PersonRole.OPERATOR: {P.DEVICE_SEE, P.DEVICE_SCAN, P.LABEL_PRINT, P.SHIPMENT_RECEIVE},
    PersonRole.SUPERVISOR: {
        P.BATCH_SEE,
        P.BATCH_RECEIVE,
        P.BATCH_TAKE_IN,
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
    },
    PersonRole.PRESCRIBER: {P.REQUEST_SEE, P.REQUEST_MAKE},
    PersonRole.STRUCTURE: {P.REQUEST_SEE, P.REQUEST_MAKE},
    PersonRole.DESK: {P.REQUEST_SEE, P.APPOINTMENT_SET, P.HANDOVER_MAKE, P.SHIPMENT_RECEIVE},
}


@pytest.mark.parametrize("role", PersonRole)
def test_a_role_may_exactly_this(role: PersonRole) -> None:
    assert rules.permissions(frozenset({role.value})) == MAY[role]


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ({"administrator", "supervisor"}, PersonRole.SUPERVISOR),
        ({"prescriber", "structure"}, PersonRole.STRUCTURE),
        ({"operator", "supervisor"}, PersonRole.SUPERVISOR),
        ({"desk"}, PersonRole.DESK),
    ],
)
def test_somebody_with_several_roles_is_known_by_the_foremost(roles: set[str], role: PersonRole) -> None:
    assert rules.foremost(roles) is role
    assert set(rules.FOREMOST) == set(PersonRole)


def test_whoever_scans_sees_no_request_and_whoever_asks_sees_no_device() -> None:
    """Workshops never meet names; prescribers never meet donors."""
    assert not MAY[PersonRole.OPERATOR] & {P.REQUEST_SEE, P.BATCH_SEE}
    assert not MAY[PersonRole.PRESCRIBER] & {P.DEVICE_SEE, P.BATCH_SEE}
    assert not MAY[PersonRole.DONOR] & {P.REQUEST_SEE, P.DEVICE_SEE}


@given(
    roles=st.frozensets(st.sampled_from([role.value for role in PersonRole]), min_size=1),
    scopes=st.frozensets(st.sampled_from([each.value for each in Permission]), min_size=1),
)
def test_scopes_only_narrow(roles: frozenset[str], scopes: frozenset[str]) -> None:
    whole = rules.permissions(roles)
    narrowed = rules.permissions(roles, scopes)
    assert narrowed <= whole
    assert narrowed <= {Permission(scope) for scope in scopes}


@pytest.mark.parametrize("role", PersonRole)
def test_a_role_needs_ground_in_what_the_organisation_does(role: PersonRole) -> None:
    for held in R:
        misplaced = rules.misplaced_roles([role], [held])
        assert (misplaced == []) is (held in rules.NEEDS[role])


def test_only_a_coordinator_makes_a_coordinator() -> None:
    bank = [R.BANK]
    assert PersonRole.COORDINATOR in rules.offered_roles(bank, sees_all=True)
    assert PersonRole.COORDINATOR not in rules.offered_roles(bank, sees_all=False)
    assert rules.roles_fault([PersonRole.COORDINATOR], bank, sees_all=False) is Fault.ROLE_BEYOND
    assert rules.roles_fault([PersonRole.COORDINATOR], [R.DONOR], sees_all=True) is Fault.ROLE_MISPLACED
    assert rules.roles_fault([PersonRole.COORDINATOR], bank, sees_all=True) is None


def capacity(kind: CapacityKind, first: int, last: int | None = None) -> CapacityDraft:
    return CapacityDraft(
        kind=kind,
        reference="décret",
        valid_from=date(first, 1, 1),
        valid_until=date(last, 12, 31) if last else None,
    )


def draft(**changes: object) -> OrganisationDraft:
    values: dict[str, object] = {
        "name": "AGOIE",
        "legal_nature": LegalNature.ASSOCIATION,
        "roles": frozenset({R.WORKSHOP}),
        "workshop_kind": WorkshopKind.ACI,
    }
    return OrganisationDraft(**(values | changes))  # type: ignore[arg-type]


K = CapacityKind


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, {}),
        ({"siret": "35600000049837"}, {}),
        ({"siret": "35600000049838"}, {"siret": [Fault.SIRET_WRONG]}),
        (
            {"siret": "35600000049837", "legal_nature": LegalNature.PERSON},
            {"siret": [Fault.SIRET_OF_A_PERSON]},
        ),
        *(({"phone": phone}, {}) for phone in ("", "01 99 00 12 34", "+33 (0)1.99.00.12.34", "3949", "15")),
        *(
            ({"phone": phone}, {"phone": [Fault.PHONE_WRONG]})
            for phone in ("bureau", "1", "01 99 00 12 34 / 35", "+", "()-. ", "٠١٢٣", "1" * 31)
        ),
        ({"workshop_kind": None}, {"workshop_kind": [Fault.KIND_MISSING]}),
        ({"roles": frozenset({R.DONOR})}, {"workshop_kind": [Fault.KIND_WITHOUT_WORKSHOP]}),
        ({"capacities": (capacity(K.RUP, 2020, 2022), capacity(K.RUP, 2023))}, {}),
        (
            {"capacities": (capacity(K.RUP, 2023), capacity(K.RUP, 2020, 2023))},
            {"capacities": [Fault.CAPACITY_TWICE]},
        ),
        ({"capacities": (capacity(K.RUP, 2023, 2022),)}, {"capacities": [Fault.DAYS_REVERSED]}),
        (
            {"capacities": (capacity(K.VAT_LIABLE, 2020), capacity(K.VAT_EXEMPT, 2024))},
            {"capacities": [Fault.VAT_CONTRADICTION]},
        ),
        ({"capacities": (capacity(K.VAT_LIABLE, 2020, 2023), capacity(K.VAT_EXEMPT, 2024))}, {}),
        ({"capacities": (capacity(K.ESUS, 2020), capacity(K.GENERAL_INTEREST, 2020))}, {}),
    ],
)
def test_a_draft_must_hold_together(changes: dict[str, object], faults: dict[str, list[str]]) -> None:
    assert rules.faults(draft(**changes)) == faults


def test_the_content_of_a_draft_does_not_depend_on_the_order_of_its_roles() -> None:
    one = draft(roles=frozenset([R.WORKSHOP, R.DESK, R.DONOR]))
    other = draft(roles=frozenset([R.DONOR, R.DESK, R.WORKSHOP]))
    assert repr(one.content) == repr(other.content)


@pytest.mark.parametrize(
    "address",
    ["camille@exemple.fr", "c.martin+banque@ccas.le-thillay.fr", " a@b.fr ", "x'y@sous.domaine.example"],
)
def test_an_address_that_mail_reaches_is_taken(address: str) -> None:
    assert rules.email_or_none(address) == address.strip()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "camille",
        "camille@",
        "@exemple.fr",
        "a b@exemple.fr",
        "a@exemple",
        "a@b.fr\nBcc: tous@exemple.fr",
        "a@b@c.fr",
        "é@exemple.fr",
        f"{'a' * 60}@{'b.' * 100}fr",
    ],
)
def test_an_address_that_mail_does_not_reach_is_refused(address: str) -> None:
    assert rules.email_or_none(address) is None


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("onze signes", Fault.PASSWORD_SHORT),
        ("douze signes", None),
        ("quatre mots bien choisis", None),
        ("sans chiffre ni majuscule", None),
        ("x" * 200, Fault.PASSWORD_COMMONPLACE),
        ("xy" * 101, Fault.PASSWORD_LONG),
        ("MotDePasse123", Fault.PASSWORD_COMMONPLACE),
        ("Camille.Martin@exemple.fr", Fault.PASSWORD_IS_EMAIL),
    ],
)
def test_a_password_is_long_and_not_what_everybody_tries(password: str, fault: Fault | None) -> None:
    assert rules.password_fault(password, "camille.martin@exemple.fr") is fault


def test_every_fault_has_a_sentence() -> None:
    assert set(WORDS["identity_fault"]) == set(Fault)
