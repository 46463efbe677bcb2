"""What people have settled: what a camera sees of it afterwards is counted there, and wakes nobody."""

from collections.abc import Collection as Several
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone

from cases.models import Case
from matching.models import Alert, AlertCapture, Capture, FaceModel, Quiet
from matching.searching import remembering
from matching.telling import notifying

# Captures of dismissed alerts that a new one is compared with, the latest.
MOST_COMPARED = 500


@dataclass(frozen=True)
class Places:
    """Cameras and cases, by their ids: of which somebody wants to hear no more for a while, and of which somebody was
    said to be another person."""

    quiet: set[tuple[int, int | None]]
    dismissed: set[tuple[int, int | None]]


def places(cases: Several[int], cameras: Several[int]) -> Places:
    """Where something is settled among these, asked once for many captures."""
    quiet = Quiet.objects.filter(case__in=cases, camera__in=cameras, until__gt=timezone.now())
    dismissed = Alert.objects.filter(case__in=cases, camera__in=cameras, status=Alert.Status.DISMISSED).order_by()
    return Places(set(quiet.values_list("camera", "case")), set(dismissed.values_list("camera", "case").distinct()))


def before(capture: Capture, case: Case, model: FaceModel, worth: float, among: Places) -> Alert | None:
    """The alert that a capture of a case joins without waking anybody: people made the case quiet there for a while,
    they confirmed a sighting and its collection wants no further alerts then, or they dismissed the same look-alike.

    worth: how like the case the capture is.
    """
    alerts = Alert.objects.filter(case=case).order_by("-last_captured_at", "-pk")
    if case.collection.stop_when_confirmed:
        # Another camera's captures may be counted in it at this moment.
        confirmed = alerts.filter(status=Alert.Status.CONFIRMED).select_for_update(no_key=True)
        if found := confirmed.filter(camera=capture.camera).first() or confirmed.first():
            return found
    place = capture.camera_id, case.pk
    if place in among.quiet and (found := alerts.filter(camera=capture.camera).first()):
        return found
    # Two pictures of one face are compared as they are, so the case's likeness is taken so too.
    return dismissed_before(capture, case.pk, model, worth) if place in among.dismissed else None


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


def fold(capture: Capture, similarity: float, alert: Alert) -> Alert:
    """Into the dismissal, where it is counted and seen, and wakes nobody."""
    AlertCapture.objects.create(alert=alert, capture=capture, similarity=similarity)
    # Nobody else writes it meanwhile: the caller's lock is held.
    alert.count(capture, is_folded=True)
    alert.save(update_fields=["capture_count", "folded_count", "last_captured_at", "updated_at"])
    notifying.announce(alert, is_new=False)
    return alert
