"""The life of a batch as its people see it: what a donor writes, what the bank answers, what became of it."""

import csv
from html import unescape
from io import BytesIO, StringIO
from typing import Any

import pypdfium2
import pytest
import sqlalchemy as sa

from bank import db
from bank.donations import spreadsheet
from bank.donations.models import Batch, BatchState
from bank.donations.rows import understood
from bank.identity.models import PersonRole
from bank.inventory.models import AnnouncedItem, Category, Device
from tests.factories import World, today

LAPTOP, SCREEN = Category.LAPTOP, Category.SCREEN


def text(response: Any) -> str:
    """The page, whichever kind of space holds its words together."""
    page = unescape(response.get_data(as_text=True))
    return page.replace("\u00a0", " ").replace("\u202f", " ")


def printed(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(BytesIO(pdf))
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def the_batch() -> Batch:
    with db.read() as session:
        return session.scalars(sa.select(Batch).order_by(Batch.id.desc())).first() or Batch()


def announcement(**changes: str) -> dict[str, str]:
    form = {
        "lines-laptop": "12",
        "lines-screen": "4",
        "pickup_address": "16 boulevard des Italiens\r\n75009 Paris",
        "pickup_contact": "Accueil du quai, 01 99 00 12 34",
        "no_resale": "y",
        "then": "send",
        "idempotency_key": "one-click",
    }
    return form | changes


def sent(world: World) -> str:
    answer = world.client(world.donor_user).post("/batches/announce", data=announcement())
    return str(answer.location.rpartition("/")[2])


def decision(world: World, **changes: str) -> dict[str, str]:
    form = {
        "workshop_id": str(world.workshop),
        "legal_basis": "private_gift",
        "collection_on": "2099-01-05",
        "receiver_id": "",
        "version": "2",
        "idempotency_key": "decided",
    }
    return form | changes


def received(world: World, ref: str) -> None:
    world.client(world.coordinator).post(f"/batches/{ref}/accept", data=decision(world))
    data = {"lines-laptop-received": "12", "lines-screen-received": "4", "idempotency_key": "r"}
    assert world.client(world.supervisor).post(f"/batches/{ref}/reception", data=data).status_code == 303


# --- the donor ---


def test_a_donor_announces_in_one_form_and_a_double_click_announces_once(world: World) -> None:
    client = world.client(world.donor_user)
    assert "Annoncer un don" in text(client.get("/batches/announce"))
    first, second = (client.post("/batches/announce", data=announcement()) for _ in range(2))
    assert (first.status_code, first.location) == (303, second.location)
    page = text(client.get(first.location))
    assert "La banque a reçu votre annonce" in page
    assert "16 boulevard des Italiens, 75009 Paris" in page
    batch = the_batch()
    assert (batch.state, batch.no_resale, batch.id) == (BatchState.SUBMITTED, True, 1)


def test_a_draft_is_kept_and_what_is_missing_is_asked_for_on_its_form(world: World) -> None:
    client = world.client(world.donor_user)
    kept = client.post("/batches/announce", data=announcement(then="keep", pickup_contact=""))
    assert "Ce lot n’est pas encore envoyé" in text(client.get(kept.location))
    asked = client.post(f"{kept.location}/submit", data={"idempotency_key": "s"})
    page = text(asked)
    assert asked.status_code == 422
    assert "Dites qui appeler, et à quel numéro." in page
    assert 'value="12"' in page
    version = str(the_batch().version)
    done = client.post(f"{kept.location}/edit", data=announcement(version=version, idempotency_key="e"))
    assert done.status_code == 303
    again = client.post(f"{kept.location}/edit", data=announcement(version=version, idempotency_key="e"))
    assert again.status_code == 303
    assert the_batch().state is BatchState.SUBMITTED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lines-laptop": "-1"}, "Un nombre de 0 à 2 000."),
        ({"lines-laptop": "2001"}, "Écrivez un nombre de 1 à 2 000."),
        ({"lines-laptop": "", "lines-screen": ""}, "Indiquez au moins un matériel."),
        ({"pickup_address": ""}, "Dites où le matériel est à prendre."),
        ({"pickup_address": "a\x00b"}, "Ce champ contient un signe qui ne s’imprime pas."),
        ({"pickup_address": "x" * 201}, "200 signes au plus."),
        ({"pickup_contact": "a\nb"}, "Ce champ contient un signe qui ne s’imprime pas."),
    ],
)
def test_what_does_not_hold_comes_back_with_what_was_typed(
    world: World, change: dict[str, str], words: str
) -> None:
    answer = world.client(world.donor_user).post("/batches/announce", data=announcement(**change))
    page = text(answer)
    assert answer.status_code == 422
    assert words in page
    assert "checked" in page
    with db.read() as session:
        assert session.scalars(sa.select(Batch)).all() == []


def test_the_second_of_two_editors_is_told_and_loses_nothing(world: World) -> None:
    client = world.client(world.donor_user)
    place = client.post("/batches/announce", data=announcement(then="keep")).location
    version = str(the_batch().version)
    first = announcement(version=version, then="keep", idempotency_key="a")
    assert client.post(f"{place}/edit", data=first).status_code == 303
    second = announcement(version=version, then="keep", idempotency_key="b", **{"lines-laptop": "7"})
    told = client.post(f"{place}/edit", data=second)
    page = text(told)
    assert told.status_code == 409
    assert "Quelqu’un a modifié ce lot entre-temps" in page
    assert 'value="7"' in page
    assert f'name="version" type="hidden" value="{the_batch().version}"' in page


def test_a_batch_is_withdrawn_only_when_it_is_confirmed(world: World) -> None:
    ref, client = sent(world), world.client(world.donor_user)
    slip = client.post(f"/batches/{ref}/withdraw", data={"idempotency_key": "w"})
    assert slip.status_code == 422
    assert "Cochez pour confirmer." in text(slip)
    done = client.post(f"/batches/{ref}/withdraw", data={"idempotency_key": "w", "sure": "y"})
    assert done.status_code == 303
    assert "Retiré" in text(client.get(f"/batches/{ref}"))


def test_a_sent_batch_is_taken_back_to_be_corrected(world: World) -> None:
    ref, client = sent(world), world.client(world.donor_user)
    assert client.get(f"/batches/{ref}/edit").status_code == 409
    done = client.post(f"/batches/{ref}/reopen", data={"idempotency_key": "o"})
    assert done.location.endswith(f"/batches/{ref}/edit")
    assert "Accueil du quai, 01 99 00 12 34" in text(client.get(done.location))


def test_who_does_not_give_neither_announces_nor_edits(world: World) -> None:
    ref = sent(world)
    for actor in (world.supervisor, world.coordinator, world.prescriber_user):
        assert world.client(actor).get("/batches/announce").status_code == 403
    stranger = world.client(world.person(world.department, PersonRole.DONOR))
    for step in ("submit", "reopen", "withdraw", "edit"):
        answer = stranger.post(f"/batches/{ref}/{step}", data=announcement(version="2", sure="y"))
        assert answer.status_code == 404


# --- the coordinator ---


def test_the_coordinator_is_offered_what_fits_this_donor(world: World) -> None:
    ref, client = sent(world), world.client(world.coordinator)
    world.client(world.supervisor)
    page = text(client.get(f"/batches/{ref}"))
    assert "Accepter ce lot" in page
    assert "Don privé" in page
    assert "article L3212-3" not in page
    assert ref in text(client.get("/batches?state=submitted"))
    assert "Accepter ce lot" not in text(world.client(world.donor_user).get(f"/batches/{ref}"))


def test_a_decision_is_made_once_and_seen_by_the_donor(world: World) -> None:
    ref, client = sent(world), world.client(world.coordinator)
    first, second = (client.post(f"/batches/{ref}/accept", data=decision(world)) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    late = client.post(f"/batches/{ref}/accept", data=decision(world, idempotency_key="late"))
    assert late.status_code == 409
    page = text(world.client(world.donor_user).get(f"/batches/{ref}"))
    assert "AGOIE attend ce lot" in page
    assert "Collecte prévue le 5 janv. 2099." in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"workshop_id": ""}, "Choisissez une réponse."),
        ({"legal_basis": "l3212-3"}, "Choisissez une réponse de la liste."),
        ({"collection_on": "2020-01-05"}, "Ce jour est déjà passé."),
        ({"version": "1"}, "Ce lot a changé entre-temps."),
    ],
)
def test_a_decision_that_does_not_hold_is_asked_again(
    world: World, change: dict[str, str], words: str
) -> None:
    ref = sent(world)
    answer = world.client(world.coordinator).post(f"/batches/{ref}/accept", data=decision(world, **change))
    assert answer.status_code == 422
    assert words in text(answer)
    assert the_batch().state is BatchState.SUBMITTED


def test_a_no_is_shown_to_the_donor_with_its_reason(world: World) -> None:
    ref, client = sent(world), world.client(world.coordinator)
    no = {"no-reason": "other", "no-note": "", "no-version": "2", "no-idempotency_key": "n"}
    asked = client.post(f"/batches/{ref}/refuse", data=no)
    assert asked.status_code == 422
    assert "Écrivez la raison en une phrase" in text(asked)
    assert client.post(f"/batches/{ref}/refuse", data=no | {"no-note": "Revenez en mars."}).status_code == 303
    page = text(world.client(world.donor_user).get(f"/batches/{ref}"))
    assert "Raison : autre raison. Revenez en mars." in page
    assert "Corriger et renvoyer" in page


def test_the_collection_moves_until_the_reception(world: World) -> None:
    ref, client = sent(world), world.client(world.coordinator)
    client.post(f"/batches/{ref}/accept", data=decision(world))
    moved = {"workshop_id": str(world.workshop), "collection_on": "2099-02-01", "idempotency_key": "m"}
    done = client.post(f"/batches/{ref}/collection", data=moved | {"version": str(the_batch().version)})
    assert done.status_code == 303
    assert "Collecte prévue le 1 févr. 2099." in text(world.client(world.donor_user).get(f"/batches/{ref}"))


# --- the workshop ---


def test_a_lorry_that_nobody_announced_gets_its_labels(world: World) -> None:
    assert world.bnp
    client = world.client(world.supervisor)
    form = {
        "donor_id": "unknown",
        "workshop_id": str(world.workshop),
        "lines-laptop-received": "2",
        "lines-screen-refused": "1",
        "idempotency_key": "u",
    }
    nothing = client.post(
        "/receptions/new", data=form | {"lines-laptop-received": "", "lines-screen-refused": ""}
    )
    assert nothing.status_code == 422
    assert "Comptez au moins un matériel." in text(nothing)
    first, second = (client.post("/receptions/new", data=form) for _ in range(2))
    assert (first.status_code, first.location) == (303, second.location)
    page = text(client.get(first.location))
    assert "Origine inconnue" in page
    assert "arrivé sans annonce" in page
    assert "Imprimer les étiquettes" in page
    with db.read() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Device)) == 2


def test_a_supervisor_does_not_count_for_another_workshop(world: World) -> None:
    assert world.other_workshop
    form = {"donor_id": "unknown", "workshop_id": str(world.other_workshop), "lines-laptop-received": "2"}
    answer = world.client(world.supervisor).post("/receptions/new", data=form | {"idempotency_key": "u"})
    assert answer.status_code == 422
    assert world.client(world.donor_user).get("/receptions/new").status_code == 403


# --- what became of it ---


def test_the_papers_say_what_was_taken_in_and_what_is_left_to_erase(world: World) -> None:
    ref = sent(world)
    received(world, ref)
    for actor in (world.donor_user, world.supervisor, world.coordinator):
        client = world.client(actor)
        slip = printed(client.get(f"/batches/{ref}/reception.pdf").data)
        assert f"Bon de prise en charge n° {ref}" in slip
        assert "BNP Paribas" in slip
        assert "ordinateur portable" in slip
        certificate = printed(client.get(f"/batches/{ref}/erasure.pdf").data)
        assert "12 appareils à mémoire" in certificate
        assert "pas encore effacé" in certificate
    stranger = world.client(world.person(world.other_workshop, PersonRole.SUPERVISOR))
    for paper in ("reception.pdf", "erasure.pdf", "outcomes.csv"):
        assert stranger.get(f"/batches/{ref}/{paper}").status_code == 404


def test_a_papers_words_are_french_whatever_the_page_speaks(world: World) -> None:
    ref = sent(world)
    received(world, ref)
    client = world.client(world.donor_user)
    client.post("/language", data={"language": "en", "next": "/"})
    assert "ordinateur portable" in printed(client.get(f"/batches/{ref}/reception.pdf").data)


def test_the_answer_is_a_spreadsheet_that_can_be_sent_again(world: World) -> None:
    ref = sent(world)
    with db.transaction() as session:
        for row, (serial, maker) in enumerate((("637000000000000", "HP"), ("5CG9-1", "=cmd|x")), 2):
            item = AnnouncedItem(
                donor_id=world.bnp,
                batch_ref=ref,
                key=f"s:{serial}",
                row=row,
                category=LAPTOP,
                maker=maker,
                model="EliteBook 840",
                serial=serial,
                asset_tag="PARC-7",
            )
            session.add(item)
    received(world, ref)
    answer = world.client(world.donor_user).get(f"/batches/{ref}/outcomes.csv")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{ref}-devenir.csv"'
    rows = list(csv.reader(StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][-1] == "Devenir"
    assert [row[-1] for row in rows[1:]] == ["pas encore retrouvé"] * 2
    # Neither a formula nor a number for a spreadsheet program to spoil.
    assert rows[1][3] == '="637000000000000"'
    assert rows[2][1] == "'=cmd|x"
    again = [row.thing for row in understood(spreadsheet.read(answer.data))]
    assert [(thing.category, thing.serial) for thing in again if thing] == [
        (LAPTOP, "637000000000000"),
        (LAPTOP, "5CG9-1"),
    ]


def test_rows_are_shown_by_pages_with_their_outcome(world: World) -> None:
    ref = sent(world)
    with db.transaction() as session:
        for number in range(60):
            item = AnnouncedItem(
                donor_id=world.bnp,
                batch_ref=ref,
                key=f"s:{number}",
                row=number + 2,
                category=LAPTOP,
                serial=f"SN-{number:03}",
            )
            session.add(item)
    client = world.client(world.donor_user)
    first = text(client.get(f"/batches/{ref}"))
    assert "60 matériels dans le tableau envoyé." in first
    assert "SN-049" in first
    assert "SN-050" not in first
    cursor = first.partition("cursor=")[2].partition('"')[0]
    assert "SN-059" in text(client.get(f"/batches/{ref}?cursor={cursor}"))
    assert client.get(f"/batches/{ref}?cursor=abc").status_code == 200


def test_the_day_of_today_is_a_day_to_come(world: World) -> None:
    ref = sent(world)
    data = decision(world, collection_on=today().isoformat())
    assert world.client(world.coordinator).post(f"/batches/{ref}/accept", data=data).status_code == 303
