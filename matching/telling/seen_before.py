"""What cameras saw of somebody before the case, or a photo of it, came: one alert for each camera."""

from collections.abc import Sequence

import numpy as np
from django.utils import timezone

from matching.gallery import calibration, kept_faces, strengths
from matching.gallery import search as gallery
from matching.models import Alert, AlertCapture, Capture, FaceModel
from matching.telling import episodes, notifying


def raise_alert(
    found: Sequence[tuple[Capture, kept_faces.Seen]], case_id: int, model: FaceModel, among: int, found_by: str
) -> Alert:
    """One alert for all that a camera saw of somebody before the case, or a photo of it, came. Inside a transaction.

    found: captures of one camera with their likeness. among: how many faces were looked at. found_by: the
    kind of picture that they are like.
    """
    camera = found[0][0].camera
    episodes.one_writer([(camera.pk, case_id)])
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
    alert.save(update_fields=None if is_new else episodes.JOINED)
    AlertCapture.objects.bulk_create(
        AlertCapture(alert=alert, capture=capture, case_id=case_id, similarity=one.similarity) for capture, one in found
    )
    Capture.objects.filter(pk__in=[capture.pk for capture, _ in found]).update(status=Capture.Status.MATCHED)
    notifying.announce(alert, is_new=is_new)
    return alert
