"""Measure, and print one table. The rounds of a figure and of its raw limits are interleaved; medians are shown."""

import contextlib
import json
import re
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from uuid import uuid4

import click
import sqlalchemy as sa

from bench import bare, labels, load, size, stage
from tests import hosts

CLIENTS = 8
BATCH = 50
PGBENCH = f"""
\\set place random(1, :devices)
BEGIN;
{bare.SELECT.replace("label.code = %s", "label.device_id = :place")} \\gset
UPDATE device SET step_id = :step_id, seq = :seq + 1 WHERE id = :id AND seq = :seq;
INSERT INTO journal_entry (subject, subject_id, seq, kind, facts, at_us, person_id, organisation_id, hash)
  VALUES ('device', :id, :seq + 1, 'device.pass', '{{}}', 0, 1, 1, '\\x00');
COMMIT;
"""  # noqa: S608  (our own statements, no value is put into them)
TPS = re.compile(r"tps = ([\d.]+)")


@dataclass
class Line:
    """One line of the table: what was measured, round by round."""

    name: str
    measure: Callable[[], float]
    unit: str = "/s"

    def __post_init__(self) -> None:
        self.rounds: list[float] = []

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.rounds)


# What can be measured alone.
SERVICE, LABELS, SIZE = "service", "labels", "size"
SMALL = 10_000
# Labels of one round; the plain way, some hundred times slower, draws fewer and is scaled to as many.
RUN, PLAIN_RUN = 10_000, 240


@click.command()
@click.argument("what", nargs=-1, type=click.Choice([SERVICE, LABELS, SIZE]))
@click.option("--devices", default=10_000, show_default=True, help="Devices in the bank.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--seconds", default=3.0, show_default=True, help="Length of a round.")
@click.option("--large", default=1_000_000, show_default=True, help="Devices of the large bank of `size`.")
@click.option("--filled", help="The address of a PostgreSQL bank that is filled already, for `size`.")
def main(
    what: tuple[str, ...], devices: int, rounds: int, seconds: float, large: int, filled: str | None
) -> None:
    """One step by scan over HTTP, beside its raw limits; the device list; labels. All of these, or what is named.

    `size` is measured by name only: it fills a bank with a million devices first, which takes a while.
    """
    if SIZE in what:
        measure_size(large, filled, rounds, seconds)
    if LABELS in what or not what:
        draw_labels(rounds)
    if SERVICE in what or not what:
        measure_service(devices, rounds, seconds)


def draw_labels(rounds: int) -> None:
    """Print what a run of labels takes, ours and the plain way round by round."""
    found: dict[str, list[tuple[float, float]]] = {"ours": [], "plain": []}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "labels.pdf"
        for _ in range(rounds):
            found["ours"].append(labels.measured("ours", RUN, file))
            found["plain"].append(labels.measured("plain", PLAIN_RUN, file))
    click.echo(
        f"{RUN:,} labels of {labels.SHEET.reference} mm, QR, Code 128, four lines, one process each;"
        " median (min-max)   (aim: 3 s, 100 MB)"
    )
    tell_labels("labels, the bank", found["ours"], 1)
    tell_labels(f"  qrcode + reportlab, {PLAIN_RUN} labels, scaled", found["plain"], RUN / PLAIN_RUN)


def tell_labels(name: str, rounds: list[tuple[float, float]], times: float) -> None:
    """One line: seconds, scaled to the whole run, and the most memory of any round, as it was."""
    seconds = [took * times for took, _ in rounds]
    memory = max(held for _, held in rounds)
    low, high = min(seconds), max(seconds)
    click.echo(f"{name:52} {statistics.median(seconds):8.2f} s    ({low:.2f}-{high:.2f})   {memory:.0f} MB")


def measure_size(large: int, filled: str | None, rounds: int, seconds: float) -> None:
    """Print the middle time of one step by scan in a small bank and in a large one."""
    with tempfile.TemporaryDirectory() as name, hosts.postgres(durable=True) as base:
        folder, urls = Path(name), [hosts.create_database(base), filled or hosts.create_database(base)]
        size.fill(urls[0], folder, SMALL)
        if filled is None:
            size.fill(urls[1], folder, large)
        banks = [size.ready_to_scan(url, folder) for url in urls]
        with contextlib.ExitStack() as servers:
            ports = [
                servers.enter_context(stage.server("wsgi:app", stage.environment(url, folder), "/healthz"))
                for url in urls
            ]
            times: list[list[float]] = [[], []]
            requests = [scans(token, codes) for token, codes, _, _ in banks]
            for each in range(rounds + 1):
                for bank, port in enumerate(ports):
                    measured = load.run(port, requests[bank], clients=CLIENTS, seconds=seconds)
                    if each and not measured.refused:
                        times[bank].append(measured.p50_ms)
    middle = [statistics.median(found) for found in times]
    for (_, _, devices, entries), p50 in zip(banks, middle, strict=True):
        click.echo(f"one step by scan, p50, {devices:>9,} devices, {entries:>10,} entries {p50:8.2f} ms")
    click.echo(f"large : small = {middle[1] / middle[0]:.2f}   (aim: at most 1.20)")


def measure_service(devices: int, rounds: int, seconds: float) -> None:
    """Print what one step by scan and the device list take, beside their raw limits."""
    with tempfile.TemporaryDirectory() as folder, hosts.postgres(durable=True) as base:
        ours, raw = hosts.create_database(base), None
        token, codes = stage.stock(ours, Path(folder), devices)
        raw = hosts.create_database(base, template=ours)
        environment = stage.environment(ours, Path(folder))
        plain = sa.make_url(raw).set(drivername="postgresql").render_as_string(hide_password=False)
        with (
            stage.server("wsgi:app", environment, "/healthz") as bank_port,
            stage.server("bench.bare:create()", {"BARE_DATABASE_URL": plain}, "/") as bare_port,
        ):
            ours_scan = scans(token, codes)
            bare_scan = bare_scans(codes)
            ours_batch = batches(token, codes)
            lines = [
                Line("one step by scan, the bank", lambda: http(bank_port, ours_scan, seconds)),
                Line(
                    "  the same three statements, bare Flask + psycopg",
                    lambda: http(bare_port, bare_scan, seconds),
                ),
                Line("  the same three statements, pgbench", lambda: pgbench(raw, devices, seconds)),
                Line(
                    f"scans in batches of {BATCH}, the bank",
                    lambda: counted(ours, lambda: http(bank_port, ours_batch, seconds)),
                ),
                Line(
                    "device list, 50 lines, the bank (API)", lambda: http(bank_port, listed(token), seconds)
                ),
                Line("  the same rows, bare Flask + psycopg", lambda: http(bare_port, bare_listed, seconds)),
            ]
            for line in lines:
                line.measure()  # once for nothing: connections open, statements are prepared
            for _ in range(rounds):
                for line in lines:
                    line.rounds.append(line.measure())
        show(lines, devices)
        hosts.drop_database(raw)
        hosts.drop_database(ours)


def show(lines: list[Line], devices: int) -> None:
    """Print the table, and what it says of the aim."""
    click.echo(
        f"PostgreSQL, {devices:,} devices, {CLIENTS} clients, gunicorn gthread 2x4, fsync on; median (min-max)"
    )
    for line in lines:
        low, high = min(line.rounds), max(line.rounds)
        click.echo(f"{line.name:52} {line.median:8.0f} {line.unit}   ({low:.0f}-{high:.0f})")
    ratios = [ours / raw for ours, raw in zip(lines[0].rounds, lines[1].rounds, strict=True)]
    click.echo(f"scan, bank : bare = {statistics.median(ratios):.2f}   (aim: 0.60)")
    ratios = [ours / raw for ours, raw in zip(lines[3].rounds, lines[2].rounds, strict=True)]
    click.echo(
        f"batches of {BATCH}, bank : pgbench one by one = {statistics.median(ratios):.2f}   (aim: above 1)"
    )


def bearer(token: str) -> dict[str, str]:
    """The headers of a program."""
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def scans(token: str, codes: list[str]) -> Callable[[int], Iterable[bytes]]:
    """For each client, scans of devices of its own, each with a fresh name."""
    headers = bearer(token)
    positions = [count() for _ in range(CLIENTS)]

    def of(client: int) -> Iterator[bytes]:
        mine = codes[client::CLIENTS]
        for position in positions[client]:
            body = {
                "scan_id": str(uuid4()),
                "code": mine[position % len(mine)],
                "station": "cleaning",
                "outcome": "done",
            }
            yield load.request("POST", "/api/v1/scans", headers, json.dumps(body).encode())

    return of


def batches(token: str, codes: list[str]) -> Callable[[int], Iterable[bytes]]:
    """For each client, batches of scans of devices of its own."""
    headers = bearer(token)
    positions = [count() for _ in range(CLIENTS)]

    def of(client: int) -> Iterator[bytes]:
        mine = codes[client::CLIENTS]
        for position in positions[client]:
            start = position * BATCH
            body = [
                {
                    "scan_id": str(uuid4()),
                    "code": mine[(start + place) % len(mine)],
                    "station": "cleaning",
                    "outcome": "done",
                }
                for place in range(BATCH)
            ]
            yield load.request("POST", "/api/v1/scans/batch", headers, json.dumps(body).encode())

    return of


def counted(url: str, measure: Callable[[], float]) -> float:
    """Scans per second of a measure of batches, once the journal has shown that each of them had its effect."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        last = connection.scalar(sa.text("SELECT max(id) FROM journal_entry")) or 0
        batches_per_second = measure()
        connection.rollback()
        written = connection.scalar(
            sa.text("SELECT count(*) FROM journal_entry WHERE id > :last AND scan_id IS NOT NULL"),
            {"last": last},
        )
    engine.dispose()
    if not written or written % BATCH:
        raise click.ClickException(f"{written} scans were taken, which is no whole number of batches")
    return batches_per_second * BATCH


def bare_scans(codes: list[str]) -> Callable[[int], Iterable[bytes]]:
    """The same for the bare view."""
    headers = {"Content-Type": "application/json"}
    positions = [count() for _ in range(CLIENTS)]

    def of(client: int) -> Iterator[bytes]:
        mine = codes[client::CLIENTS]
        for position in positions[client]:
            body = {"scan_id": str(uuid4()), "code": mine[position % len(mine)]}
            yield load.request("POST", "/scans", headers, json.dumps(body).encode())

    return of


def listed(token: str) -> Callable[[int], Iterable[bytes]]:
    """The first page of the device list, again and again."""
    return lambda _client: repeat(load.request("GET", "/api/v1/devices", bearer(token)))


def bare_listed(_client: int) -> Iterable[bytes]:
    """The same rows for the bare view; the stage's first organisation holds them."""
    return repeat(load.request("GET", "/devices/1", {}))


def http(port: int, requests: Callable[[int], Iterable[bytes]], seconds: float) -> float:
    """Requests per second that were answered well; a refusal spoils the measure."""
    measured = load.run(port, requests, clients=CLIENTS, seconds=seconds)
    if measured.refused:
        raise click.ClickException(f"{measured.refused} requests were refused: the measure is worth nothing")
    return measured.per_second


def pgbench(url: str, devices: int, seconds: float) -> float:
    """Transactions per second of the same statements, by the database's own measure."""
    program = str(hosts.program("pgbench"))
    address = sa.make_url(url)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(PGBENCH)
        script.flush()
        command = [
            program,
            "-n",
            "-M",
            "prepared",
            "-c",
            str(CLIENTS),
            "-j",
            "1",
            "-T",
            str(max(1, round(seconds))),
        ]
        command += ["-D", f"devices={devices}", "-f", script.name, "-h", str(address.query["host"])]
        command += ["-U", str(address.username), str(address.database)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = TPS.search(output)
    if found is None:
        raise click.ClickException(f"pgbench said no figure: {output}")
    return float(found.group(1))


if __name__ == "__main__":
    main()
