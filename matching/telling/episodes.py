"""A capture that resembles a case joins the alert of its episode, or begins one."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.models import Case, Collection
from matching.gallery import calibration, kept_faces, strengths
from matching.gallery import search as gallery
from matching.models import Alert, AlertCapture, Capture, FaceModel, Quiet
from matching.searching import remembering
from matching.telling import joining, notifying

# Captures of dismissed alerts that a new one is compared with, the latest.
MOST_COMPARED = 500
# What a capture changes of the alert that it joins.
JOINED = [
    "best_capture", "best_face", "model", "similarity", "allowance", "commonness", "measurement", "gallery_size",
    "first_captured_at", "last_captured_at", "capture_count", "updated_at", "strength",
    "strength_why", "found_by",
]  # fmt: skip


def join_or_raise(
    capture: Capture,
    hit: gallery.Hit,
    model: FaceModel,
    collections: Sequence[int],
    *,
    visits: int = 0,
    last_visit_at: datetime | None = None,
) -> Alert:
    """Add the capture to the episode it falls into, or begin one: an alert, or a greeting of somebody known. Runs
    inside the caller's transaction.

    collections: those among which the hit was found. visits, last_visit_at: as `Alert` has them.
    """
    one_writer(capture.camera_id, hit.case_id)
    case = Case.objects.select_related("collection").get(pk=hit.case_id)
    # Two pictures of one face are compared as they are, so the case's likeness is taken so too.
    before = settled_before(capture, case) or dismissed_before(capture, case.pk, model, hit.similarity - hit.allowance)
    if before is not None:
        return fold(capture, case.pk, hit.similarity, before)
    is_greeting = case.collection.kind == Collection.Kind.KNOWN
    own = Alert.objects.filter(case=hit.case_id, camera=capture.camera, seen_before=False)
    gap = timedelta(seconds=case.collection.episode_seconds)
    fits = Q(first_captured_at__lte=capture.captured_at + gap, last_captured_at__gte=capture.captured_at - gap)
    if capture.track:
        # Somebody whom the camera followed is one episode, however long they stood there.
        fits |= Q(pk__in=own.filter(captures__track=capture.track).values("pk"))
    found = list(own.filter(fits))
    alert = joining.together(found) if len(found) > 1 else next(iter(found), None)
    is_new = alert is None
    if alert is None:
        alert = Alert(
            case=case,
            camera=capture.camera,
            kind=Alert.Kind.GREETING if is_greeting else Alert.Kind.SOUGHT,
            status=Alert.Status.GREETED if is_greeting else Alert.Status.NEW,
            first_captured_at=capture.captured_at,
            last_captured_at=capture.captured_at,
            visits=visits,
            last_visit_at=last_visit_at,
        )
    else:
        # As they were just read, so that nobody asks for them again.
        alert.case, alert.camera = case, capture.camera
        if alert.model_id == model.pk:
            alert.model = model
    if is_new or alert.model_id != model.pk or hit.worth > alert.worth:
        alert.best_capture, alert.best_face_id, alert.model = capture, hit.face_id, model
        alert.similarity, alert.allowance, alert.commonness = hit.similarity, hit.allowance, hit.commonness
        alert.found_by = hit.found_by
        alert.gallery_size, alert.measurement = gallery.size(model, collections), calibration.latest(model)
    was = alert.strength
    strengths.judge_alert(alert)
    join(alert, capture, hit.similarity, is_new=is_new)
    risen = bool(was) and notifying.STEPS.index(alert.strength) > notifying.STEPS.index(was)
    notifying.announce(alert, is_new=is_new, risen=risen and alert.status in Alert.OPEN)
    return alert


def one_writer(camera_id: int, case_id: int) -> None:
    """Wait for one's turn: two captures of one moment cannot both begin an episode. case_id: 0 for strangers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [camera_id, case_id])


def join(alert: Alert, capture: Capture, similarity: float, *, is_new: bool) -> None:
    """Count a capture in its alert."""
    alert.first_captured_at = min(alert.first_captured_at, capture.captured_at)
    alert.last_captured_at = max(alert.last_captured_at, capture.captured_at)
    alert.capture_count += 1
    alert.updated_at = timezone.now()
    # A joining capture leaves alone what a reviewer may be writing.
    alert.save(update_fields=None if is_new else JOINED)
    AlertCapture.objects.create(alert=alert, capture=capture, case_id=alert.case_id, similarity=similarity)


def close_case(case: Case) -> None:
    """Nobody need see to alerts of a case that was closed. Inside the caller's transaction."""
    for alert in Alert.objects.select_for_update().filter(case=case, status__in=Alert.OPEN):
        move(alert, Alert.Status.CLOSED)


def reopen_case(case: Case) -> None:
    """They wait again, as people had left them."""
    for alert in Alert.objects.select_for_update().filter(case=case, status=Alert.Status.CLOSED):
        move(alert, notifying.status_of(alert))


def move(alert: Alert, status: Alert.Status) -> None:
    alert.status, alert.updated_at = status, timezone.now()
    alert.save(update_fields=["status", "updated_at"])
    notifying.announce(alert, is_new=False)


def settled_before(capture: Capture, case: Case) -> Alert | None:
    """The alert that what a camera sees of a case joins without waking anybody: people made the case quiet there for a
    while, or they confirmed a sighting and its collection wants no further alerts then."""
    alerts = Alert.objects.filter(case=case).order_by("-last_captured_at", "-pk")
    if case.collection.stop_when_confirmed:
        confirmed = alerts.filter(status=Alert.Status.CONFIRMED)
        if found := confirmed.filter(camera=capture.camera).first() or confirmed.first():
            return found
    if Quiet.objects.filter(case=case, camera=capture.camera, until__gt=timezone.now()).exists():
        return alerts.filter(camera=capture.camera).first()
    return None


def raise_seen_before(
    found: Sequence[tuple[Capture, kept_faces.Seen]], case_id: int, model: FaceModel, among: int, found_by: str
) -> Alert:
    """One alert for all that a camera saw of somebody before the case, or a photo of it, came. Inside a transaction.

    found: captures of one camera with their likeness. among: how many faces were looked at. found_by: the
    kind of picture that they are like.
    """
    camera = found[0][0].camera
    one_writer(camera.pk, case_id)
    alert = Alert.objects.filter(case=case_id, camera=camera, seen_before=True).first()
    is_new = alert is None
    times = [capture.captured_at for capture, _ in found]
    if alert is None:
        alert = Alert(case_id=case_id, camera=camera, seen_before=True)
        alert.first_captured_at, alert.last_captured_at = min(times), max(times)
    best, likeness = max(found, key=lambda one: one[1].worth)
    if is_new or alert.model_id != model.pk or likeness.worth > alert.worth:
        embedding = np.asarray(best.probe.embedding, np.float32)
        alert.best_capture, alert.model = best, model
        alert.best_face_id = gallery.likest_face(model, embedding, case_id, found_by)
        alert.similarity, alert.allowance = likeness.similarity, likeness.allowance
        alert.commonness, alert.found_by = likeness.commonness, found_by
        alert.gallery_size, alert.measurement = among, calibration.latest(model)
        strengths.judge_alert(alert)
    alert.first_captured_at = min(alert.first_captured_at, *times)
    alert.last_captured_at = max(alert.last_captured_at, *times)
    alert.capture_count += len(found)
    if alert.status == Alert.Status.DISMISSED:
        alert.folded_count += len(found)
    alert.updated_at = timezone.now()
    alert.save(update_fields=None if is_new else [*JOINED, "folded_count"])
    AlertCapture.objects.bulk_create(
        AlertCapture(alert=alert, capture=capture, case_id=case_id, similarity=one.similarity) for capture, one in found
    )
    Capture.objects.filter(pk__in=[capture.pk for capture, _ in found]).update(status=Capture.Status.MATCHED)
    notifying.announce(alert, is_new=is_new)
    return alert


def dismissed_before(capture: Capture, case_id: int | None, model: FaceModel, worth: float) -> Alert | None:
    """The alert of this camera and case in which people said of the same look-alike that it is another person; of no
    case, that the stranger is known. worth: how like the case the capture is."""
    dismissed = Alert.objects.filter(case=case_id, camera=capture.camera, status=Alert.Status.DISMISSED)
    return showing(capture, dismissed, model, worth)


def showing(
    capture: Capture,
    alerts: QuerySet[Alert],
    model: FaceModel,
    worth: float = -1.0,
    fmr: float = remembering.SAME_PERSON,
) -> Alert | None:
    """Which of some alerts shows the same face as a capture, by its captures, the latest first.

    fmr: how small a share of non-mates may be taken for one person.
    """
    entries = AlertCapture.objects.filter(alert__in=alerts, capture__probe__model=model).order_by("-pk")
    rows = list(entries.values_list("alert_id", "capture__probe__embedding")[:MOST_COMPARED])
    which = remembering.same_face(
        model,
        np.asarray(capture.probe.embedding, np.float32),
        remembering.numbers(embedding for _, embedding in rows),
        worth,
        fmr,
    )
    return None if which is None else Alert.objects.get(pk=rows[which][0])


def fold(capture: Capture, case_id: int | None, similarity: float, alert: Alert) -> Alert:
    """Into the dismissal, where it is counted and seen, and wakes nobody."""
    AlertCapture.objects.create(alert=alert, capture=capture, case_id=case_id, similarity=similarity)
    # Nobody else writes it meanwhile: the caller's lock is held.
    alert.capture_count, alert.folded_count = alert.capture_count + 1, alert.folded_count + 1
    alert.last_captured_at = max(alert.last_captured_at, capture.captured_at)
    alert.updated_at = timezone.now()
    alert.save(update_fields=["capture_count", "folded_count", "last_captured_at", "updated_at"])
    notifying.announce(alert, is_new=False)
    return alert
