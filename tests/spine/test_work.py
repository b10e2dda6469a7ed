"""Jobs: written with their entry, sent after the commit, run once; and requests made once."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from bank import db, journal, work
from bank.actor import Actor
from bank.app import create_app
from bank.errors import Code, Refusal
from bank.identity import signin
from bank.identity.models import LegalNature, Organisation
from bank.journal import Kind
from bank.work import IdempotencyMark, Job, JobState, Task
from tests.conftest import make_config
from tests.factories import World


def leave_a_trace(task: Task) -> None:
    """A job that shows each time it ran."""
    with db.transaction() as session:
        session.add(Organisation(name=f"ran {task.subject_id} {_traces(session)}", **TRACE))


def fail(task: Task) -> None:
    """A job that never succeeds."""
    raise ConnectionError(task.job_id)


TRACE = {"legal_nature": LegalNature.COMPANY, "roles": frozenset({"funder"})}
REACTIONS = {
    Kind.PERSON_RESET_ASKED.value: [("test.trace", leave_a_trace)],
    Kind.PERSON_DISABLED.value: [("test.fail", fail)],
}


def _traces(session: db.Session) -> int:
    return len(session.scalars(sa.select(Organisation.id).where(Organisation.name.startswith("ran "))).all())


def traces() -> int:
    with db.read() as session:
        return _traces(session)


def jobs() -> list[Job]:
    with db.read() as session:
        return list(session.scalars(sa.select(Job).order_by(Job.id)))


def ask(subject_id: int = 7, kind: Kind = Kind.PERSON_RESET_ASKED) -> None:
    with db.transaction() as session:
        journal.append(session, None, kind, subject_id, {})


@pytest.fixture
def queued(database_url: str, tmp_path: Path, valkey_url: str) -> Iterator[Flask]:
    """The app with a real queue and two reactions of our own."""
    app = create_app(make_config(database_url, tmp_path, redis_url=valkey_url))
    work.init(app, REACTIONS, valkey_url)
    with app.app_context():
        yield app
        db.db.engine.dispose()


@pytest.fixture
def queue_down(database_url: str, tmp_path: Path) -> Iterator[Flask]:
    """The same with a queue that does not answer."""
    url = f"unix://{tmp_path}/nobody.sock"
    app = create_app(make_config(database_url, tmp_path, redis_url=url))
    work.init(app, REACTIONS, url)
    with app.app_context():
        yield app
        db.db.engine.dispose()


def overdue() -> None:
    """Let time pass for every job that is open."""
    with db.transaction() as session:
        session.execute(sa.update(Job).values(due_at=db.utcnow()))


def test_a_job_follows_its_entry_and_runs_in_a_real_worker(queued: Flask) -> None:
    ask()
    assert [job.state for job in jobs()] == [JobState.WAITING]
    work.work(queued, burst=True)
    assert traces() == 1
    [job] = jobs()
    assert (job.state, job.attempts, job.error) == (JobState.DONE, 1, None)


def test_no_entry_no_job(queued: Flask) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction() as session:  # noqa: PT012  (the fault comes after a write)
        journal.append(session, None, Kind.PERSON_RESET_ASKED, 7, {})
        assert 1 / 0
    assert jobs() == []
    work.work(queued, burst=True)
    assert traces() == 0


def test_a_queue_that_is_down_fails_no_request_and_loses_no_job(queue_down: Flask, valkey_url: str) -> None:
    ask()
    assert [job.state for job in jobs()] == [JobState.WAITING]
    assert work.sweep() == 0
    work.init(queue_down, REACTIONS, valkey_url)
    overdue()
    assert work.sweep() == 1
    work.work(queue_down, burst=True)
    assert traces() == 1


def test_a_crash_between_commit_and_enqueue_the_job_still_runs_once(queued: Flask) -> None:
    """The process dies after the commit: here, what would have sent the ids never runs."""
    queued.extensions["bank.after_commit"] = lambda _ids: None
    ask()
    work.work(queued, burst=True)
    assert traces() == 0
    assert work.sweep() == 0, "not before it has waited its time"
    overdue()
    assert work.sweep() == 1
    overdue()
    assert work.sweep() == 1, "sent twice, as when two sweepers meet"
    work.work(queued, burst=True)
    assert traces() == 1


def test_a_job_run_twice_has_one_effect(queued: Flask) -> None:
    ask()
    [job] = jobs()
    work.run(job.id)
    work.run(job.id)
    assert traces() == 1


def test_a_job_left_by_a_dead_worker_runs_again(queued: Flask) -> None:
    ask()
    with db.transaction() as session:
        session.execute(sa.update(Job).values(state=JobState.RUNNING, due_at=db.utcnow()))
    assert work.sweep() == 1
    work.work(queued, burst=True)
    assert traces() == 1


def test_a_job_that_fails_says_why_is_tried_again_and_given_up(queued: Flask) -> None:
    ask(kind=Kind.PERSON_DISABLED)
    [job] = jobs()
    for attempt in range(1, work.MAX_ATTEMPTS + 1):
        work.run(job.id)
        [job] = jobs()
        assert (job.attempts, job.error) == (attempt, "ConnectionError")
    assert job.state is JobState.FAILED
    overdue()
    assert work.sweep() == 0


def test_a_job_that_kills_its_worker_each_time_is_given_up(queued: Flask) -> None:
    ask()
    with db.transaction() as session:
        session.execute(
            sa.update(Job).values(state=JobState.RUNNING, due_at=db.utcnow(), attempts=work.MAX_ATTEMPTS)
        )
    assert work.sweep() == 0
    [job] = jobs()
    assert (job.state, job.error) == (JobState.FAILED, "WorkerDied")


def test_reactions_name_kinds_that_exist(app: Flask) -> None:
    assert set(app.extensions["bank.reactions"]) <= {kind.value for kind in Kind}


# --- requests made once ---


def make(session: db.Session, name: str) -> str:
    session.add(Organisation(name=name, legal_nature=LegalNature.COMPANY, roles=frozenset()))
    session.flush()
    return name


def once(actor: Actor, key: str | None, name: str, content: object = "same") -> str:
    with db.transaction() as session:
        return work.once(session, actor, key, content, lambda: make(session, name))


def test_the_same_key_makes_one_thing_and_answers_the_same(world: World) -> None:
    actor = world.coordinator
    assert once(actor, "k1", "first") == "first"
    assert once(actor, "k1", "second") == "first"
    assert once(actor, "k2", "third") == "third"


@pytest.mark.parametrize("key", [None, "", "x" * 81])
def test_a_key_is_needed(world: World, key: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        once(world.coordinator, key, "first")
    assert refused.value.code is Code.IDEMPOTENCY_KEY_MISSING


def test_a_key_is_not_for_two_contents(world: World) -> None:
    once(world.coordinator, "k1", "first")
    with pytest.raises(Refusal) as refused:
        once(world.coordinator, "k1", "first", "other")
    assert refused.value.code is Code.IDEMPOTENCY_KEY_REUSED


def test_a_key_belongs_to_one_person(world: World) -> None:
    assert once(world.coordinator, "k1", "first") == "first"
    assert once(world.supervisor, "k1", "second") == "second"


def test_what_failed_may_be_sent_again_under_its_key(world: World) -> None:
    actor = world.coordinator

    def break_off() -> str:
        raise RuntimeError

    with pytest.raises(RuntimeError), db.transaction() as session:
        work.once(session, actor, "k1", "same", break_off)
    assert once(actor, "k1", "first") == "first"


def test_a_double_click_makes_one_thing(world: World) -> None:
    actor, app = world.coordinator, world.app
    barrier = threading.Barrier(4)
    made: list[str] = []

    def click(name: str) -> None:
        with app.app_context():
            barrier.wait()
            made.append(once(actor, "k1", name))

    threads = [threading.Thread(target=click, args=(f"n{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1


def test_old_keys_are_forgotten(world: World) -> None:
    once(world.coordinator, "k1", "first")
    with db.transaction() as session:
        session.execute(sa.update(IdempotencyMark).values(created_at=db.utcnow() - work.KEYS_KEPT * 2))
    work.sweep()
    with db.read() as session:
        assert session.scalars(sa.select(IdempotencyMark.key)).all() == []


def test_a_key_does_not_pass_what_no_database_keeps(world: World) -> None:
    with pytest.raises(Refusal) as refused:
        once(world.coordinator, "a\x00b", "first")
    assert refused.value.code is Code.IDEMPOTENCY_KEY_MISSING


# --- a queue that hangs, and what a fault may say ---


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[str]:
    """The address of a queue that takes calls and never answers."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "q"))
        listener.listen(16)
        yield f"unix://{tmp_path}/q"


def test_a_queue_that_hangs_holds_nobody_up(database_url: str, tmp_path: Path, hanging: str) -> None:
    app = create_app(make_config(database_url, tmp_path, redis_url=hanging))
    work.init(app, REACTIONS, hanging)
    began = time.monotonic()
    with app.app_context():
        ask()
        assert not work.queue_answers()
        signin.count_failure("192.0.2.1")
        assert [job.state for job in jobs()] == [JobState.WAITING]
        db.db.engine.dispose()
    assert time.monotonic() - began < 3 * work.ENQUEUE_TIMEOUT_S + 2


ADDRESSEE = "jeanne@exemple.fr"


def refuse(task: Task) -> None:
    """A job whose mail server answers with the addressee."""
    raise ConnectionError(f"{ADDRESSEE} is unknown here")


def test_no_fault_writes_what_somebody_typed_into_the_log(
    app: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    work.init(app, {Kind.PERSON_DISABLED.value: [("test.refuse", refuse)]}, "")
    ask(kind=Kind.PERSON_DISABLED)
    work.run(jobs()[0].id)
    with pytest.raises(sa.exc.DBAPIError) as fault, db.read() as session:
        session.execute(sa.text("SELECT * FROM nowhere WHERE name = :name"), {"name": "Jeanne"})
    said = capfd.readouterr().err
    assert "ConnectionError" in said
    assert "in refuse" in said
    assert ADDRESSEE not in said
    assert "Jeanne" not in str(fault.value)
