"""What every OpenAPI description must be like."""

from __future__ import annotations

from typing import Any


def follow_references(description: Any) -> list[str]:
    """Return every reference, after each was followed to what it names."""
    found = _references(description)
    for reference in found:
        target = description
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
    return found


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in _references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in _references(value)]
    return []
