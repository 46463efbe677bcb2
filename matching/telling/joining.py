"""Two alerts that turn out to be one: a capture that came late lies between them, or a track runs through both."""

from django.db import transaction
from django.utils import timezone

from cases import audit
from matching.models import Alert, AlertCapture, AlertClip, Delivery
from matching.telling import dashboards

# What an alert shows of its best capture.
BEST = [
    "best_capture_id", "best_face_id", "model_id", "similarity", "allowance", "commonness", "measurement_id",
    "gallery_size", "found_by", "strength", "strength_why",
]  # fmt: skip
# As it is raised: in any other state somebody has said something of it, or its case was closed.
AS_RAISED = (Alert.Status.NEW, Alert.Status.GREETED)
OVER = (Alert.Status.DISMISSED, Alert.Status.CLOSED)


def together(alerts: list[Alert]) -> Alert:
    """The one alert that these come to, which show one person before one camera in one episode. Inside the caller's
    transaction, which holds the lock on camera and case.

    Of which people have said something stays; where that is more than one, those stay apart, and the first is given.
    One that is over, dismissed or of a closed case, takes none in: what waits for somebody must not vanish in it.
    """
    # Nobody decides on one of them meanwhile.
    locked = Alert.objects.select_for_update().filter(pk__in=[one.pk for one in alerts]).order_by("first_captured_at")
    standing = [one for one in locked if one.status not in OVER] or list(locked)
    first, *others = sorted(standing, key=lambda one: not _has_words(one))
    for one in others:
        if not _has_words(one):
            _join(one, first)
    return first


def _has_words(alert: Alert) -> bool:
    return (
        alert.status not in AS_RAISED
        or alert.assigned_to_id is not None
        or alert.reviews.exists()
        or alert.comments.exists()
    )


def _join(alert: Alert, into: Alert) -> None:
    AlertCapture.objects.filter(alert=alert).update(alert=into)
    into.first_captured_at = min(into.first_captured_at, alert.first_captured_at)
    into.last_captured_at = max(into.last_captured_at, alert.last_captured_at)
    into.capture_count, into.folded_count = (
        into.capture_count + alert.capture_count,
        into.folded_count + alert.folded_count,
    )
    if alert.model_id == into.model_id and alert.worth > into.worth:
        for name in BEST:
            setattr(into, name, getattr(alert, name))
    alert.updated_at = into.updated_at = timezone.now()
    into.save()
    Alert.everything.filter(joined_to=alert).update(joined_to=into)
    alert.joined_to = into
    alert.save(update_fields=["joined_to", "updated_at"])
    if not AlertClip.objects.filter(alert=into).exists():
        AlertClip.objects.filter(alert=alert).update(alert=into)
    # Who was told of one of them, or soon is, need not be told of the other.
    told = Delivery.objects.filter(alert=into).values("subscription")
    waiting = Delivery.objects.filter(alert=alert, status=Delivery.Status.WAITING)
    waiting.filter(subscription__in=told).update(status=Delivery.Status.NOT_NEEDED)
    waiting.update(alert=into)
    audit.record_as(None, "joined alerts", into, f"alert {alert.pk}: a late capture lies between them")
    transaction.on_commit(lambda: dashboards.tell_joined(alert.pk), robust=True)
