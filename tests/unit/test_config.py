"""The settings: the commented file, the structs, the environment, and the ways to get one wrong."""

import json
import tomllib
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from parcelwire.config import (
    Config,
    ConfigError,
    PollingSection,
    ServerSection,
    check,
    default_text,
    load,
    variable_of,
)

SETTINGS = [
    (section, name, kind)
    for section, section_type in get_type_hints(Config).items()
    for name, kind in get_type_hints(section_type).items()
]
TYPES = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "texts": tuple[str, ...],
    "ports": tuple[int, ...],
    "tables": dict[str, dict[str, str]],
}


def write(folder: Path, text: str) -> Path:
    path = folder / "parcelwire.toml"
    path.write_text(text, "utf-8")
    return path


def refusal(path: Path | None, environment: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path, environment)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


# --- the commented default file ---------------------------------------------------------------


def test_the_commented_file_and_the_structs_have_the_same_settings_and_defaults() -> None:
    written = tomllib.loads(default_text())
    built_in = msgspec.json.decode(msgspec.json.encode(Config()))
    assert written == built_in
    assert [list(written), *map(list, written.values())] == [
        list(built_in),
        *map(list, built_in.values()),
    ]


def test_loading_the_commented_file_changes_nothing(tmp_path: Path) -> None:
    assert load(write(tmp_path, default_text()), {}) == Config()


def test_every_setting_has_a_comment_of_its_own_before_it() -> None:
    lines = default_text().splitlines()
    for section, name, _ in SETTINGS:
        start = lines.index(f"[{section}]")
        at = next(i for i in range(start, len(lines)) if lines[i].startswith(f"{name} = "))
        assert not any(line.startswith("[") for line in lines[start + 1 : at]), name
        assert lines[at - 1].startswith("# "), name


def test_the_defaults_are_in_order() -> None:
    check(Config())


# --- where settings come from -----------------------------------------------------------------


def test_without_a_file_the_defaults_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {}) == Config()


def test_a_file_in_the_working_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "[server]\nport = 9001\n")
    assert load(None, {}).server == ServerSection(port=9001)


def test_the_environment_names_a_file_and_an_argument_goes_before_it(tmp_path: Path) -> None:
    named, given = tmp_path / "named.toml", tmp_path / "given.toml"
    named.write_text("[server]\nport = 9002\n")
    given.write_text("[server]\nport = 9003\n")
    environment = {"PARCELWIRE_CONFIG": str(named)}
    assert load(None, environment).server.port == 9002
    assert load(given, environment).server.port == 9003


def test_the_environment_goes_before_the_file_and_leaves_the_rest(tmp_path: Path) -> None:
    path = write(tmp_path, '[server]\nport = 9004\nhost = "::1"\n')
    config = load(path, {"PARCELWIRE_SERVER_PORT": "9005"})
    assert config.server == ServerSection(port=9005, host="::1")


SPECIAL: dict[tuple[str, str], Any] = {
    ("server", "trusted_hosts"): ("track.shop.example", "*.shop.example"),
    ("server", "public_url"): "https://track.shop.example",
    ("store", "url"): "postgresql://127.0.0.1/parcelwire",
    ("logging", "level"): "DEBUG",
    ("notifications", "security"): "tls",
}
"""Settings that must have a certain form."""

WITH = {("notifications", "smtp_host"): {"PARCELWIRE_NOTIFICATIONS_SENDER": "parcels@shop.example"}}
"""What a setting cannot be without."""


def other_value(section: str, name: str, kind: Any) -> Any:
    """Return a good value that is not the default."""
    default = getattr(getattr(Config(), section), name)
    if kind is bool:
        return not default
    if kind in (int, float):
        return default + kind(1)
    others: dict[Any, Any] = {
        str: "other",
        tuple[str, ...]: ("10.1.0.0/16",),
        tuple[int, ...]: (25, 587),
        dict[str, dict[str, str]]: {"swiss-post": {"api": "http://127.0.0.1:1"}},
    }
    return SPECIAL.get((section, name), others[kind])


@pytest.mark.parametrize(("section", "name", "kind"), SETTINGS)
def test_every_setting_can_come_from_the_environment(section: str, name: str, kind: Any) -> None:
    value = other_value(section, name, kind)
    text = value if kind is str else json.dumps(value)
    others = WITH.get((section, name), {})
    config = load(None, {**others, variable_of(section, name): text})
    assert getattr(getattr(config, section), name) == value
    assert value != getattr(getattr(Config(), section), name)


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("false", False), ("0", False)]
)
def test_truths_in_the_environment(text: str, value: bool) -> None:
    assert load(None, {"PARCELWIRE_API_PAYMENT_REQUIRED": text}).api.payment_required is value


def test_the_public_url_falls_back_to_host_and_port() -> None:
    assert Config().public_url == "http://127.0.0.1:8787"
    assert Config(server=ServerSection(host="::1", port=1)).public_url == "http://[::1]:1"
    outside = Config(server=ServerSection(public_url="https://track.shop.example/"))
    assert outside.public_url == "https://track.shop.example"


# --- files that cannot be read ----------------------------------------------------------------


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "missing.toml"
    assert refusal(path, {}) == f"there is no configuration file {path}"
    assert str(path) in refusal(None, {"PARCELWIRE_CONFIG": str(path)})


@pytest.mark.parametrize("content", [b"[server", b"port = ", b"\xff\xfe", b"[server]\n[server]\n"])
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "parcelwire.toml"
    path.write_bytes(content)
    assert refusal(path, {}).startswith(f"cannot read {path}: ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path, {}).startswith(f"cannot read {tmp_path}: ")


# --- names that are no settings ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "meant"),
    [
        ("[server]\nprot = 1\n", "server.prot", "server.port"),
        ("[sever]\nport = 1\n", "sever", "server"),
        ("port = 1\n", "port", None),
        ("[server]\nxyz = 1\n", "server.xyz", None),
        ("[webhooks.server]\nport = 1\n", "webhooks.server", None),
    ],
)
def test_an_unknown_name_is_refused_by_its_name(
    tmp_path: Path, text: str, name: str, meant: str | None
) -> None:
    path = write(tmp_path, text)
    message = refusal(path, {})
    assert message.startswith(f"{path}: unknown setting {name}")
    assert (f"did you mean {meant}?" in message) == (meant is not None)


def test_a_section_must_be_one(tmp_path: Path) -> None:
    assert "[server]" in refusal(write(tmp_path, "server = 1\n"), {})


# --- values of the wrong type -----------------------------------------------------------------


WRONG = {
    TYPES["str"]: "7",
    TYPES["int"]: '"7"',
    TYPES["float"]: '"7"',
    TYPES["bool"]: "1",
    TYPES["texts"]: '"10.0.0.0/8"',
    TYPES["ports"]: '["25"]',
    TYPES["tables"]: "{ swiss-post = 1 }",
}
WRONG_IN_ENVIRONMENT = {
    TYPES["int"]: "many",
    TYPES["float"]: "many",
    TYPES["bool"]: "perhaps",
    TYPES["texts"]: "10.0.0.0/8",
    TYPES["ports"]: '["25"]',
    TYPES["tables"]: "{}}",
}


@pytest.mark.parametrize(("section", "name", "kind"), SETTINGS)
def test_a_value_of_the_wrong_type_is_refused(
    tmp_path: Path, section: str, name: str, kind: Any
) -> None:
    path = write(tmp_path, f"[{section}]\n{name} = {WRONG[kind]}\n")
    assert refusal(path, {}).startswith(f"{path}: {section}.{name} must be ")


@pytest.mark.parametrize(
    ("section", "name", "kind"), [one for one in SETTINGS if one[2] is not str]
)
def test_a_wrong_variable_is_refused_by_its_own_name(section: str, name: str, kind: Any) -> None:
    variable = variable_of(section, name)
    message = refusal(None, {variable: WRONG_IN_ENVIRONMENT[kind]})
    assert message.startswith(f"{variable} must be ")


def test_a_refusal_does_not_repeat_the_value(tmp_path: Path) -> None:
    path = write(tmp_path, '[store]\nurl = ["postgresql://shop:hunter2@host/db"]\n')
    assert "hunter2" not in refusal(path, {})
    assert "hunter2" not in refusal(None, {"PARCELWIRE_STORE_URL": "mysql://shop:hunter2@host"})


# --- values that make no sense ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("server", "host", ""),
        ("server", "port", -1),
        ("server", "port", 65_536),
        ("server", "public_url", "track.shop.example"),
        ("server", "public_url", "ftp://track.shop.example"),
        ("server", "public_url", "https://[::1"),
        ("server", "max_body_bytes", 999),
        ("server", "trusted_proxies", ["10.1.2.3/8"]),
        ("server", "trusted_proxies", ["proxy.shop.example"]),
        ("server", "trusted_hosts", ["https://track.shop.example"]),
        ("server", "trusted_hosts", [""]),
        ("server", "trusted_hosts", ["track.shop.example:8443"]),
        ("server", "trusted_hosts", ["*shop.example"]),
        ("server", "trusted_hosts", ["track.*.example"]),
        ("server", "max_connections", -1),
        ("server", "max_connections_per_source", 0),
        ("server", "max_head_bytes", 999),
        ("server", "max_body_memory_bytes", 10_999_999),
        ("server", "max_bodies_per_key", 0),
        ("server", "head_timeout_seconds", 0.0),
        ("server", "body_idle_timeout_seconds", 0.0),
        ("server", "body_timeout_seconds", 0.0),
        ("server", "idle_timeout_seconds", 0.0),
        ("server", "write_timeout_seconds", 0.0),
        ("store", "url", "mysql://127.0.0.1/db"),
        ("store", "url", "parcelwire.db"),
        ("store", "url", "sqlite:"),
        ("store", "pool_size", 0),
        ("api", "create_per_second", -0.1),
        ("api", "other_per_second", -1.0),
        ("api", "fetch_wait_seconds", -1.0),
        ("api", "realtime_interval_seconds", -1),
        ("api", "idempotency_hours", 0.0),
        ("polling", "claim_size", 0),
        ("polling", "concurrency", 0),
        ("polling", "fetch_timeout_seconds", 0.0),
        ("polling", "fetch_timeout_seconds", 30.0),
        ("polling", "lease_seconds", 22.0),
        ("polling", "idle_seconds", 0.0),
        ("polling", "time_scale", 0.5),
        ("webhooks", "max_attempts", 0),
        ("webhooks", "retry_base_seconds", 0.0),
        ("webhooks", "request_timeout_seconds", 0.0),
        ("webhooks", "request_timeout_seconds", 30.5),
        ("webhooks", "max_concurrent_deliveries", 0),
        ("webhooks", "max_concurrent_per_endpoint", 0),
        ("webhooks", "failing_after_seconds", -1.0),
        ("webhooks", "disable_after_seconds", 599.0),
        ("webhooks", "message_retention_days", 0),
        ("notifications", "smtp_port", 0),
        ("notifications", "security", "ssl"),
        ("notifications", "per_minute", 0),
        ("notifications", "min_interval_minutes", -1),
        ("limits", "mails_per_account_per_minute", -1),
        ("limits", "mails_per_account_per_day", -1),
        ("limits", "mails_per_address_per_day", -1),
        ("limits", "mail_confirmations_per_address_per_day", -1),
        ("notifications", "timeout_seconds", 0),
        ("webhooks", "event_retention_days", 29),
        ("webhooks", "allowed_networks", ["10.0.0.0/33"]),
        ("webhooks", "allowed_networks", ["10.1.2.3/8"]),
        ("webhooks", "extra_ports", [0]),
        ("webhooks", "extra_ports", [65_536]),
        ("carriers", "registry_file", ""),
        ("carriers", "simulated_time_scale", 0.0),
        ("carriers", "base_urls", {"swiss-post": {"api": "127.0.0.1:1"}}),
        ("limits", "login_queue_size", 0),
        ("limits", "lookups_per_source_per_minute", 301),
        ("limits", "forms_per_source_per_minute", -1),
        ("limits", "lookups_and_forms_per_minute", 199),
        ("limits", "live_streams_per_source", 1_000),
        ("limits", "live_streams_per_tracking", 1_000),
        ("limits", "live_streams", 20),
        ("limits", "long_reads", 0),
        ("limits", "long_reads_per_account", -1),
        ("limits", "long_read_wait_seconds", -0.5),
        ("limits", "event_waits", -1),
        ("limits", "event_waits_per_account", -1),
        ("limits", "test_trackings", -1),
        ("logging", "level", "LOUD"),
    ],
)
def test_a_senseless_value_is_refused_by_the_name_of_its_setting(
    section: str, name: str, value: Any
) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    message = refusal(None, {variable_of(section, name): text})
    assert f"{section}.{name}" in message


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(
    ("section", "name"), [(section, name) for section, name, kind in SETTINGS if kind is float]
)
def test_only_finite_numbers(section: str, name: str, value: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"[{section}]\n{name} = {value}\n")
    assert f"{section}.{name} must be a finite number" in refusal(path, {})


def test_a_question_must_end_before_its_lease() -> None:
    check(Config(polling=PollingSection(fetch_timeout_seconds=9.9, lease_seconds=10.0)))
    with pytest.raises(ConfigError, match="fetch_timeout_seconds must be shorter than"):
        check(Config(polling=PollingSection(fetch_timeout_seconds=10.0, lease_seconds=10.0)))


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"sender": ""}, "notifications.sender"),
        ({"username": "shop"}, "belong together"),
        ({"password": "secret-word"}, "belong together"),
        ({"username": "a", "password": "secret-word", "password_file": "b"}, "give one"),
        ({"username": "a", "password": "secret-word", "security": "none"}, "no open line"),
    ],
)
def test_mail_settings_that_contradict_each_other(settings: dict[str, str], what: str) -> None:
    good = {"smtp_host": "smtp.shop.example", "sender": "parcels@shop.example"}
    environment = {
        variable_of("notifications", name): value for name, value in {**good, **settings}.items()
    }
    message = refusal(None, environment)
    assert what in message
    assert "secret-word" not in message


def test_the_mail_password_is_shown_nowhere() -> None:
    environment = {
        "PARCELWIRE_NOTIFICATIONS_PASSWORD": "secret-word",
        "PARCELWIRE_NOTIFICATIONS_OPERATOR_URLS": '["slack://secret-word"]',
    }
    assert "secret-word" not in repr(load(None, environment))
