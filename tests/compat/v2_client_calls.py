"""Run by the interpreter that has the package ``trackingmore`` 0.2: makes calls, tells what came.

Standard input: ``{"base_url", "api_key", "calls": [[function, arguments], ...]}``. Standard output:
for each call ``{"value": ...}``, or ``{"code", "type", "message"}`` of the package's own exception.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import trackingmore.trackingmore as client


def main() -> None:
    task = json.load(sys.stdin)
    client.BASE_URL = task["base_url"]
    client.set_api_key(task["api_key"])
    told: list[dict[str, Any]] = []
    for name, arguments in task["calls"]:
        try:
            told.append({"value": getattr(client, name)(*arguments)})
        except client.TrackingMoreAPIException as error:
            told.append({"code": error.err_code, "type": error.err_type, "message": str(error)})
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
