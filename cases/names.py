"""Names as they are compared."""

import re
import unicodedata


def plain(name: str) -> tuple[str, ...]:
    """A name's parts without accents and case, in any order: "Müller, Ana" and "ana muller" are one."""
    apart = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return tuple(sorted(letters.replace(",", " ").split()))


def each(names: str) -> list[str]:
    """Several names in one field, parted as people do."""
    return [name.strip() for name in re.split(r"[;/|\n]", names) if name.strip()]
