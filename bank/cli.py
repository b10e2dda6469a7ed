"""The `banque` command. Exit status 0 only on success."""

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

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
from bank.identity import actions, rules, signin
from bank.identity.models import LegalNature, OrganisationRole, PersonRole
from bank.identity.rules import OrganisationDraft
from bank.inventory import lifecycle, replay
from bank.inventory.models import Category
from bank.web import words

F = TypeVar("F", bound=Callable[..., Any])

SWEEP_EVERY_S = 20


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
def migrate(check: bool) -> None:
    """Bring the database to the shape that this version expects."""
    if check:
        _compare()
        return
    _upgrade()


@in_app
def _upgrade() -> None:
    schema.upgrade(db.db.engine)
    click.echo(f"database at {schema.head()}")


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
    demo.load()
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
