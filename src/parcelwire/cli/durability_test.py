"""``parcelwire durability-test``: fault injection on this installation's settings and disk."""

from __future__ import annotations

import signal
import textwrap
import time
from typing import Final

import click
import msgspec

from parcelwire.cli.common import read_config, run_async
from parcelwire.cli.exit_codes import CommandError
from parcelwire.proofs.checks import Check
from parcelwire.proofs.examination import Report, examine
from parcelwire.proofs.outcome import Outcome

MEANINGS: Final = {
    "A1": (
        "Servers of a scratch installation were killed (SIGKILL) while shops created, changed and"
        " deleted parcels. Held: whatever was answered with success is there, every change has its"
        " message, each endpoint got every parcel's messages in order, numbered without a gap."
        " A message that comes again has the same id."
    ),
    "A3": (
        "One scenario was killed at calls that write, flush, rename or lock, and started once"
        " again. Held: the same promises, and an intact database."
    ),
    "A4": (
        "The power failed on a simulated disk that tears sectors, reorders and drops what was not"
        " flushed. Held: what was acknowledged is there, with the settings your service runs with."
    ),
}

_SIGNS: Final = {"good": "ok  ", "note": "note", "bad": "BAD "}


@click.command("durability-test")
@click.option(
    "--minutes",
    type=click.FloatRange(0.5, 60),
    default=5.0,
    show_default=True,
    help="Duration; longer runs inject more faults.",
)
@click.option("--seed", type=int, help="Seed of an earlier run, to repeat it.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
@run_async
async def durability_test(
    ctx: click.Context, minutes: float, seed: int | None, as_json: bool
) -> None:
    """Inject faults on your settings, disk and database, and check that no data is lost.

    Servers of a scratch installation beside your database are killed and lose power; it is removed
    afterwards. Your data is neither read nor written, and your server may keep running, a little
    slower. Exit code 1: a check failed, or could not run.

    \b
    parcelwire durability-test
    parcelwire durability-test --minutes 30 --json > report.json
    """
    config = read_config(ctx)
    chosen = round(time.time()) % 1_000_000 if seed is None else seed

    def tell(line: str) -> None:
        click.echo(f"{line} …", err=True)

    # As Ctrl-C does: out through everything that was opened, so that nothing of it is left.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        report = await examine(config, seconds=minutes * 60, seed=chosen, tell=tell)
    finally:
        signal.signal(signal.SIGTERM, before)
    if as_json:
        found = {**msgspec.to_builtins(report), "seed": chosen, "is_good": report.is_good}
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        click.echo("\n".join(lines_of(report)))
    verdict = verdict_of(report, chosen)
    if not report.is_good:
        raise CommandError(verdict)
    if not as_json:
        click.echo(f"\n{verdict}")


def lines_of(report: Report) -> list[str]:
    """Return the report for people, without its verdict."""
    lines = [report.database]
    if report.scratch:
        lines.append(f"Tried in a scratch {report.scratch}, which is gone again.")
    lines += ["", "Settings"]
    # What has to be mended stands at the end, where it is seen.
    for state in ("good", "note", "bad"):
        lines += [line for one in report.checks if one.state == state for line in _check(one)]
    if report.outcomes:
        lines += ["", "Proofs"]
    for outcome in report.outcomes:
        lines += _outcome(outcome)
    lines += [f"  BAD   not tried: {why}" for why in report.not_run]
    return lines


def _check(check: Check) -> list[str]:
    head = f"  {_SIGNS[check.state]}  {check.summary}"
    return [head, *_wrapped(check.detail)]


def _outcome(outcome: Outcome) -> list[str]:
    faults = outcome.faults()
    lines = [
        f"  {_SIGNS['bad' if faults else 'good']}  {outcome.id}  {outcome.name}:"
        f" {outcome.fired:,} of {outcome.tried:,} fired, {len(outcome.violations):,} violations"
        f" ({outcome.seconds:.0f} s)",
        *_wrapped(MEANINGS[outcome.id]),
        *_wrapped(f"Counted: {outcome.notes}." if outcome.notes else ""),
    ]
    lines += [f"        ! {fault}" for fault in faults[:10]]
    if len(faults) > 10:
        lines.append(f"        ! and {len(faults) - 10:,} more (--json has all)")
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 92, initial_indent=" " * 8, subsequent_indent=" " * 8)


def verdict_of(report: Report, seed: int) -> str:
    """Return what it comes to, in one line."""
    spent = f"in {report.seconds / 60:.1f} minutes (seed {seed})"
    if report.is_good:
        return f"Nothing was lost {spent}."
    bad = sum(check.state == "bad" for check in report.checks)
    failed = sum(bool(outcome.faults()) for outcome in report.outcomes)
    return f"Failed: {bad} settings, {failed} proofs, {len(report.not_run)} not tried, {spent}."
