"""Walk 1, index: a case's photo becomes faces in the gallery."""

from collections.abc import Callable, Sequence

from django.db import transaction

from cases.models import Photo
from matching import face_models, images
from matching.engines import DetectedFace
from matching.face_rows import face_columns, jpeg_file
from matching.images import RgbImage
from matching.models import Face, FaceModel


class NotAFaceOfThePhoto(Exception):
    """A face cannot be the case's person; the text says why."""


def index_photo(photo_id: int, model: FaceModel | None = None) -> Photo | None:
    """Find and embed the faces of a photo, and write on the photo how that ended. May run twice.

    model: the active one if None; then only a photo that waits is indexed. Returns None where there is nothing to do.
    Raises `NoFaceModel`, `EngineUnavailable`.
    """
    photo = Photo.objects.filter(pk=photo_id).first()
    if photo is None or (model is None and photo.status != Photo.Status.PENDING):
        return None
    model = model or face_models.active()
    try:
        with photo.image.open() as file:
            opened = images.open_image(file.read())
        faces = face_models.find_faces(model, opened.rgb)
    except FileNotFoundError:
        return _finish(photo, Photo.Status.UNREADABLE, "The file is missing from the data folder.")
    except images.ImageRefused as refusal:
        return _finish(photo, Photo.Status.UNREADABLE, str(refusal))
    if not photo.display:
        photo.display.save("", jpeg_file(opened.rgb, max_side=1600), save=False)
    with transaction.atomic():
        # One index run of a photo at a time; a second one then replaces what the first wrote.
        Photo.objects.select_for_update().get(pk=photo.pk)
        subject = _subject(photo, opened.rgb, faces)
        photo.faces.filter(model=model).delete()
        for position, face in enumerate(faces):
            Face.objects.create(
                photo=photo,
                case_id=photo.case_id,
                position=position,
                is_subject=position == subject,
                **face_columns(model, opened.rgb, face, opened.scale),
            )
        return _finish(photo, *_outcome(photo, faces, subject))


def choose_subject(face: Face) -> None:
    """Say which face of a photo is the case's person, or change what was said."""
    with transaction.atomic():
        photo = Photo.objects.select_for_update().get(pk=face.photo_id)
        if photo.view == Photo.View.OTHER:
            raise NotAFaceOfThePhoto("This photo is kept, not searched. Change its view first.")
        photo.faces.filter(model=face.model, is_subject=True).update(is_subject=False)
        photo.faces.filter(pk=face.pk).update(is_subject=True)
        _finish(photo, Photo.Status.INDEXED, "")


def embed_gallery(model: FaceModel, progress: Callable[[int, int], None]) -> None:
    """Embed every photo under another model, beside the active one's embeddings, which are searched meanwhile.

    progress: called with photos done and photos in all. Photos added while it runs are done too.
    """
    done = 0
    failed: set[int] = set()
    while waiting := list(
        Photo.objects.exclude(faces__model=model)
        .exclude(status__in=[Photo.Status.UNREADABLE, Photo.Status.PENDING])
        .exclude(pk__in=failed)
        .values_list("pk", flat=True)
    ):
        total = done + len(waiting)
        for photo_id in waiting:
            before = Photo.objects.get(pk=photo_id)
            index_photo(photo_id, model)
            if not Face.objects.filter(photo=photo_id, model=model).exists():
                # The status shown stays the active model's until the change-over.
                failed.add(photo_id)
            Photo.objects.filter(pk=photo_id).update(status=before.status, status_note=before.status_note)
            done += 1
            progress(done, total)


def change_over(model: FaceModel) -> None:
    """Search with a model that `embed_gallery` has prepared, and word each photo's outcome under it."""
    with transaction.atomic():
        face_models.activate(model)
        for photo in Photo.objects.exclude(status__in=[Photo.Status.UNREADABLE, Photo.Status.PENDING]):
            faces = list(photo.faces.filter(model=model))
            subject = next((face.position for face in faces if face.is_subject), None)
            _finish(photo, *_outcome(photo, faces, subject))


def _subject(photo: Photo, rgb: RgbImage, faces: Sequence[DetectedFace]) -> int | None:
    """Which face is the case's person: the one chosen before, else the only one."""
    if photo.view == Photo.View.OTHER:
        return None
    chosen = photo.faces.filter(is_subject=True).order_by("-pk").first()
    if chosen is not None and faces:
        overlaps = [
            _overlap(face.relative_box(rgb), (chosen.left, chosen.top, chosen.right, chosen.bottom)) for face in faces
        ]
        if max(overlaps) > 0.3:
            return overlaps.index(max(overlaps))
    return 0 if len(faces) == 1 else None


def _outcome(photo: Photo, faces: Sequence[object], subject: int | None) -> tuple[str, str]:
    if photo.view == Photo.View.OTHER:
        return Photo.Status.NOT_SEARCHED, ""
    if not faces:
        return Photo.Status.NO_FACE, "Send a photo in which the face is larger, sharper or less turned away."
    if subject is None:
        return Photo.Status.SEVERAL_FACES, f"{len(faces)} faces: choose which one is the person."
    return Photo.Status.INDEXED, ""


def _finish(photo: Photo, status: str, note: str) -> Photo:
    photo.status, photo.status_note = status, note
    photo.save(update_fields=["status", "status_note", "display"])
    return photo


def _overlap(a: images.Box, b: images.Box) -> float:
    """Intersection over union of two boxes."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return both / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both, 1e-9)
