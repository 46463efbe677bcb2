"""What the years between two pictures, and a child's age, do to a likeness: said beside it.

Published evaluations of children (NIST FRTE, papers on longitudinal face recognition) agree on it: they raise more
false alarms than adults, and more than ten years after the photo rank-1 falls to about a quarter.
"""

from datetime import date

from cases.models import Collection, Photo
from matching.models import Face, Search

# Below this age, and beyond so many years, a likeness says less than its word.
CHILD, LONG = 13, 10
# Of such candidates those are shown, not folded, that so small a share of strangers reaches.
SHOWN = {Collection.FarApart.FAIR: 0.1, Collection.FarApart.HALF: 0.5, Collection.FarApart.ALL: 1.0}
WORTH_LESS = "a weak likeness may be the person, and a strong one is worth less than it says"


def between(face: Face, search: Search) -> int | None:
    """Whole years between a case photo and a searched picture; None where either date is not known.

    The searched picture's is what its own data claims.
    """
    taken = face.photo.taken_on
    if taken is None or not search.own_time:
        return None
    try:
        searched = date.fromisoformat(search.own_time[:10])
    except ValueError:
        return None
    return int(abs((searched - taken).days) / 365.25)


def is_child(face: Face) -> bool:
    """Whether the case photo shows a child, as far as ages and dates are known."""
    case, at_photo = face.photo.case, face.photo.age
    known = int(at_photo.split("–")[0]) if at_photo else case.age_from
    return known is not None and known < CHILD


def says_less(face: Face, search: Search) -> bool:
    """Whether a likeness with this case photo says less than its word."""
    return face.photo.kind == Photo.Kind.PHOTOGRAPH and bool(_reasons(face, between(face, search)))


def _reasons(face: Face, years: int | None) -> list[str]:
    return (["of a child"] if is_child(face) else []) + (["across so many years"] if (years or 0) > LONG else [])


def words(face: Face, search: Search) -> str:
    """One or two sentences on a likeness with this case photo; "" where there is nothing to say."""
    said = []
    if face.photo.kind != Photo.Kind.PHOTOGRAPH:
        return ""
    years = between(face, search)
    if years:
        said.append(f"{years} year{'' if years == 1 else 's'} lie{'s' if years == 1 else ''} between the two pictures.")
    if reasons := _reasons(face, years):
        why = " and ".join(reasons)
        said.append(f"{why[0].upper()}{why[1:]} {WORTH_LESS}.")
    return " ".join(said)
