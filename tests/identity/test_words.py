"""Each code of the room has its word."""

from enum import StrEnum

import pytest

from bank.actor import Permission
from bank.identity import models, queries, signin
from bank.identity.words import WORDS

VOCABULARIES: dict[str, type[StrEnum]] = {
    "role": models.PersonRole,
    "organisation_role": models.OrganisationRole,
    "legal_nature": models.LegalNature,
    "workshop_kind": models.WorkshopKind,
    "capacity": models.CapacityKind,
    "permission": Permission,
    "person_state": queries.PersonState,
    "token_state": queries.TokenState,
}


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_vocabulary_has_a_word_for_each_code(name: str) -> None:
    assert set(WORDS[name]) == {member.value for member in VOCABULARIES[name]}


def test_each_purpose_of_a_link_has_its_title() -> None:
    assert set(WORDS["link_purpose"]) == set(signin.LINK_MAX_AGE_S)


def test_the_kinds_of_workshop_are_spelled_out() -> None:
    spelled = {
        "ea": "entreprise adaptée",
        "esat": "accompagnement par le travail",
        "aci": "chantier d’insertion",
    }
    for kind, words in spelled.items():
        assert words in str(WORDS["workshop_kind"][kind])
