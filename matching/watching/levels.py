"""What a collection's alert level means here: from which similarity, how many false alarms, who would be missed."""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from cases.models import Collection
from cases.visibility import visible
from matching.gallery import calibration
from matching.models import Capture

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Meaning:
    """What one level comes to.

    rate: of strangers, the share that raise an alert. a_day: false alarms, by last week's captures. missed: the share
    of mates below the threshold; None where mates were not measured.
    """

    level: str
    label: str
    rate: float
    threshold: float
    a_day: float
    missed: float | None

    @property
    def per_thousand(self) -> float:
        return self.rate * 1000


def meanings(calibrated: calibration.Calibration, cases: int, a_day: float) -> list[Meaning]:
    """Each level's meaning for a collection of so many open cases, the strictest first. a_day: captures."""
    found = []
    for level, rate in calibration.LEVELS.items():
        threshold = calibrated.threshold(rate, cases)
        label = Collection.AlertLevel(level).label.partition(":")[0]
        found.append(Meaning(level, label, rate, threshold, rate * a_day, calibrated.missed(threshold)))
    return found


def captures_a_day(user: User) -> float:
    """Captures of last week, at cameras that this person sees, that were compared with the gallery, a day."""
    compared = [Capture.Status.MATCHED, Capture.Status.NO_CANDIDATE, Capture.Status.KNOWN]
    return (
        visible(Capture, user).filter(received_at__gte=timezone.now() - WEEK, status__in=compared).count() / WEEK.days
    )
