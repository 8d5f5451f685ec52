"""The secret of a recorded answer: beside the record, or in it as versions before kept it."""

from __future__ import annotations

import base64
import os
from types import SimpleNamespace
from typing import Any, cast

import pytest

from parcelwire.api.native.sealed import LEFT_OUT, reveal
from parcelwire.connectors.credential_encryption import KEY_BYTES, AesGcmCipher
from parcelwire.store.port import KeyUnavailableError


def told(sealer: AesGcmCipher, kept: str, *, owner: str = "e1", beside: str = "") -> str:
    house = cast(Any, SimpleNamespace(sealer=sealer))
    asked = cast(Any, SimpleNamespace(repeatable=SimpleNamespace(secret=beside)))
    return reveal(house, asked, kept, owner)


def new_sealer() -> AesGcmCipher:
    return AesGcmCipher([os.urandom(KEY_BYTES)], os.urandom)


def test_what_the_record_leaves_out_stands_beside_it() -> None:
    assert told(new_sealer(), LEFT_OUT, beside="whsec_x") == "whsec_x"


def test_a_record_of_a_version_before_is_still_told() -> None:
    sealer = new_sealer()
    kept = base64.b64encode(sealer.seal({"secret": "whsec_old"}, "e1")).decode()
    assert told(sealer, kept) == "whsec_old"


def test_one_that_cannot_be_opened_any_more_is_unavailable() -> None:
    kept = base64.b64encode(new_sealer().seal({"secret": "whsec_old"}, "e1")).decode()
    with pytest.raises(KeyUnavailableError, match="needs the key"):
        told(new_sealer(), kept)
