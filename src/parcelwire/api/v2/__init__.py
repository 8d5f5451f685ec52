"""TrackingMore's API, version 2, the founding dialect, as its clients speak and read it.

::

    routes.py     which path is which call: methods, shapes, limits
    dialect.py    what the frame (``api.trackingmore``) is told: keys, routes, codes, handlers
    bodies.py     the shapes of what clients send
    requests.py   reading it tolerantly; empty text and null mean "not given"
    models.py     the shapes that go out, in the order of the wire
    render.py     a tracking as short and full item, and the webhook's payload
    dates.py      times as clients write them
    countries.py  names of countries, both ways
    errors.py     codes and messages, and what is open about them
    couriers.py   carriers, carriers/detect, pictures
    creation.py   trackings/post, batch, realtime
    listing.py    trackings/get, getstatusnumber
    changes.py    trackings/{carrier}/{number}, update
    many.py       trackings/updatemore, delete, notupdate
    tables.py     trackings/getuserinfo, remote, costtime
    aircargo.py   trackings/aircargo
    openapi.py    the description in docs/openapi/v2.json

Every answer is HTTP 200 with ``meta.code``, whatever happened. Where no source says how
TrackingMore itself answers, the choice stands as a comment next to the code, marked "Open in the
sources", and in docs/v2.md.
"""
