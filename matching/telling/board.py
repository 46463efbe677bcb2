"""The alerts' board: who sees to what, what they have to say, and what became of it."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from cases.visibility import visible, who_may, who_sees
from matching.gallery import calibration
from matching.models import Alert, AlertComment, AlertRead, Camera, Quiet, Review
from matching.telling import notifying


class NobodysAlert(Exception):
    """What is asked needs a case; the text says so, and what to do."""


MOST_QUIET = timedelta(days=30)


def take(alert: Alert, user: User | None) -> None:
    """Say who sees to an alert; None: nobody."""
    alert.assigned_to, alert.assigned_at = user, timezone.now() if user else None
    _changed(alert, ["assigned_to", "assigned_at"])


def comment(alert: Alert, user: User, text: str) -> AlertComment:
    made = AlertComment.objects.create(alert=alert, user=user, text=text)
    _changed(alert, [])
    return made


def make_quiet(alert: Alert, user: User, hours: int, reason: str) -> Quiet:
    """The alert's case wakes nobody at its camera for so long; what is seen meanwhile joins this alert.

    Raises `NobodysAlert` for a stranger's.
    """
    if alert.case is None:
        raise NobodysAlert("A stranger has no case to be quiet of. Say that they are known here instead.")
    until = timezone.now() + min(timedelta(hours=hours), MOST_QUIET)
    made = Quiet.objects.create(case=alert.case, camera=alert.camera, until=until, user=user, reason=reason)
    _changed(alert, [])
    return made


def make_camera_quiet(camera: Camera, user: User, hours: int, reason: str) -> None:
    """Nobody is told of a camera's alerts for so long; they stand on the board. 0: people are told again."""
    until = timezone.now() + min(timedelta(hours=hours), MOST_QUIET) if hours else None
    camera.quiet_until, camera.quiet_reason, camera.quiet_by = until, reason, user
    camera.save(update_fields=["quiet_until", "quiet_reason", "quiet_by"])


def quiet_cameras(user: User) -> QuerySet[Camera]:
    """Those that are quiet now, of which somebody knows."""
    return visible(Camera, user).filter(quiet_until__gt=timezone.now()).select_related("quiet_by")


def end_quiet(alert: Alert) -> bool:
    ended = quiet_at(alert).update(until=timezone.now())
    _changed(alert, [])
    return bool(ended)


def quiet_at(alert: Alert) -> QuerySet[Quiet]:
    """Why its case is quiet at its camera now, where it is."""
    return Quiet.objects.filter(case=alert.case_id, camera=alert.camera_id, until__gt=timezone.now())


def read(alert: Alert, user: User) -> None:
    AlertRead.objects.get_or_create(alert=alert, user=user)


def with_unread(alerts: QuerySet[Alert], user: User) -> QuerySet[Alert]:
    """Each with whether this person has not looked at it yet (`unread`)."""
    return alerts.annotate(unread=~Exists(AlertRead.objects.filter(alert=OuterRef("pk"), user=user.pk)))


def people(alert: Alert) -> list[User]:
    """Those to whom an alert can be given: they see it and may decide on it."""
    return list(who_sees(who_may("matching.add_review"), *alert.owners).order_by("username"))


def _changed(alert: Alert, fields: list[str]) -> None:
    alert.updated_at = timezone.now()
    with transaction.atomic():
        alert.save(update_fields=[*fields, "updated_at"])
        notifying.announce(alert, is_new=False)


@dataclass(frozen=True)
class Judged:
    """What became of alerts of one strength or camera. reasons: how often each was given for dismissing."""

    name: str
    confirmed: int
    dismissed: int
    open: int
    reasons: list[tuple[str, int]]

    @property
    def false_share(self) -> float | None:
        """Of those decided, how many were dismissed."""
        decided = self.confirmed + self.dismissed
        return self.dismissed / decided if decided else None


def judged(user: User, days: int = 30) -> tuple[list[Judged], list[Judged]]:
    """Alerts of the last days by strength, and by camera: is the level right, and where does it raise too many?"""
    since = timezone.now() - timedelta(days=days)
    raised = visible(Alert, user).filter(created_at__gte=since)
    alerts = raised.filter(kind=Alert.Kind.SOUGHT)
    by_strength = [_judged(label.lower(), alerts.filter(strength=word)) for word, label in calibration.LABELS.items()]
    if (strangers := raised.filter(kind=Alert.Kind.STRANGER)).exists():
        by_strength.append(_judged("strangers", strangers))
    cameras = Camera.objects.filter(pk__in=alerts.values("camera"))
    by_camera = [_judged(camera.name, alerts.filter(camera=camera)) for camera in cameras]
    return by_strength, by_camera


def _judged(name: str, alerts: QuerySet[Alert]) -> Judged:
    counted = Counter(alerts.values_list("status", flat=True))
    reasons = Counter(Review.objects.filter(alert__in=alerts, status="dismissed").values_list("reason", flat=True))
    named = [(Review.Reason(reason).label, number) for reason, number in reasons.most_common() if reason]
    waiting = sum(counted[status] for status in Alert.OPEN)
    return Judged(name, counted[Alert.Status.CONFIRMED], counted[Alert.Status.DISMISSED], waiting, named)
