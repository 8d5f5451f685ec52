"""Which server a command speaks to: the first thing that is given decides."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from parcelwire.cli.logins import Login, Logins, login_file
from parcelwire.cli.target import TargetOptions, login_of, target_options

HERE = "this installation"


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """Two logins are remembered, and nothing is in the environment."""
    environment = {"XDG_CONFIG_HOME": str(tmp_path)}
    logins = Logins(login_file(environment))
    logins.save({name: Login(host=f"http://{name}", key="k") for name in ("default", "shop")})
    for name in ("HOST", "API_KEY", "PROFILE", "CONFIG"):
        monkeypatch.delenv(f"PARCELWIRE_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return CliRunner()


@click.group()
@click.option("--config")
@click.pass_context
def program(ctx: click.Context, config: str | None) -> None:
    ctx.obj = config


@program.command()
@target_options
@click.pass_context
def ask(ctx: click.Context, options: TargetOptions) -> None:
    login = login_of(ctx, options)
    click.echo(HERE if login is None else login.host)


HOST = ("--host", "http://typed", "--key", "k")
IN_ENVIRONMENT = {"PARCELWIRE_HOST": "http://named", "PARCELWIRE_API_KEY": "k"}
CONFIG = ("--config", "parcelwire.toml")


@pytest.mark.parametrize(
    ("before", "options", "environment", "answer"),
    [
        ((), ("--local",), {**IN_ENVIRONMENT, "PARCELWIRE_PROFILE": "shop"}, HERE),
        ((), ("--account", "a@b.example"), IN_ENVIRONMENT, HERE),
        ((), ("--test",), {"PARCELWIRE_PROFILE": "shop"}, HERE),
        (CONFIG, (*HOST, "--profile", "shop"), {}, "http://typed"),
        ((), HOST, IN_ENVIRONMENT, "http://typed"),
        (CONFIG, (), {**IN_ENVIRONMENT, "PARCELWIRE_PROFILE": "shop"}, "http://named"),
        (CONFIG, ("--profile", "shop"), {}, "http://shop"),
        (CONFIG, (), {"PARCELWIRE_PROFILE": "shop"}, "http://shop"),
        (CONFIG, (), {}, HERE),
        ((), (), {}, "http://default"),
    ],
)
def test_the_first_that_is_given_decides(
    where: CliRunner,
    before: tuple[str, ...],
    options: tuple[str, ...],
    environment: dict[str, str],
    answer: str,
) -> None:
    result = where.invoke(program, [*before, "ask", *options], env=environment)
    assert (result.exit_code, result.output.strip()) == (0, answer)


def test_without_anything_it_is_the_installation_here(where: CliRunner, tmp_path: Path) -> None:
    result = where.invoke(program, ["ask"], env={"XDG_CONFIG_HOME": str(tmp_path / "nobody")})
    assert result.output.strip() == HERE
