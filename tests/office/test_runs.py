"""Orders to print: what is written, what is refused, and that nothing is printed or minted twice."""

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from bank import db, files, journal, work
from bank.actor import Actor
from bank.errors import Code, Refusal
from bank.identity.models import PersonRole
from bank.inventory.models import Category, Label, LabelState
from bank.inventory.queries import Filters
from bank.journal import Entry, Kind
from bank.office import actions, jobs, printing, queries, rules
from bank.office.actions import Paper
from bank.office.models import OpenedSheet, PrintedLabel, PrintRun, ReprintReason, RunKind
from bank.office.queries import Drawn, RunLine, Selection
from bank.office.rules import Fault
from bank.work import Job
from tests.factories import World

LONG = 1_200
ONE_MORE = rules.RUN_MAX + 1


def ordered(actor: Actor, wanted: Selection, **paper: Any) -> int:
    with db.transaction() as session:
        return actions.print_labels(session, actor, wanted, Paper(**paper))


def seen(actor: Actor, run_id: int) -> RunLine:
    with db.read() as session:
        return queries.run(session, actor, run_id)


def printed(actor: Actor, run_id: int) -> list[tuple[str, str]]:
    with db.read() as session:
        return [(each.code, each.lines) for each in queries.inked(session, actor, run_id)]


def count(model: Any) -> int:
    with db.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def entries(kind: Kind) -> list[str]:
    with db.read() as session:
        return list(session.scalars(sa.select(Entry.facts).where(Entry.kind == kind.value)))


def fault(refusal: pytest.ExceptionInfo[Refusal]) -> Any:
    assert refusal.value.code is Code.INVALID
    return refusal.value.facts["errors"]


def devices(world: World, how_many: int = 3) -> list[str]:
    return [world.device().code for _ in range(how_many)]


# --- what is printed ---


def test_blank_labels_are_made_and_count_as_printed(world: World) -> None:
    run_id = ordered(world.operator, Selection(blanks=4), sheet="L7160")
    run = seen(world.operator, run_id)
    assert (run.kind, run.count, run.made, run.state) == (RunKind.BLANKS, 4, 4, Drawn.DONE)
    assert [lines for _code, lines in printed(world.operator, run_id)] == ["Banque du numérique 95"] * 4
    with db.read() as session:
        labels = session.scalars(sa.select(Label)).all()
    assert {label.state for label in labels} == {LabelState.BLANK}
    assert {label.organisation_id for label in labels} == {world.workshop}
    assert all(label.printed_at for label in labels)


def test_a_device_says_what_it_is_and_never_whose_it_was(world: World) -> None:
    first, second = world.device(category=Category.LAPTOP), world.device(category=Category.SCREEN)
    run_id = ordered(world.operator, Selection(devices=(second.code, first.code)))
    assert printed(world.operator, run_id) == [
        (first.code, "Ordinateur portable\nL-TEST0\nBanque du numérique 95"),
        (second.code, "Écran\nL-TEST0\nBanque du numérique 95"),
    ]


def test_a_list_a_batch_and_what_was_never_printed(world: World) -> None:
    codes = devices(world)
    world.device(category=Category.SCREEN)
    laptops = Selection(filters=Filters(category=Category.LAPTOP))
    assert seen(world.operator, ordered(world.operator, laptops)).count == 3
    rest = ordered(world.operator, Selection(unprinted=True))
    assert [lines.split("\n")[0] for _code, lines in printed(world.operator, rest)] == ["Écran"]
    whole = ordered(world.operator, Selection(batch="L-TEST0"), reason=ReprintReason.LOST)
    assert seen(world.operator, whole).count == len(codes) + 1
    with pytest.raises(Refusal) as refusal:
        ordered(world.operator, Selection(unprinted=True))
    assert fault(refusal) == {"labels": [Fault.NO_LABEL]}


def test_the_journal_says_how_many_and_on_what(world: World) -> None:
    run_id = ordered(world.operator, Selection(blanks=2), sheet="L7163", start=3, copies=2)
    [facts] = entries(Kind.LABELS_PRINTED)
    assert '"copies":2,"count":2,"kind":"blanks","printer":null,"sheet":"L7163","start":3' in facts
    with db.read() as session:
        [entry] = session.scalars(sa.select(Entry).where(Entry.kind == Kind.LABELS_PRINTED.value))
        [job] = session.scalars(sa.select(Job))
    assert (entry.subject_id, job.name, job.entry_id) == (run_id, "office.draw", entry.id)


# --- what is refused ---


@pytest.mark.parametrize(
    ("asked", "field", "why"),
    [
        ({"blanks": 0}, "labels", Fault.NO_LABEL),
        ({"blanks": -1}, "labels", Fault.NO_LABEL),
        ({"blanks": ONE_MORE}, "labels", Fault.TOO_MANY_LABELS),
        ({"blanks": 1_000_001}, "labels", Fault.TOO_MANY_LABELS),
        ({}, "labels", Fault.NOTHING_CHOSEN),
        ({"blanks": 1, "batch": "L-TEST0"}, "labels", Fault.NOTHING_CHOSEN),
        ({"devices": ("NOCODE",)}, "devices", Fault.UNKNOWN_DEVICE),
        ({"batch": "L-NOWHERE"}, "labels", Fault.NO_LABEL),
        ({"place": 999}, "labels", Fault.NO_LABEL),
        ({"places": (999,)}, "places", Fault.UNKNOWN_PLACE),
    ],
)
def test_what_cannot_be_printed_is_told_at_its_field(
    world: World, asked: dict[str, Any], field: str, why: Fault
) -> None:
    with pytest.raises(Refusal) as refusal:
        ordered(world.operator, Selection(**asked))
    assert fault(refusal) == {field: [why]}
    assert count(PrintRun) == count(Label) == 0


@pytest.mark.parametrize(
    ("paper", "field", "why"),
    [
        ({"sheet": "A4"}, "sheet", Fault.UNKNOWN_SHEET),
        ({"start": 0}, "start", Fault.START_OUTSIDE_SHEET),
        ({"start": 22}, "start", Fault.START_OUTSIDE_SHEET),
        ({"copies": 0}, "copies", Fault.COPIES_OUT_OF_RANGE),
        ({"copies": 21}, "copies", Fault.COPIES_OUT_OF_RANGE),
        ({"printer_id": 999}, "printer", Fault.UNKNOWN_PRINTER),
    ],
)
def test_so_is_a_paper_that_there_is_not(world: World, paper: dict[str, Any], field: str, why: Fault) -> None:
    with pytest.raises(Refusal) as refusal:
        ordered(world.operator, Selection(blanks=1), **paper)
    assert fault(refusal) == {field: [why]}
    assert count(PrintRun) == count(Label) == 0


def test_copies_count_as_labels(world: World) -> None:
    with pytest.raises(Refusal) as refusal:
        ordered(world.operator, Selection(blanks=5_001), copies=2)
    assert fault(refusal) == {"labels": [Fault.TOO_MANY_LABELS]}


def test_another_organisation_s_devices_printers_and_runs_are_unknown(world: World) -> None:
    [code] = devices(world, 1)
    stranger, actor = world.other_operator, world.operator
    with db.transaction() as session:
        printer_id = actions.add_printer(session, actor, "Atelier")
    with pytest.raises(Refusal) as refusal:
        ordered(stranger, Selection(devices=(code,)))
    assert refusal.value.facts["unknown"] == [code]
    assert fault(refusal) == {"devices": [Fault.UNKNOWN_DEVICE]}
    with pytest.raises(Refusal) as refusal:
        ordered(stranger, Selection(blanks=1), printer_id=printer_id)
    assert fault(refusal) == {"printer": [Fault.UNKNOWN_PRINTER]}
    run_id = ordered(world.operator, Selection(blanks=1))
    with pytest.raises(Refusal) as refusal:
        seen(stranger, run_id)
    assert refusal.value.code is Code.NOT_FOUND
    assert printed(stranger, run_id) == []
    assert seen(world.coordinator, run_id).id == run_id


def test_whoever_may_not_print_prints_nothing(world: World) -> None:
    with pytest.raises(Refusal) as refusal:
        ordered(world.person(world.workshop, PersonRole.DESK), Selection(blanks=1))
    assert refusal.value.code is Code.NOT_ALLOWED


# --- once more ---


def test_a_label_is_printed_again_for_a_reason_only(world: World) -> None:
    codes = devices(world)
    ordered(world.operator, Selection(devices=tuple(codes[:2])))
    with pytest.raises(Refusal) as refusal:
        ordered(world.operator, Selection(devices=tuple(codes)))
    assert fault(refusal) == {"reason": [Fault.ALREADY_PRINTED]}
    assert (refusal.value.facts["printed"], refusal.value.facts["printed_count"]) == (codes[:2], 2)
    ordered(world.operator, Selection(devices=tuple(codes)), reason=ReprintReason.UNREADABLE)
    [facts] = entries(Kind.LABELS_REPRINTED)
    assert '"reason":"unreadable"' in facts
    assert len(entries(Kind.LABELS_PRINTED)) == 1


def test_a_reason_where_nothing_was_printed_is_no_reprint(world: World) -> None:
    run_id = ordered(world.operator, Selection(devices=tuple(devices(world))), reason=ReprintReason.LOST)
    assert seen(world.operator, run_id).reason is None
    assert entries(Kind.LABELS_REPRINTED) == []


def test_a_sheet_that_came_out_badly_is_printed_again_with_the_same_codes(world: World) -> None:
    run_id = ordered(world.operator, Selection(blanks=3))
    with db.transaction() as session:
        again = actions.print_again(
            session, world.operator, run_id, Paper(start=4, reason=ReprintReason.MISPRINTED)
        )
    assert printed(world.operator, again) == printed(world.operator, run_id)
    assert count(Label) == 3
    with db.transaction() as session, pytest.raises(Refusal) as refusal:
        actions.print_again(session, world.operator, run_id, Paper())
    assert fault(refusal) == {"reason": [Fault.ALREADY_PRINTED]}


def test_a_void_label_is_not_printed_again(world: World) -> None:
    run_id = ordered(world.operator, Selection(blanks=2))
    with db.transaction() as session:
        session.execute(
            sa.update(Label)
            .where(Label.id == sa.select(sa.func.min(Label.id)).scalar_subquery())
            .values(state=LabelState.VOID)
        )
    with db.transaction() as session:
        again = actions.print_again(session, world.operator, run_id, Paper(reason=ReprintReason.LOST))
    assert printed(world.operator, again) == printed(world.operator, run_id)[1:]


def test_two_orders_at_once_for_the_same_labels_are_one_print_and_one_question(world: World) -> None:
    codes, actor = tuple(devices(world)), world.operator
    gate, said = threading.Barrier(2), []

    def press() -> None:
        with world.app.app_context():
            gate.wait()
            try:
                ordered(actor, Selection(devices=codes))
                said.append("printed")
            except Refusal as refusal:
                said.append(str(refusal.facts["errors"]))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == sorted(["printed", str({"reason": [Fault.ALREADY_PRINTED]})])
    assert count(PrintRun) == 1


def test_a_device_s_history_tells_its_reprints(world: World) -> None:
    device = world.device()
    other = world.device()
    ordered(world.operator, Selection(devices=(device.code, other.code)))
    ordered(world.operator, Selection(devices=(device.code,)), reason=ReprintReason.UNREADABLE)
    stranger = world.other_operator
    with db.read() as session:
        [line] = queries.reprints(session, world.operator, device.device_id)
        assert (line.reason, line.organisation) == (ReprintReason.UNREADABLE, "AGOIE")
        assert queries.reprints(session, world.operator, other.device_id) == []
        assert queries.reprints(session, stranger, device.device_id) == []


# --- long runs ---


def job_of(run_id: int) -> int:
    with db.read() as session:
        return session.scalars(
            sa.select(Job.id)
            .join(Entry, Entry.id == Job.entry_id)
            .where(Entry.subject == "labels", Entry.subject_id == run_id)
        ).one()


def test_a_long_run_is_made_by_its_job(world: World) -> None:
    run_id = ordered(world.operator, Selection(blanks=LONG))
    run = seen(world.operator, run_id)
    assert (run.made, run.state, count(Label)) == (0, Drawn.WAITING, 0)
    with db.read() as session, pytest.raises(Refusal) as refusal:
        queries.ready(session, world.operator, run_id)
    assert refusal.value.code is Code.NOT_DRAWN_YET
    work.run(job_of(run_id))
    run = seen(world.operator, run_id)
    assert (run.made, run.state, count(Label), count(PrintedLabel)) == (LONG, Drawn.DONE, LONG, LONG)
    assert files.get(run.file or "").startswith(b"%PDF")
    with db.read() as session:
        job = queries.job(session, world.operator, job_of(run_id))
    assert (job.state, job.progress, job.total, job.run_id) == (Drawn.DONE, LONG, LONG, run_id)


def test_a_job_that_stops_in_the_middle_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = ordered(world.operator, Selection(blanks=LONG))
    job_id, fill, turns = job_of(run_id), actions.fill, iter(range(100))

    def dies(session: Any, run_id: int) -> Any:
        row = fill(session, run_id)
        if next(turns) == 1:
            raise ConnectionError
        return row

    monkeypatch.setattr(actions, "fill", dies)
    work.run(job_id)
    assert seen(world.operator, run_id).made == count(Label) == count(PrintedLabel) == actions.CHUNK
    work.run(job_id)
    run = seen(world.operator, run_id)
    assert (run.state, count(Label), count(PrintedLabel)) == (Drawn.DONE, LONG, LONG)
    assert len({code for code, _lines in printed(world.operator, run_id)}) == LONG


def test_delivered_twice_at_once_it_mints_and_draws_once(world: World) -> None:
    run_id = ordered(world.operator, Selection(blanks=LONG))
    gate, faults = threading.Barrier(2), []

    def deliver() -> None:
        with world.app.app_context():
            gate.wait()
            try:
                jobs.make(run_id)
            except Exception as error:  # noqa: BLE001  (whatever it is must reach the test)
                faults.append(error)

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert count(Label) == count(PrintedLabel) == LONG
    assert stored(world) == [seen(world.operator, run_id).file]
    jobs.make(run_id)
    assert count(Label) == LONG
    assert stored(world) == [seen(world.operator, run_id).file]


def stored(world: World) -> list[str]:
    folder = world.app.config["BANK"].var_dir / "files"
    return [each.name for each in folder.rglob("*") if each.is_file()]


def test_a_run_killed_before_its_file_is_noted_stores_the_same_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = ordered(world.operator, Selection(blanks=LONG))
    keep = actions.keep_file
    monkeypatch.setattr(actions, "keep_file", lambda *_args: (_ for _ in ()).throw(ConnectionError()))
    work.run(job_of(run_id))
    assert seen(world.operator, run_id).state is Drawn.WAITING
    monkeypatch.setattr(actions, "keep_file", keep)
    work.run(job_of(run_id))
    assert stored(world) == [seen(world.operator, run_id).file]


def test_the_labels_of_a_long_list_are_frozen_when_they_are_ordered(world: World) -> None:
    codes = devices(world, 2)
    run_id = ordered(world.operator, Selection(devices=tuple(codes)), copies=20)
    assert seen(world.operator, run_id).made == 2
    many = tuple(devices(world, 26))
    long = ordered(world.operator, Selection(devices=many), copies=20)
    assert seen(world.operator, long).made == 0
    with pytest.raises(Refusal) as refusal:
        ordered(world.operator, Selection(devices=many))
    assert fault(refusal) == {"reason": [Fault.ALREADY_PRINTED]}, "what is on its way is not printed twice"
    work.run(job_of(long))
    assert [code for code, _lines in printed(world.operator, long)] == list(many)
    with db.read() as session:
        assert session.get_one(PrintRun, long).wanted is None


def test_a_run_that_gave_up_can_be_woken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = ordered(world.operator, Selection(blanks=LONG))
    job_id, fill = job_of(run_id), actions.fill
    monkeypatch.setattr(actions, "fill", lambda *_args: (_ for _ in ()).throw(ConnectionError()))
    for _ in range(work.MAX_ATTEMPTS):
        work.run(job_id)
    assert seen(world.operator, run_id).state is Drawn.FAILED
    monkeypatch.setattr(actions, "fill", fill)
    with db.transaction() as session:
        work.wake(session, job_id)
    work.run(job_id)
    assert seen(world.operator, run_id).state is Drawn.DONE


# --- the part-used sheet ---


def opened(actor: Actor, station_id: int | None = None) -> dict[str, int]:
    with db.read() as session:
        return dict(queries.opened(session, actor, station_id))


def test_the_next_print_goes_on_after_the_last_label(world: World) -> None:
    actor = world.operator
    ordered(actor, Selection(blanks=5), sheet="L7160")
    assert opened(actor) == {"L7160": 6}
    ordered(actor, Selection(blanks=10), sheet="L7160", start=6, copies=2)
    assert opened(actor) == {"L7160": 5}, "a second sheet was begun"
    ordered(actor, Selection(blanks=17), sheet="L7160", start=5)
    assert opened(actor) == {}, "a sheet that is used up is forgotten"


def test_a_sheet_lies_beside_a_station_or_beside_a_person(world: World) -> None:
    station_id, _secret = world.station()
    assert world.supervisor.organisation_id != world.other_operator.organisation_id
    ordered(world.operator, Selection(blanks=2), station_id=station_id)
    assert opened(world.supervisor, station_id) == {"L7160": 3}
    assert opened(world.operator) == opened(world.supervisor) == {}
    assert opened(world.other_operator, station_id) == {}
    ordered(world.operator, Selection(blanks=3))
    assert opened(world.operator) == {"L7160": 4}
    assert opened(world.supervisor, station_id) == {"L7160": 3}
    with db.transaction() as session:
        actions.forget(session, world.supervisor, station_id, "L7160")
    assert opened(world.operator, station_id) == {}
    assert count(OpenedSheet) == 1


# --- printers ---


def test_a_run_is_moved_as_its_printer_was_on_that_day(world: World) -> None:
    actor, stranger = world.operator, world.other_operator
    with db.transaction() as session:
        printer_id = actions.add_printer(session, actor, "  Brother\tdu bureau ")
    ordered(actor, Selection(blanks=1), printer_id=printer_id)
    measured = rules.Measured(left=2_150, top=1_920, across=10_050, down=10_000)
    with db.transaction() as session:
        better = actions.calibrate(session, actor, printer_id, 1, measured)
    run_id = ordered(actor, Selection(blanks=1), printer_id=printer_id)
    assert seen(actor, run_id).offsets == better
    assert seen(actor, run_id - 1).offsets == rules.Offsets()
    with db.read() as session:
        [line] = queries.printers(session, actor)
        assert (line.name, line.is_calibrated) == ("Brother du bureau", True)
        assert queries.printers(session, stranger) == []
    with db.transaction() as session, pytest.raises(Refusal) as refusal:
        actions.calibrate(session, actor, printer_id, 1, measured)
    assert refusal.value.code is Code.EDITED_MEANWHILE
    with db.transaction() as session, pytest.raises(Refusal) as refusal:
        actions.add_printer(session, actor, "brother DU bureau")
    assert fault(refusal) == {"name": [Fault.NAME_TAKEN]}
    assert len(entries(Kind.PRINTER_ADDED)) == len(entries(Kind.PRINTER_CALIBRATED)) == 1


def test_the_journal_still_holds(world: World) -> None:
    ordered(world.operator, Selection(blanks=3))
    with db.read() as session:
        facts = [(row.kind, row.facts) for row in session.scalars(sa.select(Entry))]
    for kind, text in facts:
        assert journal.canonical(Kind(kind), __import__("json").loads(text)) == text


def test_a_name_of_a_place_with_strange_signs_still_prints(world: World) -> None:
    assert printing.blank_lines() == "Banque du numérique 95"
    assert rules.legible("Étagère\x00 B\u2028 ^XA~\U0001f4bb\n") == "Étagère B ^XA~\U0001f4bb"
