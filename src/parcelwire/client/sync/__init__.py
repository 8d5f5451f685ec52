# Generated from ../aio by tools/generate_sync.py: change that, and generate again.
"""The synchronous side, generated from ``aio``."""
