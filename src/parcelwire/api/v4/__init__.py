"""TrackingMore's API, version 4, as its published clients speak and read it.

::

    routes.py     which path is which call: methods, shapes, limits
    dialect.py    what the frame (``api.trackingmore``) is told: keys, routes, codes, handlers
    requests.py   what clients send, read tolerantly; empty text and null mean "not given"
    models.py     the shapes that go out, in the order of the wire
    render.py     a tracking as v4 bytes: answers, webhook payloads, and the store's renditions
    dates.py      dates as clients write them
    errors.py     codes, HTTP statuses, messages
    couriers.py   couriers/all, couriers/detect
    creation.py   trackings/create, trackings/batch
    listing.py    trackings/get
    changes.py    trackings/update, delete, retrack
    airwaybills.py  awb
    openapi.py    the description in docs/openapi/v4.json

What strict clients need, and what this package therefore never does otherwise:

* ``meta`` holds ``code`` and ``message`` and nothing else, and nothing stands beside ``meta`` and
  ``data``: the Java client refuses unknown properties there (not inside ``data``).
* Types are exact: ``archived`` is text, ``updating`` a bool, ``transit_time`` an integer,
  ``weight``, ``weight_kg`` and ``pieces`` text or null, ``trackinfo`` and ``support_language``
  arrays, ``errorCode`` an integer. The Go client fails on any other.
* ``data`` of an error is ``[]`` where success is a list and null where it is an object; only a
  create that meets an existing tracking (4101) carries an object.

Where no source says how TrackingMore itself answers, the choice stands as a comment next to the
code, marked "Open in the sources".
"""
