"""Credentials at rest: sealed, bound to their connection, and rotated."""

import logging
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.credential_encryption import (
    KEY_BYTES,
    AesGcmCipher,
    KeyFileError,
    fingerprint_of,
)
from parcelwire.connectors.key_file import create_key_file, make_key, read_keys
from parcelwire.domain.sealing import (
    DecryptionError,
    SealingError,
    UnknownKeyError,
    key_id_in,
    key_id_of,
)

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
CREDENTIALS = {"client_id": "shop", "client_secret": "canary-secret", "scope": "läuft"}

texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(credentials=st.dictionaries(texts, texts, max_size=5), connection=texts)
def test_what_was_sealed_opens(credentials: dict[str, str], connection: str) -> None:
    sealer = AesGcmCipher([NEW], os.urandom)
    assert sealer.open(sealer.seal(credentials, connection), connection) == credentials


def test_sealed_bytes_hide_everything_and_never_repeat() -> None:
    sealer = AesGcmCipher([NEW], os.urandom)
    sealed = [sealer.seal(CREDENTIALS, "c1") for _ in range(50)]
    assert len(set(sealed)) == 50
    assert all(b"canary" not in one and b"client" not in one for one in sealed)


def test_credentials_moved_to_another_connection_do_not_open() -> None:
    sealer = AesGcmCipher([NEW], os.urandom)
    with pytest.raises(DecryptionError, match="another place"):
        sealer.open(sealer.seal(CREDENTIALS, "c1"), "c2")


@given(st.data())
def test_changed_or_cut_bytes_never_open(data: st.DataObject) -> None:
    sealer = AesGcmCipher([NEW], os.urandom)
    sealed = sealer.seal(CREDENTIALS, "c1")
    if data.draw(st.booleans()):
        broken = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    else:
        place = data.draw(st.integers(0, len(sealed) - 1))
        flipped = sealed[place] ^ data.draw(st.integers(1, 255))
        broken = sealed[:place] + bytes([flipped]) + sealed[place + 1 :]
    with pytest.raises(SealingError) as caught:
        sealer.open(broken, "c1")
    assert "canary" not in str(caught.value)


def test_rotation_opens_the_old_and_seals_with_the_new() -> None:
    old, both = AesGcmCipher([OLD], os.urandom), AesGcmCipher([NEW, OLD], os.urandom)
    sealed = old.seal(CREDENTIALS, "c1")
    assert both.open(sealed, "c1") == CREDENTIALS
    again = both.seal(CREDENTIALS, "c1")
    assert [key_id_in(one) for one in (again, sealed)] == list(map(key_id_of, both.fingerprints))
    assert AesGcmCipher([NEW], os.urandom).open(again, "c1") == CREDENTIALS
    with pytest.raises(UnknownKeyError, match="which the key file does not hold"):
        AesGcmCipher([NEW], os.urandom).open(sealed, "c1")


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, b"short"]])
def test_keys_that_are_none_are_refused(keys: list[bytes]) -> None:
    with pytest.raises(KeyFileError):
        AesGcmCipher(keys, os.urandom)


def test_a_key_file_is_made_for_its_owner_only_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "credentials.key"
    create_key_file(path, os.urandom)
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = AesGcmCipher(read_keys(path), os.urandom).seal(CREDENTIALS, "c1")
    with pytest.raises(FileExistsError):
        create_key_file(path, os.urandom)
    assert AesGcmCipher(read_keys(path), os.urandom).open(sealed, "c1") == CREDENTIALS


def test_a_key_file_holds_the_newest_key_first(tmp_path: Path) -> None:
    path = tmp_path / "credentials.key"
    create_key_file(path, os.urandom)
    sealed = AesGcmCipher(read_keys(path), os.urandom).seal(CREDENTIALS, "c1")
    path.write_text(f"# newest\n\n{make_key(os.urandom)}\n{path.read_text('utf-8')}", "utf-8")
    keys = read_keys(path)
    assert AesGcmCipher(keys, os.urandom).open(sealed, "c1") == CREDENTIALS
    assert [fingerprint_of(key).startswith(key_id_in(sealed)) for key in keys] == [False, True]


@pytest.mark.parametrize(
    "content", ["", "# only a comment\n", "not base64!", "c2hvcnQ=", "ÿ", "canary" * 9]
)
def test_a_wrong_key_file_is_named_and_not_quoted(tmp_path: Path, content: str) -> None:
    path = tmp_path / "credentials.key"
    path.write_text(content, "utf-8")
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"credentials\.key") as caught:
        read_keys(path)
    assert "canary" not in str(caught.value)


def test_a_binary_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "credentials.key"
    path.write_bytes(bytes(range(128, 160)))
    with pytest.raises(KeyFileError, match="cannot be read"):
        read_keys(path)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="FileNotFoundError"):
        read_keys(tmp_path / "none.key")


def test_a_key_file_others_can_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "credentials.key"
    create_key_file(path, os.urandom)
    path.chmod(0o620)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_keys(path)


@pytest.mark.parametrize(("mode", "who"), [(0o444, "everybody"), (0o640, "its group")])
def test_a_key_file_others_can_read_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, who: str
) -> None:
    path = tmp_path / "credentials.key"
    create_key_file(path, os.urandom)
    path.chmod(mode)
    with caplog.at_level(logging.WARNING):
        read_keys(path)
    assert f"read by {who}" in caplog.text
    assert f"chmod 600 {path}" in caplog.text


def test_a_made_key_has_the_full_length(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_text(make_key(os.urandom), "utf-8")
    path.chmod(0o600)
    assert [len(key) for key in read_keys(path)] == [KEY_BYTES] == [32]
