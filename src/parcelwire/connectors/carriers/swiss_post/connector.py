"""The connector of Swiss Post: chooses the transport and keeps one exchange per number."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from parcelwire.connectors.base import CarrierContext, Exchange, Manifest, TrackingQuery
from parcelwire.connectors.carriers.swiss_post.api import ask_api
from parcelwire.connectors.carriers.swiss_post.events import LANGUAGES, PACKAGE, find_phrase
from parcelwire.connectors.carriers.swiss_post.web import ask_web
from parcelwire.connectors.status_table import load_manifest
from parcelwire.domain.languages import choose_language
from parcelwire.domain.report import CarrierReport


class SwissPost:
    """Swiss Post's parcels and letters, over its business API or its public tracking page."""

    def __init__(self) -> None:
        """Read the manifest."""
        self._manifest: Final = load_manifest(PACKAGE)

    @property
    def manifest(self) -> Manifest:
        """What this connector is and may."""
        return self._manifest

    def track(self, queries: Sequence[TrackingQuery], context: CarrierContext) -> Exchange:
        """Ask about ``queries`` one after the other: neither transport takes several.

        Raises:
            KeyError: when the manifest has no transport of the name in ``context``.
        """
        known = self._manifest.transport(context.transport).base_urls
        base_urls = {
            name: context.base_urls.get(name, url).rstrip("/") for name, url in known.items()
        }
        language = choose_language(context.language, LANGUAGES) or LANGUAGES[0]
        if context.language != language:
            # The struct is copied, its memory is not: what is remembered stays remembered.
            context = replace(context, language=language)
        reports: list[CarrierReport] = []
        for query in queries:
            if context.transport == "api":
                report = yield from ask_api(query, context, base_urls)
            else:
                report = yield from ask_web(query, context, base_urls["web"])
            reports.append(report)
        return reports

    def phrase(self, raw_code: str, language: str) -> str | None:
        """Return the wording of an event code, dotted or short, in ``language``."""
        return find_phrase(raw_code, language)


CONNECTOR: Final = SwissPost()
