"""How long faces that raised no alert are kept: as long as the longest of all collections asks, for looking back or for
keeping unnamed people together."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from cases.models import Collection
from matching.models import Alert, Capture, Probe
from matching.unnamed import grouping

BATCH = 500


def days() -> int:
    asked = Collection.objects.aggregate(back=Max("look_back_days"), unnamed=Max("unnamed_days"))
    return max(asked["back"] or 0, asked["unnamed"] or 0)


def forget() -> int:
    """Remove the pictures and embeddings of captures that raised no alert and are older. Returns how many.

    What stays of a capture is that it was sent and when, so that the same one sent again is known.
    """
    _forget_visitors()
    grouping.forget()
    until = timezone.now() - timedelta(days=days())
    old = Capture.objects.filter(captured_at__lt=until, alerts=None).exclude(status=Capture.Status.PENDING)
    forgotten = 0
    while batch := list(old.exclude(image="").order_by("pk")[:BATCH]):
        for capture in batch:
            forget_one(capture)
        forgotten += len(batch)
    return forgotten


def _forget_visitors() -> None:
    """Strangers and greetings go with the faces that raised no alert, after a day at the least; a stranger of whom
    people said that they are not known here stays, and so does what has to do with a case under a legal hold."""
    until = timezone.now() - timedelta(days=max(days(), 1))
    visitors = Alert.objects.exclude(kind=Alert.Kind.SOUGHT).filter(last_captured_at__lt=until)
    visitors.exclude(status=Alert.Status.CONFIRMED).exclude(case__held_at__isnull=False).delete()


def forget_one(capture: Capture) -> None:
    for probe in Probe.objects.filter(capture=capture):
        _delete_later(probe.crop)
        probe.delete()
    Capture.objects.filter(pk=capture.pk).update(image="")
    _delete_later(capture.image)


def _delete_later(file: FieldFile) -> None:
    """Once nothing can bring its row back."""
    name = file.name
    if name:
        transaction.on_commit(lambda: file.storage.delete(name))
