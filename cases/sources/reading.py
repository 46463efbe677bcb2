"""Single cells as people write them: ages, dates, sexes, views. What cannot be read leaves its field blank and keeps
its words; it never keeps a person out."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from cases.models import Case, Photo
from cases.sources import kinds
from cases.sources.base import Doubt, RecordRefused, words

# What programs and people write where there is nothing to say.
BLANK = frozenset({
    "", "-", "--", "---", "—", "–", ".", "?", "??", "???", "n/a", "na", "n.a.", "#n/a", "#value!", "#ref!", "#name?",
    "#null!", "#num!", "#div/0!", "none", "null", "nil", "xxx", "(null)", "<null>", "nan", "unknown", "unk", "unk.",
    "not known",
    "not stated", "not available", "not applicable", "not specified", "unspecified", "undetermined", "tbd", "(blank)",
    "blank", "\\n", "n\\a", "unavailable", "no data", "unbekannt", "desconocido", "inconnu",
})  # fmt: skip
# In a name these may be somebody's.
NAMES = frozenset({"na", "none", "nil", "nan", "unk", "null"})
SEXES = {
    Case.Sex.MALE: ("m", "male", "man", "boy", "masculine", "masc", "mann", "männlich", "hombre", "masculino", "homme"),
    Case.Sex.FEMALE: (
        "f", "female", "woman", "girl", "w", "fem", "feminine", "frau", "weiblich", "mujer", "femenino", "femme",
    ),
    Case.Sex.OTHER: ("o", "other", "x", "nonbinary", "non-binary", "nb", "intersex", "diverse", "d"),
    Case.Sex.UNKNOWN: ("u", "unsure", "both", "undisclosed"),
}  # fmt: skip
VIEWS = {
    "front": (
        "", "f", "fr", "front", "frontal", "face", "mug", "mugshot", "facial", "fullface", "frontface", "portrait",
        "headshot", "fv", "frontal face", "full", "full face",
    ),
    "side": (
        "s", "l", "r", "side", "profile", "left", "right", "leftside", "rightside", "lside", "rside", "leftprofile",
        "rightprofile", "lp", "rp", "lt", "rt", "sideways", "threequarter", "angled", "3/4",
    ),
    "other": ("o", "other", "body", "fullbody", "back", "rear", "hands", "fullbodyview"),
    "mark": (
        "scar", "mark", "tattoo", "smt", "tat", "scarmarktattoo", "scarsmarkstattoos", "tattoos", "scars", "marks",
        "scarsmarks", "t", "birthmark",
    ),
}  # fmt: skip
OPEN = frozenset({
    "open", "active", "missing", "wanted", "in custody", "no", "n", "false", "0", "at large", "still missing",
    "endangered missing", "endangered", "unsolved", "outstanding", "unresolved", "fugitive", "current", "cold case",
    "unidentified", "ongoing", "pending", "not found", "sought", "new",
})  # fmt: skip
CLOSED = frozenset({
    "closed", "located", "found", "resolved", "recovered", "inactive", "yes", "y", "true", "1", "found safe",
    "found alive", "found deceased", "deceased", "cleared", "cancelled", "canceled", "captured", "arrested", "released",
    "identified", "returned", "no longer missing", "solved", "located safe", "located deceased", "surrendered",
    "apprehended", "removed", "case closed", "home safe", "safe",
})  # fmt: skip


@dataclass(frozen=True)
class Read:
    """What a cell says. doubt: why its words are kept beside; "" where they need not be."""

    value: Any = None
    doubt: str = ""


def is_blank(text: str, of_name: bool = False) -> bool:
    low = " ".join(text.lower().split())
    return low in BLANK and not (of_name and low in NAMES)


class Fields:
    """A record's fields as they are read. values: of `cases.Case`. doubts: what could not be read."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.doubts: list[Doubt] = []
        self._as_written: dict[str, str] = {}

    def take(self, name: str, label: str, value: Any, read: Callable[[str], Read]) -> Any:
        """Read one value; in doubt its words are kept beside. label: what people call the field."""
        text = " ".join(str("" if value is None else value).split())
        found = read(text)
        if found.doubt:
            self.doubts.append(Doubt(label, text[:300], found.doubt))
            self._as_written[label] = text[:300]
        self.values[name] = found.value
        return found.value

    def age(self, lowest: Any, highest: Any = None, label: str = "Age") -> None:
        """The lowest and the highest age, each of which may be a range itself."""
        low, high = self.take("age_from", label, lowest, age)
        last = high
        if highest not in (None, ""):
            first, last = self.take("age_to", f"Highest {label.lower()}", highest, age)
            last = first if last is None else last
        self.values |= {"age_from": low, "age_to": last}

    def born(self, label: str, value: Any, day_first: bool = False) -> None:
        """The day of birth, or the years in which it lies."""
        day_, first, last = self.take("born_on", label, value, partial(born, day_first=day_first))
        self.values |= {"born_on": day_, "born_from": first, "born_to": last}

    def measure(self, name: str, label: str, lowest: Any, highest: Any, read: Callable[[str], Read]) -> None:
        """A height or a weight into `name_from` and `name_to`; each of the two may be a range itself."""
        low, high = self.take(f"{name}_from", label, lowest, read)
        if highest not in (None, ""):
            high = self.take(f"{name}_to", f"Highest {label.lower()}", highest, read)[1] or high
        self.values |= {f"{name}_from": low, f"{name}_to": high}

    def short(self, name: str, label: str, value: Any, most: int) -> None:
        """Text in one line; what its column has no room for is in doubt."""
        text = " ".join(str(value or "").split())
        self.values[name] = words(text, most)
        if len(text) > most:
            self.doubts.append(Doubt(label, f"{text[:80]} …", f"It has more than {most} signs; the rest was cut off."))

    def all(self) -> dict[str, Any]:
        return self.values | ({"as_written": self._as_written} if self._as_written else {})


_N = r"(\d{1,3}(?:\.\d+)?)"
_UNIT = r"(?:years?|yrs?|yo|y/o|y\.o\.|y|años?|anos?|ans?|jahre?|anni)?\.?(?:\s*(?:old|de edad|alt))?"
_ONE = re.compile(rf"(?:age[d:]?\s*)?{_N}\s*{_UNIT}")
_RANGE = re.compile(rf"(?:between\s+)?{_N}\s*{_UNIT}\s*(?:-|–|—|to|and|/|through)\s*{_N}\s*{_UNIT}")
_YOUNG = re.compile(
    r"(\d{1,3})\s*(?:months?|mos?|mths?|weeks?|wks?|days?|hours?|m|w|d|mes(?:es|i)?|mois|monate?|semanas?|semaines?"
    r"|wochen?|días?|dias?|jours?|tage?)\.?(?:\s*(?:old|de edad|alt))?"
)
_AND_MONTHS = re.compile(rf"{_N}\s*{_UNIT}[\s,and]+\d{{1,2}}\s*(?:months?|mos?)\.?(?:\s*old)?")
_DECADE = re.compile(r"(early|mid|late)?[\s-]*(\d)0['’]?s")
_PARTS = {"": (0, 9), "early": (0, 3), "mid": (4, 6), "late": (7, 9)}
_ABOUT = re.compile(
    r"^(?:approx(?:imately|\.)?|about|around|circa|ca\.?|c\.|est(?:imated|\.)?|roughly|~|≈)\s*"
    r"|\s*(?:\?|\+|\(?approx\.?\)?|est\.?|ish)$"
)
_WORDED = {
    "newborn": (0, 0),
    "infant": (0, 1),
    "toddler": (1, 3),
    "teen": (13, 19),
    "teens": (13, 19),
    "teenager": (13, 19),
}
OLDEST = 130


def age(text: str) -> Read:
    """The lowest and highest age in whole years: (35, 35), (30, 35), (0, 0) for 7 months, (40, None) for 40+."""
    if is_blank(text):
        return Read((None, None))
    low = " ".join(text.lower().split())
    plain = _ABOUT.sub("", low).strip()
    doubt = f"{text!r} is no exact age." if plain != low else ""
    if found := _ONE.fullmatch(plain):
        years = int(float(found[1]))
        low_high: tuple[int, int | None] = (years, None if low.endswith("+") else years)
    elif found := _RANGE.fullmatch(plain):
        low_high = (int(float(found[1])), int(float(found[2])))
    elif found := _AND_MONTHS.fullmatch(plain):
        low_high = (int(float(found[1])),) * 2
    elif found := _YOUNG.fullmatch(plain):
        months = int(found[1]) if re.search(r"\d\s*m", plain) else 0
        low_high = (months // 12,) * 2
    elif found := _DECADE.fullmatch(plain):
        first, last = _PARTS[found[1] or ""]
        low_high = (int(found[2]) * 10 + first, int(found[2]) * 10 + last)
    elif plain in _WORDED:
        low_high = _WORDED[plain]
    else:
        return Read((None, None), f"{text!r} is no age in years.")
    if any(one is not None and one > OLDEST for one in low_high):
        return Read((None, None), f"An age of {text!r} cannot be.")
    if low_high[1] is not None and low_high[1] < low_high[0]:
        low_high = (low_high[1], low_high[0])
    return Read(low_high, doubt)


# As 00/00/0000.
_NOTHING = re.compile(r"[0\W]*")
_SLASHED = re.compile(
    r"(\d{1,2})([/.\-\s])(\d{1,2})\2(\d{4}|\d{2})(?:[ T]+\d{1,2}:\d{2}(?::\d{2})?(?:\s*[AaPp][Mm])?)?"
)
_ISO = re.compile(r"(\d{4})[-/.]?(\d{2})[-/.]?(\d{2})(?:[ T].*)?")
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
    if is_blank(words) or _NOTHING.fullmatch(words):
        return Read()
    found = _day(words, day_first)
    if found is None:
        return Read(None, f"{text!r} is no exact day.")
    if found > date.today() + timedelta(days=1):
        return Read(None, f"{text!r} is still to come.")
    return Read(found.isoformat())


@lru_cache(maxsize=20_000)
def _day(text: str, day_first: bool) -> date | None:
    if found := _ISO.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _SLASHED.fullmatch(text):
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
_SINCE = re.compile(rf"(?:after|since|from|>=?)\s*{_YEAR}|{_YEAR}\s*or (?:after|later|younger)")
# So many years more or less may "about 1985" be.
GIVE_OR_TAKE = 2


def born(text: str, day_first: bool = False) -> Read:
    """An exact day of birth as an ISO date, and no years; or no day, and the first and the last year in which it lies:
    of 1985, June 1985, 1983-1987, circa 1985, the 1980s, before 1990. An open end is None."""
    words = " ".join(text.split())
    if is_blank(words) or _NOTHING.fullmatch(words):
        return Read((None, None, None))
    if _day(words, day_first):
        exact = day(text, day_first)
        return Read((exact.value, None, None), exact.doubt)
    low = words.lower()
    plain = _ABOUT.sub("", low).strip()
    first, last, doubt = _years(plain)
    if first is last is None:
        return Read((None, None, None), f"{text!r} is no day and no year.")
    if max(first or 0, last or 0) > date.today().year:
        return Read((None, None, None), f"{text!r} is still to come.")
    if plain != low:
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
    if found := _YEARS_OF.fullmatch(plain):
        begins, (first, last) = int(found[2]) * 10, _PARTS[found[1] or ""]
        return begins + first, begins + last, ""
    if _UNTIL.fullmatch(plain):
        return None, known[0], ""
    if _SINCE.fullmatch(plain):
        return known[0], None, ""
    if len(known) == 1 and not re.search(r"\d{3}", plain.replace(str(known[0]), "")):
        return known[0], known[0], "{} is no exact day; the year is kept."
    return None, None, ""


_FEET = re.compile(r"(\d)\s*(?:'|’|′|ft\.?|feet|foot|-)\s*(\d{1,2}(?:\.\d+)?)?\s*(?:\"|”|″|''|in\.?|inch(?:es)?)?")
_PACKED = re.compile(r"([3-7])(0\d|1[01])")
_MEASURE = re.compile(
    r"(\d{1,3}(?:[.,]\d+)?)\s*(cm|centimet(?:re|er)s?|m|met(?:re|er)s?|in\.?|inch(?:es)?|\"|"
    r"lbs?\.?|pounds?|kgs?\.?|kilo(?:gram)?s?)?"
)
_TO = re.compile(r"\s+to\s+|\s*–\s*|\s*—\s*|(?<=[\d\"'″′a-z.])\s+-\s+|(?<=[a-z\"″])-|(?<=\d\d)-(?=\d\d)")
INCH, POUND = 2.54, 0.45359237


def height(text: str) -> Read:
    """The lowest and highest height in whole centimetres: of 5'10", 5-10, 510, 70 in, 178 cm, 1.78 m and ranges."""
    return _between(text, _centimetres, 20, 280, "no height")


def weight(text: str) -> Read:
    """The same of weights in kilograms: 150 lbs, 150, 68 kg. A number alone is pounds."""
    return _between(text, _kilograms, 1, 500, "no weight")


def _between(text: str, read: Callable[[str], float | None], least: int, most: int, what: str) -> Read:
    low = " ".join(text.lower().split())
    if is_blank(low) or _NOTHING.fullmatch(low):
        return Read((None, None))
    plain = _ABOUT.sub("", low).strip()
    parts = [part for part in _TO.split(plain) if part]
    # Of "150-160 lbs" the first has the last one's unit.
    unit = re.search(r"[a-z.]+$", parts[-1]) if len(parts) == 2 else None
    found = [read(part) or (read(f"{part} {unit[0]}") if unit else None) for part in parts]
    if unit and re.fullmatch(r"[\d.]+", parts[0]):
        found[0] = read(f"{parts[0]} {unit[0]}")
    known = [round(value) for value in found if value is not None]
    if len(known) != len(parts) or not 1 <= len(known) <= 2 or not all(least <= one <= most for one in known):
        return Read((None, None), f"{text!r} is {what} that can be read.")
    return Read((min(known), max(known)), f"{text!r} is not exact." if plain != low else "")


def _centimetres(text: str) -> float | None:
    if found := _FEET.fullmatch(text):
        return (int(found[1]) * 12 + float(found[2] or 0)) * INCH
    if found := _PACKED.fullmatch(text):
        return (int(found[1]) * 12 + int(found[2])) * INCH
    if found := _MEASURE.fullmatch(text):
        value, unit = float(found[1].replace(",", ".")), found[2] or ""
        if unit.startswith("c") or (not unit and value > 96):
            return value
        if unit.startswith("m") or (not unit and value < 3):
            return value * 100
        return value * INCH if not unit or unit[0] in 'i"' else None
    return None


def _kilograms(text: str) -> float | None:
    if found := _MEASURE.fullmatch(text):
        value, unit = float(found[1].replace(",", ".")), found[2] or ""
        return value if unit.startswith("k") else value * POUND if not unit or unit[0] in "lp" else None
    return None


def sex(text: str) -> Read:
    if is_blank(text):
        return Read("")
    low = " ".join(text.lower().split())
    first = re.split(r"[\s(/,:-]", low)[0]
    for value, known in SEXES.items():
        if low in known or (first in known and first not in ("o", "d")):
            return Read(value.value)
    return Read("", f"{text!r} is no sex that is known.")


def on_file(text: str) -> Read:
    """Whether something is on file: yes, no, or as registries say it."""
    low = " ".join(text.lower().split())
    if is_blank(low):
        return Read("")
    if re.match(r"(no\b|not\b|n$|false|0$|none|unavailable|insufficient)", low):
        return Read(Case.OnFile.NO.value)
    if re.match(r"(yes|y$|true|1$|on file|available|complete|submitted|entered|in codis|charted|sample)", low):
        return Read(Case.OnFile.YES.value)
    return Read("", f"{text!r} does not say whether it is on file.")


def category(text: str) -> Read:
    """NCIC's category of a person: its message key, with or without words, or its word."""
    if is_blank(text):
        return Read("")
    low = " ".join(text.lower().split())
    for known in Case.Category:
        if known and (re.search(rf"\b{known.value.lower()}\b", low) or low == str(known.label).lower()):
            return Read(known.value)
    found = [known for word, known in _CATEGORIES.items() if word in low]
    return Read(found[0].value) if len(found) == 1 else Read("", f"{text!r} is no category that NCIC has.")


_CATEGORIES = {
    "disab": Case.Category.DISABILITY,
    "endanger": Case.Category.ENDANGERED,
    "involuntary": Case.Category.INVOLUNTARY,
    "juvenile": Case.Category.JUVENILE,
    "catastroph": Case.Category.VICTIM,
}


def degrees(text: str, most: int) -> Read:
    """A latitude or longitude in decimal degrees, -most..most."""
    if is_blank(text):
        return Read()
    plain = text.replace("°", "").strip().replace(",", ".")
    found = re.fullmatch(r"([+-]?\d{1,3}(?:\.\d+)?)\s*([NSEWnsew])?", plain)
    if not found or abs(float(found[1])) > most:
        return Read(None, f"{text!r} is no latitude or longitude in degrees, -{most} to {most}.")
    value = float(found[1])
    return Read(-abs(value) if (found[2] or "").upper() in ("S", "W") else value)


def shows(tag: str, kind: str) -> tuple[str, str, str]:
    """The view and the kind of a picture, and what of both could not be read: it is then searched as a front view."""
    doubts = []
    plain = re.sub(r"[^a-z0-9/]|(?<=\w)view$|\bview\b", "", tag.lower()) if not is_blank(tag) else ""
    first = re.split(r"[^a-z]+", tag.lower().strip())[0] if tag else ""
    view = next((name for name, words in VIEWS.items() if plain in words), None) or next(
        (name for name, words in VIEWS.items() if first and first in words), None
    )
    if view is None:
        doubts.append(f"The view {tag!r} is not known; it was taken for a front view.")
    try:
        known = kinds.of_word("" if is_blank(kind) else kind)
    except RecordRefused:
        known = Photo.Kind.PHOTOGRAPH
        doubts.append(f"The kind {kind!r} is not known; it was taken for a photograph.")
    if view == "mark":
        view, known = "other", Photo.Kind.MARK
    return view or "front", known, " ".join(doubts)


def state(text: str) -> tuple[bool, str]:
    """Whether a cell says that the case is closed, and the doubt where it says neither: then it stays open."""
    low = " ".join(text.lower().split())
    if low in CLOSED:
        return True, ""
    if is_blank(text) or low in OPEN:
        return False, ""
    return False, f"{text!r} says neither open nor closed; the case stays open."
