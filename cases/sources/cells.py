"""What a single cell of a table, or a value of a registry, says: blank or not, exact or not."""

import re
from dataclasses import dataclass
from typing import Any

# What programs and people write where there is nothing to say.
BLANK = frozenset({
    "", "-", "--", "---", "—", "–", ".", "?", "??", "???", "n/a", "na", "n.a.", "#n/a", "#value!", "#ref!", "#name?",
    "#null!", "#num!", "#div/0!", "none", "null", "nil", "xxx", "(null)", "<null>", "nan", "unknown", "unk", "unk.",
    "not known", "not stated", "not available", "not applicable", "not specified", "unspecified", "undetermined", "tbd",
    "(blank)", "blank", "\\n", "n\\a", "unavailable", "no data", "unbekannt", "desconocido", "inconnu",
})  # fmt: skip
# In a name these may be somebody's.
NAMES = frozenset({"na", "none", "nil", "nan", "unk", "null"})
# As 00/00/0000.
NOTHING = re.compile(r"[0\W]*")
ABOUT = re.compile(
    r"^(?:approx(?:imately|\.)?|about|abt\.?|around|circa|ca\.?|c\.|est(?:imated|\.)?|roughly|~|≈)\s*"
    r"|\s*(?:\?|\+|\(?approx\.?\)?|est\.?|ish)$"
)
# Years of a decade.
PARTS = {"": (0, 9), "early": (0, 3), "mid": (4, 6), "late": (7, 9)}


@dataclass(frozen=True)
class Read:
    """What a cell says. doubt: why its words are kept beside; "" where they need not be."""

    value: Any = None
    doubt: str = ""


def plainly(text: str) -> tuple[str, bool]:
    """A cell in small letters without *about* and the like, and whether it says such a word."""
    low = " ".join(text.lower().split())
    plain = ABOUT.sub("", low).strip()
    return plain, plain != low


def is_blank(text: str, of_name: bool = False) -> bool:
    low = " ".join(text.lower().split())
    return low in BLANK and not (of_name and low in NAMES)
