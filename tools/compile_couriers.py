"""Compile the courier registry and the S10 operator table into the package's data files.

A developer runs this by hand when the source lists change; a build never does:

    python tools/compile_couriers.py COURIERS_JSON S10_OPERATORS_JSON

Corrections, extra aliases and our own couriers stand in ``courier-additions.json`` beside this
file, so that a new source list never wipes them out. The output is stable: sorted, one courier
per line, so that a change reads as a diff.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DATA = HERE.parent / "src" / "parcelwire" / "couriers" / "data"

FIELDS = {
    "tracking_postal_code": "postal_code",
    "tracking_ship_date": "ship_date",
    "tracking_account_number": "account",
    "tracking_destination_country": "destination_country",
    "tracking_origin_country": "origin_country",
    "tracking_key": "key",
}
KINDS = {"express": "express", "freight": "express", "post": "globalpost"}


def read_courier(source: dict[str, Any]) -> dict[str, Any]:
    """Turn one entry of the source list into one entry of our registry."""
    name = re.sub(r"\s+", " ", source["name"]).strip()
    names = {"zh": source["name_cn"].strip()} if source.get("name_cn", name) != name else {}
    url = source.get("tracking_url", source.get("tracking_page"))
    aliases = {}
    if "aftership_slug" in source:
        aliases["aftership"] = [source["aftership_slug"]]
    if "seventeentrack_key" in source:
        aliases["17track"] = [str(source["seventeentrack_key"])]
    return {
        "code": source["code"],
        "name": name,
        "names": names,
        "country": source.get("country"),
        "homepage": source.get("homepage"),
        "phone": source.get("phone"),
        "kind": KINDS[source["type"]],
        "tracking_url": url.replace("{tracking_number}", "{number}") if url else None,
        "required_fields": [FIELDS[field] for field in source.get("required_fields", [])],
        "aliases": aliases,
        "status": source["status"],
    }


def compile_couriers(sources: list[dict[str, Any]], additions: dict[str, Any]) -> list[Any]:
    """Merge the source list with corrections, aliases and our own entries; sort by code."""
    couriers = {source["code"]: read_courier(source) for source in sources}
    for entry in additions["own"]:
        if entry["code"] in couriers:
            raise SystemExit(f"own courier {entry['code']} now stands in the source list")
        couriers[entry["code"]] = {"status": "own", **entry}
    for code, fields in additions["corrections"].items():
        couriers[code].update(fields)
    for code, aliases in additions["aliases"].items():
        couriers[code].setdefault("aliases", {}).update(aliases)
    ordered = [couriers[code] for code in sorted(couriers)]
    return [{k: v for k, v in c.items() if v not in (None, [], {})} for c in ordered]


def compile_operators(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep what detection needs of each issuing operator: suffix, country, name, couriers."""
    operators = []
    for source in sorted(sources, key=lambda entry: entry["suffix"]):
        operator = {
            "suffix": source["suffix"],
            "country": source["country"],
            "name": source["operator"],
        }
        if source["courier_code"]:
            operator["courier"] = source["courier_code"]
        operators.append(operator)
    return operators


def write_lines(path: Path, entries: list[Any]) -> None:
    """Write a JSON array with one entry per line."""
    lines = [json.dumps(e, ensure_ascii=False, separators=(",", ":")) for e in entries]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Read the two source files named on the command line and write the data files."""
    if len(arguments) != 2:
        raise SystemExit(__doc__)
    couriers = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))["couriers"]
    operators = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))["operators"]
    additions = json.loads((HERE / "courier-additions.json").read_text(encoding="utf-8"))
    write_lines(DATA / "couriers.json", compile_couriers(couriers, additions))
    write_lines(DATA / "s10-operators.json", compile_operators(operators))


if __name__ == "__main__":
    main(sys.argv[1:])
