"""Write docs/authorization.md from the table of everything that can be asked of an installation."""

from __future__ import annotations

from parcelwire.bootstrap.access import Action, access_table

_HEAD = """\
# Authorization

Written by `{command}` from `parcelwire.bootstrap.access`, which reads the code itself: every
call, page and form declares what it needs, and one that does not cannot be loaded. `make test`
tries each row with no key, with a malformed, unknown, revoked and expired key, with each scope,
with a test key, with another account's key, as an operator, and as a suspended account.

**Scope**: what a key must at least be good for (`read` < `write` < `admin`); `anyone`: no key is
needed. A dashboard session has the scope of its key; one opened with a password has `admin`.

**World**: whose things are shown and changed.

* `own`: those of one world, the one that the key opens or that the dashboard session looks at.
  Things of other worlds and accounts are answered like things that do not exist.
* `account`: those that the account's two worlds share. From the test world only what belongs to
  the test world is shown and changed, except the account's own name, address and quota, which any
  of its keys may read.
* `live`: those of the live world. A test key, and a session that looks at the test world, is
  refused (403).
* `installation`: those of the whole installation: public tables, or what only operators may see.

**Operators** are live keys (and passwords) with the scope `admin` of accounts named in
`api.operators`. For the dashboard, where none is named, the first account is one as long as it is
the only account.

A missing, unknown, revoked or expired key is refused with 401 (v2: `meta.code` 401, 4001 or 4002),
a suspended account with 403 (v2: 402), too small a scope with 403. The dashboard leads to its login
page whoever has no session, and whoever's account is suspended.
"""

_TITLES = {
    "v2": "TrackingMore v2",
    "v4": "TrackingMore v4",
    "native": "Native API",
    "dashboard": "Dashboard",
    "public": "Public addresses",
}


def describe_access(command: str) -> str:
    """Return docs/authorization.md."""
    parts = [_HEAD.format(command=command)]
    found = access_table()
    for surface, title in _TITLES.items():
        parts.append(f"\n## {title}\n\n| | | scope | world | |\n| --- | --- | --- | --- | --- |\n")
        parts.extend(_row(one) for one in found if one.surface == surface)
    return "".join(parts)


def _row(one: Action) -> str:
    note = "operators" if one.is_for_operators else ""
    return f"| {one.method} | `{one.path}` | {one.scope} | {one.world} | {note} |\n"
