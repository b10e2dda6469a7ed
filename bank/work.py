"""The job table: outbox, idempotency mark and progress in one. The only module that imports rq.

A job row is written in the transaction of the entry it follows from; its id is enqueued after the commit. If
that fails, or the process dies in between, the sweeper sends it later. Running a job twice changes nothing: a
guarded claim lets one worker in, and a job's own steps are idempotent.
"""

import hashlib
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import redis
import rq
import sqlalchemy as sa
import structlog
from flask import Flask, current_app
from rq.executions import Execution
from rq.timeouts import JobTimeoutException
from rq.worker import Worker
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from bank import db, journal
from bank.actor import Actor
from bank.db import Base, BigId, Utc, enum_type, utcnow
from bank.errors import Code, Refusal

QUEUE = "bank"
RESEND_AFTER = timedelta(seconds=60)
LEASE = timedelta(minutes=10)
MAX_ATTEMPTS = 5
JOB_TIMEOUT_S = 300
KEYS_KEPT = timedelta(days=30)
ENQUEUE_TIMEOUT_S = 1.0

log = structlog.get_logger()


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Base):
    """One thing to do after an entry. (entry, name) is unique: a reaction happens once."""

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    entry_id: Mapped[int] = mapped_column(BigId, sa.ForeignKey("journal_entry.id"))
    organisation_id: Mapped[int | None]
    state: Mapped[JobState] = mapped_column(enum_type(JobState), default=JobState.WAITING)
    progress: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=1)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(sa.String(80))
    due_at: Mapped[datetime] = mapped_column(Utc())
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow)

    __table_args__ = (
        sa.UniqueConstraint("entry_id", "name"),
        sa.Index(
            "ix_job_open",
            "due_at",
            postgresql_where=sa.text("state IN ('waiting', 'running')"),
            sqlite_where=sa.text("state IN ('waiting', 'running')"),
        ),
    )


class IdempotencyMark(Base):
    """What a creating request with this key made, so that sending it again makes nothing more."""

    __tablename__ = "idempotency_mark"

    organisation_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    made: Mapped[str | None] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(Utc(), default=utcnow, index=True)


@dataclass(frozen=True)
class Task:
    """What a job function receives: ids only."""

    job_id: int
    entry_id: int
    subject_id: int
    organisation_id: int | None


Reaction = Callable[[Task], None]
Reactions = Mapping[str, Sequence[tuple[str, Reaction]]]


def init(app: Flask, reactions: Reactions, redis_url: str) -> None:
    """Give the app its reactions (entry kind -> jobs by name) and its queue."""
    app.extensions["bank.reactions"] = reactions
    app.extensions["bank.jobs"] = {name: job for jobs in reactions.values() for name, job in jobs}
    connection = None
    if redis_url:
        # A queue that hangs is as bad as one that is gone: neither may hold a request up.
        connection = redis.Redis.from_url(
            redis_url, socket_connect_timeout=ENQUEUE_TIMEOUT_S, socket_timeout=ENQUEUE_TIMEOUT_S
        )
    app.extensions["bank.redis"] = connection


def plan(session: Session, entry: journal.Row) -> None:
    """Insert the jobs that follow from an entry; called by the journal, in the same transaction."""
    for name, _job in current_app.extensions["bank.reactions"].get(entry["kind"], ()):
        row = {
            "name": name,
            "entry_id": journal.entry_id(session, entry),
            "organisation_id": entry["organisation_id"],
            "state": JobState.WAITING,
            "due_at": utcnow() + RESEND_AFTER,
        }
        result = session.execute(sa.insert(Job).values(row).returning(Job.id))
        session.info["outbox"].append(result.scalar_one())


def send(job_ids: Sequence[int]) -> int:
    """Enqueue jobs by id; how many were taken. A queue that is down fails nothing: the sweeper comes back."""
    connection = current_app.extensions["bank.redis"]
    if connection is None:
        return 0
    queue = rq.Queue(QUEUE, connection=connection, serializer="json")
    sent = 0
    try:
        for job_id in job_ids:
            queue.enqueue(run, job_id, job_timeout=JOB_TIMEOUT_S, result_ttl=0, failure_ttl=86_400)
            sent += 1
    except redis.RedisError as error:
        log.warning("queue.unreachable", waiting=len(job_ids) - sent, error=type(error).__name__)
    return sent


def sweep() -> int:
    """Send again what has waited too long, and what a dead worker left behind; how many were sent."""
    with db.transaction() as session:
        session.execute(
            sa.update(Job)
            .where(Job.state == JobState.RUNNING, Job.due_at <= utcnow(), Job.attempts >= MAX_ATTEMPTS)
            .values(state=JobState.FAILED, error="WorkerDied")
        )
        due = session.scalars(
            sa.select(Job.id)
            .where(Job.state.in_([JobState.WAITING, JobState.RUNNING]), Job.due_at <= utcnow())
            .order_by(Job.id)
            .limit(500)
            .with_for_update(skip_locked=True)
        ).all()
        session.execute(
            sa.update(Job).where(Job.id.in_(due)).values(due_at=utcnow() + RESEND_AFTER, state="waiting")
        )
        session.execute(sa.delete(IdempotencyMark).where(IdempotencyMark.created_at < utcnow() - KEYS_KEPT))
    return send(due)


def run(job_id: int) -> None:
    """Run one job, if nobody else does or did. Called in a worker, inside an app context."""
    task, name = _claim(job_id)
    if task is None:
        return
    jobs: dict[str, Reaction] = current_app.extensions["bank.jobs"]
    try:
        jobs[name](task)
    # The one rim where everything is caught: the reason goes to the row, the job is tried again later.
    except (Exception, JobTimeoutException) as error:  # noqa: BLE001
        # Where it failed and not what it says: a mail server's refusal names the addressee.
        trace = "".join(traceback.format_tb(error.__traceback__))
        reason = type(error).__name__
        log.error("job.failed", job=job_id, name=name, error=reason, trace=trace)  # noqa: TRY400
        _finish(job_id, error)
    else:
        _finish(job_id, None)


def _claim(job_id: int) -> tuple[Task | None, str]:
    with db.transaction() as session:
        claimed = session.execute(
            sa.update(Job)
            .where(Job.id == job_id, Job.state == JobState.WAITING)
            .values(state=JobState.RUNNING, attempts=Job.attempts + 1, due_at=utcnow() + LEASE)
            .returning(Job.name, Job.entry_id, Job.organisation_id)
        ).one_or_none()
        if claimed is None:
            return None, ""
        entry = sa.table("journal_entry", sa.column("id"), sa.column("subject_id"))
        subject_id: int = session.execute(
            sa.select(entry.c.subject_id).where(entry.c.id == claimed.entry_id)
        ).scalar_one()
    return Task(job_id, claimed.entry_id, subject_id, claimed.organisation_id), claimed.name


def progress(session: Session, job_id: int, done: int, total: int) -> None:
    """Note how far a long job got, in the unit of work that got there.

    Whoever says so is alive; if nothing more is heard for `RESEND_AFTER`, the sweeper sends the job again.
    """
    session.execute(
        sa.update(Job)
        .where(Job.id == job_id, Job.state == JobState.RUNNING)
        .values(progress=done, total=max(total, 1), due_at=utcnow() + RESEND_AFTER)
    )


def _finish(job_id: int, error: BaseException | None) -> None:
    with db.transaction() as session:
        job = session.get_one(Job, job_id)
        if error is None:
            job.state, job.progress, job.error = JobState.DONE, job.total, None
            return
        job.error = type(error).__name__
        job.state = JobState.FAILED if job.attempts >= MAX_ATTEMPTS else JobState.WAITING
        job.due_at = utcnow() + RESEND_AFTER * 2**job.attempts


def wake(session: Session, job_id: int) -> None:
    """Have a job that gave up begin again, with all its tries; another is left as it is."""
    woken = session.execute(
        sa.update(Job)
        .where(Job.id == job_id, Job.state == JobState.FAILED)
        .values(state=JobState.WAITING, attempts=0, error=None, due_at=utcnow() + RESEND_AFTER)
        .returning(Job.id)
    )
    session.info["outbox"].extend(woken.scalars())


def queue_answers() -> bool:
    """Whether the queue can be reached now."""
    connection = current_app.extensions["bank.redis"]
    try:
        return connection is not None and bool(connection.ping())
    except redis.RedisError:
        return False


class BankWorker(Worker):
    """An RQ worker that runs each job inside the app it was given."""

    app: Flask

    def perform_job(self, job: rq.job.Job, queue: rq.Queue, execution: Execution) -> bool:
        """One job, in the forked child."""
        with self.app.app_context():
            # A forked child must not speak on its parent's database sockets.
            db.db.engine.dispose(close=False)
            return bool(super().perform_job(job, queue, execution))


def work(app: Flask, *, burst: bool = False) -> bool:
    """Run a worker until it is told to stop (or, in a burst, until the queue is empty)."""
    connection = app.extensions["bank.redis"]
    if connection is None:
        raise redis.ConnectionError("REDIS_URL is not set: there is no queue to work on")
    worker = BankWorker([QUEUE], connection=connection, serializer="json")
    worker.app = app
    return bool(worker.work(burst=burst, logging_level="WARNING", with_scheduler=False))


def fingerprint(content: Any) -> str:
    """A digest of what a request asks, to tell a repeat from another request under the same key."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def once(session: Session, actor: Actor, key: str | None, content: Any, make: Callable[[], str]) -> str:
    """Make something once per idempotency key; the reference of what was made, the first time and every other.

    Two requests at once: the second waits for the first on the key's row, then reads its answer.
    Raises Refusal(idempotency-key-missing, idempotency-key-reused).
    """
    if not key or len(key) > 80 or not key.isprintable():
        raise Refusal(Code.IDEMPOTENCY_KEY_MISSING)
    mark = fingerprint(content)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    identity = {"organisation_id": actor.organisation_id, "person_id": actor.person_id, "key": key}
    statement = insert(IdempotencyMark).values(**identity, fingerprint=mark, created_at=utcnow())
    fresh = session.execute(statement.on_conflict_do_nothing().returning(IdempotencyMark.key)).one_or_none()
    row = session.get_one(IdempotencyMark, identity)
    if fresh is None:
        if row.fingerprint != mark or row.made is None:
            raise Refusal(Code.IDEMPOTENCY_KEY_REUSED)
        return row.made
    row.made = make()
    return row.made
