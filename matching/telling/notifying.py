"""Walk 4, tell: an alert reaches the open dashboards at once, and each subscriber by a message that is tried again."""

import logging
from datetime import datetime, time, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases import locks, work
from cases.visibility import visible, who_sees
from matching.models import (
    Agreement,
    Alert,
    Camera,
    Candidate,
    Delivery,
    DueReport,
    Report,
    Review,
    Shift,
    StandingSearch,
    Subscription,
    Trouble,
    agreement,
)
from matching.searching import standing
from matching.signals import delivery_waiting
from matching.telling import dashboards, messages, outward, push

WORDS = {Review.Word.CONFIRMED: True, Review.Word.DISMISSED: False, Review.Word.NEW: None}
COMES_TO = {
    Agreement.OPEN: Alert.Status.NEW,
    Agreement.PROPOSED: Alert.Status.PROPOSED,
    Agreement.AGREED: Alert.Status.CONFIRMED,
    Agreement.AGAINST: Alert.Status.DISMISSED,
    Agreement.DISPUTED: Alert.Status.DISPUTED,
}
# Who wants to be told from fair on is told of what nobody has measured.
STEPS = ["", "weak", "fair", "unmeasured", "strong"]
REPORTS_AT = time(7)
logger = logging.getLogger(__name__)

# Of what came late the first message waits so long for the rest of it, and the next ones come so long after.
OLD_NEWS_AFTER, OLD_NEWS_AGAIN = timedelta(minutes=3), timedelta(minutes=30)

# Minutes to wait after the first, second ... failed attempt; after the last one the delivery is given up.
RETRY_MINUTES = (0.5, 2, 10, 30, 120)


def announce(alert: Alert, *, is_new: bool, risen: bool = False) -> None:
    """Tell of a new or changed alert once the transaction around is committed. risen: its strength is a step higher.

    Of what a quiet camera sees only the dashboards are told.
    """
    # Asked anew: whoever announces may hold the camera since before it was made quiet.
    quiet = Camera.objects.filter(pk=alert.camera_id, quiet_until__gt=timezone.now())
    if (is_new or risen) and not quiet.exists():
        for subscription in subscribers(alert):
            if risen and not is_new and STEPS.index(alert.strength) <= _told(alert, subscription):
                continue
            digest = subscription.digest_minutes if alert.strength == "weak" else 0
            due = timezone.now() + timedelta(minutes=subscription.wait_minutes + digest)
            if alert.is_late:
                due = max(due, _next_old_news(subscription))
            delivery, created = Delivery.objects.get_or_create(
                alert=alert,
                subscription=subscription,
                strength=alert.strength,
                defaults={
                    "in_digest": bool(digest) or alert.is_late,
                    "is_late": alert.is_late,
                    "next_attempt_at": due,
                },
            )
            if created and not delivery.in_digest and not subscription.wait_minutes:
                delivery_waiting.send(Delivery, delivery=delivery)
    transaction.on_commit(lambda: dashboards.tell(alert.pk, is_new=is_new or risen), robust=True)


def _next_old_news(subscription: Subscription) -> datetime:
    """When somebody is told next of what came late: all of it together, the first soon, the rest now and then."""
    late = Delivery.objects.filter(subscription=subscription, is_late=True)
    waiting = late.filter(status=Delivery.Status.WAITING).order_by("next_attempt_at").first()
    if waiting is not None:
        return waiting.next_attempt_at
    soon = timezone.now() + OLD_NEWS_AFTER
    last = late.filter(status=Delivery.Status.SENT).order_by("-sent_at").first()
    return max(soon, last.sent_at + OLD_NEWS_AGAIN) if last and last.sent_at else soon


def _told(alert: Alert, subscription: Subscription) -> int:
    """The highest step at which somebody was told of an alert already."""
    told = Delivery.objects.filter(alert=alert, subscription=subscription).values_list("strength", flat=True)
    return max((STEPS.index(one) for one in told), default=-1)


def subscribers(alert: Alert) -> list[Subscription]:
    """Those who want to be told of an alert, and for whom it exists."""
    now = timezone.localtime().time()
    collection = alert.case.collection_id if alert.case else None
    wanted = (
        _active()
        .filter(Q(collection=None) | Q(collection=collection))
        .filter(Q(case=None) | Q(case=alert.case_id))
        .filter(Q(camera=None) | Q(camera=alert.camera_id))
        .filter(Q(only_mine=False) | Q(user=alert.case.assigned_to_id if alert.case else None))
        .filter(Q(visitors=True) if alert.kind != Alert.Kind.SOUGHT else Q())
        .filter(strength__in=STEPS[: STEPS.index(alert.strength) + 1] if alert.strength else STEPS)
    )
    wanted = wanted.filter(user__in=who_sees(User.objects.all(), *alert.owners).values("pk"))
    place = alert.camera.place.lower()
    return [one for one in wanted if one.place.lower() in place and _is_within(now, one)]


def _active() -> QuerySet[Subscription]:
    confirmed = Subscription.objects.filter(is_active=True, user__is_active=True, confirmed_at__isnull=False)
    return confirmed.select_related("user")


def _is_within(now: object, one: Subscription) -> bool:
    begin, end = one.hours_from, one.hours_until
    if begin is None or end is None:
        return True
    return begin <= now < end if begin <= end else now >= begin or now < end  # type: ignore[operator]


def tell_owners(candidate: Candidate) -> None:
    """Tell those who keep a search open whom it found. Inside the caller's transaction."""
    for subscription in _active().filter(user__in=standing.owners(candidate)):
        if not visible(Candidate, subscription.user).filter(pk=candidate.pk).exists():
            continue
        delivery, _ = Delivery.objects.get_or_create(candidate=candidate, subscription=subscription)
        delivery_waiting.send(Delivery, delivery=delivery)


def tell_closed(standing_search: StandingSearch) -> None:
    """Tell its owner that a standing search ended by itself. Inside the caller's transaction."""
    for subscription in _active().filter(user=standing_search.user):
        delivery, _ = Delivery.objects.get_or_create(standing=standing_search, subscription=subscription)
        delivery_waiting.send(Delivery, delivery=delivery)


def tell_trouble(trouble: Trouble) -> None:
    """Tell whoever looks after cameras that one is in trouble, or is well again. Inside the caller's transaction."""
    seeing = who_sees(User.objects.all(), trouble.camera).values("pk")
    for subscription in _active().filter(operations=True, user__in=seeing):
        delivery, _ = Delivery.objects.get_or_create(
            trouble=trouble, is_over=trouble.ended_at is not None, subscription=subscription
        )
        delivery_waiting.send(Delivery, delivery=delivery)


def tell_shifts_over() -> None:
    """Send the handover of each shift that has ended to whoever wants it then."""
    now = timezone.localtime()
    for subscription in _active().exclude(handover_times=""):
        since, until = shift_before(now, subscription.handover_times)
        if subscription.handover_set_at is None or until <= subscription.handover_set_at:
            continue
        shift, is_new = Shift.objects.get_or_create(subscription=subscription, until=until, defaults={"since": since})
        if is_new:
            delivery = Delivery.objects.create(shift=shift, subscription=subscription)
            delivery_waiting.send(Delivery, delivery=delivery)


def tell_reports_due() -> None:
    """Mail each report that is wanted on Mondays to its owner, wherever they are told by mail."""
    until = monday_before(timezone.localtime())
    for report in Report.objects.filter(on_mondays=True, created_at__lt=until):
        # All of it or nothing: a process that dies between would leave a week without its report.
        with transaction.atomic():
            due, is_new = DueReport.objects.get_or_create(report=report, until=until)
            wanted = _active().filter(user=report.user_id, way=Subscription.Way.MAIL) if is_new else ()
            for subscription in wanted:
                delivery = Delivery.objects.create(due_report=due, subscription=subscription)
                delivery_waiting.send(Delivery, delivery=delivery)


def monday_before(now: datetime) -> datetime:
    """The last Monday at 7:00."""
    monday = timezone.make_aware(datetime.combine(now.date() - timedelta(days=now.weekday()), REPORTS_AT))
    return monday if monday <= now else monday - timedelta(days=7)


def shift_before(now: datetime, times: str) -> tuple[datetime, datetime]:
    """The last shift that has ended by then, from its beginning to its end. times: when shifts end, as 06:00 18:00."""
    ends = [
        timezone.make_aware(datetime.combine(now.date() - timedelta(days=days), time.fromisoformat(one)))
        for days in range(3)
        for one in times.split()
    ]
    until, since = sorted((end for end in ends if end <= now), reverse=True)[:2]
    return since, until


class ReasonMissing(Exception):
    """A collection asks why, and nothing was said; the text says so."""


def review(alert: Alert, word: str, note: str, user: User, reason: str = "") -> None:
    """Confirm or dismiss an alert, or take one's own word back by `new`. Each step is kept; together they make its
    status, by as many people as its collection asks for. Raises `ReasonMissing`."""
    collection = alert.case.collection if alert.case else None
    if collection and collection.needs_reason and word != Review.Word.NEW and not (note.strip() or reason):
        raise ReasonMissing(f"{collection} asks why: choose a reason or write a note.")
    with transaction.atomic():
        locked = Alert.everything.select_for_update().get(pk=alert.pk)
        if locked.joined_to_id is not None:
            # While they looked at it, it became part of another: of that they say it.
            alert = locked = Alert.objects.select_for_update().get(pk=locked.joined_to_id)
        Review.objects.create(alert=locked, user=user, status=Review.Word(word), note=note, reason=reason)
        alert.status = status_of(locked)
        alert.updated_at = timezone.now()
        alert.save(update_fields=["status", "updated_at"])
        announce(alert, is_new=False)


def status_of(alert: Alert) -> Alert.Status:
    """What was said of an alert comes to; of an open case."""
    said = [
        (review.user_id or f"gone {review.pk}", WORDS[Review.Word(review.status)])
        for review in alert.reviews.order_by("at", "pk")
    ]
    come_to = agreement(said, alert.case.collection.reviewers if alert.case else 1)
    if come_to == Agreement.OPEN and alert.kind == Alert.Kind.GREETING:
        return Alert.Status.GREETED
    return COMES_TO[come_to]


def deliver(delivery_id: int) -> None:
    """Send one message, or note why not and when to try again. May run twice: a claim lets one of them send."""
    now = timezone.now()
    delivery = (
        Delivery.objects.select_related(
            "alert__case__collection",
            "alert__camera",
            "alert__best_capture__probe",
            "alert__best_face",
            "alert__model",
            "alert__measurement",
            "candidate__case",
            "candidate__probe__search",
            "trouble__camera",
            "standing__search",
            "shift__subscription__user",
            "due_report__report__user",
            "subscription",
        )
        .filter(pk=delivery_id, status=Delivery.Status.WAITING, next_attempt_at__lte=now)
        .first()
    )
    if delivery is None:
        return
    tried = delivery.attempts
    pause = timedelta(minutes=RETRY_MINUTES[min(tried, len(RETRY_MINUTES) - 1)])
    claimed = Delivery.objects.filter(pk=delivery_id, status=Delivery.Status.WAITING, attempts=tried)
    if not claimed.update(attempts=tried + 1, next_attempt_at=now + pause):
        return
    if not _is_needed(delivery):
        _settle([delivery.pk], Delivery.Status.NOT_NEEDED)
        return
    if not delivery.in_digest:
        _send(delivery, [delivery], tried)
        return
    with locks.held(f"digest {delivery.subscription_id}") as mine:
        if mine and (together := _digest_of(delivery)):
            _send(delivery, together, tried)


def _send(delivery: Delivery, together: list[Delivery], tried: int) -> None:
    """together: what one message tells of; several only in a digest."""
    settled = [one.pk for one in together]
    try:
        if delivery.in_digest:
            outward.send(delivery.subscription, *messages.digest([one.alert for one in together if one.alert]))
        else:
            shown = delivery.alert if delivery.subscription.with_pictures else None
            with messages.pictures(shown) as pictures:
                outward.send(delivery.subscription, *messages.of(delivery), pictures, f"delivery_{delivery.pk}")
    except Exception as problem:
        if work.is_the_machines(problem):
            raise
        over = isinstance(problem, push.PushOver)
        if over:
            Subscription.objects.filter(pk=delivery.subscription_id).update(is_active=False)
        last = over or tried + 1 > len(RETRY_MINUTES)
        said = str(problem) if isinstance(problem, outward.NotTaken) else work.words(problem)
        _settle(settled, Delivery.Status.FAILED if last else Delivery.Status.WAITING, said)
        if last:
            logger.error("delivery %s was given up after %s attempts", delivery.pk, tried + 1)
    else:
        _settle(settled, Delivery.Status.SENT)


def _is_needed(delivery: Delivery) -> bool:
    """Whom to tell only where nobody has taken the alert need not be told where somebody has, or it is settled."""
    alert = delivery.alert
    if alert is None or not (delivery.subscription.wait_minutes or delivery.in_digest):
        return True
    waits = alert.status in Alert.OPEN
    return waits and not (delivery.subscription.wait_minutes and (alert.assigned_to_id or alert.reviews.exists()))


def _digest_of(delivery: Delivery) -> list[Delivery]:
    """All that waits to be told together with it."""
    waiting = Delivery.objects.filter(
        subscription=delivery.subscription_id, in_digest=True, status=Delivery.Status.WAITING
    )
    told_of = ("alert__case", "alert__camera", "alert__best_capture")
    found = waiting.select_related(*told_of).order_by("alert__first_captured_at")
    needed = [one for one in found if one.alert and one.alert.status in Alert.OPEN]
    _settle([one.pk for one in found if one not in needed], Delivery.Status.NOT_NEEDED)
    return needed


def _settle(ids: list[int], status: Delivery.Status, error: str = "") -> None:
    sent = timezone.now() if status == Delivery.Status.SENT else None
    Delivery.objects.filter(pk__in=ids).update(status=status, error=error[:500], sent_at=sent)


def retry(delivery: Delivery) -> None:
    """Try once more what was given up."""
    again = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.FAILED)
    if again.update(status=Delivery.Status.WAITING, attempts=0, next_attempt_at=timezone.now(), error=""):
        delivery_waiting.send(Delivery, delivery=delivery)


def given_up(user: User) -> QuerySet[Delivery]:
    """What could not be delivered in the last week, of alerts that this person sees."""
    since = timezone.now() - timedelta(days=7)
    failed = Delivery.objects.filter(status=Delivery.Status.FAILED, next_attempt_at__gte=since)
    shown = ("subscription__user", "alert__case", "alert__camera", "trouble__camera")
    return visible(failed, user).select_related(*shown).order_by("-pk")
