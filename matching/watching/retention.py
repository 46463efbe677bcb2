"""How long faces that raised no alert are kept for looking back: as long as the longest of all collections asks."""

from datetime import timedelta

from django.db.models import Max
from django.utils import timezone

from cases.models import Collection
from matching.models import Capture, Probe

BATCH = 500


def days() -> int:
    return int(Collection.objects.aggregate(days=Max("look_back_days"))["days"] or 0)


def forget() -> int:
    """Remove the pictures and embeddings of captures that raised no alert and are older. Returns how many.

    What stays of a capture is that it was sent and when, so that the same one sent again is known.
    """
    until = timezone.now() - timedelta(days=days())
    old = Capture.objects.filter(captured_at__lt=until, alerts=None).exclude(status=Capture.Status.PENDING)
    forgotten = 0
    while batch := list(old.exclude(image="").order_by("pk")[:BATCH]):
        for capture in batch:
            forget_one(capture)
        forgotten += len(batch)
    return forgotten


def forget_one(capture: Capture) -> None:
    for probe in Probe.objects.filter(capture=capture):
        crop = probe.crop
        probe.delete()
        crop.delete(save=False)
    picture = capture.image.name
    Capture.objects.filter(pk=capture.pk).update(image="")
    if picture:
        capture.image.storage.delete(picture)
