"""Installations to examine, and what ``parcelwire durability-test`` finds in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.proofs.checks import Check
from parcelwire.proofs.scratch import furnish


def quietly(line: str) -> None:
    """Tell nobody."""
    del line


def bad(found: list[Check]) -> list[str]:
    """Return what is found to lose data."""
    return [check.summary for check in found if check.state == "bad"]


def config_for(folder: Path, url: str) -> Config:
    """Return the settings of an installation in ``folder``."""
    return Config(
        store=StoreSection(url=url, pool_size=3),
        secrets=SecretsSection(key_file=str(folder / "parcelwire.key")),
    )


async def furnished(folder: Path, url: str) -> Config:
    """Make an installation with something in it."""
    folder.mkdir()
    config = config_for(folder, url)
    await furnish(config, "http://shop.example", ["hook"])
    return config


def digest(path: Path) -> str:
    """Return what tells a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
