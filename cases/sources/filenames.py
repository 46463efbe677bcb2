"""Names of files as tables, zips and people write them, made comparable."""

import re
import unicodedata
import zipfile
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from cases.sources import encodings

# What programs write behind a name that is taken: "1001 (2)", "1001 - Copy", "1001_3", "1001a".
_COPY = re.compile(
    r"^(?P<rest>.+?)(?:[\s_.-]*\(\d{1,3}\)|[\s_.-]+(?:copy|kopie|copie|copia)|[\s_.-]+\d{1,3}|(?<=\d)[a-z])$"
)
_WORD = re.compile(r"^(?P<rest>.+?)[\s_.-]+(?P<word>[a-z]+)$")


def plain(name: str) -> str:
    """A path for comparing: slashes, composed signs, small letters, no blanks at the ends of its parts."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").casefold().split("/")
    return "/".join(" ".join(part.split()) for part in parts if part.strip() not in ("", "."))


def base(path: str) -> str:
    return path.rpartition("/")[2]


def stem(path: str) -> str:
    """The last part without an ending; one is short and has a letter, so the end of "J. Smith Jr." is none."""
    last = base(path)
    before, dot, ending = last.rpartition(".")
    return before if dot and before and 2 < len(ending) + 1 <= 6 and ending.isalnum() and not ending.isdigit() else last


def of_cell(text: str) -> str:
    """What a cell names: the path of a web address without what is asked of it."""
    if "://" in text:
        return unquote(urlsplit(text).path)
    return text.partition("?")[0] if "?" in text else text


def without_copies(stem: str, words: dict[str, str]) -> list[tuple[str, str]]:
    """A stem with what may stand behind a case number taken off, bit by bit, and the view of the words taken off.

    stem: as `plain` has it. words: views by the words for them, in small letters.
    """
    found, view = [(stem, "")], ""
    while True:
        word = _WORD.match(stem)
        if word and word["word"] in words:
            stem, view = word["rest"], view or words[word["word"]]
        elif copy := _COPY.match(stem):
            stem = copy["rest"]
        else:
            return found
        found.append((stem, view))


def in_zip(entry: zipfile.ZipInfo) -> str:
    """An entry's name as whoever packed it wrote it, with slashes: one without the flag of UTF-8 may be in any
    encoding, and is in UTF-8 where macOS packed it."""
    name = entry.orig_filename or entry.filename
    if not entry.flag_bits & 0x800 and not name.isascii():
        try:
            written = name.encode("cp437")
        except UnicodeError:
            written = b""
        for encoding in ("utf-8", encodings.guess(written)) if written else ():
            try:
                name = written.decode(encoding)
                break
            except (UnicodeError, LookupError):
                continue
    return name.replace("\\", "/")


def is_hidden(name: str) -> bool:
    """What systems put into folders and archives by themselves."""
    path = PurePosixPath(name)
    return path.name.startswith(".") or "__MACOSX" in path.parts or path.name.lower() in ("thumbs.db", "desktop.ini")
