"""Swiss Post: the official Track Consignments API and the public tracking page."""

from parcelwire.connectors.carriers.swiss_post.connector import CONNECTOR

__all__ = ["CONNECTOR"]
