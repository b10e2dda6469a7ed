"""The `banque` command. Exit status 0 only on success."""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import ArgumentError, DBAPIError

from bank import db, demo, files, schema, serve, work
from bank.actor import COMMAND_LINE
from bank.app import create_app
from bank.config import Config, ConfigRefused
from bank.donations import import_queries, intake
from bank.donations.imports import Upload
from bank.errors import Refusal
from bank.identity import actions, queries, rules, signin
from bank.identity.models import LegalNature, OrganisationRole, PersonRole
from bank.identity.rules import OrganisationDraft
from bank.inventory import codes, labels, lifecycle, replay
from bank.inventory.models import Category, Label
from bank.office import printing
from bank.web import words

F = TypeVar("F", bound=Callable[..., Any])

SWEEP_EVERY_S = 20
# Labels printed ahead: the most in one file, and how many are made in one unit of work.
MOST_LABELS = 1_000_000
LABELS_AT_ONCE = 1_000


def one_line(longest: int) -> Callable[[Any, Any, str], str]:
    """What holds an option to a text of one line that the database keeps."""

    def check(_context: Any, _option: Any, text: str) -> str:
        text = text.strip()
        if not text or len(text) > longest or not re.fullmatch(rules.ONE_LINE, text):
            raise click.BadParameter(f"one line of 1 to {longest} signs")
        return text

    return check


def address(_context: Any, _option: Any, text: str) -> str:
    """What holds an option to a mail address."""
    found = rules.email_or_none(text)
    if found is None:
        raise click.BadParameter("no mail could be sent there")
    return found


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """La banque du numérique : registre, ateliers, attributions."""


def in_app(command: F) -> F:
    """Run a command inside the app; a refusal ends it with its reason on standard error and status 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            app = create_app()
        except (ConfigRefused, ArgumentError, ValueError) as refused:
            raise click.ClickException(f"these settings are refused: {refused}") from refused
        with app.app_context():
            try:
                return command(*args, **kwargs)
            except Refusal as refusal:
                with app.test_request_context():
                    title, detail = words.problem(refusal.code)
                raise click.ClickException(f"{title}. {detail} ({refusal.code.value})") from refusal
            except DBAPIError as error:
                reason = str(error.orig).strip().splitlines()[0]
                raise click.ClickException(
                    f"the database refuses: {reason} (`banque migrate` brings it up to date)"
                ) from error

    return run  # type: ignore[return-value]  # wraps keeps the signature that click reads


@main.command("serve")
@click.option("--host", help="Instead of HOST.")
@click.option("--port", type=int, help="Instead of PORT.")
def run_serve(host: str | None, port: int | None) -> None:
    """Start what no setting names (database, queue), the pages, the worker, the sweeper; stop them together."""
    sys.exit(serve.serve(host, port))


@main.command()
@click.option(
    "--check", is_flag=True, help="Only compare the models with the migrations, on a scratch database."
)
@click.option("--with-demo", is_flag=True, help="Then load the demo bank, when nobody uses this bank yet.")
def migrate(check: bool, with_demo: bool) -> None:
    """Bring the database to the shape that this version expects."""
    if check:
        _compare()
        return
    _upgrade(with_demo)


@in_app
def _upgrade(with_demo: bool) -> None:
    schema.upgrade(db.db.engine)
    click.echo(f"database at {schema.head()}")
    if with_demo and demo.is_empty():
        _open_demo()


def _compare() -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = sa.create_engine(f"sqlite:///{Path(folder) / 'check.sqlite3'}")
        db.prepare(engine)
        schema.upgrade(engine)
        differences = schema.differences(engine)
        engine.dispose()
    for difference in differences:
        click.echo(repr(difference), err=True)
    if differences:
        raise click.ClickException("the models and the migrations differ")
    click.echo("the migrations match the models")


@main.command("open-bank")
@click.option(
    "--organisation", required=True, callback=one_line(120), help="The name of the bank's own organisation."
)
@click.option("--email", required=True, callback=address, help="The first coordinator's address.")
@click.option("--name", required=True, callback=one_line(120), help="And name.")
@in_app
def open_bank(organisation: str, email: str, name: str) -> None:
    """Open a new bank: its organisation and first coordinator. Prints the link that sets the password."""
    draft = OrganisationDraft(
        name=organisation, legal_nature=LegalNature.ASSOCIATION, roles=frozenset({OrganisationRole.BANK})
    )
    with db.transaction() as session:
        organisation_id = actions.create_organisation(session, COMMAND_LINE, draft)
        invitation = actions.Invitation(name=name, email=email, roles=frozenset({PersonRole.COORDINATOR}))
        person_id = actions.invite(session, COMMAND_LINE, organisation_id, invitation)
    config: Config = current_app.config["BANK"]
    click.echo(f"{config.public_url}/password/invitation/{signin.link_token('invitation', person_id, 1)}")


@main.command("demo")
@click.option("--if-empty", is_flag=True, help="Do nothing when somebody uses this bank already.")
@click.option(
    "--scale",
    type=click.IntRange(1),
    metavar="N",
    help="Add N devices in bulk, to try the service under load.",
)
@in_app
def load_demo(if_empty: bool, scale: int | None) -> None:
    """Load the demo bank, when nobody uses this bank yet; or add devices to one. Refused in production."""
    if if_empty and not demo.is_empty():
        return
    try:
        if scale is None or demo.is_empty():
            _open_demo()
        if scale is not None:
            demo.grow(scale, lambda made: click.echo(f"{made} devices"))
    except RuntimeError as refused:
        raise click.ClickException(str(refused)) from refused


def _open_demo() -> None:
    try:
        demo.load()
    except RuntimeError as refused:
        raise click.ClickException(str(refused)) from refused
    for account in demo.ACCOUNTS:
        click.echo(f"{account.email:28} {account.organisation}")
    click.echo(f"password of all: {demo.PASSWORD}")


@main.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.option("--email", required=True, help="Whose token.")
@click.option("--days", required=True, type=click.IntRange(1, 365), help="How long it lasts.")
@click.option(
    "--name", default="banque token", show_default=True, callback=one_line(60), help="What it is for."
)
@in_app
def create_token(email: str, days: int, name: str) -> None:
    """Print a new token, alone."""
    with db.transaction() as session:
        secret = actions.create_token_for_email(session, email, days, name)
    click.echo(secret)


@main.command("import-batch")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--donor", required=True, help="The name of the organisation that gives.")
@click.option(
    "--category", type=click.Choice([each.value for each in Category]), help="Of the rows that say none."
)
@click.option("--dry-run", is_flag=True, help="Say what it comes to; store nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts and the problems as JSON.")
@in_app
def import_batch(file: Path, donor: str, category: str | None, dry_run: bool, as_json: bool) -> None:
    """Announce the devices of a spreadsheet for a donor: a draft is made if something in it is new.

    Refused rows are listed, and are no failure: the others go in.
    """
    data = file.read_bytes()
    upload = Upload(files.name_of(data), file.name, (), Category(category) if category else None, True)
    with db.read() as session:
        donor_id = import_queries.donor_by_name(session, COMMAND_LINE, donor)
    if donor_id is None:
        raise click.ClickException(f"no donor has this very name: {donor}")
    with current_app.test_request_context():
        try:
            report = (
                intake.report(donor_id, None, intake.opened(data, upload), upload)
                if dry_run
                else intake.bring(COMMAND_LINE, donor_id, data, upload)
            )
        except Refusal as refusal:
            raise click.ClickException(intake.reason(refusal)) from refusal
        told = intake.as_json(report)
    if as_json:
        click.echo(json.dumps(told))
        return
    for problem in told["problems"]:
        click.echo(f"{problem['row']}: {problem['column']}: {problem['message']}")
    click.echo(", ".join(f"{count} {name}" for name, count in report.tally.as_dict().items()))


@main.command("labels")
@click.option("--count", required=True, type=click.IntRange(1, MOST_LABELS), help="How many labels.")
@click.option("--sheet", required=True, type=click.Choice(printing.sheets()), help="The sheet or roll.")
@click.option("--start", default=1, show_default=True, help="The first free place of a part-used sheet.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The PDF.")
@click.option(
    "--for", "owner", metavar="NAME", help="Whose labels; the bank's own organisation when not said."
)
@click.option("--sample", is_flag=True, help="Made-up codes, to look at a sheet: nothing is stored.")
@in_app
def print_blanks(count: int, sheet: str, start: int, out: Path, owner: str | None, sample: bool) -> None:
    """Print blank labels ahead: each is claimed later, by sticking it on a device and scanning it.

    Nothing is stored when an answer is refused. If the command is killed, labels that it made stay blank for ever.
    """
    if not 1 <= start <= printing.places(sheet):
        places = printing.places(sheet)
        raise click.BadParameter(f"{sheet} has places 1 to {places}", param_hint="--start")
    printing.must_fit(sheet)
    owner_id = None if sample else _owner(owner)
    with _replaced(out) as file:
        drawn = _sampled(count) if owner_id is None else _made_ahead(owner_id, count)
        said = printing.blank_lines()
        inked = (printing.Inked(code, said) for code in drawn)
        printing.write_pdf(file, inked, printing.Layout(sheet, start))
    click.echo(f"{count} labels")


def _owner(name: str | None) -> int:
    """The organisation of this very name, whatever its case; the bank's own when none is said."""
    with db.read() as session:
        role = OrganisationRole.BANK if name is None else None
        found = queries.organisations(session, COMMAND_LINE, q=name or "", role=role).items
    ids = [each.id for each in found if name is None or each.name.casefold() == name.strip().casefold()]
    if len(ids) == 1:
        return ids[0]
    if name is None:
        raise click.ClickException(f"{len(ids)} organisations run this bank: say whose labels with --for")
    raise click.ClickException(f"no organisation has this very name: {name}")


def _made_ahead(organisation_id: int, count: int) -> Iterator[str]:
    """The codes of new blank labels, stored before they are told."""
    for begin in range(0, count, LABELS_AT_ONCE):
        with db.transaction() as session:
            made = labels.mint_blanks(session, organisation_id, min(LABELS_AT_ONCE, count - begin))
            labels.mark_printed(session, made, db.utcnow())
            told = session.scalars(sa.select(Label.code).where(Label.id.in_(made)).order_by(Label.id)).all()
        yield from told


def _sampled(count: int) -> Iterator[str]:
    return (codes.mint() for _ in range(count))


@contextmanager
def _replaced(out: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `out` once it is whole; on failure, `out` is as it was."""
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        file = beside.open("xb")
    except OSError as error:
        raise click.ClickException(f"cannot write {out}: {error.strerror}") from error
    try:
        with file:
            yield file
        beside.replace(out)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@main.command()
@click.option("--burst", is_flag=True, help="Stop when the queue is empty.")
def worker(burst: bool) -> None:
    """Run jobs."""
    config = Config.from_env()
    if not config.redis_url:
        raise click.ClickException("REDIS_URL is not set: there is no queue to work on.")
    serve.end_forks_with_this_process()
    work.work(create_app(config), burst=burst)


@main.command()
@click.option("--loop", is_flag=True, help=f"Every {SWEEP_EVERY_S} s until stopped, instead of once.")
@in_app
def sweep(loop: bool) -> None:
    """Send again the jobs that waited too long."""
    while True:
        sent = work.sweep()
        if not loop:
            click.echo(f"{sent} sent")
            return
        time.sleep(SWEEP_EVERY_S)


@main.group()
def journal() -> None:
    """The journal."""


@journal.command()
@in_app
def verify() -> None:
    """Replay every chain and compare it with the register."""
    report = replay.verify()
    for fault in report.faults:
        click.echo(f"{fault.code}: device {fault.device_id}, entry {fault.seq}", err=True)
    click.echo(f"{report.devices} devices, {report.entries} entries, {len(report.faults)} faults")
    if report.faults:
        sys.exit(1)


@main.command("lifecycle")
def show_lifecycle() -> None:
    """Print the diagram of a device's life (Mermaid), drawn from the table."""
    click.echo(lifecycle.diagram())
