"""A bare socket to attack instead of the server: what connections alone cost on this machine.

The attacker's own process takes processor time from the innocent client, and the system from both.
Measured beside attacks on this socket and beside attacks on the server, the difference is what the
server does to itself: ``python -m prove.attacks.listener`` accepts connections, keeps them, and
prints its port; it ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys

import uvloop


class Listener:
    """Its process, as seen from the proof's."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # our own module
            [sys.executable, "-m", "prove.attacks.listener"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout is None:
            raise RuntimeError
        self.port = int(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            if end is not None:
                end.close()


async def main() -> None:
    """Accept and keep connections until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8_192, hard), hard))
    uvloop.run(main())
