"""Walk 4, tell: an alert reaches the open dashboards at once, and each subscriber by a message that is tried again."""

import logging
from datetime import timedelta

import apprise
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from cases.visibility import visible
from matching.models import Agreement, Alert, Candidate, Delivery, Review, Subscription, Trouble, agreement
from matching.searching import standing
from matching.signals import delivery_waiting
from matching.telling import dashboards

WORDS = {Review.Word.CONFIRMED: True, Review.Word.DISMISSED: False, Review.Word.NEW: None}
COMES_TO = {
    Agreement.OPEN: Alert.Status.NEW,
    Agreement.PROPOSED: Alert.Status.PROPOSED,
    Agreement.AGREED: Alert.Status.CONFIRMED,
    Agreement.AGAINST: Alert.Status.DISMISSED,
    Agreement.DISPUTED: Alert.Status.DISPUTED,
}

logger = logging.getLogger(__name__)

# Minutes to wait after the first, second ... failed attempt; after the last one the delivery is given up.
RETRY_MINUTES = (0.5, 2, 10, 30, 120)


def announce(alert: Alert, *, is_new: bool) -> None:
    """Tell of a new or changed alert once the transaction around is committed."""
    if is_new:
        subscriptions = Subscription.objects.filter(is_active=True, user__is_active=True).filter(
            Q(collection=None) | Q(collection=alert.case.collection_id)
        )
        for subscription in subscriptions.select_related("user"):
            if not visible(Alert, subscription.user).filter(pk=alert.pk).exists():
                continue
            delivery, _ = Delivery.objects.get_or_create(alert=alert, subscription=subscription)
            delivery_waiting.send(Delivery, delivery=delivery)
    transaction.on_commit(lambda: dashboards.tell(alert.pk, is_new=is_new), robust=True)


def tell_owners(candidate: Candidate) -> None:
    """Tell those who keep a search open whom it found. Inside the caller's transaction."""
    active = Subscription.objects.filter(is_active=True, user__is_active=True)
    for subscription in active.filter(user__in=standing.owners(candidate)).select_related("user"):
        if not visible(Candidate, subscription.user).filter(pk=candidate.pk).exists():
            continue
        delivery, _ = Delivery.objects.get_or_create(candidate=candidate, subscription=subscription)
        delivery_waiting.send(Delivery, delivery=delivery)


def tell_trouble(trouble: Trouble) -> None:
    """Tell whoever looks after cameras that one is in trouble, or is well again. Inside the caller's transaction."""
    operations = Subscription.objects.filter(is_active=True, user__is_active=True, operations=True)
    for subscription in operations.select_related("user"):
        if not visible(Trouble, subscription.user).filter(pk=trouble.pk).exists():
            continue
        delivery, _ = Delivery.objects.get_or_create(
            trouble=trouble, is_over=trouble.ended_at is not None, subscription=subscription
        )
        delivery_waiting.send(Delivery, delivery=delivery)


def review(alert: Alert, word: str, note: str, user: User) -> None:
    """Confirm or dismiss an alert, or take one's own word back by `new`. Each step is kept; together they make its
    status, by as many people as its collection asks for."""
    with transaction.atomic():
        locked = Alert.objects.select_for_update().get(pk=alert.pk)
        Review.objects.create(alert=locked, user=user, status=Review.Word(word), note=note)
        said = [
            (review.user_id or f"gone {review.pk}", WORDS[Review.Word(review.status)])
            for review in locked.reviews.order_by("at", "pk")
        ]
        alert.status = COMES_TO[agreement(said, alert.case.collection.reviewers)]
        alert.updated_at = timezone.now()
        alert.save(update_fields=["status", "updated_at"])
        announce(alert, is_new=False)


def deliver(delivery_id: int) -> None:
    """Send one message, or note why not and when to try again. May run twice: a claim lets one of them send."""
    now = timezone.now()
    delivery = (
        Delivery.objects.select_related(
            "alert__case",
            "alert__camera",
            "candidate__case",
            "candidate__probe__search",
            "trouble__camera",
            "subscription",
        )
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
    service = apprise.Apprise()
    if not service.add(delivery.subscription.address):
        return False
    title, body = _words(delivery)
    return bool(service.notify(title=title, body=body))


def _words(delivery: Delivery) -> tuple[str, str]:
    """A message's title and text."""
    if (alert := delivery.alert) is not None:
        when = f"{alert.first_captured_at:%Y-%m-%d %H:%M:%S} UTC"
        return f"Sightline: {alert.case}", (
            f"{'Seen before: a' if alert.seen_before else 'A'} face like {alert.case.display_name} "
            f"({alert.case.number}) at {alert.camera} {alert.camera.place}, {when}, "
            f"similarity {alert.similarity:.2f}. Not confirmed: compare before acting."
        )
    if (trouble := delivery.trouble) is not None:
        camera, what = trouble.camera, trouble.get_kind_display().lower()
        where = f"{camera} ({camera.place})" if camera.place else str(camera)
        since = f"since {trouble.began_at:%Y-%m-%d %H:%M} UTC"
        said = f"is well again; it was in trouble ({what}) {since}" if delivery.is_over else f"{what}, {since}"
        return f"Sightline: camera {camera}", f"{where} {said}."
    candidate = delivery.candidate
    assert candidate is not None  # noqa: S101 - the database has it: a delivery is of one thing
    return f"Sightline: {candidate.case}", (
        f'Your standing search "{candidate.probe.search.purpose if candidate.probe.search else ""}" has a new '
        f"likeness: {candidate.case.display_name} ({candidate.case.number}), similarity {candidate.similarity:.2f}. "
        "Not confirmed: compare before acting."
    )
