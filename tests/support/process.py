"""The real program as a process of its own: started, killed, started again."""

from __future__ import annotations

from parcelwire.proofs.servers import Server, free_port, run_command

__all__ = ["Server", "free_port", "run_command"]
