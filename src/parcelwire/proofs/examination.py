"""``parcelwire durability-test``: the short proofs on the operator's settings, disk and database.

    settings -> checks                      what is known to lose acknowledged writes
    scratch place beside the database ->    A1  servers killed under load
                                            A3  killed at every call to storage   (SQLite)
                                            A4  power lost under these settings   (SQLite)
    -> report                               and the scratch place is removed again

PostgreSQL's own part of A3 and A4 is PostgreSQL's to prove; the settings it needs for them are
checked. The operator's server is never killed.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import apsw
import msgspec
from msgspec.structs import replace

from parcelwire.bootstrap import InstallationError
from parcelwire.bootstrap.key_identity import key_file_of
from parcelwire.config import Config
from parcelwire.proofs.checks import SYNCHRONOUS, Check, check_postgres, check_sqlite, good, note
from parcelwire.proofs.kills import run_kills
from parcelwire.proofs.outcome import Outcome
from parcelwire.proofs.powerloss import prove_power_loss
from parcelwire.proofs.scratch import scratch_config
from parcelwire.proofs.scratch_database import NoScratchError, postgres_place, scratch_folder
from parcelwire.proofs.servers import free_port
from parcelwire.proofs.syscalls import prove_every_call
from parcelwire.store.sqlite.connection import SqliteSettings

Tell = Callable[[str], object]

SETTLE_SECONDS: Final = 25.0
"""What a kill proof takes after its last kill: the leases of the killed must end."""

LEAST_SECONDS: Final = 5.0

SHARES: Final = {"A1": 0.5, "A3": 0.25, "A4": 0.25}
"""How the time is divided on SQLite; on PostgreSQL A1 has all of it."""

MOST_KILLS: Final = 1_000
MOST_POINTS: Final = 10_000
MOST_TRIALS: Final = 100_000
FIRST_POINTS: Final = 20
FIRST_TRIALS: Final = 300


class Report(msgspec.Struct, kw_only=True):
    """What was looked at and tried, and what was found."""

    database: str
    scratch: str = ""
    checks: list[Check] = []
    outcomes: list[Outcome] = []
    not_run: list[str] = []
    """Proofs that could not be run, and why."""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Tell whether nothing has to be mended and everything was tried."""
        return not (
            self.not_run
            or any(check.state == "bad" for check in self.checks)
            or any(outcome.faults() for outcome in self.outcomes)
        )


async def examine(
    config: Config,
    *,
    seconds: float,
    seed: int,
    tell: Tell,
    environment: Mapping[str, str] = os.environ,
) -> Report:
    """Check the settings, run the proofs in about ``seconds``, remove every trace.

    ``tell`` gets a line whenever something begins. ``environment`` says where the key file is if
    ``config`` does not.

    Raises:
        InstallationError: the database that ``config`` names cannot be reached, there is no place
            for the scratch one, or none for the key file.
    """
    started = time.monotonic()
    key_file = str(key_file_of(config, environment))
    config = replace(config, secrets=replace(config.secrets, key_file=key_file))
    url = config.store.url
    try:
        if url.startswith("sqlite:"):
            file = Path(url.removeprefix("sqlite:"))
            report = await _examine_sqlite(config, file, seconds, seed, tell)
        else:
            report = await _examine_postgres(config, seconds, seed, tell)
    except NoScratchError as error:
        msg = f"there is no place for the proofs: {error} (store.url)"
        raise InstallationError(msg) from error
    report.seconds = time.monotonic() - started
    return report


async def _examine_sqlite(
    config: Config, file: Path, seconds: float, seed: int, tell: Tell
) -> Report:
    report = Report(database=f"SQLite {apsw.sqlite_lib_version()}, {file}")
    with scratch_folder(file) as folder:
        report.scratch = f"folder {folder}"
        tell("settings, disk, other writers")
        scratch = scratch_config(config, folder, f"sqlite:{folder / 'check.db'}", free_port())
        report.checks = [
            *check_key_file(Path(config.secrets.key_file)),
            *await check_sqlite(file, folder, scratch),
        ]
        if any(check.is_fatal for check in report.checks):
            report.not_run = [f"{one}: the service does not start there" for one in SHARES]
            return report
        tell("A1: killing servers under load")
        home = folder / "A1"
        home.mkdir()
        report.outcomes.append(
            await _kill(config, home, f"sqlite:{home / 'scratch.db'}", seconds * SHARES["A1"], seed)
        )
        tell("A3: killing at every call to storage")
        report.outcomes.append(
            await asyncio.to_thread(_every_call, folder, seconds * SHARES["A3"], seed)
        )
        tell("A4: losing power")
        settings = as_observed(report.checks)
        report.outcomes.append(
            await asyncio.to_thread(_power_loss, folder, settings, seconds * SHARES["A4"], seed)
        )
    return report


async def _examine_postgres(config: Config, seconds: float, seed: int, tell: Tell) -> Report:
    link = await _connect(config)
    try:
        database = await link.fetchval("select current_database()")
        report = Report(database=f"PostgreSQL, database {database}")
        tell("settings of the server, the database and the role")
        report.checks = [
            *check_key_file(Path(config.secrets.key_file)),
            *await check_postgres(link, config),
        ]
        if any(check.state == "bad" for check in report.checks):
            report.not_run = ["A1: mend the settings first; the service refuses most of them"]
            return report
        async with postgres_place(link, config.store.url) as place:
            report.scratch = place.what
            tell("A1: killing servers under load")
            key_file = Path(config.secrets.key_file)
            beside = key_file if key_file.parent.is_dir() else Path(key_file.name)
            with scratch_folder(beside) as folder:
                report.outcomes.append(await _kill(config, folder, place.url, seconds, seed))
    finally:
        await link.close()
    report.checks.append(
        note(
            "A3 and A4 are SQLite's",
            "that PostgreSQL survives a crash or a power failure with the settings above is"
            " PostgreSQL's own promise; its disk must keep its word, too",
        )
    )
    return report


async def _connect(config: Config) -> Any:
    try:
        import asyncpg  # an optional dependency
    except ModuleNotFoundError:
        msg = "PostgreSQL needs one more package: pip install 'parcelwire[postgres]'"
        raise InstallationError(msg) from None
    try:
        return await asyncpg.connect(config.store.url, timeout=10.0, statement_cache_size=0)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Not quoted: what is wrong with a URL may be a character of its password.
        msg = f"cannot reach PostgreSQL: {type(error).__name__} (store.url)"
        raise InstallationError(msg) from error


def check_key_file(path: Path) -> list[Check]:
    """Check that nobody else can read the key that opens the carriers' credentials."""
    if not path.exists():
        return [note(f"no key file {path} yet", "it is made at the first start")]
    if path.stat().st_mode & 0o077:
        return [
            Check("bad", f"others may read the key file {path}", "chmod 600: it opens credentials")
        ]
    return [good(f"key file {path}", "readable by its owner only; back it up")]


def as_observed(checks: list[Check]) -> SqliteSettings:
    """Return the service's settings, with ``synchronous`` as its connections were seen to have it.

    Were they the defaults only, a power failure would be proved for settings that nobody runs.
    """
    for level in SYNCHRONOUS.values():
        if any(check.summary == f"synchronous = {level}" for check in checks):
            return replace(SqliteSettings(), synchronous=cast(Any, level))
    return SqliteSettings()


async def _kill(config: Config, folder: Path, url: str, seconds: float, seed: int) -> Outcome:
    report = await run_kills(
        folder,
        config,
        url,
        kills=MOST_KILLS,
        seed=seed,
        seconds=max(seconds - SETTLE_SECONDS, LEAST_SECONDS),
    )
    return Outcome(
        id="A1",
        name="a server killed at random instants under load",
        tried=report.tried,
        fired=report.kills,
        violations=report.violations,
        notes=report.figures(),
        seconds=report.seconds,
    )


def _every_call(folder: Path, seconds: float, seed: int) -> Outcome:
    def run(points: int, seed: int) -> Outcome:
        return prove_every_call(points=points, seed=seed, folder=folder, with_planted=False)

    outcome = fit(run, seconds, seed, first=FIRST_POINTS, most=MOST_POINTS)
    outcome.name = "killed at calls to storage, one restart each"
    return outcome


def _power_loss(folder: Path, settings: SqliteSettings, seconds: float, seed: int) -> Outcome:
    def go_on(line: str) -> None:
        del line
        if not folder.exists():  # interrupted: the scratch place is gone, nobody waits any more
            raise InterruptedError

    def run(trials: int, seed: int) -> Outcome:
        return prove_power_loss(
            trials=trials, seed=seed, settings=settings, with_planted=False, tell=go_on
        )

    outcome = fit(run, seconds, seed, first=FIRST_TRIALS, most=MOST_TRIALS)
    outcome.name = f"power lost with synchronous={settings.synchronous}"
    return outcome


def fit(
    run: Callable[[int, int], Outcome], seconds: float, seed: int, *, first: int, most: int
) -> Outcome:
    """Run a few trials, and then as many more as the rest of the time allows at their pace."""
    started = time.monotonic()
    outcome = run(first, seed)
    spent = time.monotonic() - started
    more = min(int((seconds - spent) / (spent / first) * 0.9), most - first)
    if more >= first and not outcome.violations:
        rest = run(more, seed + 1)
        outcome = Outcome(
            id=rest.id,
            name=rest.name,
            tried=outcome.tried + rest.tried,
            fired=outcome.fired + rest.fired,
            violations=outcome.violations + rest.violations,
            notes=rest.notes,
        )
    outcome.seconds = time.monotonic() - started
    return outcome
