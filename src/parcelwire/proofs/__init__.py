"""Proofs that run against the real program: what `parcelwire prove` and the fault tests are made
of.

    servers   the program as processes of its own: started, killed, started again
    forge     a quick way to start it: fork a process that has imported everything already
    load      shops that create, change and delete, and note down what was acknowledged
    receiver  an endpoint that notes down what came, in which order
    ledger    the judge: what was promised, held against what is there
    kills     all of these together: SIGKILL at random instants

Nothing here is imported by the servers themselves.
"""
