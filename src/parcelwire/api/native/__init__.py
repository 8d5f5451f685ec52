"""Parcelwire's own API under ``/api``: what TrackingMore has no word for, or a poorer one.

To add calls: a module with its shapes' handlers and ``OPERATIONS``, named in ``table.ALL``.
Routes, checks of key, query and body, problems and the OpenAPI description follow from that table.
Each names the scope and the world that it is for; proof G2 tries it with everybody.
"""
