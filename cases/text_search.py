"""Words in what is written of a case, by PostgreSQL's text search: accents, capitals and apostrophes don't matter."""

import unicodedata
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Func, QuerySet

ACCENTED = "áàâäãåāăąéèêëēėęěíìîïīįıóòôöõøōőúùûüūůűųýÿçćčďđğģķłľļñńňņŕřśšşșťțţžźż"
PLAIN = "aaaaaaaaaeeeeeeeeiiiiiiioooooooouuuuuuuuyycccddggklllnnnnrrsssstttzzz"
# Left out: people write O'Brien, with whichever of these, and OBrien.
APOSTROPHES = "'’‘ʼ`´′"
FIELDS = (
    "name", "other_names", "number", "other_numbers", "last_seen_place", "agency", "race", "hair", "eyes", "complexion",
    "marks", "clothing", "vehicle", "languages", "circumstances",
)  # fmt: skip


class Folded(Func):
    """A column in small letters without accents and apostrophes; its beginning, as an index holds no book."""

    template = "translate(lower(normalize(left(%(expressions)s, 20000), NFC)), '{}{}', '{}')".format(
        ACCENTED, APOSTROPHES.replace("'", "''"), PLAIN
    )


def folded(text: str) -> str:
    """A text as `Folded` makes a column."""
    table = str.maketrans(ACCENTED, PLAIN, APOSTROPHES)
    return unicodedata.normalize("NFC", text).lower().translate(table)


def words() -> SearchVector:
    """What is searched: of a query exactly as of the index, or PostgreSQL would not use it."""
    return SearchVector(*(Folded(name) for name in FIELDS), config="simple")


def having(cases: QuerySet[Any], word: str) -> QuerySet[Any]:
    """Cases of which some word begins so."""
    parts = [part for part in "".join(s if s.isalnum() else " " for s in folded(word)).split() if part]
    if not parts:
        return cases.none()
    query = SearchQuery(" & ".join(f"'{part}':*" for part in parts), search_type="raw", config="simple")
    found: QuerySet[Any] = cases.alias(words=words()).filter(words=query)
    return found
