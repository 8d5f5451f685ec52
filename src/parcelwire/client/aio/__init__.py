"""The asynchronous side, written by hand. ``sync`` is generated from it: tools/generate_sync.py."""
