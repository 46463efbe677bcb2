"""Single cells as people write them: ages, dates, sexes, views. What cannot be read leaves its field blank and keeps
its words; it never keeps a person out."""

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from cases.models import Case, Photo
from cases.models.photo import ages_on
from cases.sources import days, kinds
from cases.sources.base import Doubt, RecordRefused, words
from cases.sources.cells import PARTS, Read, is_blank, plainly

SEXES = {
    Case.Sex.MALE: (
        "m", "male", "man", "boy", "masculine", "masc", "h", "mann", "männlich", "männl", "hombre", "masculino",
        "masculina", "varón", "homme", "masculin", "garçon", "mâle", "homem", "uomo", "maschio", "maschile",
        "mężczyzna", "erkek", "м", "муж", "мужчина", "мужской", "чоловік", "чоловіча", "男", "男性", "남", "남성",
        "남자", "ذكر", "זכר",
    ),
    Case.Sex.FEMALE: (
        "f", "female", "woman", "girl", "w", "fem", "feminine", "frau", "weiblich", "weibl", "mujer", "femenino",
        "femenina", "femme", "féminin", "fille", "feminino", "feminina", "mulher", "donna", "femmina", "femminile",
        "vrouw", "kvinna", "kvinde", "kvinne", "kobieta", "kadın", "ж", "жен", "женщина", "женский", "жінка", "жіноча",
        "女", "女性", "여", "여성", "여자", "أنثى", "נקבה",
    ),
    Case.Sex.OTHER: ("o", "other", "x", "nonbinary", "non-binary", "non binary", "nb", "intersex", "diverse", "d"),
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
        day_, first, last = self.take("born_on", label, value, partial(days.born, day_first=day_first))
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
        """All that was read; the age when last seen by day or years of birth, where nothing else tells it."""
        said = self.values | ({"as_written": self._as_written} if self._as_written else {})
        if "born_on" in said and said.get("age_from") is None and said.get("age_to") is None:
            seen, born = (said.get(name) and date.fromisoformat(said[name]) for name in ("last_seen_on", "born_on"))
            ages = ages_on(seen, born, said["born_from"], said["born_to"], None, None, None)
            said |= {"age_from": min(ages, default=None), "age_to": max(ages, default=None)}
        return said


_N = r"(\d{1,3}(?:\.\d+)?)"
_UNIT = r"(?:years?|yrs?|yo|y/o|y\.o\.|y|años?|anos?|ans?|jahre?|anni)?\.?(?:\s*(?:old|de edad|alt))?"
_ONE = re.compile(rf"(?:age[d:]?\s*)?{_N}\s*{_UNIT}")
_RANGE = re.compile(rf"(?:between\s+)?{_N}\s*{_UNIT}\s*(?:-|–|—|to|and|/|through)\s*{_N}\s*{_UNIT}")
_YOUNG = re.compile(
    r"(\d{1,3})\s*(?:months?|mos?|mths?|weeks?|wks?|days?|hours?|m|w|d|mes(?:es|i)?|mois|monate?|semanas?|semaines?"
    r"|wochen?|días?|dias?|jours?|tage?)\.?(?:\s*(?:old|de edad|alt))?"
)
_AND_MONTHS = re.compile(rf"{_N}\s*{_UNIT}[\s,and]+\d{{1,2}}\s*(?:months?|mos?)\.?(?:\s*old)?")
_DECADE = re.compile(r"(?:in (?:his|her|their|the) )?(early|mid|late)?[\s-]*(\d)0['’]?s")
# When somebody was so old, and the like, in or without brackets.
_BESIDE = re.compile(r"\s*(?:\([^)]*\)?|,?\s*(?:at (?:the )?time|at disappearance|when )[^\d]*)$")
_BELOW = re.compile(rf"(?:under|below|younger than|less than|<)\s*{_N}\s*{_UNIT}")
_ABOVE = re.compile(
    rf"(?:over|above|older than|more than|at least|>=?|≥)\s*{_N}\s*{_UNIT}"
    rf"|{_N}\s*(?:plus|(?:and|or) (?:over|older|above|up))"
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
    plain, is_about = plainly(text)
    doubt = f"{text!r} is no exact age." if is_about else ""
    plain = re.sub(r"(?<=\d),(?=\d\b)", ".", _BESIDE.sub("", plain))
    if found := _ONE.fullmatch(plain):
        years = int(float(found[1]))
        low_high: tuple[int, int | None] = (years, None if text.strip().endswith("+") else years)
    elif found := _RANGE.fullmatch(plain):
        low_high = (int(float(found[1])), int(float(found[2])))
    elif found := _AND_MONTHS.fullmatch(plain):
        low_high = (int(float(found[1])),) * 2
    elif found := _YOUNG.fullmatch(plain):
        months = int(found[1]) if re.search(r"\d\s*m", plain) else 0
        low_high = (months // 12,) * 2
    elif found := _DECADE.fullmatch(plain):
        first, last = PARTS[found[1] or ""]
        low_high = (int(found[2]) * 10 + first, int(found[2]) * 10 + last)
    elif plain in _WORDED:
        low_high = _WORDED[plain]
    elif found := _BELOW.fullmatch(plain):
        low_high, doubt = (0, max(int(float(found[1])) - 1, 0)), f"{text!r} is no exact age."
    elif found := _ABOVE.fullmatch(plain):
        low_high, doubt = (int(float(found[1] or found[2])), None), f"{text!r} is no exact age."
    else:
        return Read((None, None), f"{text!r} is no age in years.")
    if any(one is not None and one > OLDEST for one in low_high):
        return Read((None, None), f"An age of {text!r} cannot be.")
    if low_high[1] is not None and low_high[1] < low_high[0]:
        low_high = (low_high[1], low_high[0])
    return Read(low_high, doubt)


def says_mujer(cells: list[str]) -> bool:
    """Whether a column says H and M, as in Spanish: hombre and mujer. Then M is no man."""
    said = {cell.strip().lower() for cell in cells}
    return "h" in said and "m" in said and "f" not in said


def sex(text: str, m_is_mujer: bool = False) -> Read:
    if is_blank(text):
        return Read("")
    low = " ".join(text.lower().split()).rstrip(".")
    if m_is_mujer and low == "m":
        return Read(Case.Sex.FEMALE.value)
    first = re.split(r"[\s(/,:-]", low)[0]
    # What stands for anybody, as M/F, is nobody's.
    first = "" if len(first) == 1 and "/" in low else first
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
