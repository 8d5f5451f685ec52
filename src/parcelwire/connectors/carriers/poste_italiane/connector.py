"""The connector: which transport speaks, and what it says about itself."""

from collections.abc import Sequence
from functools import cached_property

from parcelwire.connectors.base import (
    Access,
    CarrierReport,
    Conversation,
    Manifest,
    Outcome,
    Question,
)
from parcelwire.connectors.carriers.poste_italiane import api, web, wording
from parcelwire.connectors.carriers.poste_italiane.answers import CONNECTOR_NAME
from parcelwire.connectors.table import load_manifest


class PosteItaliane:
    """Asks Poste Italiane: ``api`` with a business contract, or ``web`` as the public page does."""

    @cached_property
    def manifest(self) -> Manifest:
        """What ``manifest.toml`` says."""
        return load_manifest(wording.PACKAGE)

    def track(self, questions: Sequence[Question], access: Access) -> Conversation:
        """Ask about ``questions``, at most the transport's ``batch_size``."""
        asked = list(questions)
        if not asked:
            return []
        if access.transport == "api":
            return (yield from api.converse(asked, access, self._base_url("api", access)))
        if access.transport == "web":
            return (yield from web.converse(asked, self._base_url("web", access)))
        return [
            CarrierReport(
                number=question.number,
                outcome=Outcome.NO_CONNECTION,
                detail=f"Poste Italiane has no transport {access.transport!r}",
                fetched_at=access.now,
                connector=CONNECTOR_NAME,
            )
            for question in asked
        ]

    def phrase(self, raw_code: str, language: str) -> str | None:
        """Return the wording of an event code or of a known Italian text; None when not known."""
        return wording.phrase(raw_code, language)

    def _base_url(self, name: str, access: Access) -> str:
        ours = self.manifest.transport(access.transport).base_urls[name]
        return access.base_urls.get(name, ours).rstrip("/")
