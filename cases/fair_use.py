"""What somebody must be and say before they search."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.utils import timezone

from cases.models import Collection, Notice, Training
from cases.visibility import SearchRefused, searchable


def may_search(user: User | None, wanted: Sequence[Collection], reference: str) -> list[Collection]:
    """The collections that a search goes through, as `visibility.searchable` says.

    Raises `SearchRefused` where there is none, where the searcher's training is over, or where one of the collections
    asks for a case or tip number and none is given.
    """
    among = searchable(user, wanted)
    if user is None:
        return among
    training = Training.objects.filter(user=user).first()
    if training is not None and training.good_until < timezone.localdate():
        raise SearchRefused(
            f"Your training counted until {training.good_until:%d %B %Y}. Renew it, and have an administrator enter "
            "it; until then you make no search."
        )
    if not reference.strip():
        asks = [one for one in among or Collection.objects.all() if one.needs_reference]
        if asks:
            raise SearchRefused(f"{asks[0]} asks for a case or tip number: type it beside the purpose.")
    return among


def notice() -> Notice | None:
    """What is to be accepted after signing in."""
    return Notice.objects.filter(is_active=True).first()
