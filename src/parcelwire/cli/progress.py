"""How far a long command came: a bar on standard error where that is a terminal, else nothing."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class Bar:
    """One bar; ``advance`` may be called as often as there are rows."""

    def __init__(self, about: str, total: int | None) -> None:
        known = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        open_ended = (TextColumn("{task.completed:,}"), TimeElapsedColumn())
        console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            *(known if total is not None else open_ended),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(about, total=total)

    def advance(self, rows: int) -> None:
        """Say that more is done."""
        self._progress.advance(self._task, rows)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()


def progress(about: str, *, total: int | None = None) -> Bar:
    """Return a bar for a command that is ``about`` something; ``total`` None: nobody knows."""
    return Bar(about, total)
