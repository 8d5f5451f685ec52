"""Poste Italiane: the official Poste Delivery Business API and the public Dovequando endpoint."""

from typing import Final

from parcelwire.connectors.base import Connector
from parcelwire.connectors.carriers.poste_italiane.connector import PosteItaliane

CONNECTOR: Final[Connector] = PosteItaliane()

__all__ = ["CONNECTOR"]
