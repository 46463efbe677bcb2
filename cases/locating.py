"""Cases whose place is known by words alone, given the town that the words mean; and those for which that is not sure.

Coordinates that somebody typed, picked or imported stand: a town is only where there are none.
"""

import subprocess
import sys
from collections.abc import Callable

from django.conf import settings
from django.db.models import F, Q, QuerySet

from cases import gazetteer
from cases.models import Case, Town

AT_ONCE = 500


def due() -> QuerySet[Case]:
    """Those whose words have changed since they were looked up."""
    return Case.objects.filter(latitude=None).exclude(located_from=F("last_seen_place")).order_by("pk")


def unsure() -> QuerySet[Case]:
    """Open cases whose words may mean several towns, or none, and of which nobody has said which."""
    named = Case.objects.filter(status=Case.Status.OPEN, latitude=None, town=None, town_said=False)
    return named.exclude(last_seen_place="").filter(located_from=F("last_seen_place")).select_related("collection")


def locate(case: Case) -> None:
    """Look up the words of one case."""
    towns = gazetteer.find(case.last_seen_place)
    case.town = towns[0] if len(towns) == 1 else None
    case.located_from, case.town_said = case.last_seen_place, False
    case.save(update_fields=["town", "located_from", "town_said"])


def keep_up(case: Case) -> None:
    """Look up the words of a case that somebody has just typed, where the towns are known."""
    if case.latitude is None and case.located_from != case.last_seen_place and Town.objects.exists():
        locate(case)


def say(case: Case, town: Town | None) -> None:
    """What a person says the words mean: a town, or none."""
    case.town, case.town_said, case.located_from = town, True, case.last_seen_place
    case.save(update_fields=["town", "town_said", "located_from"])


def locate_all(must_stop: Callable[[], bool] = lambda: False) -> int:
    """Look up whatever is due; the towns are loaded before, in a process of their own, where there are none yet.

    Returns how many cases were looked up.
    """
    if not due().exclude(last_seen_place="").exists():
        return 0
    if not Town.objects.exists():
        subprocess.run([sys.executable, "manage.py", "gazetteer"], cwd=settings.BASE_DIR, check=True)
    looked_up: dict[str, Town | None] = {}
    done, last = 0, 0
    while not must_stop() and (cases := list(due().filter(pk__gt=last)[:AT_ONCE])):
        for case in cases:
            words = case.last_seen_place
            if words not in looked_up:
                towns = gazetteer.find(words)
                looked_up[words] = towns[0] if len(towns) == 1 else None
            # Only where the words are still these: somebody may be typing others.
            Case.objects.filter(pk=case.pk, last_seen_place=words).update(
                town=looked_up[words], located_from=words, town_said=False
            )
        done, last = done + len(cases), cases[-1].pk
    return done


def with_place() -> Q:
    """Cases that stand on the map: by their own coordinates, or by their town."""
    return Q(latitude__isnull=False, longitude__isnull=False) | Q(town__isnull=False)
