"""Names of Swiss Post's products by their code (``PARCEL.*.2``), from its public text table.

The names are the carrier's own, in German where they have no other form.
"""

from typing import Final

_PARCELS: Final = {
    "0": "PostPac",
    "1": "PostPac Economy",
    "2": "PostPac Priority",
    "5": "Sperrgut",
    "6": "Sperrgut Priority",
    "9": "GAS-Economy",
    "10": "GAS-Priority",
    "13": "GAS-Sperrgut",
    "14": "GAS-Sperrgut-Prio",
    "17": "GAS-Recycling",
    "33": "SmallPac Economy",
    "34": "SmallPac Priority",
    "65": "Rücksendung",
    "69": "Rücksendung Sperrgut",
    "128": "VinoLog",
    "192": "Rücksendung Vinolog",
    "3250": "Thermomonitoring",
    "4096": "SameDay",
    "4100": "SameDay Sperrgut",
    "4104": "SameDay GAS",
    "5120": "SameDay Nachmittag",
    "6144": "SameDay Abend",
    "8192": "Swiss-Express «Mond»",
    "8196": "Swiss-Express Sperrgut «Mond»",
    "8200": "Swiss-Express GAS «Mond»",
    "16384": "PostPac Promo",
    "32769": "Blindensendung",
    "32770": "Blindensendung",
    "65537": "Militärsendung",
    "65538": "Militärsendung",
    "65541": "Militärsendung Sperrgut",
    "131072": "SwissExpress Sonne",
    "262144": "Betreibungsurkunde P",
    "524288": "DIRECT",
    "1572864": "DIRECT + Abendzustellung",
    "2621440": "DIRECT + Sonntagszustellung",
    "1073741824": "URGENT",
    "U": "URGENT",
    "URGENT": "URGENT",
    "EMS": "Internationale Sendung",
    "B2CP": "Internationale Sendung",
    "PPIE": "PostPac International Economy",
    "PPIP": "PostPac International Priority",
    "GLS": "GLS Parcel",
}
_PRIORITY_PLUS: Final = ("81", "82", "89", "90", "93", "94", "95", "96", "106")
_LETTERS: Final = dict.fromkeys(_PRIORITY_PLUS, "PRIORITY Plus") | {
    "10": "Einschreiben Inland",
    "11": "Einschreiben Inland",
    "12": "Einschreiben Prepaid",
    "20": "A-Post Plus",
    "21": "A-Post Plus",
    "22": "Gerichtsurkunde",
    "24": "Uneingeschriebene Nachnahme",
    "25": "Uneingeschriebene Nachnahme",
    "26": "Betreibungsurkunde",
    "27": "Brief mit Vertragsunterzeichnung",
    "28": "Brief mit Vertragsunterzeichnung",
    "29": "Brief mit ID-Check",
    "35": "Brief, Import",
    "36": "Import ohne Nachnahme",
    "40": "Dispomail",
    "50": "Hausservice",
    "80": "Warensendung Ausland",
    "83": "Einschreiben Ausland",
    "84": "Einschreiben Ausland",
    "85": "Einschreiben Ausland",
    "86": "Auslandsendung",
    "87": "Import EMS",
    "88": "Einschreiben Ausland",
    "91": "Importsendung",
    "92": "Importsendung",
    "100": "Warensendung Ausland",
    "101": "eTracking light",
    "102": "Warensendung Ausland",
    "103": "Einschreiben Ausland",
    "105": "Warensendung Ausland",
}
_NAMES: Final = {"PARCEL": _PARCELS, "LETTER": _LETTERS}


def find_product(code: str) -> str:
    """Return the name of the product ``code`` (``PARCEL.*.2``), or the code where it has none."""
    source, _, rest = code.partition(".")
    return _NAMES.get(source, {}).get(rest.rpartition(".")[2], code)
