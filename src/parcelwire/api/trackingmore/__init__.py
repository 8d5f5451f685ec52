"""What all versions of TrackingMore's API have in common; each version is a package beside this.

::

    declaration.py    what a version says about itself, and what it answers calls with
    frame.py          the way of one call: route, key, rate limit, checks, body, handler, headers
    routes.py         the table of calls, and how a path is found in it
    refusals.py       why a call is refused, before a version gives it a code
    batches.py        many items with one call, each with its own outcome
    creation.py       quotas, and a number that is followed if it is not yet
    tracking_pairs.py trackings that are named by courier and number, and changes of them
    tracking_path.py  courier and number in a path
    transit_times.py  how long parcels took
    bodies.py         JSON under any content type, texts, switches
    timestamps.py     times as clients write them
    openapi.py        a version's calls as an OpenAPI description tells them

A version brings its models, their rendering and its codes, written by hand, and shares none of them
with another version. It says in one ``Declaration`` which calls it has (``routes``), which headers
carry its key, which code and envelope a refusal has (``refused_for``, ``render_refusal``) and, for
a running installation, who answers each call (``bind``). ``DialectFrame`` does the rest. Nothing
here imports a version, and no version imports another.

Versions that come with Parcelwire stand in ``bootstrap.dialects``; others are handed to
``open_installation``. ``tests/e2e/api/test_toy_dialect.py`` adds one of five calls.
"""
