"""A log of what was refused, and from where: a bounded number of lines, however much is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from parcelwire.domain.clock import MINUTE, Instant

LINES_A_MINUTE: Final = 20
"""Refusals that get a line of their own: the first of each kind and source."""

MOST_SOURCES: Final = 1_000
"""Pairs of kind and source that a minute remembers; further ones are counted by kind only."""


class RefusalLog:
    """Counts refusals and logs them: each kind and source once a minute, the others as a sum.

    Nothing of a request is logged but the address it came from: a password may have been typed into
    the wrong field.
    """

    def __init__(
        self,
        warn: Callable[..., object],
        now: Callable[[], Instant],
        texts: Mapping[str, str] | None = None,
    ) -> None:
        """``warn`` writes a line, like ``logging.Logger.warning``.

        ``texts``: what the log says for a kind; one that is not among them stands for itself.
        """
        self.counts: Counter[str] = Counter()
        """Since the start, by kind."""
        self._warn = warn
        self._now = now
        self._texts = texts or {}
        self._minute: Instant | None = None
        self._lines = 0
        self._seen: Counter[tuple[str, str]] = Counter()
        self._unlogged: Counter[str] = Counter()

    def note(self, kind: str, source: str) -> None:
        """Count one refusal, and log it if it is the first of its kind and source."""
        self.sum_up()
        self.counts[kind] += 1
        one = (kind, source)
        is_first = one not in self._seen
        if not is_first or len(self._seen) < MOST_SOURCES:
            self._seen[one] += 1
        if is_first and self._lines < LINES_A_MINUTE:
            self._lines += 1
            self._warn("refused: %s, from %s", self._text_of(kind), _shown(source))
        else:
            self._unlogged[kind] += 1

    def sum_up(self) -> None:
        """Log the sums of the last minute, if it is over.

        Every refusal does this too; a caller with a timer logs them in time.
        """
        minute = self._now() // MINUTE
        if minute == self._minute:
            return
        for kind, count in self._unlogged.items():
            sources = [(n, source) for (seen, source), n in self._seen.items() if seen == kind]
            most, source = max(sources, default=(0, ""))
            self._warn(
                "refused %d more within a minute: %s (%d source(s) seen, most from %s: %d)",
                count,
                self._text_of(kind),
                len(sources),
                _shown(source),
                most,
            )
        self._minute, self._lines = minute, 0
        self._seen.clear()
        self._unlogged.clear()

    def _text_of(self, kind: str) -> str:
        return self._texts.get(kind, kind)


def _shown(source: str) -> str:
    if not source:
        return "an unknown address"
    return source if source.isascii() and source.isprintable() else ascii(source)
