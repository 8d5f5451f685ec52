"""The lives of the mock Poste Italiane's parcels: invented, told in the carrier's words."""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from parcelwire.connectors.mock_servers import Script
from parcelwire.domain.clock import HOUR, SECOND, Instant, to_datetime

PRODUCT: Final = "POSTEDELIVERY EXPRESS"
STAGE_DELIVERED: Final = "5"
_ROME: Final = ZoneInfo("Europe/Rome")
_WEEKDAYS: Final = ("Lunedì", "Martedì", "Mercoledì", "Giovedì", "Venerdì", "Sabato", "Domenica")
_MONTHS: Final = (
    "Gennaio",
    "Febbraio",
    "Marzo",
    "Aprile",
    "Maggio",
    "Giugno",
    "Luglio",
    "Agosto",
    "Settembre",
    "Ottobre",
    "Novembre",
    "Dicembre",
)


class _Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What happens when ``share`` of the scenario has been lived."""

    share: float
    sentence: str
    """As the business API writes it."""
    fragment: str
    """As Dovequando writes it."""
    place: str
    box: str
    phase: str = "IN TRANSITO"
    code: str = ""
    goes_back: bool = False
    is_promised: bool = False


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """A scene that has happened."""

    at: Instant
    wall_time: str
    """In Rome, without zone: ``2026-04-15 10:57:24``."""
    sentence: str
    fragment: str
    place: str
    box: str
    phase: str
    code: str
    goes_back: bool
    promise: str


_BOUGHT = _Scene(
    share=0.1,
    sentence="La spedizione è stata presa in carico a seguito di acquisto da poste.it",
    fragment="a seguito di acquisto da poste.it",
    place="sito poste.it",
    box="2",
    phase="PRESA IN CARICO",
)
_ACCEPTED = _Scene(
    share=0.25,
    sentence="La spedizione è stata presa in carico da un nostro operatore",
    fragment="la spedizione è stata presa in carico da un nostro operatore",
    place="Genova (GE)",
    box="2",
    phase="PRESA IN CARICO",
    is_promised=True,
)
_UNDER_WAY = _Scene(
    share=0.45,
    sentence="In transito presso il Centro Operativo Postale",
    fragment="la spedizione è in transito presso il Centro Operativo Postale",
    place="Bologna (BO)",
    box="3",
    code="PCP",
    is_promised=True,
)
_OUT = _Scene(
    share=0.7,
    sentence="La spedizione è in consegna",
    fragment="la spedizione è in consegna",
    place="Centro Operativo Postale Modena (MO)",
    box="3",
    phase="IN CONSEGNA",
    is_promised=True,
)
_DELIVERED = _Scene(
    share=1.0,
    sentence="LA SPEDIZIONE E' STATA CONSEGNATA",
    fragment="la spedizione e' stata consegnata",
    place="Modena (MO)",
    box=STAGE_DELIVERED,
    phase="CONSEGNATA",
    code="000",
)
_FAILED = _Scene(
    share=0.8,
    sentence="Consegna non andata a buon fine per assenza del destinatario",
    fragment="consegna non andata a buon fine per assenza del destinatario. Contatta Assistenza",
    place="Modena (MO)",
    box="4",
    phase="IN CONSEGNA",
)
_WAITING = _Scene(
    share=1.0,
    sentence="Disponibile per il ritiro presso l'Ufficio Postale Modena Centro",
    fragment="disponibile per il ritiro dal giorno lavorativo successivo alla data indicata",
    place="Ufficio Postale Modena Centro, 41121 Modena (MO)",
    box="3",
    phase="IN CONSEGNA",
    code="003",
)


def _again(scene: _Scene, share: float) -> _Scene:
    return msgspec.structs.replace(scene, share=share)


SCENARIOS: Final[dict[str, tuple[_Scene, ...]]] = {
    "delivered": (_BOUGHT, _ACCEPTED, _UNDER_WAY, _OUT, _DELIVERED),
    "collection": (_BOUGHT, _ACCEPTED, _UNDER_WAY, _OUT, _FAILED, _WAITING),
    "second_attempt": (
        _BOUGHT,
        _ACCEPTED,
        _UNDER_WAY,
        _again(_OUT, 0.6),
        _again(_FAILED, 0.7),
        _again(_OUT, 0.85),
        _DELIVERED,
    ),
    "returned": (
        _BOUGHT,
        _ACCEPTED,
        _UNDER_WAY,
        _again(_OUT, 0.6),
        _again(_FAILED, 0.7),
        _Scene(
            share=0.85,
            sentence="La spedizione è in restituzione al mittente",
            fragment="in restituzione al mittente",
            place="Modena (MO)",
            box="4",
            phase="IN RESTITUZIONE",
            goes_back=True,
        ),
        _Scene(
            share=1.0,
            sentence="La spedizione è stata restituita al mittente",
            fragment="la spedizione e' stata consegnata",
            place="Genova (GE)",
            box=STAGE_DELIVERED,
            phase="CONSEGNATA",
            goes_back=True,
        ),
    ),
    "international": (
        _Scene(
            share=0.1,
            sentence="Presa in carico all'estero",
            fragment="all'estero",
            place="STATI UNITI",
            box="2",
            phase="PRESA IN CARICO",
        ),
        _Scene(
            share=0.35,
            sentence="In transito presso il Centro di lavorazione Internazionale",
            fragment="la spedizione è in transito presso il Centro di lavorazione Internazionale",
            place="Milano (MI)",
            box="3",
        ),
        _Scene(
            share=0.5,
            sentence="Completata la fase di verifica per lo svincolo",
            fragment="completata la fase di verifica per lo svincolo presso il Centro di"
            " lavorazione Internazionale",
            place="Milano (MI)",
            box="3",
            is_promised=True,
        ),
        _OUT,
        _DELIVERED,
    ),
}


def scenario_of(number: str, script: Script) -> tuple[_Scene, ...]:
    """Return the scenario that ``script`` names for ``number``, else the one the number chooses."""
    named = SCENARIOS.get(script.scenarios.get(number, ""))
    if named is not None:
        return named
    digits = [char for char in number if char.isdigit()]
    by_digit = {"7": "collection", "8": "returned", "9": "second_attempt"}
    if number[-2:].isalpha() and number[-2:].upper() != "IT":
        return SCENARIOS["international"]
    return SCENARIOS[by_digit.get(digits[-1] if digits else "", "delivered")]


def lived_scenes(number: str, script: Script, now: Instant) -> list[Scene]:
    """Return what has happened to ``number`` by ``now``, oldest first; nothing at first."""
    scenario = scenario_of(number, script)
    progress = script.progress(number, now)
    begun_at = script.begun_at(number, now)
    scenes = []
    for place, scene in enumerate(scenario):
        if scene.share > progress:
            break
        if script.scenario_seconds > 0:
            at = begun_at + round(scene.share * script.scenario_seconds * SECOND)
        else:
            # The whole life at once: an hour from scene to scene, the last one now.
            at = begun_at - (len(scenario) - 1 - place) * HOUR
        scenes.append(_happened(scene, at))
    return scenes


def _happened(scene: _Scene, at: Instant) -> Scene:
    wall_time = to_datetime(at).astimezone(_ROME)
    due = wall_time.date() + timedelta(days=1)
    promise = (
        f"Consegna prevista entro {_WEEKDAYS[due.weekday()]} {due.day}"
        f" {_MONTHS[due.month - 1]} {due.year}"
    )
    return Scene(
        at=at,
        wall_time=wall_time.strftime("%Y-%m-%d %H:%M:%S"),
        sentence=scene.sentence,
        fragment=scene.fragment,
        place=scene.place,
        box=scene.box,
        phase=scene.phase,
        code=scene.code,
        goes_back=scene.goes_back,
        promise=promise if scene.is_promised else "",
    )
