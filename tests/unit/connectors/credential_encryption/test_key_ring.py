"""The keys of a running process follow the key file, and say what is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from parcelwire.connectors.credential_encryption import KeyFileError
from parcelwire.connectors.key_file import (
    create_key_file,
    read_keys,
    replace_key_file,
    sole_writer,
)
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.sealing import DecryptionError, SealingKey, UnknownKeyError
from tests.contract.store.keys import put_on_top


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "parcelwire.key"
    create_key_file(made, os.urandom)
    return made


def known(*fingerprints: str) -> list[SealingKey]:
    """Keys as the database knows them, the current one first."""
    return [
        SealingKey(fingerprint=one, added_at=0, is_current=not number)
        for number, one in enumerate(fingerprints)
    ]


def test_it_takes_up_a_new_key_when_it_meets_a_value_of_it(path: Path) -> None:
    running = KeyRing(path, os.urandom)
    old = running.seal({"a": "b"}, "c1")
    put_on_top(path)
    new = KeyRing(path, os.urandom).seal({"a": "c"}, "c1")
    assert running.open(new, "c1") == {"a": "c"}
    replace_key_file(path, read_keys(path)[:1], os.urandom)
    # What was sealed with the key that went may still be on its way in this process.
    running.refresh()
    assert len(running.fingerprints) == 1
    assert running.open(old, "c1") == {"a": "b"}
    with pytest.raises(UnknownKeyError):
        KeyRing(path, os.urandom).open(old, "c1")


def test_it_seals_with_the_key_that_the_database_names(path: Path) -> None:
    (old,) = KeyRing(path, os.urandom).fingerprints
    new = put_on_top(path)
    ring = KeyRing(path, os.urandom)
    assert ring.fingerprints == (new, old)
    assert ring.learn(known(old)) == ""
    for fingerprint in (old, new):
        sealed = ring.seal_value(b"x", "place", fingerprint)
        assert sealed[3:7].hex() == fingerprint[:8]
        assert ring.open_value(sealed, "place") == b"x"
    # As long as the new one is only in the file, nothing is sealed with it.
    assert ring.seal({"a": "b"}, "c1")[3:7].hex() == old[:8]


def test_it_seals_with_no_other_key_than_the_databases(path: Path, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.key"
    create_key_file(stranger, os.urandom)
    (theirs,) = KeyRing(path, os.urandom).fingerprints
    ring = KeyRing(stranger, os.urandom)
    wrong = ring.learn(known(theirs))
    assert f"sealed with the key {theirs}" in wrong
    assert f"the key file {stranger} holds {ring.fingerprints[0]}" in wrong
    assert "copy the key file here" in wrong
    assert "PARCELWIRE_SECRETS_KEY_FILE" in wrong
    with pytest.raises(UnknownKeyError, match=theirs):
        ring.seal({"a": "b"}, "c1")
    assert not ring.is_complete()
    replace_key_file(stranger, read_keys(path), os.urandom)
    assert ring.is_complete()
    assert ring.open(ring.seal({"a": "b"}, "c1"), "c1") == {"a": "b"}


def test_a_missing_file_is_told_with_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ring = KeyRing(Path("none.key"), os.urandom)
    assert ring.trouble == f"there is no key file {tmp_path / 'none.key'}"
    with pytest.raises(UnknownKeyError, match="there is no key file"):
        ring.seal({"a": "b"}, "c1")
    create_key_file(Path("none.key"), os.urandom)
    ring.refresh()
    assert ring.trouble == ""


def test_a_value_of_a_lost_key_is_no_reason_to_stop_everything(path: Path) -> None:
    ring = KeyRing(path, os.urandom)
    (mine,) = ring.fingerprints
    other = path.with_name("other.key")
    create_key_file(other, os.urandom)
    lost = KeyRing(other, os.urandom).seal({"a": "b"}, "c1")
    with pytest.raises(UnknownKeyError):
        ring.open(lost, "c1")
    # It may be the database's new key ...
    assert not ring.is_complete()
    # ... until the database is seen to know no such key.
    assert ring.learn(known(mine)) == ""
    assert ring.is_complete()
    with pytest.raises(UnknownKeyError):
        ring.open(lost, "c1")
    assert ring.is_complete()


def test_a_changed_value_is_no_missing_key(path: Path) -> None:
    ring = KeyRing(path, os.urandom)
    sealed = bytearray(ring.seal({"a": "b"}, "c1"))
    sealed[-1] ^= 1
    with pytest.raises(DecryptionError):
        ring.open(bytes(sealed), "c1")
    assert ring.is_complete()


def test_a_file_that_is_taken_away_stops_sealing_and_nothing_else(path: Path) -> None:
    ring = KeyRing(path, os.urandom)
    (mine,) = ring.fingerprints
    sealed = ring.seal({"a": "b"}, "c1")
    path.unlink()
    assert "there is no key file" in ring.learn(known(mine))
    assert ring.open(sealed, "c1") == {"a": "b"}
    assert ring.is_complete()
    # What is sealed now could not be opened after the next start.
    with pytest.raises(UnknownKeyError, match=mine):
        ring.seal_value(b"x", "place", mine)


# -- writing the file ---------------------------------------------------------------------------


def test_a_replaced_file_keeps_its_mode_and_its_link(path: Path, tmp_path: Path) -> None:
    path.chmod(0o640)
    link = tmp_path / "link.key"
    link.symlink_to(path)
    new = put_on_top(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert KeyRing(path, os.urandom).fingerprints[0] == new
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.key", "parcelwire.key"]


def test_a_replacement_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def refuse(*arguments: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(
        KeyFileError, match=r"cannot write the key file .*: Device or resource busy"
    ):
        put_on_top(path)
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["parcelwire.key"]


def test_two_do_not_rewrite_it_at_once(path: Path) -> None:
    with (
        sole_writer(path),
        pytest.raises(KeyFileError, match="another command is rotating"),
        sole_writer(path),
    ):
        pass
    with sole_writer(path):
        pass
