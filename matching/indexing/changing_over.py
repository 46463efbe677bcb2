"""From one face model to another: the gallery is embedded anew beside the old one, which is searched meanwhile."""

from collections.abc import Callable

from django.db import transaction

from cases.models import Photo
from matching.faces import face_models
from matching.gallery import comparing
from matching.indexing import bulk, single
from matching.models import CasePair, FaceModel, OddPhoto

LOOKED_AT = (Photo.Status.INDEXED, Photo.Status.SEVERAL_FACES, Photo.Status.NO_FACE)


def embed_gallery(model: FaceModel, progress: Callable[[int, int], None]) -> None:
    """Embed every photo under another model.

    progress: called with photos done and photos in all. Photos added while it runs are done too.
    """
    done = last = 0
    waiting = Photo.objects.exclude(faces__model=model).filter(status__in=LOOKED_AT).order_by("pk")
    while ids := list(waiting.filter(pk__gt=last).values_list("pk", flat=True)):
        total, last = done + len(ids), ids[-1]
        for prepared, embeddings in bulk.prepared(ids, model):
            shown = Photo.objects.filter(pk=prepared.photo.pk).values("status", "status_note", "duplicate_of").first()
            if shown is not None:
                single.keep(prepared, embeddings, model)
                # What is shown stays the active model's until the change-over.
                Photo.objects.filter(pk=prepared.photo.pk).update(**shown)
            done += 1
            progress(done, total)


def change_over(model: FaceModel) -> None:
    """Search with a model that `embed_gallery` has prepared, and word each photo's outcome under it."""
    with transaction.atomic():
        face_models.activate(model)
        for photo in Photo.objects.filter(status__in=LOOKED_AT).iterator():
            single.word_outcome(photo, model)
        # Findings of the old model; what people have decided stays.
        CasePair.objects.filter(decision="").delete()
        OddPhoto.objects.filter(decision="").delete()
    comparing.compare_new(model)
