"""Which encoding some bytes are written in: told by their marks, then by what reads as words."""

import codecs
import re
import unicodedata

from charset_normalizer import from_bytes

# Looked at in this order; of those that read as well the first is taken. Names for people beside Python's.
ENCODINGS = {
    "utf_8_sig": "UTF-8",
    "utf_16": "UTF-16 (Excel's Unicode text)",
    "cp1252": "Windows, Western Europe",
    "cp437": "DOS, United States",
    "cp850": "DOS, Western Europe",
    "mac_roman": "Mac, Western Europe",
    "cp1250": "Windows, Central Europe",
    "cp1251": "Windows, Cyrillic",
    "cp866": "DOS, Cyrillic",
    "koi8_r": "KOI8-R, Cyrillic",
    "cp1253": "Windows, Greek",
    "cp1254": "Windows, Turkish",
    "cp1255": "Windows, Hebrew",
    "cp1256": "Windows, Arabic",
    "gb18030": "Chinese, simplified",
    "big5": "Chinese, traditional",
    "shift_jis": "Japanese",
    "euc_kr": "Korean",
}
_EIGHT_BIT = [name for name in ENCODINGS if not name.startswith("utf")]
SAMPLE = 60_000
TYPOGRAPHY = "“”‘’„‚‹›«»–—…•·€£¥§©®°½¼¾±´¿¡ºª\u00a0"
OPENING = "“‘„‚«‹¿¡"
# Halves and such count as letters for Python.
_LETTER = r"[^\W\d_½¼¾ªº]"
_WORD = re.compile(f"{_LETTER}+")
# Any other foreign sign, with the letters around it.
_OTHER = re.compile(rf"({_LETTER}?)((?!{_LETTER})[^\x00-\x7f])(?=({_LETTER}?))")


def by_mark(start: bytes) -> str:
    """The encoding that the first bytes of a file tell of; "" where they tell of none."""
    if start.startswith(b"\xef\xbb\xbf"):
        return "utf_8_sig"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf_16"
    # Without a mark every second byte of Western text is nothing.
    half = start[: len(start) // 2 * 2]
    if half and half[1::2].count(0) > len(half) / 4:
        return "utf_16_le"
    if half and half[::2].count(0) > len(half) / 4:
        return "utf_16_be"
    return ""


def utf8() -> codecs.IncrementalDecoder:
    """One that says piece by piece whether a file is UTF-8."""
    return codecs.getincrementaldecoder("utf-8")("strict")


def guess(sample: bytes) -> str:
    """The encoding in which a sample, that is not UTF-8, reads best; "" where it reads in none."""
    lines = [line for line in sample[:SAMPLE].splitlines() if not line.isascii()]
    foreign = b"\n".join(lines)
    if not foreign:
        return "cp1252"
    best: tuple[float, float, float, int] | None = None
    chosen = ""
    matches = from_bytes(foreign, cp_isolation=_EIGHT_BIT)
    found = {name: match for match in reversed(list(matches)) for name in match.could_be_from_charset}
    for place, name in enumerate(_EIGHT_BIT):
        try:
            text = foreign.decode(name)
        except UnicodeError:
            continue
        match = found.get(name)
        chaos, coherence = (match.chaos, match.coherence) if match else (1.0, 0.0)
        rank = (-round(_letters(text), 2), round(chaos, 1), -round(coherence, 1), place)
        if best is None or rank < best:
            best, chosen = rank, name
    return chosen


def _letters(text: str) -> float:
    """The share of foreign signs that belong where they stand: letters in words of one script, typographers' signs."""
    right = whole = 0
    latin, mixed = 0, False
    for word in _WORD.findall(text):
        foreign = [sign for sign in word if not sign.isascii()]
        whole += len(foreign)
        of_latin = sum(unicodedata.name(sign, "").startswith("LATIN") for sign in foreign)
        if len(foreign) < len(word):
            right += of_latin
            mixed |= bool(of_latin)
        elif len(word) > 1 or unicodedata.category(word) == "Lo":
            right += len(foreign) - of_latin
            latin += of_latin
    # Where Latin is written, some words have plain letters too.
    right += latin if mixed else 0
    for before, sign, after in _OTHER.findall(text):
        whole += 1
        amid = bool(before and after) and sign not in "’·"
        right += sign in TYPOGRAPHY and not amid and not (before and sign in OPENING)
    return right / whole if whole else 1.0
