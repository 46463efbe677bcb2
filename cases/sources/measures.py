"""Heights and weights as people write them, in whole centimetres and kilograms."""

import re
from collections.abc import Callable

from cases.sources.cells import NOTHING, Read, is_blank, plainly

_FEET = re.compile(
    r"(\d)\s*(?:'|’|′|ft\.?|feet|foot|f|-|\s)\s*(?:(\d{1,2}(?:\.\d+)?)(?:\s*([½¼¾]|[1-3]/[24]))?)?"
    r"\s*(?:\"|”|″|''|’’|in\.?|inch(?:es)?)?"
)
_HALVES = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_METRES = re.compile(r"([12])\s*m\s*(\d\d)(?:\s*cm)?")
_STONE = re.compile(r"(\d{1,2})\s*(?:st\.?|stones?)(?:\s*(\d{1,2})\s*(?:lbs?\.?|pounds?)?)?")
# The same in other units, behind a stroke or in brackets.
_OTHER_UNITS = re.compile(r"\s*(?:/\s*(?=\d)|\()\s*([^()]*?)\s*\)?$")
_PACKED = re.compile(r"([3-7])(0\d|1[01])")
_MEASURE = re.compile(
    r"(\d{1,3}(?:[.,]\d+)?)\s*(cm|centimet(?:re|er)s?|m|met(?:re|er)s?|in\.?|inch(?:es)?|\"|"
    r"lbs?\.?|#|pounds?|kgs?\.?|kilo(?:gram)?s?)?"
)
_TO = re.compile(r"\s+to\s+|\s*–\s*|\s*—\s*|(?<=[\d\"'″′a-z.])\s+-\s+|(?<=[a-z\"″])-|(?<=\d\d)-(?=\d\d)")
INCH, POUND = 2.54, 0.45359237
# So many centimetres or kilograms more or less are the same in other units, rounded.
SAME = 2


def height(text: str) -> Read:
    """The lowest and highest height in whole centimetres: of 5'10", 5-10, 510, 70 in, 178 cm, 1.78 m and ranges."""
    return _between(text, _centimetres, 20, 280, "no height")


def weight(text: str) -> Read:
    """The same of weights in kilograms: 150 lbs, 150, 68 kg. A number alone is pounds."""
    return _between(text, _kilograms, 1, 500, "no weight")


def _between(text: str, read: Callable[[str], float | None], least: int, most: int, what: str) -> Read:
    if is_blank(text) or NOTHING.fullmatch(text.strip()):
        return Read((None, None))
    plain, is_about = plainly(text)
    inexact = f"{text!r} is not exact." if is_about else ""
    if (found_ := _OTHER_UNITS.search(plain)) and found_.start():
        first, second = (_between(one, read, least, most, what) for one in (plain[: found_.start()], found_[1]))
        if first.value != (None, None) and second.value != (None, None):
            is_same = all(abs(one - other) <= SAME for one, other in zip(first.value, second.value, strict=True))
            return Read(first.value, inexact if is_same else f"{text!r} says two things; the first is taken.")
        if first.value != (None, None) and not re.search(r"\d", found_[1]):
            return Read(first.value, inexact or first.doubt)
    parts = [part for part in _TO.split(plain) if part]
    # Of "150-160 lbs" the first has the last one's unit.
    unit = re.search(r"[a-z.]+$", parts[-1]) if len(parts) == 2 else None
    found = [read(part) or (read(f"{part} {unit[0]}") if unit else None) for part in parts]
    if unit and re.fullmatch(r"[\d.]+", parts[0]):
        found[0] = read(f"{parts[0]} {unit[0]}")
    known = [round(value) for value in found if value is not None]
    if len(known) != len(parts) or not 1 <= len(known) <= 2 or not all(least <= one <= most for one in known):
        return Read((None, None), f"{text!r} is {what} that can be read.")
    return Read((min(known), max(known)), inexact)


def _centimetres(text: str) -> float | None:
    if found := _FEET.fullmatch(text):
        return (int(found[1]) * 12 + float(found[2] or 0) + _part(found[3])) * INCH
    if found := _METRES.fullmatch(text):
        return int(found[1]) * 100.0 + int(found[2])
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


def _part(text: str | None) -> float:
    """Of an inch."""
    above, _, below = (text or "").partition("/")
    return _HALVES.get(above, 0.0) if not below else int(above) / int(below)


def _kilograms(text: str) -> float | None:
    if found := _STONE.fullmatch(text):
        return (int(found[1]) * 14 + int(found[2] or 0)) * POUND
    if found := _MEASURE.fullmatch(text):
        value, unit = float(found[1].replace(",", ".")), found[2] or ""
        return value if unit.startswith("k") else value * POUND if not unit or unit[0] in "lp#" else None
    return None
