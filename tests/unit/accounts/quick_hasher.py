"""Who hashes passwords in the tests of accounts."""

from __future__ import annotations

import hashlib


class QuickHasher:
    """Hashes with SHA-256: the rules are tried here, not the cost."""

    def __init__(self) -> None:
        self.hashed: list[tuple[str, int]] = []

    async def hash(self, text: str, salt: bytes, cost: int) -> bytes:
        self.hashed.append((text, cost))
        return hashlib.sha256(salt + text.encode()).digest()
