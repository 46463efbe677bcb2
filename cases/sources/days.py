"""Days and births as people write them: exact, or the years in which they lie."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from cases.sources.cells import NOTHING, PARTS, Read, is_blank, plainly

_SLASHED = re.compile(
    r"(\d{1,2})([/.\-\s])(\d{1,2})\2(\d{4}|\d{2})(?:[ T]+\d{1,2}:\d{2}(?::\d{2})?(?:\s*[AaPp]\.?[Mm]\.?)?"
    r"(?:\s*(?:Z|UTC|[+-]\d\d:?\d\d))?)?"
)
_ISO = re.compile(r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|(\d{2})(\d{2})(?:\d{6})?)(?:[ T].*)?")
# Its parts are numbered as the other's.
_TOGETHER = re.compile(r"(\d{2})()(\d{2})(\d{4})")
_EASTERN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일].*")
# Seconds, or thousandths, since 1970.
_EPOCH = re.compile(r"(\d{10})(?:\d{3})?")
# A label before a date, and an age or a weekday behind it.
_AROUND = re.compile(r"^[^\W\d]{2,10}\.?:\s*|\s*\([^)]*\)$")
_SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
EXCEL = date(1899, 12, 30)
# In which a month's name is looked for.
LANGUAGES = ["en", "es", "fr", "de", "it", "pt", "nl", "pl", "sv", "tr", "ru"]


def is_day_first(cells: list[str]) -> bool:
    """Whether a column's dates put the day before the month: some say so, and none says otherwise."""
    parts = [(int(found[1]), int(found[3])) for cell in cells if (found := _SLASHED.fullmatch(cell.strip()))]
    return any(first > 12 for first, _ in parts) and not any(second > 12 for _, second in parts)


def day(text: str, day_first: bool = False) -> Read:
    """An exact day as an ISO date. What is none, such as 1985, June 1985 or circa 1985, leaves it blank in doubt."""
    words = " ".join(text.split())
    if is_blank(words) or NOTHING.fullmatch(words):
        return Read()
    found = _day(words, day_first)
    if found is None:
        return Read(None, f"{text!r} is no exact day.")
    if found > date.today() + timedelta(days=1):
        return Read(None, f"{text!r} is still to come.")
    return Read(found.isoformat())


@lru_cache(maxsize=20_000)
def _day(text: str, day_first: bool) -> date | None:
    text = _AROUND.sub("", text)
    if (found := _ISO.fullmatch(text)) and (day_ := _date(*(int(part) for part in found.groups() if part))):
        return day_
    if found := _EASTERN.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(found[1]), UTC).date()
    if found := _TOGETHER.fullmatch(text) or _SLASHED.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if len(found[4]) == 2:
            year += 2000
            # Nobody was last seen in years to come.
            year -= 100 if year > date.today().year else 0
        if found[2] == "." or (day_first and second <= 12) or first > 12:
            first, second = second, first
        return _date(year, first, second)
    if (found := _SERIAL.fullmatch(text)) and 10_000 <= int(found[1]) <= 80_000:
        return EXCEL + timedelta(days=int(found[1]))
    if not re.search(r"[^\W\d_]{3}", text) or len(text) > 60:
        return None
    return _worded(text, day_first)


def _worded(text: str, day_first: bool) -> date | None:
    """A date with its month in words, in any of `LANGUAGES`."""
    import dateparser  # takes long to load, and most tables have no such date

    found: datetime | None = dateparser.parse(
        text,
        languages=LANGUAGES,
        settings={
            "REQUIRE_PARTS": ["day", "month", "year"],
            "PARSERS": ["absolute-time"],
            "STRICT_PARSING": True,
            "DATE_ORDER": "DMY" if day_first else "MDY",
            "PREFER_DATES_FROM": "past",
        },
    )
    return found.date() if found else None


def _date(year: int, month: int, day_: int) -> date | None:
    try:
        return date(year, month, day_)
    except ValueError:
        return None


_YEAR = r"((?:18[5-9]|19\d|20\d)\d)"
# A month and a day that nobody knows are 00 in registries.
_YEAR_ALONE = re.compile(rf"(?:00?[/.-])*{_YEAR}(?:[/.-]?00?)*")
_YEARS = re.compile(rf"(?:between\s+)?{_YEAR}\s*(?:-|–|—|to|and|or|/|through)\s*{_YEAR}")
_YEARS_OF = re.compile(r"(early|mid|late)?[\s-]*(?:the\s+)?((?:18[5-9]|19\d|20\d))0['’]?s")
_UNTIL = re.compile(rf"(?:before|prior to|until|<=?)\s*{_YEAR}|{_YEAR}\s*or (?:before|earlier|older)")
_GIVEN = re.compile(rf"{_YEAR}\s*(?:\+/?-|±)\s*(\d{{1,2}})(?:\s*(?:years?|yrs?))?")
_TWO_YEARS = re.compile(rf"{_YEAR}\s*[/-]\s*(\d\d)")
_SINCE = re.compile(rf"(?:after|since|from|>=?)\s*{_YEAR}|{_YEAR}\s*or (?:after|later|younger)")
# So many years more or less may "about 1985" be.
GIVE_OR_TAKE = 2


def born(text: str, day_first: bool = False) -> Read:
    """An exact day of birth as an ISO date, and no years; or no day, and the first and the last year in which it lies:
    of 1985, June 1985, 1983-1987, circa 1985, the 1980s, before 1990. An open end is None."""
    words = " ".join(text.split())
    if is_blank(words) or NOTHING.fullmatch(words):
        return Read((None, None, None))
    if _day(words, day_first):
        exact = day(text, day_first)
        return Read((exact.value, None, None), exact.doubt)
    plain, is_about = plainly(words)
    first, last, doubt = _years(plain)
    if first is last is None:
        return Read((None, None, None), f"{text!r} is no day and no year.")
    if max(first or 0, last or 0) > date.today().year:
        return Read((None, None, None), f"{text!r} is still to come.")
    if is_about:
        doubt = f"{text!r} is not exact; {GIVE_OR_TAKE} years more or less are taken."
        first, last = first and first - GIVE_OR_TAKE, last and min(last + GIVE_OR_TAKE, date.today().year)
    return Read((None, first, last), doubt and doubt.format(repr(text)))


def _years(plain: str) -> tuple[int | None, int | None, str]:
    """The first and the last year that words mean, both None where they mean none; and a doubt with room for them."""
    known = [int(year) for year in re.findall(rf"(?<!\d){_YEAR}(?!\d)", plain)]
    if found := _YEAR_ALONE.fullmatch(plain):
        return int(found[1]), int(found[1]), ""
    if _YEARS.fullmatch(plain):
        return min(known), max(known), ""
    if found := _GIVEN.fullmatch(plain):
        return known[0] - int(found[2]), known[0] + int(found[2]), ""
    if (found := _TWO_YEARS.fullmatch(plain)) and int(found[2]) > 12 and int(found[2]) > known[0] % 100:
        return known[0], known[0] // 100 * 100 + int(found[2]), ""
    if found := _YEARS_OF.fullmatch(plain):
        begins, (first, last) = int(found[2]) * 10, PARTS[found[1] or ""]
        return begins + first, begins + last, ""
    if _UNTIL.fullmatch(plain):
        return None, known[0], ""
    if _SINCE.fullmatch(plain):
        return known[0], None, ""
    if len(known) == 1 and not re.search(r"\d{3}", plain.replace(str(known[0]), "")):
        return known[0], known[0], "{} is no exact day; the year is kept."
    return None, None, ""
