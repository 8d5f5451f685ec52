"""Reading the pages as somebody who does what they say: blocks, commands and calls of curl."""

from __future__ import annotations

import json
import re
import shlex
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support.named_tests import ROOT

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(page: str | Path, language: str) -> list[str]:
    """Return the fenced blocks of a language (``""``: of none) on a page, e.g. ``docs/v4.md``.

    The indentation of a whole block is taken away.
    """
    text = (ROOT / page).read_text("utf-8")
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)
        for indent, name, body in _BLOCK.findall(text)
        if name == language
    ]


def commands(page: str) -> list[list[str]]:
    """Return the words of each line in a page's shell blocks, without its comments."""
    lines = [
        line for block in blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()
    ]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def fetch(line: str, key: str) -> tuple[int, Any]:
    """Do what a call of curl says; a bare machine need not have curl.

    ``pw_test_…`` and ``pw_live_…`` stand for ``key``. Returns the status and the JSON answered.
    """
    words = shlex.split(re.sub(r"pw_(test|live)_…", key, line.replace("\\\n", " ")))
    assert words[0] == "curl"
    url = next(word for word in words[1:] if word.startswith("http://"))
    headers = [word.split(": ", 1) for flag, word in pairwise(words) if flag == "-H"]
    given = dict(pairwise(words))
    body = given["-d"].encode() if "-d" in given else None
    request = urllib.request.Request(url, body, dict(headers))  # noqa: S310  (loopback)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return answer.status, json.loads(answer.read())
