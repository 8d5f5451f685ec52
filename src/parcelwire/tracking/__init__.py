"""The use cases: create, refresh, receive a push, update, retrack, stop, delete."""
