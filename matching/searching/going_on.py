"""Where people who were seen at a camera were seen next, and how long they took."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import Lag
from django.utils import timezone

from cases.models import Case
from cases.visibility import visible
from matching.models import Alert, Camera, UnnamedFace

# How far back people's ways are looked at.
DAYS = timedelta(days=90)


@dataclass(frozen=True)
class WentOn:
    """times: how often somebody came there next; minutes: how long they took, in the middle of these times."""

    times: int
    minutes: float


def from_camera(camera: Camera, user: User, within: timedelta, but: Case | None = None) -> dict[int, WentOn]:
    """By camera where people came next within that time, as this reader may see it: unnamed people by their captures,
    persons of cases by their alerts that nobody dismissed. but: whose way does not count, for it is asked for."""
    taken: dict[int, list[float]] = defaultdict(list)
    since = timezone.now() - DAYS
    faces = visible(UnnamedFace, user).filter(probe__capture__isnull=False, at__gte=since)
    alerts = (
        visible(Alert, user)
        .filter(case__isnull=False, first_captured_at__gte=since)
        .exclude(Q(status=Alert.Status.DISMISSED) | Q(case=but))
    )
    for rows, who, where, first, last in (
        (faces, "person", "probe__capture__camera", "at", "at"),
        (alerts, "case", "camera", "first_captured_at", "last_captured_at"),
    ):
        of_those = rows.filter(**{where: camera}).order_by().values(who)
        for there, minutes in _next(rows.filter(**{f"{who}__in": of_those}), camera, who, where, first, last):
            if 0 <= minutes <= within.total_seconds() / 60:
                taken[there].append(minutes)
    return {there: WentOn(len(minutes), median(minutes)) for there, minutes in taken.items()}


def _next(rows: QuerySet[Any], camera: Camera, who: str, where: str, first: str, last: str) -> list[tuple[int, float]]:
    """The next camera and the minutes to it, each time that somebody left this one. who, where, first, last: the paths
    to the person, the camera and the times of a row."""

    def of_the_one_before(path: str) -> Window:
        return Window(Lag(path), partition_by=[F(who)], order_by=[F(first), F("pk")])

    before = rows.annotate(
        there=F(where), came_at=F(first), came_from=of_the_one_before(where), left_at=of_the_one_before(last)
    )
    # Compared with the row before, or the database would leave rows out before it looks at who follows whom.
    went = before.filter(came_from=camera.pk).exclude(there=F("came_from")).values_list("there", "left_at", "came_at")
    return [(there, (came_at - left_at).total_seconds() / 60) for there, left_at, came_at in went]
