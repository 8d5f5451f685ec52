"""Use cases on what an account owns beside trackings and webhook endpoints.

    native API, dashboard, command line --> command --> service --> port (store, hasher, carriers)
                                        <-- result, or one of ``errors``

Accounts themselves (``service``), API keys, passwords, logins and sessions, connections to
carriers, brands, quotas. Each rule stands here once: the callers translate their own words into
commands, and errors into answers. Adapters of the ports are handed in by ``bootstrap``.
"""
