"""Proofs that run against the real program, for `parcelwire durability-test` and the fault tests.

    kills         SIGKILL of servers at random instants (A1), from
      servers, forge    the program as processes of its own, started in a tenth of the time
      load, receiver    shops that note down what was acknowledged, endpoints that note what came
      scratch           an installation beside the real one: settings, key, endpoints
      ledger            the judge: what was promised, held against what is there
    syscalls      SIGKILL at every call to storage (A3), from callforge, callscenario, calljudge
    powerloss     power failures (A4), from disk, filelayer, recording, storelife, inspection,
    planted
    fulldisk      a disk that fills up (B1)
    examination   `parcelwire durability-test`: the short proofs on the operator's settings, with
      checks, surroundings   what is known to lose data, looked for in settings and system
      scratch_database       a place beside the operator's database, and its removal

Nothing here is imported by the servers themselves.
"""
