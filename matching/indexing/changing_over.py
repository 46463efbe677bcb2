"""From one face model to another: the gallery is embedded anew beside the old one, which is searched meanwhile."""

from collections.abc import Callable, Collection, Sequence
from contextlib import closing

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from cases import locks, work
from cases.models import Photo
from matching.faces import face_models
from matching.gallery import comparing
from matching.indexing import bulk, choosing, single
from matching.models import CasePair, Face, FaceModel, OddPhoto, Template

LOCK = "change over"
LOOKED_AT = (Photo.Status.INDEXED, Photo.Status.NO_FACE)
BATCH = 1000
IS_WANTED = Q(is_next=True) | Q(is_second=True)


class ChangeOverBusy(Exception):
    """Another process embeds the gallery already."""

    def __init__(self) -> None:
        super().__init__("Another process embeds the gallery already; the System page shows how far it is.")


def change_over(
    model: FaceModel,
    must_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> bool:
    """Embed every photo under another model, then search with it. Stopped or killed, it goes on where it was.

    progress: called with photos done and photos in all. Returns whether it came to its end. Raises `ChangeOverBusy`,
    `EngineUnavailable`.
    """
    with locks.held(LOCK) as mine:
        if not mine:
            raise ChangeOverBusy
        model.refresh_from_db()
        tried: set[int] = set()
        while not _switched(model, tried):
            left = {} if (next_ones := in_turn(model)) else behind(model, tried)
            if not embed(next_ones or sorted(set(left.values())), model, must_stop, progress):
                return False
            # One in which this model finds no face is not tried for ever.
            tried.update(left)
    comparing.compare_new(model, must_stop)
    # Not before: a search that began under the old model ends under it.
    Template.objects.exclude(model=model).exclude(model__is_second=True).delete()
    return True


def is_idle() -> bool:
    """Whether no process embeds the gallery."""
    return locks.is_free(LOCK)


def progress(model: FaceModel) -> tuple[int, int]:
    """Photos embedded under the next model, and photos in all."""
    photos = Photo.objects.filter(status__in=LOOKED_AT)
    return photos.filter(pk__lte=model.embedded_to).count(), photos.count()


def in_turn(model: FaceModel) -> list[int]:
    """Some of the photos that another model has not embedded yet."""
    photos = Photo.objects.filter(status__in=LOOKED_AT, pk__gt=model.embedded_to).order_by("pk")
    return list(photos.values_list("pk", flat=True)[:BATCH])


def behind(model: FaceModel, tried: Collection[int]) -> dict[int, int]:
    """Some of the photos that were indexed behind the change-over's back, by a face that they have now."""
    now = Face.objects.filter(model__is_active=True, is_subject=True, photo__status__in=LOOKED_AT)
    without = ~Exists(Face.objects.filter(photo=OuterRef("photo"), model=model))
    found = now.filter(without).exclude(pk__in=tried).order_by("photo")
    return dict(found.values_list("pk", "photo_id")[:BATCH])


def embed(ids: Sequence[int], model: FaceModel, must_stop: Callable[[], bool], say: Callable[[int, int], None]) -> bool:
    with closing(bulk.prepared(ids, model)) as batches:
        for batch in batches:
            with transaction.atomic():
                single.keep(batch, model)
                for prepared in batch:
                    if prepared.error is not None and model.is_next:
                        photo = prepared.photo
                        work.failed("photo", photo.pk, f"{photo} of {photo.case}", prepared.error)
                model.embedded_to = max(model.embedded_to, batch[-1].photo.pk)
                model.save(update_fields=["embedded_to"])
            say(*progress(model))
            if must_stop() or not FaceModel.objects.filter(IS_WANTED, pk=model.pk).exists():
                return False
    return True


def _switched(model: FaceModel, tried: Collection[int]) -> bool:
    """Search with a model under which the whole gallery is embedded, and word each photo's outcome under it.

    Returns False, with nothing done, where photos are left.
    """
    with transaction.atomic():
        # While this is held nothing is indexed, so no photo can slip in under the old model.
        locks.wait_for(single.WRITING)
        if model.is_active:
            return True
        if in_turn(model) or behind(model, tried):
            return False
        face_models.activate(model)
        photos, last = Photo.objects.filter(status__in=LOOKED_AT).order_by("pk"), 0
        while ids := list(photos.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
            last = ids[-1]
            faces = Exists(Face.objects.filter(photo=OuterRef("pk"), model=model))
            among = Photo.objects.filter(pk__in=ids)
            among.filter(faces).update(status=Photo.Status.INDEXED, status_note="")
            among.exclude(faces).update(status=Photo.Status.NO_FACE, status_note=single.NO_FACE_NOTE)
            # What broke on the way is not without a face: it is indexed by itself, and set aside where it breaks again.
            broken = [key for key in work.keys("photo") if int(key) in ids]
            among.filter(pk__in=broken).exclude(faces).update(status=Photo.Status.PENDING, status_note="")
            choosing.word(model, ids)
        # Findings of the old model; what people have decided stays.
        CasePair.objects.filter(decision="").delete()
        OddPhoto.objects.filter(decision="").delete()
    return True
