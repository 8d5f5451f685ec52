"""The control URL of a mock server: how another process reads and changes its script."""

from typing import Any, Final

import msgspec
from aiohttp import web

from parcelwire.connectors.mock_servers import Behaviour, Script, Setting

CONTROL_PATH: Final = "/_control"
SCRIPT_KEY: Final = web.AppKey("script", Script)


class _Order(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What ``PUT /_control`` takes: a field left out changes nothing, null is back to normal."""

    all: Setting | Behaviour | msgspec.UnsetType | None = msgspec.UNSET
    numbers: dict[str, Setting | Behaviour | None] = {}
    scenarios: dict[str, str | None] = {}
    scenario_seconds: float | None = None
    retry_after: str | None = None
    slow_seconds: float | None = None
    most_numbers: int | None = None


def add_control(application: web.Application, script: Script) -> None:
    """Give ``application`` the control URL, and keep ``script`` in it under ``SCRIPT_KEY``."""
    application[SCRIPT_KEY] = script
    application.router.add_get(CONTROL_PATH, _read)
    application.router.add_put(CONTROL_PATH, _write)


async def _read(request: web.Request) -> web.Response:
    return web.json_response(_state(request.app[SCRIPT_KEY]))


async def _write(request: web.Request) -> web.Response:
    script = request.app[SCRIPT_KEY]
    try:
        order = msgspec.json.decode(await request.read(), type=_Order)
    except msgspec.MsgspecError as error:
        return web.json_response({"error": str(error)}, status=400)
    if order.all is not msgspec.UNSET:
        script.every = _setting(order.all)
    for number, wanted in order.numbers.items():
        setting = _setting(wanted)
        if setting is None:
            script.numbers.pop(number, None)
        else:
            script.numbers[number] = setting
    for number, scenario in order.scenarios.items():
        if scenario is None:
            script.scenarios.pop(number, None)
        else:
            script.scenarios[number] = scenario
    for name in ("scenario_seconds", "retry_after", "slow_seconds", "most_numbers"):
        value = getattr(order, name)
        if value is not None:
            setattr(script, name, value)
    return web.json_response(_state(script))


def _setting(wanted: Setting | Behaviour | None) -> Setting | None:
    return Setting(behaviour=wanted) if isinstance(wanted, Behaviour) else wanted


def _state(script: Script) -> dict[str, Any]:
    state: dict[str, Any] = msgspec.to_builtins(
        {
            "all": script.every,
            "numbers": script.numbers,
            "scenarios": script.scenarios,
            "scenario_seconds": script.scenario_seconds,
            "retry_after": script.retry_after,
            "slow_seconds": script.slow_seconds,
            "most_numbers": script.most_numbers,
            "shown": dict(script.shown),
        }
    )
    return state
