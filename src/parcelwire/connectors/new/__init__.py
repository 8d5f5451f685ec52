"""A new connector's folder from a few answers: the files beside this one, filled in."""

from __future__ import annotations

import re
import sys
from importlib.machinery import PathFinder
from importlib.resources import files
from keyword import iskeyword
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from jinja2 import Environment, StrictUndefined

from parcelwire.couriers.registry import default_registry

_ENDING: Final = ".jinja"
_CODE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class AnswersError(ValueError):
    """An answer cannot be used; the text says why."""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be known to begin."""

    code: str
    """The courier's code (``paper-post``)."""
    name: str
    country: str
    """Of the carrier, ISO 3166 alpha-2."""
    zone: str
    """Of the carrier's clocks (``Europe/Zurich``)."""
    language: str
    """That the carrier answers in (ISO 639-1)."""
    host: str
    """Where it is asked: ``https://api.paper-post.example``."""
    format: Literal["json", "xml"] = "json"
    credentials: Literal["none", "key", "token"] = "key"
    """``token``: one is got with a client's id and secret first."""
    order: Literal["ymd", "dmy", "mdy"] = "ymd"
    """Of day, month and year."""
    batch: int = 1
    """How many numbers one request asks about."""

    @property
    def folder(self) -> str:
        """The folder's name, which is the package's."""
        return self.code.replace("-", "_")

    @property
    def class_name(self) -> str:
        """What the connector's class is called."""
        return "".join(part.capitalize() for part in self.code.split("-"))

    def check(self) -> None:
        """Check what the files could not hold.

        Raises:
            AnswersError: an answer cannot be used.
        """
        if not _CODE.fullmatch(self.code) or not self.folder.isidentifier():
            raise AnswersError(
                "the code has lower case letters, digits and single hyphens, a letter first"
            )
        if iskeyword(self.folder) or iskeyword(self.class_name):
            raise AnswersError(f"{self.folder} is a word of Python, no name of a package")
        if self.folder in sys.stdlib_module_names or PathFinder.find_spec(self.folder) is not None:
            raise AnswersError(f"a module called {self.folder} exists already")
        if not re.fullmatch("[A-Z]{2}", self.country):
            raise AnswersError(f"{self.country} is no country of ISO 3166 (CH, IT ...)")
        if not re.fullmatch("[a-z]{2}", self.language):
            raise AnswersError(f"{self.language} is no language of ISO 639-1 (de, it ...)")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise AnswersError(f"{self.zone} is no time zone (Europe/Zurich ...)") from None
        if not re.fullmatch(r"https://[\w.-]+(?:/[\w./-]*\w)?", self.host):
            raise AnswersError("the host begins with https:// and ends without a slash")
        if not 1 <= self.batch <= 100:
            raise AnswersError("a request asks about 1 to 100 numbers")
        is_plain = self.name.isprintable() and not set(self.name) & set('"\\')
        if not is_plain or not self.name.strip():
            raise AnswersError("the name has no quotation marks, is of one line and not empty")


_FILES: Final = (
    *("__init__.py", "connector.py", "manifest.toml", "status.toml", "mock_server.toml"),
    "README.md",
)
_CASES: Final = ("found", "unknown_number", "not_understood")
_TIMES: Final = {
    "ymd": ("2026-04-16 18:05:00", "2026-04-17 07:42:00"),
    "dmy": ("16.04.2026 18:05", "17.04.2026 07:42"),
    "mdy": ("04/16/2026 6:05 PM", "04/17/2026 7:42 AM"),
}
"""Of the made-up events, by the order of day, month and year."""


def write_connector(answers: Answers, parent: Path) -> Path:
    """Write the folder of a new connector into ``parent`` and return it.

    Raises:
        AnswersError: an answer cannot be used.
        FileExistsError: the folder is there already.
    """
    answers.check()
    folder = parent / answers.folder
    folder.mkdir(parents=True)
    (folder / "fixtures").mkdir()
    for name in _FILES:
        (folder / name).write_text(_fill_in(name, answers), "utf-8")
    for case in _CASES:
        text = _fill_in("fixture.json", answers, case=case)
        (folder / "fixtures" / f"{case}.in.json").write_text(text, "utf-8")
    return folder


def _fill_in(name: str, answers: Answers, *, case: str = "") -> str:
    """Return the file of a name, filled in; ``case``: of a fixture, what the carrier answers."""
    environment = Environment(
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  # programs and settings, no pages
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = (files(__name__) / f"{name}{_ENDING}").read_text("utf-8")
    return environment.from_string(template).render(
        answers=answers,
        case=case,
        path=urlsplit(answers.host).path,
        is_listed=answers.code in default_registry(),
        times=_TIMES[answers.order],
    )
