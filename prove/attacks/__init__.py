"""Attacks on a running server, and what an innocent client notices of them."""
