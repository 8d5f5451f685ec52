"""The connector: which transport speaks, and what it says about itself."""

from collections.abc import Sequence
from functools import cached_property

from parcelwire.connectors.base import (
    CarrierContext,
    CarrierReport,
    Exchange,
    Manifest,
    Outcome,
    TrackingQuery,
)
from parcelwire.connectors.carriers.poste_italiane import api, text_patterns, web
from parcelwire.connectors.carriers.poste_italiane.answers import CONNECTOR_NAME
from parcelwire.connectors.status_table import load_manifest


class PosteItaliane:
    """Asks Poste Italiane: ``api`` with a business contract, or ``web`` as the public page does."""

    @cached_property
    def manifest(self) -> Manifest:
        """What ``manifest.toml`` says."""
        return load_manifest(text_patterns.PACKAGE)

    def track(self, queries: Sequence[TrackingQuery], context: CarrierContext) -> Exchange:
        """Ask about ``queries``, at most the transport's ``batch_size``."""
        asked = list(queries)
        if not asked:
            return []
        if context.transport == "api":
            return (yield from api.run_exchange(asked, context, self._base_url("api", context)))
        if context.transport == "web":
            return (yield from web.run_exchange(asked, self._base_url("web", context)))
        return [
            CarrierReport(
                number=query.number,
                outcome=Outcome.NO_CONNECTION,
                detail=f"Poste Italiane has no transport {context.transport!r}",
                fetched_at=context.now,
                connector=CONNECTOR_NAME,
            )
            for query in asked
        ]

    def phrase(self, raw_code: str, language: str) -> str | None:
        """Return the wording of an event code or of a known Italian text; None when not known."""
        return text_patterns.phrase(raw_code, language)

    def _base_url(self, name: str, context: CarrierContext) -> str:
        ours = self.manifest.transport(context.transport).base_urls[name]
        return context.base_urls.get(name, ours).rstrip("/")
