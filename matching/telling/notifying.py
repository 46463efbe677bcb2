"""Walk 4, tell: an alert reaches the open dashboards at once, and each subscriber by a message that is tried again."""

import logging
from datetime import timedelta

import apprise
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from matching.models import Alert, Delivery, Review, Subscription
from matching.signals import delivery_waiting
from matching.telling import dashboards

logger = logging.getLogger(__name__)

# Minutes to wait after the first, second ... failed attempt; after the last one the delivery is given up.
RETRY_MINUTES = (0.5, 2, 10, 30, 120)


def announce(alert: Alert, *, is_new: bool) -> None:
    """Tell of a new or changed alert once the transaction around is committed."""
    if is_new:
        subscriptions = Subscription.objects.filter(is_active=True, user__is_active=True).filter(
            Q(collection=None) | Q(collection=alert.case.collection_id)
        )
        for subscription in subscriptions:
            delivery, _ = Delivery.objects.get_or_create(alert=alert, subscription=subscription)
            delivery_waiting.send(Delivery, delivery=delivery)
    transaction.on_commit(lambda: dashboards.tell(alert.pk, is_new=is_new), robust=True)


def review(alert: Alert, status: str, note: str, user: User) -> None:
    """Confirm or dismiss an alert, or take that back by the status `new`. Each step is kept."""
    with transaction.atomic():
        Review.objects.create(alert=alert, user=user, status=Alert.Status(status), note=note)
        alert.status, alert.updated_at = status, timezone.now()
        alert.save(update_fields=["status", "updated_at"])
        announce(alert, is_new=False)


def deliver(delivery_id: int) -> None:
    """Send one message, or note why not and when to try again. May run twice: a claim lets one of them send."""
    now = timezone.now()
    delivery = (
        Delivery.objects.select_related("alert__case", "alert__camera", "subscription")
        .filter(pk=delivery_id, status=Delivery.Status.WAITING, next_attempt_at__lte=now)
        .first()
    )
    if delivery is None:
        return
    tried = delivery.attempts
    pause = timedelta(minutes=RETRY_MINUTES[min(tried, len(RETRY_MINUTES) - 1)])
    claimed = Delivery.objects.filter(pk=delivery_id, status=Delivery.Status.WAITING, attempts=tried).update(
        attempts=tried + 1, next_attempt_at=now + pause
    )
    if not claimed:
        return
    if _send(delivery):
        Delivery.objects.filter(pk=delivery_id).update(status=Delivery.Status.SENT, sent_at=timezone.now(), error="")
        return
    last = tried + 1 > len(RETRY_MINUTES)
    Delivery.objects.filter(pk=delivery_id).update(
        status=Delivery.Status.FAILED if last else Delivery.Status.WAITING,
        error="The service did not take the message. Check the address.",
    )


def _send(delivery: Delivery) -> bool:
    alert = delivery.alert
    service = apprise.Apprise()
    if not service.add(delivery.subscription.address):
        return False
    return bool(
        service.notify(
            title=f"Sightline: {alert.case}",
            body=(
                f"A face like {alert.case.display_name} ({alert.case.number}) at {alert.camera} "
                f"{alert.camera.place}, {alert.first_captured_at:%Y-%m-%d %H:%M:%S} UTC, "
                f"similarity {alert.similarity:.2f}. Not confirmed: compare before acting."
            ),
        )
    )
