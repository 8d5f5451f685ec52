"""What can go wrong between a terminal and the network: one line that says what, no traceback."""

import json
import socket

import pytest

from tests.contract.store.postgres_fixture import shared_cluster
from tests.support.terminal import Answer, Call, Terminal, listener

# --- the live list of couriers ----------------------------------------------------------------

LIST = {"meta": {"code": 200}, "data": [{"courier_code": "a-b", "courier_name": "A"}]}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((401, b'{"meta":{"code":401,"message":"No."},"data":[]}', {}), "is error 401: No."),
        ((429, b'{"meta":{"code":429,"message":"Slow"},"data":[]}', {}), "is error 429: Slow"),
        ((502, b"<html>bad gateway</html>", {}), "HTTP 502"),
        ((200, b"<html>hello</html>", {}), "the answer is not JSON"),
        ((200, b'{"meta":{"code":200},"data":[]}', {}), "holds no couriers"),
        ((302, b"", {"location": "https://elsewhere.example/"}), "leads elsewhere (HTTP 302)"),
    ],
)
def test_a_live_list_that_is_none_leaves_the_file_alone(
    terminal: Terminal, answer: Answer, says: str
) -> None:
    kept = terminal.folder / "parcelwire.couriers.json"
    with listener(lambda _: (200, json.dumps(LIST).encode(), {})) as url:
        terminal("couriers", "refresh", "--base-url", url, "--api-key", "k")
    before = kept.read_bytes()
    heard: list[Call] = []

    def refuse(call: Call) -> Answer:
        heard.append(call)
        return answer

    with listener(refuse) as url:
        assert says in terminal.fails("couriers", "refresh", "--base-url", url, "--api-key", "k")
    assert [call.path for call in heard] == ["/v4/couriers/all"]
    assert kept.read_bytes() == before


def test_a_live_list_that_cannot_be_asked(terminal: Terminal) -> None:
    ask = ("couriers", "refresh", "--api-key")
    line = terminal.fails(*ask, "key", "--base-url", "http://127.0.0.1:1")
    assert line.endswith("cannot be reached: Connection refused")
    assert "must begin with https://" in terminal.fails(*ask, "key", "--base-url", "file:///etc")
    line = terminal.fails(*ask, "a\nb", "--base-url", "http://127.0.0.1:1")
    assert "characters that no key has" in line


def test_a_broken_file_of_refreshed_couriers(terminal: Terminal) -> None:
    terminal("key", "create", "--account", "you@shop.example")
    (terminal.folder / "parcelwire.couriers.json").write_text("[]", "utf-8")
    for command in (("couriers",), ("key", "list")):
        line = terminal.fails(*command)
        assert "is no list of couriers" in line
        assert "carriers.registry_file" in line


# --- the network ------------------------------------------------------------------------------


def test_a_port_that_is_taken(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        terminal.set(SERVER_PORT=str(port))
        assert terminal.fails("serve") == (
            f"parcelwire: cannot listen on 127.0.0.1:{port}: Address already in use"
            " (server.host, server.port)"
        )
    # It ended before it touched anything.
    assert list(terminal.folder.iterdir()) == []


def test_an_address_that_is_not_this_machines(terminal: Terminal) -> None:
    terminal.set(SERVER_HOST="192.0.2.1", SERVER_PORT="0")
    assert "cannot listen on 192.0.2.1:0: Cannot assign" in terminal.fails("serve")


def test_the_parts_alone_need_postgresql(terminal: Terminal) -> None:
    for command in ("api", "worker"):
        assert "need PostgreSQL" in terminal.fails(command)


# --- PostgreSQL -------------------------------------------------------------------------------


def test_a_postgresql_that_cannot_be_reached(terminal: Terminal) -> None:
    terminal.set(STORE_URL="postgresql://shop:hunter2@127.0.0.1:1/parcelwire", SERVER_PORT="0")
    for command in (("serve",), ("worker",), ("migrate",), ("key", "list")):
        line = terminal.fails(*command)
        assert "cannot use the database: PostgreSQL cannot be reached" in line
        assert "hunter2" not in line


@pytest.mark.parametrize(
    "url", ["postgresql://shop:hun ter2@[/x", "postgresql://h:port/x?sslmode=hunter2"]
)
def test_a_postgresql_address_that_is_none(terminal: Terminal, url: str) -> None:
    terminal.set(STORE_URL=url)
    line = terminal.fails("migrate")
    assert "store.url" in line
    assert "hunter2" not in line


def test_a_postgresql_database_that_is_not_there(terminal: Terminal) -> None:
    terminal.set(STORE_URL=shared_cluster().dsn("nosuch"))
    line = terminal.fails("migrate")
    assert 'PostgreSQL says: database "nosuch" does not exist' in line


def test_a_postgresql_that_may_lose_data(terminal: Terminal) -> None:
    dsn = shared_cluster().create_database(is_migrated=False)
    name = dsn.partition("?")[0].rpartition("/")[2]
    shared_cluster().sql(f"alter database {name} set synchronous_commit = off")
    terminal.set(STORE_URL=dsn)
    assert "synchronous_commit must be on" in terminal.fails("migrate")


def test_a_postgresql_that_is_fit(terminal: Terminal) -> None:
    terminal.set(STORE_URL=shared_cluster().create_database(is_migrated=False))
    assert terminal("migrate").startswith("up to date: PostgreSQL ")
    assert "There are no keys" in terminal("key", "list")
