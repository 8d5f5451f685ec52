"""The HTTP protocol layer: limits, deadlines, source addresses.

    limits.py       the figures
    refusals.py     what is refused, and how that is answered
    proxies.py      trusted proxies and the client addresses that they forward
    bodies.py       how a body that does not arrive at once comes along
    unread.py       how much of an answer a client has not taken yet
    closing.py      how a connection ends
    connections.py  all open connections: admission, eviction, deadlines
    protocol.py     one connection: uvicorn's HTTP protocol with the limits built in
    cycle.py        one request and its answer
    open_files.py   how many connections the process has files for
    runner.py       the uvicorn server made of these

Everything here happens before a request reaches the application, which sees only complete, bounded
heads and may read bodies when it has authenticated the caller.
"""
