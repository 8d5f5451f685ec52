"""Compiles the outlines and places of the tracking page's map from Natural Earth (public domain).

    python -m tools.world_map FOLDER > src/parcelwire/pages/data/world.json

FOLDER holds ``naturalearth_lowres.{shp,dbf}`` (countries, 1:110 million) and
``naturalearth_cities.{shp,dbf}`` (cities) as Natural Earth and its packagers ship them. Coordinates
are written in tenths of a degree, longitude before latitude: finer than any page can show.
"""

from __future__ import annotations

import json
import struct
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.core import get_global

Ring = list[tuple[int, int]]

NAMELESS = {"Kosovo": "XK", "France": "FR", "Norway": "NO", "N. Cyprus": "", "Somaliland": ""}
"""Where the ISO code is missing: unsettled, or given to a part."""


def shapes(path: Path) -> Iterator[list[list[tuple[float, float]]]]:
    """Yield the parts of each shape of a shapefile: polygons' rings, or one point."""
    data = path.read_bytes()
    at = 100
    while at < len(data):
        (length,) = struct.unpack_from(">i", data, at + 4)
        (kind,) = struct.unpack_from("<i", data, at + 8)
        body = at + 12
        if kind == 1:
            yield [[struct.unpack_from("<dd", data, body)]]
        elif kind == 5:
            parts, points = struct.unpack_from("<ii", data, body + 32)
            starts = struct.unpack_from(f"<{parts}i", data, body + 40)
            first = body + 40 + 4 * parts
            all_points = [struct.unpack_from("<dd", data, first + 16 * n) for n in range(points)]
            ends = (*starts[1:], points)
            yield [all_points[a:b] for a, b in zip(starts, ends, strict=True)]
        at += 8 + 2 * length


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Yield the records of a dBASE file."""
    data = path.read_bytes()
    encoding = path.with_suffix(".cpg").read_text("ascii").strip()
    count, header, size = struct.unpack_from("<IHH", data, 4)
    fields = []
    at = 32
    while data[at] != 0x0D:
        fields.append((data[at : at + 11].rstrip(b"\0").decode(), data[at + 16]))
        at += 32
    for number in range(count):
        record = data[header + number * size + 1 : header + (number + 1) * size]
        values, place = {}, 0
        for name, width in fields:
            values[name] = record[place : place + width].decode(encoding).strip()
            place += width
        yield values


def tenths(ring: list[tuple[float, float]]) -> Ring:
    """Return a ring in tenths of a degree, without points that fall together."""
    made: Ring = []
    for lon, lat in ring:
        point = (round(lon * 10), round(lat * 10))
        if not made or made[-1] != point:
            made.append(point)
    return made


def area(ring: Ring) -> float:
    """Return the area of a ring, in any unit."""
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def center(ring: Ring) -> tuple[int, int]:
    """Return the middle of a ring's points, near enough for a dot."""
    return (
        round(sum(x for x, _ in ring) / len(ring)),
        round(sum(y for _, y in ring) / len(ring)),
    )


def key_of(name: str) -> str:
    """Return a place's name for comparing."""
    bare = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in bare if c.isalnum())


def compile_map(folder: Path) -> dict[str, Any]:
    """Return outlines and middles by country (ISO 3166 alpha-2), and cities by name."""
    aliases: Any = get_global("territory_aliases")
    countries: dict[str, Any] = {}
    names = rows(folder / "naturalearth_lowres.dbf")
    for row, parts in zip(names, shapes(folder / "naturalearth_lowres.shp"), strict=True):
        name = row.get("name", "")
        code = NAMELESS.get(name, (aliases.get(row.get("iso_a3", "")) or [""])[0])
        rings = [ring for part in parts if len(ring := tenths(part)) > 3 and area(ring) >= 4]
        if not rings:
            rings = [tenths(parts[0])]
        largest = max(rings, key=area)
        flat = [[v for point in ring for v in point] for ring in rings]
        countries[code or f"-{key_of(name)}"] = {"c": center(largest), "r": flat}
    cities = {
        key_of(row["name"]): [round(parts[0][0][0] * 10), round(parts[0][0][1] * 10)]
        for row, parts in zip(
            rows(folder / "naturalearth_cities.dbf"),
            shapes(folder / "naturalearth_cities.shp"),
            strict=True,
        )
    }
    return {"countries": dict(sorted(countries.items())), "cities": dict(sorted(cities.items()))}


if __name__ == "__main__":
    json.dump(compile_map(Path(sys.argv[1])), sys.stdout, separators=(",", ":"))
    sys.stdout.write("\n")
