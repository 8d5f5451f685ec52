"""XML answers as nested values, which the functions of ``values`` read like JSON.

An element is a text; with children or attributes it is an object::

    <Event code="905"><City>Roma</City><Note/></Event>
    {"Event": {"@code": "905", "City": "Roma", "Note": ""}}

What stands there more than once is a list, so ask with ``read_items``. Prefixes of namespaces are
dropped. A document type is refused: no answer needs one, and entities can grow without end.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final, NoReturn
from xml.parsers import expat

from parcelwire.connectors.base import Response
from parcelwire.connectors.reading.values import UnreadableError, read_body
from parcelwire.domain.json_limits import MOST_CONTAINERS

_DEEPEST: Final = 60
_TEXT: Final = "#text"


def read_xml(response: Response, statuses: Container[int] | None = (200,)) -> dict[str, Any]:
    """Return the root element of an answer by its name.

    Raises:
        UnreadableError: as ``values.read_body``, no XML, or more of it than anybody needs.
    """
    builder = _Builder()
    try:
        builder.parser.Parse(read_body(response, statuses), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableError("XML that cannot be read") from error
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self._count = 0
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def _refuse_doctype(self, *_: Any) -> NoReturn:
        raise UnreadableError("XML with a document type")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_CONTAINERS or len(self._open) >= _DEEPEST:
            raise UnreadableError("XML with more elements than anybody needs")
        own = {
            f"@{_bare(key)}": value
            for key, value in attributes.items()
            if key.partition(":")[0] != "xmlns"
        }
        self._open.append((_bare(name), own, []))

    def _text(self, data: str) -> None:
        if self._open:
            self._open[-1][2].append(data)

    def _end(self, _: str) -> None:
        name, members, texts = self._open.pop()
        text = "".join(texts).strip()
        value: Any = text
        if members:
            if text:
                members[_TEXT] = text
            value = members
        around = self.root
        if self._open:
            around, texts_around = self._open[-1][1:]
            texts_around.append(" ")  # "Delivered<br/>to neighbour" are three words
        if name not in around:
            around[name] = value
        elif isinstance(around[name], list):
            around[name].append(value)
        else:
            around[name] = [around[name], value]


def _bare(name: str) -> str:
    return name.rpartition(":")[2]
