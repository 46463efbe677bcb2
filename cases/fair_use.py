"""Who may search, what for, among what: asked by all that compares a face with the gallery or with what was kept."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.utils import timezone

from cases.models import Collection, Notice, Training
from cases.visibility import SearchRefused, searchable

SEARCH, WALK = "matching.add_search", "matching.walk_with_camera"
NO_PURPOSE = "Say what the search is for: it is kept with your name."


def may_search(
    user: User | None, wanted: Iterable[Collection], *, purpose: str, reference: str, by: str = SEARCH
) -> list[Collection]:
    """The collections that a search goes through, as `visibility.searchable` says.

    wanted: those asked for; none: all that there are for this person. reference: the case or tip number. by: the
    permission that it takes. Raises `SearchRefused`, with words for whoever asked.
    """
    among = searchable(user, wanted)
    if user is None:
        return among
    may_compare(user, by)
    if not purpose.strip():
        raise SearchRefused(NO_PURPOSE)
    if not reference.strip():
        asks = [one for one in among or Collection.objects.all() if one.needs_reference]
        if asks:
            raise SearchRefused(f"{asks[0]} asks for a case or tip number: type it beside the purpose.")
    return among


def may_compare(user: User, by: str = SEARCH) -> None:
    """Raises `SearchRefused` where somebody themselves may search no more: for whatever, among whatever."""
    if not user.is_active:
        raise SearchRefused("The account is switched off.")
    if not user.has_perm(by):
        raise SearchRefused("Your role does not carry searching. Ask an administrator.")
    training = Training.objects.filter(user=user).first()
    if training is not None and training.good_until < timezone.localdate():
        raise SearchRefused(
            f"Your training counted until {training.good_until:%d %B %Y}. Renew it, and have an administrator enter "
            "it; until then you make no search."
        )


def notice() -> Notice | None:
    """What is to be accepted after signing in."""
    return Notice.objects.filter(is_active=True).first()
