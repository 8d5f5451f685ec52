"""A new key file is whole and flushed before anybody can seal with it, or it is not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from parcelwire.connectors.key_file import create_key_file, read_keys


def test_it_is_flushed_before_it_has_its_name_and_the_name_is_flushed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "parcelwire.key"
    flushed: list[tuple[bool, bool]] = []
    flush = os.fsync

    def watch(descriptor: int) -> None:
        flush(descriptor)
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        flushed.append((is_folder, path.exists()))

    monkeypatch.setattr(os, "fsync", watch)
    create_key_file(path, os.urandom)
    # Credentials sealed with a key that the power takes away are lost, however safe the database.
    assert flushed == [(False, False), (True, True)]


def test_whoever_dies_while_making_it_leaves_nothing_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "parcelwire.key"

    def die(descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", die)
        with pytest.raises(KeyboardInterrupt):
            create_key_file(path, os.urandom)
    assert not path.exists()
    create_key_file(path, os.urandom)
    read_keys(path)
    assert [one.name for one in tmp_path.iterdir()] == ["parcelwire.key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_that_make_it_at_once_end_with_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "parcelwire.key"
    flush = os.fsync

    def be_overtaken(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", flush)
        create_key_file(path, os.urandom)

    monkeypatch.setattr(os, "fsync", be_overtaken)
    with pytest.raises(FileExistsError):
        create_key_file(path, os.urandom)
    read_keys(path)
    assert [one.name for one in tmp_path.iterdir()] == ["parcelwire.key"]


def test_it_is_made_where_the_file_system_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "parcelwire.key"

    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    create_key_file(path, os.urandom)
    read_keys(path)
    with pytest.raises(FileExistsError):
        create_key_file(path, os.urandom)
    assert [one.name for one in tmp_path.iterdir()] == ["parcelwire.key"]
