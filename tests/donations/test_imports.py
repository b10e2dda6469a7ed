"""A donor's spreadsheet goes into a draft: shown first, written in chunks, never twice."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db, files, work
from bank.actor import Actor
from bank.donations import actions, import_queries, imports, intake, jobs
from bank.donations.columns import Field
from bank.donations.import_queries import ImportSheet
from bank.donations.imports import Upload
from bank.donations.models import Batch, BatchLine, BatchState, ImportState
from bank.donations.rules import Announcement
from bank.errors import Code, Refusal
from bank.identity.models import PersonRole
from bank.inventory import replay
from bank.inventory.models import AnnouncedItem, Category
from bank.journal import Entry, Kind
from bank.work import Job, JobState
from tests.factories import World

SHEETS = Path(__file__).parent / "sheets"
TITLES = "Type;Marque;Modèle;N° de série;N° d’inventaire"
LAPTOP, SCREEN, DESKTOP = Category.LAPTOP, Category.SCREEN, Category.DESKTOP


def sheet(*lines: str) -> bytes:
    return "\r\n".join([TITLES, *lines]).encode()


def laptops(count: int, start: int = 0) -> bytes:
    return sheet(*(f"Portable;HP;840;SN{number:06};T{number}" for number in range(start, start + count)))


def draft(actor: Actor, donor: int | None = None) -> str:
    with db.transaction() as session:
        return actions.announce(session, actor, Announcement(), donor_id=donor)


def send(actor: Actor, ref: str, data: bytes, key: str = "k", **said: object) -> ImportSheet:
    upload = Upload("", "parc.csv", **said)  # type: ignore[arg-type]  # tests say one thing or another
    return seen(actor, intake.send(actor, ref, data, upload, key))


def seen(actor: Actor, import_id: int) -> ImportSheet:
    with db.read() as session:
        return import_queries.one(session, actor, import_id)


def confirm(actor: Actor, import_id: int) -> None:
    with db.transaction() as session:
        imports.confirm(session, actor, import_id)


def run_jobs() -> None:
    """What a worker would do."""
    with db.read() as session:
        waiting = session.scalars(sa.select(Job.id).where(Job.state == JobState.WAITING)).all()
    for job_id in waiting:
        work.run(job_id)


def bring_in(actor: Actor, ref: str, data: bytes, key: str = "k", **said: object) -> ImportSheet:
    found = send(actor, ref, data, key, **said)
    confirm(actor, found.id)
    run_jobs()
    return seen(actor, found.id)


def counts(found: ImportSheet) -> tuple[int, ...]:
    return (found.new, found.same, found.changed, found.refused, found.suspicious)


def announced(ref: str) -> dict[Category, int]:
    with db.read() as session:
        rows = session.execute(
            sa.select(BatchLine.category, BatchLine.announced)
            .join(Batch, Batch.id == BatchLine.batch_id)
            .where(Batch.ref == ref)
        )
        return {row.category: row.announced for row in rows}


def items(ref: str) -> list[AnnouncedItem]:
    with db.read() as session:
        return list(session.scalars(sa.select(AnnouncedItem).where(AnnouncedItem.batch_ref == ref)))


def entries(kind: Kind) -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).where(Entry.kind == kind.value)) or 0


def test_what_is_shown_is_not_written(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    found = send(donor, ref, (SHEETS / "parc-cp1252.csv").read_bytes())
    assert (found.state, found.rows, found.filename) == (ImportState.PREVIEW, 5, "parc.csv")
    assert counts(found) == (4, 0, 0, 1, 1)
    assert [(each.row, each.code, each.refused) for each in found.problems] == [
        (5, "scientific-notation", True),
        (6, "junk-serial", False),
    ]
    assert found.problems[0].column == "N° de série"
    assert found.understood.titles[0] == "Type"
    assert found.understood.fields[5] is None
    assert len(found.understood.sample) == 4
    assert items(ref) == []
    assert announced(ref) == {}
    assert entries(Kind.BATCH_IMPORTED) == 0


def test_a_confirmed_file_is_written_by_a_job(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    found = bring_in(donor, ref, (SHEETS / "parc-cp1252.csv").read_bytes())
    assert (found.state, found.cursor) == (ImportState.DONE, 5)
    assert counts(found) == (4, 0, 0, 1, 1)
    assert announced(ref) == {LAPTOP: 2, DESKTOP: 1, SCREEN: 1}
    by_key = {item.key: item for item in items(ref)}
    assert by_key["serial:5CG8231ABC"].model == "EliteBook 840 G5"
    assert by_key["tag:BNP-0105"].suspicions == {"junk-serial"}
    assert (by_key["tag:BNP-0105"].row, by_key["tag:BNP-0105"].serial) == (6, None)
    assert replay.verify().faults == []


def test_counts_typed_by_hand_and_read_add_up(world: World) -> None:
    donor = world.donor_user
    with db.transaction() as session:
        ref = actions.announce(session, donor, Announcement(lines=((LAPTOP, 3),)))
    bring_in(donor, ref, laptops(2))
    assert announced(ref) == {LAPTOP: 5}


def test_the_same_file_again_changes_nothing(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    data = sheet("Portable;HP;840;S1AA;T1", "Écran;Dell;P24;;", "Écran;Dell;P24;;", "UC;HP;600;None;T3")
    bring_in(donor, ref, data)
    before = announced(ref)
    for again in (ref, draft(donor)):
        found = bring_in(donor, again, data, key=f"again {again}")
        assert counts(found) == (0, 4, 0, 0, 1)
    assert announced(ref) == before
    assert len(items(ref)) == 4


def test_devices_without_any_number_are_announced_again_by_another_file(world: World) -> None:
    """Two sites have each ten screens of one model: twenty screens, though no number tells them apart."""
    donor = world.donor_user
    first, second = draft(donor), draft(donor)
    bring_in(donor, first, sheet("Écran;Dell;P24;;", "Écran;Dell;P24;;"), "a")
    found = bring_in(donor, second, sheet("Écran;Dell;P24;;", "Écran;Dell;P24;;", "UC;HP;600;S9X;"), "b")
    assert counts(found) == (3, 0, 0, 0, 0)
    assert announced(second) == {SCREEN: 2, DESKTOP: 1}


def test_refused_rows_corrected_and_sent_again_go_in(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    found = bring_in(donor, ref, (SHEETS / "parc-cp1252.csv").read_bytes())
    with world.app.test_request_context():
        rows = list(intake.refused_rows(found))
    assert rows[0] == ["Type", "Marque", "Modèle", "N° de série", "N° d’inventaire", "Remarque", "Pourquoi"]
    assert len(rows) == 2
    assert rows[1][-1].startswith("Le tableur a abîmé ce numéro.")
    corrected = "\n".join(";".join(row) for row in rows).replace("6,37E+15", "PF1A2B3C")
    again = bring_in(donor, ref, corrected.encode(), "again")
    assert counts(again) == (1, 0, 0, 0, 0)
    assert announced(ref) == {LAPTOP: 3, DESKTOP: 1, SCREEN: 1}


def test_other_details_change_what_is_known(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    bring_in(donor, ref, sheet("Portable;HP;840;S1A;T1", "Portable;HP;840;S2A;T2"))
    found = bring_in(donor, ref, sheet("Portable;HP;850;S1A;T1", "UC;HP;840;S2A;T2"), "b")
    assert counts(found) == (0, 0, 2, 0, 0)
    assert {item.serial: (item.category, item.model) for item in items(ref)} == {
        "S1A": (LAPTOP, "850"),
        "S2A": (DESKTOP, "840"),
    }
    assert announced(ref) == {LAPTOP: 1, DESKTOP: 1}


def test_a_serial_read_since_is_given_to_the_device_of_that_tag(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    bring_in(donor, ref, sheet("Portable;HP;840;None;T1"))
    found = bring_in(donor, ref, sheet("Portable;HP;840;5CG8231XYZ;T1"), "b")
    assert counts(found) == (0, 0, 1, 0, 0)
    [item] = items(ref)
    assert (item.key, item.serial, item.suspicions) == ("serial:5CG8231XYZ", "5CG8231XYZ", frozenset())


def _sent(world: World, ref: str) -> None:
    with db.transaction() as session:
        session.execute(sa.update(Batch).where(Batch.ref == ref).values(state=BatchState.SUBMITTED))


def test_what_was_sent_does_not_change_any_more(world: World) -> None:
    donor, ref, other = world.donor_user, draft(world.donor_user), draft(world.donor_user)
    bring_in(donor, ref, sheet("Portable;HP;840;S1A;T1", "Portable;HP;840;S2A;T2"))
    _sent(world, ref)
    found = bring_in(donor, other, sheet("Portable;HP;840;S1A;T1", "Portable;HP;999;S2A;T2"), "b")
    assert counts(found) == (0, 1, 0, 1, 0)
    assert [each.code for each in found.problems] == ["already-sent"]
    assert {item.model for item in items(ref)} == {"840"}


def test_what_a_refused_batch_announced_can_be_announced_again(world: World) -> None:
    donor, ref, other = world.donor_user, draft(world.donor_user), draft(world.donor_user)
    bring_in(donor, ref, laptops(3))
    with db.transaction() as session:
        session.execute(
            sa.update(Batch)
            .where(Batch.ref == ref)
            .values(state=BatchState.REFUSED, refusal_reason="too_far")
        )
    found = bring_in(donor, other, laptops(3), "b")
    assert counts(found) == (3, 0, 0, 0, 0)
    assert len(items(other)) == announced(other)[LAPTOP] == 3


def test_two_donors_may_say_the_same_serial_and_it_is_doubted(world: World) -> None:
    bring_in(world.donor_user, draft(world.donor_user), laptops(1))
    other = draft(world.coordinator, world.department)
    found = bring_in(world.coordinator, other, laptops(1), "b")
    assert counts(found) == (1, 0, 0, 0, 1)
    assert [each.code for each in found.problems] == ["known-elsewhere"]


def test_the_person_may_say_what_the_columns_tell(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    data = b"Truc;Machin\nS1AB;840\nS2AB;850\n"
    with pytest.raises(Refusal) as refusal:
        send(donor, ref, data)
    assert refusal.value.facts["errors"] == {"file": ["no-known-title"]}
    found = send(donor, ref, data, told=((0, Field.SERIAL),))
    assert counts(found) == (0, 0, 0, 2, 0)
    told = ((0, Field.SERIAL), (1, Field.MODEL))
    intake.send_again(donor, found.id, Upload(found.digest, found.filename, told, LAPTOP))
    again = seen(donor, found.id)
    assert counts(again) == (2, 0, 0, 0, 0)
    assert again.problems == ()
    confirm(donor, found.id)
    run_jobs()
    assert {item.model for item in items(ref)} == {"840", "850"}
    with pytest.raises(Refusal) as refusal:
        intake.send_again(donor, found.id, Upload(found.digest, found.filename, told, LAPTOP))
    assert refusal.value.code is Code.EDITED_MEANWHILE


def test_a_double_click_makes_one(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    first, second = send(donor, ref, laptops(2)), send(donor, ref, laptops(2))
    assert first.id == second.id
    confirm(donor, first.id)
    confirm(donor, first.id)
    run_jobs()
    confirm(donor, first.id)
    run_jobs()
    assert entries(Kind.BATCH_IMPORTED) == 1
    assert announced(ref) == {LAPTOP: 2}


def test_two_presses_at_once_make_one(app: Flask, world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    found = send(donor, ref, laptops(2))

    def press() -> None:
        with app.app_context():
            confirm(donor, found.id)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_jobs()
    assert entries(Kind.BATCH_IMPORTED) == 1
    assert announced(ref) == {LAPTOP: 2}


def test_two_workers_at_once_write_each_row_once(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 20)
    donor, ref = world.donor_user, draft(world.donor_user)
    found = send(donor, ref, laptops(200))
    confirm(donor, found.id)

    def write() -> None:
        with app.app_context():
            jobs.write_rows(found.id)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = seen(donor, found.id)
    assert (done.state, counts(done)) == (ImportState.DONE, (200, 0, 0, 0, 0))
    assert announced(ref) == {LAPTOP: 200}


def test_two_files_with_the_same_devices_at_once_announce_each_once(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 20)
    donor = world.donor_user
    refs = [draft(donor), draft(donor)]
    sent = [send(donor, ref, laptops(100 + place), f"k{place}") for place, ref in enumerate(refs)]
    for each in sent:
        confirm(donor, each.id)

    def write(import_id: int) -> None:
        with app.app_context():
            jobs.write_rows(import_id)

    threads = [threading.Thread(target=write, args=(each.id,)) for each in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(announced(ref).get(LAPTOP, 0) for ref in refs) == 101
    assert sum(len(items(ref)) for ref in refs) == 101
    assert [len(items(ref)) for ref in refs] == [announced(ref).get(LAPTOP, 0) for ref in refs]
    done = [seen(donor, each.id) for each in sent]
    assert [each.new + each.same for each in done] == [100, 101]


@pytest.mark.parametrize("stops_after", [0, 1, 3])
def test_stopped_in_the_middle_it_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch, stops_after: int
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 10)
    donor, ref = world.donor_user, draft(world.donor_user)
    found = send(donor, ref, laptops(45))
    confirm(donor, found.id)
    real, taken = imports.take, []

    def dies(session: db.Session, import_id: int, start: int, chunk: Sequence[imports.Row]) -> bool:
        if len(taken) == stops_after:
            real(session, import_id, start, chunk)
            raise KeyboardInterrupt
        taken.append(start)
        return real(session, import_id, start, chunk)

    monkeypatch.setattr(imports, "take", dies)
    with pytest.raises(KeyboardInterrupt):
        jobs.write_rows(found.id)
    halfway = seen(donor, found.id)
    assert halfway.cursor == halfway.new == sum(announced(ref).values()) == stops_after * 10
    monkeypatch.setattr(imports, "take", real)
    jobs.write_rows(found.id)
    done = seen(donor, found.id)
    assert (done.state, done.cursor, counts(done)) == (ImportState.DONE, 45, (45, 0, 0, 0, 0))
    assert announced(ref) == {LAPTOP: 45}


def test_a_batch_sent_meanwhile_stops_the_writing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    found = send(donor, ref, laptops(5))
    confirm(donor, found.id)
    _sent(world, ref)
    run_jobs()
    done = seen(donor, found.id)
    assert (done.state, done.stopped, done.under_way) == (ImportState.FAILED, True, False)
    assert items(ref) == []


def test_a_job_that_gave_up_is_asked_for_again(world: World) -> None:
    donor, ref = world.donor_user, draft(world.donor_user)
    found = send(donor, ref, laptops(5))
    confirm(donor, found.id)
    with db.transaction() as session:
        session.execute(sa.update(Job).values(state=JobState.FAILED, error="WorkerDied"))
    stopped = seen(donor, found.id)
    assert (stopped.stopped, stopped.under_way) == (True, False)
    confirm(donor, found.id)
    run_jobs()
    assert seen(donor, found.id).state is ImportState.DONE
    assert announced(ref) == {LAPTOP: 5}


def test_a_job_says_how_far_it_got(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "CHUNK", 2)
    found = send(world.donor_user, draft(world.donor_user), laptops(5))
    confirm(world.donor_user, found.id)
    said: list[tuple[int, int]] = []
    monkeypatch.setattr(work, "progress", lambda _session, _job, done, total: said.append((done, total)))
    run_jobs()
    assert said == [(2, 5), (4, 5), (5, 5)]


def test_who_may_bring_a_spreadsheet(world: World) -> None:
    own = draft(world.donor_user)
    data = laptops(1)
    assert send(world.coordinator, own, data, "c").new == 1
    other_donor = world.person(world.department, PersonRole.DONOR)
    for actor in (world.supervisor, world.prescriber_user, other_donor):
        with pytest.raises(Refusal) as refusal:
            send(actor, own, data, "x")
        assert refusal.value.code is Code.NOT_FOUND
    _sent(world, own)
    with pytest.raises(Refusal) as refusal:
        send(world.donor_user, own, data, "y")
    assert refusal.value.code is Code.BATCH_SENT


def test_a_batch_has_a_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "ANNOUNCED_MAX", 4)
    donor, ref = world.donor_user, draft(world.donor_user)
    bring_in(donor, ref, laptops(3))
    found = send(donor, ref, laptops(2, start=50), "b")
    with pytest.raises(Refusal) as refusal:
        confirm(donor, found.id)
    assert refusal.value.facts["errors"] == {"file": ["sheet-too-large"]}


# --- what the command does ---


def bring(world: World, data: bytes) -> intake.Report:
    return intake.bring(world.coordinator, world.bnp, data, Upload("", "parc.csv"))


def batches() -> list[str]:
    with db.read() as session:
        return list(session.scalars(sa.select(Batch.ref).order_by(Batch.id)))


def test_a_file_is_brought_at_once_and_only_what_is_new_makes_a_draft(world: World) -> None:
    data = (SHEETS / "parc-utf8-bom.csv").read_bytes()
    first = bring(world, data)
    assert first.tally.as_dict() == {
        "rows": 5, "new": 4, "same": 0, "changed": 0, "refused": 1, "suspicious": 1,
    }  # fmt: skip
    [ref] = batches()
    assert announced(ref) == {LAPTOP: 2, DESKTOP: 1, SCREEN: 1}
    again = bring(world, data)
    assert (again.tally.new, again.tally.same, again.tally.refused) == (0, 4, 1)
    changed = bring(world, data.replace(b"EliteBook 840 G5", b"EliteBook 840 G6"))
    assert (changed.tally.new, changed.tally.same, changed.tally.changed) == (0, 3, 1)
    assert batches() == [ref]
    more = bring(world, data + "Écran;Dell;P24;S9X;;".encode())
    assert (more.tally.new, more.tally.same, more.tally.changed) == (1, 3, 1)
    assert len(batches()) == 2


def test_devices_without_a_number_are_known_when_a_corrected_file_is_brought(world: World) -> None:
    bring(world, sheet("Écran;Dell;P24;;", "Écran;Dell;P24;;", "UC;HP;600;6,37E+15;"))
    again = bring(world, sheet("Écran;Dell;P24;;", "Écran;Dell;P24;;", "UC;HP;600;CZC1234;"))
    assert (again.tally.new, again.tally.same) == (1, 2)


def test_a_dry_run_stores_nothing(world: World) -> None:
    data = (SHEETS / "parc-utf8-bom.csv").read_bytes()
    found = intake.report(world.bnp, None, intake.opened(data), Upload(files.name_of(data), ""))
    assert found.tally.new == 4
    assert batches() == []
    with pytest.raises(FileNotFoundError):
        files.get(files.name_of(data))
