"""A capture that resembles a case joins the alert of its episode, or begins one."""

from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.utils import timezone

from matching.gallery import search as gallery
from matching.models import Alert, AlertCapture, Capture, FaceModel
from matching.telling import notifying

EPISODE = timedelta(seconds=60)


def join_or_raise(capture: Capture, hit: gallery.Hit, model: FaceModel, gallery_size: int) -> Alert:
    """Add the capture to the episode it falls into, or begin one. Runs inside the caller's transaction."""
    with connection.cursor() as cursor:
        # One writer a camera and case at a time, so that two captures of one moment cannot both begin an episode.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [capture.camera_id, hit.case_id])
    alert = Alert.objects.filter(
        case=hit.case_id,
        camera=capture.camera,
        first_captured_at__lte=capture.captured_at + EPISODE,
        last_captured_at__gte=capture.captured_at - EPISODE,
    ).first()
    is_new = alert is None
    if alert is None:
        alert = Alert.objects.create(
            case_id=hit.case_id,
            camera=capture.camera,
            first_captured_at=capture.captured_at,
            last_captured_at=capture.captured_at,
            best_capture=capture,
            best_face_id=hit.face_id,
            model=model,
            similarity=hit.similarity,
            allowance=hit.allowance,
            gallery_size=gallery_size,
        )
    AlertCapture.objects.create(alert=alert, capture=capture, case_id=hit.case_id, similarity=hit.similarity)
    alert.first_captured_at = min(alert.first_captured_at, capture.captured_at)
    alert.last_captured_at = max(alert.last_captured_at, capture.captured_at)
    better = hit.similarity - hit.allowance > alert.similarity - alert.allowance
    if better or alert.model_id != model.pk:
        alert.best_capture, alert.best_face_id, alert.model = capture, hit.face_id, model
        alert.similarity, alert.allowance, alert.gallery_size = hit.similarity, hit.allowance, gallery_size
    alert.updated_at = timezone.now()
    alert.save()
    Alert.objects.filter(pk=alert.pk).update(capture_count=F("capture_count") + 1)
    notifying.announce(alert, is_new=is_new)
    return alert
