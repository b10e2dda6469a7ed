"""The one door: guarded, gated, journalled, replayable, under concurrency too."""

import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bank import db, journal
from bank.errors import Code, Refusal
from bank.inventory import register, replay
from bank.inventory.lifecycle import GATED, Move, State
from bank.inventory.models import Category, Device, Drive, DriveKind, Label, LabelState
from tests.factories import PATHS, World


@pytest.mark.parametrize("state", list(PATHS))
def test_replaying_the_journal_gives_the_row(world: World, state: State) -> None:
    standing = world.device(state)
    assert standing.state is state
    report = replay.verify()
    assert report.faults == []
    assert (report.devices, report.entries) == (1, standing.seq)


def test_a_received_device_has_a_label_a_custodian_and_a_drive_nobody_has_seen(world: World) -> None:
    standing = world.device()
    assert standing.custodian_id == standing.owner_id == world.workshop
    assert standing.open_drives == 1
    with db.read() as session:
        drive = session.scalars(sa.select(Drive).where(Drive.device_id == standing.device_id)).one()
        assert drive.kind is DriveKind.UNSEEN
        assert register.look(session, standing.code) == standing


def test_a_screen_holds_no_data(world: World) -> None:
    assert world.device(category=Category.SCREEN).open_drives == 0


def test_a_stale_standing_moves_nothing(world: World) -> None:
    standing = world.device(State.READY)
    with db.transaction() as session:
        register.move(session, world.supervisor, standing, Move.RESERVE)
    with pytest.raises(Refusal) as refused, db.transaction() as session:
        register.move(session, world.supervisor, standing, Move.LOSE)
    assert refused.value.code is Code.MOVED_MEANWHILE
    with db.read() as session:
        assert register.look(session, standing.code).state is State.RESERVED


def test_two_threads_and_one_device_one_winner(world: World) -> None:
    """Both look, both see it ready, both reserve: the guard lets one through and nothing is half written."""
    standing = world.device(State.READY)
    app = world.app
    barrier = threading.Barrier(4)
    outcomes: list[str] = []

    def reserve() -> None:
        with app.app_context():
            barrier.wait()
            try:
                with db.transaction() as session:
                    register.retried(lambda: _reserve(session, standing.code))
                outcomes.append("won")
            except Refusal as refusal:
                outcomes.append(refusal.code.value)

    def _reserve(session: db.Session, code: str) -> None:
        register.move(session, world.supervisor, register.look(session, code), Move.RESERVE)

    actor = world.supervisor
    assert actor
    threads = [threading.Thread(target=reserve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["illegal-move"] * 3 + ["won"]
    assert replay.verify().faults == []


@pytest.mark.parametrize("each", [12, pytest.param(1_000, marks=pytest.mark.soak)])
def test_moves_by_eight_threads_lose_nothing(world: World, each: int) -> None:
    """Moves that stay in the same state all succeed, each on the tip that the one before left."""
    standing = world.device(State.IN_WORK)
    actor, app = world.supervisor, world.app
    refused: list[str] = []

    def work() -> None:
        with app.app_context():
            for _ in range(each):
                try:
                    with db.transaction() as session:
                        register.retried(
                            lambda: register.move(
                                session, actor, register.look(session, standing.code), Move.DRIVES
                            )
                        )
                except Refusal as refusal:
                    refused.append(refusal.code.value)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as session:
        after = register.look(session, standing.code)
    assert after.seq - standing.seq == 8 * each - len(refused)
    assert set(refused) <= {"moved-meanwhile"}
    assert replay.verify().faults == []


@pytest.mark.parametrize("state", GATED)
def test_the_database_itself_holds_the_erasure_gate(world: World, state: State) -> None:
    standing = world.device(State.IN_WORK)
    with pytest.raises(IntegrityError, match="erasure_gate"), db.transaction() as session:
        session.execute(
            sa.update(Device)
            .where(Device.id == standing.device_id)
            .values(state=state, step_id=None, open_drives=1)
        )


def test_a_device_in_work_has_a_step_and_no_other_has_one(world: World) -> None:
    standing = world.device(State.IN_WORK)
    with pytest.raises(IntegrityError, match="step_in_work"), db.transaction() as session:
        session.execute(sa.update(Device).where(Device.id == standing.device_id).values(step_id=None))


def test_a_device_has_one_live_label(world: World) -> None:
    standing = world.device()
    with pytest.raises(IntegrityError), db.transaction() as session:
        session.add(
            Label(
                code="0000000000",
                state=LabelState.CLAIMED,
                device_id=standing.device_id,
                organisation_id=world.workshop,
            )
        )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (LabelState.BLANK, Code.BLANK_LABEL),
        (LabelState.VOID, Code.VOID_LABEL),
        (LabelState.REPLACED, Code.VOID_LABEL),
        (None, Code.UNKNOWN_LABEL),
    ],
)
def test_a_label_that_names_no_device_says_why(world: World, state: LabelState | None, code: Code) -> None:
    standing = world.device()
    with db.transaction() as session:
        if state:
            device_id = standing.device_id if state is LabelState.REPLACED else None
            session.add(
                Label(code="1111111111", state=state, device_id=device_id, organisation_id=world.workshop)
            )
    with pytest.raises(Refusal) as refused, db.read() as session:
        register.look(session, "1111111111")
    assert refused.value.code is code


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE device SET state = 'missing', step_id = NULL", "state-differs"),
        ("UPDATE device SET custodian_id = NULL", "state-differs"),
        ("UPDATE device SET seq = seq + 1", "tip-differs"),
    ],
)
def test_a_row_changed_behind_the_register_shows(world: World, change: str, fault: str) -> None:
    world.device(State.RECEIVED)
    with db.transaction() as session:
        session.execute(sa.text(change))
    assert fault in {found.code for found in replay.verify().faults}


def test_an_entry_changed_behind_the_triggers_shows(world: World) -> None:
    world.device(State.READY)
    with db.transaction() as session:
        if session.get_bind().dialect.name == "sqlite":
            session.execute(sa.text("DROP TRIGGER journal_no_update"))
        else:
            session.execute(sa.text("ALTER TABLE journal_entry DISABLE TRIGGER journal_no_change"))
        session.execute(sa.text("UPDATE journal_entry SET person_id = 4242 WHERE seq = 2"))
    assert [found.code for found in replay.verify().faults] == ["hash-differs"]


def test_a_scan_mark_is_taken_once(world: World) -> None:
    standing = world.device(State.IN_WORK)
    mark = register.ScanMark("5b0f6d0e-0000-4000-8000-000000000001")
    actor = world.operator
    with db.transaction() as session:
        after = register.move(session, actor, standing, Move.DRIVES, scan=mark)
    with pytest.raises(IntegrityError), db.transaction() as session:
        register.move(session, actor, after, Move.DRIVES, scan=mark)
    with db.read() as session:
        assert register.look(session, standing.code).seq == after.seq
        entry = session.scalars(sa.select(journal.Entry).where(journal.Entry.scan_id == mark.scan_id)).one()
        assert entry.seq == after.seq
