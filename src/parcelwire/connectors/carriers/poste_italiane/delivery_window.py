"""The promised delivery, from an Italian sentence to a window of local dates or times."""

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from parcelwire.connectors.carriers.poste_italiane.negation import shorten
from parcelwire.connectors.carriers.poste_italiane.text_patterns import plain
from parcelwire.connectors.carriers.poste_italiane.timestamps import date_in_rome
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import DeliveryWindow

SAID_BY: Final = "poste-italiane"

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "gennaio gen",
            "febbraio feb",
            "marzo mar",
            "aprile apr",
            "maggio mag",
            "giugno giu",
            "luglio lug",
            "agosto ago",
            "settembre set sett",
            "ottobre ott",
            "novembre nov",
            "dicembre dic",
        ),
        start=1,
    )
    for name in names.split()
}
# A date of which month and year may be missing, as in "tra il 3 e il 5 gennaio 2026".
_DAY = re.compile(
    r"\b(?P<day>\d{1,2})o?"
    r"(?: (?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b"
    r"| (?P<month_number>\d{1,2})(?= \d{4}\b))?"
    r"(?: (?P<year>\d{4}))?\b"
)
_TODAY = re.compile(r"\bdomani\b|\boggi\b|\bgiornata odierna\b")
_SENTENCE_END = re.compile(r"[;!?\n]|\.(?!\s*\d)(?=\s|$)")
_CLAUSE_END = re.compile(
    r":(?!\d)|,(?!\s*(?:ma|per[oò]|salvo|se|a meno|purch[eé]|e|o)\b)", re.IGNORECASE
)
"""Not before a word that restricts what was said: "il 5 gennaio, salvo non sia festivo"."""
_PROMISE = re.compile(
    r"\b(?:consegna\b|recapito\b|arrivo\b|previst|stimat|(?:sara|verra) (?:consegnat|recapitat))"
)
_WITHDRAWN = re.compile(
    r"\bnon (?:confermat|garantit|rispettat|valid|consegnat|recapitat"
    r"|possibile(?:$| (?:la consegna|consegnar|recapitar|effettuar|rispettar)))"
)
_HOURS = re.compile(
    r"\b(?:dalle|tra le|fra le) (?:ore )?(\d{1,2})(?: (\d{2}))?"
    r" (?:alle|e le) (?:ore )?(\d{1,2})(?: (\d{2}))?\b"
)
_BY_HOUR = re.compile(r"\b(?:le )?ore (\d{1,2})(?: (\d{2}))?\b")
_NUMERAL: Final = r"(?:\d{1,3}|un|una|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|qualche)"
_SPAN = re.compile(
    rf"\b{_NUMERAL} (?:lavorativi )?(?:giorn[oi]|gg|ore|settiman[ae]|mes[ei])\b"
    r"|\b(?:giorni|gg) lavorativi\b"
)
"""How long something takes: its number is no day, and what it counts from is no end."""
_BETWEEN: Final = frozenset({"a", "al", "e", "ed", "fino", "o", "oppure"})
"""What joins two days to a range; articles, weekdays and nothing at all may stand there, too."""
_DECORATION: Final = frozenset(
    {
        *("il", "l", "le", "lo", "del", "dell", "giorno", "gli", "i"),
        *("lunedi", "martedi", "mercoledi", "giovedi", "venerdi", "sabato", "domenica"),
    }
)
_BEGINNINGS: Final = frozenset({"da", "dal", "dall", "decorrere", "dopo", "partire", "prima"})
_HALF_YEAR_DAYS: Final = 183


def read_promise(text: str, reported_at: Instant) -> DeliveryWindow | None:
    """Return the window that ``text`` promises, or None when it names no date that exists.

    "entro" (by) names only the end: then both ends are that date, because a beginning would be
    ours. The other way round there is no window: "dal" (from) names no end, and neither does a
    span of days, whose working days would be ours to count. The weekday is not checked: when it
    and the date disagree, the date counts.
    """
    if _is_denied(text):
        return None
    words = _words(text)
    hours = _HOURS.search(words)
    by_hour = None if hours is not None else _BY_HOUR.search(words)
    clock = hours or by_hour
    if clock is not None:
        words = f"{words[: clock.start()]} {words[clock.end() :]}"
    if _SPAN.search(words):
        return None
    days = _dates(words, date_in_rome(reported_at).date())
    if not days or len(days) > 2:
        return None
    earliest, latest = days[0].isoformat(), days[-1].isoformat()
    if latest < earliest:
        return None
    if hours is not None and len(days) == 1:
        begin, end = _clock(hours[1], hours[2]), _clock(hours[3], hours[4])
        if begin is not None and end is not None and begin <= end:
            earliest, latest = f"{earliest}T{begin}", f"{latest}T{end}"
    elif by_hour is not None and (end := _clock(by_hour[1], by_hour[2])) is not None:
        earliest, latest = f"{earliest}T00:00", f"{latest}T{end}"
    return DeliveryWindow(earliest=earliest, latest=latest, source=SAID_BY, reported_at=reported_at)


def _words(text: str) -> str:
    return plain(text).replace("non oltre", "entro")


def _is_denied(text: str) -> bool:
    """Tell whether ``text`` denies the date: "non" in its clause, or a promise that is withdrawn.

    A date without a promise in its clause belongs to the sentence, and then to the whole text.
    """
    whole = _words(text)
    if "non" not in whole.split():
        return False
    if _WITHDRAWN.search(shorten(whole)):
        return True
    for sentence in _SENTENCE_END.split(text):
        around = _words(sentence)
        is_denied_around = not _PROMISE.search(around) or "non" in around.split()
        for clause in map(_words, _CLAUSE_END.split(sentence)):
            if _DAY.search(clause) or _TODAY.search(clause):
                is_whole = _PROMISE.search(clause) is not None
                if "non" in clause.split() or (not is_whole and is_denied_around):
                    return True
    return False


def _dates(words: str, today: date) -> list[date]:
    """Return the one or two dates that ``words`` promise; empty when one of them cannot exist."""
    found = list(_DAY.finditer(words))
    if not found:
        word = _TODAY.search(words)
        if word is None or _is_beginning(words[: word.start()]):
            return []
        return [today + timedelta(days=1) if word[0] == "domani" else today]
    if len(found) == 1 and _is_beginning(words[: found[0].start()]):
        return []
    if not all(_is_range(words[one.end() : other.start()]) for one, other in pairwise(found)):
        return []
    dates: list[date] = []
    month: int | None = None
    year: int | None = None
    # From the end, because the last date names the month and the year that earlier ones leave out.
    for part in reversed(found):
        if part["month"] is not None:
            month = _MONTHS[part["month"]]
        elif part["month_number"] is not None:
            month = int(part["month_number"])
        if part["year"] is not None:
            year = int(part["year"])
        if month is None:
            return []
        day = _date(year, month, int(part["day"]), today)
        if day is None:
            return []
        if dates and day > dates[0] and part["month"] is not None and part["year"] is None:
            # "tra il 30 dicembre e il 2 gennaio 2026"
            day = _date(day.year - 1, month, day.day, today)
            if day is None:
                return []
        dates.insert(0, day)
    return dates


def _is_beginning(before: str) -> bool:
    """Tell whether the date after ``before`` says from when on, and not until when."""
    said = [word for word in before.split() if word not in _DECORATION]
    return bool(said) and said[-1] in _BEGINNINGS


def _is_range(between: str) -> bool:
    """Tell whether the dates around ``between`` belong together; else one means something else."""
    said = [word for word in between.split() if word not in _DECORATION]
    return (not said and not between.strip()) or (bool(said) and _BETWEEN.issuperset(said))


def _date(year: int | None, month: int, day: int, today: date) -> date | None:
    try:
        if year is not None:
            return date(year, month, day)
        found = date(today.year, month, day)
        # A date without year is the one nearest to today.
        if found < today - timedelta(days=_HALF_YEAR_DAYS):
            found = date(today.year + 1, month, day)
        elif found > today + timedelta(days=_HALF_YEAR_DAYS):
            found = date(today.year - 1, month, day)
    except ValueError:
        return None
    return found


def _clock(hour: str, minute: str | None) -> str | None:
    if int(hour) > 23 or int(minute or 0) > 59:
        return None
    return f"{int(hour):02}:{int(minute or 0):02}"
