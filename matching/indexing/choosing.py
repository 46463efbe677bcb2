"""Which face of each photo is the case's person: chosen by the product in the light of the whole case, or by people."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet

from cases.models import Photo
from matching.faces import images, poor
from matching.faces.images import Box
from matching.gallery import calibration, comparing, templates
from matching.indexing import subject
from matching.models import Face, FaceModel

# Two photos of a case are one picture where their faces are this alike and so few of the 64 bits of their hashes
# differ: a picture that was saved anew, at another size or quality, differs in up to four.
SAME_FACE = 0.95
SAME_BITS = 4
# The share of strangers that are as alike as two faces that are taken for one person's in a case.
AGREE = 1e-4

By = Face.ChosenBy
SURE = (By.ONLY, By.FILE, By.PERSON)


class NotAFaceOfThePhoto(Exception):
    """A face cannot be the case's person; the text says why."""


@dataclass
class _Seen:
    """A face as far as choosing among a photo's needs it."""

    pk: int
    case: int
    photo: int
    box: Box
    is_subject: bool
    chosen_by: str
    doubt: float
    wire: bytes


# The photos of a case, in order, with their faces by position.
_Photos = dict[int, list[_Seen]]


def settle(model: FaceModel, case_ids: Iterable[int], fresh: Collection[int] = ()) -> None:
    """Choose the subject of each photo of some cases in the light of the others, and fold their templates.

    fresh: photos that have just been indexed; one that is another's twin is left out.
    """
    wanted = set(case_ids)
    with transaction.atomic():
        templates.lock_cases(wanted)
        cases: dict[int, _Photos] = defaultdict(lambda: defaultdict(list))
        for face in _seen(Face.objects.filter(model=model, case__in=wanted)):
            cases[face.case][face.photo].append(face)
        changed = [face for photos in cases.values() if _has_choice(photos) for face in _choose(model, photos)]
        if changed:
            # Off before on: one photo never has two.
            Face.objects.filter(pk__in=[face.pk for face in changed]).update(is_subject=False, chosen_by="", doubt=0)
            chosen = [
                Face(pk=face.pk, is_subject=True, chosen_by=face.chosen_by, doubt=face.doubt)
                for face in changed
                if face.is_subject
            ]
            Face.objects.bulk_update(chosen, ["is_subject", "chosen_by", "doubt"])
        if model.is_active:
            _leave_out_twins([photos for photos in cases.values() if len(photos) > 1], set(fresh))
            _word(faces for photos in cases.values() for faces in photos.values())
        templates.rebuild(model, wanted)


def word(model: FaceModel, photo_ids: Collection[int]) -> None:
    """Say on each photo how the face that is searched was chosen."""
    photos: _Photos = defaultdict(list)
    for face in _seen(Face.objects.filter(model=model, photo__in=photo_ids)):
        photos[face.photo].append(face)
    _word(photos.values())


def choose_subject(face: Face) -> None:
    """Say which face of a photo is the case's person: another one, or a confirmation of the one that was chosen."""
    with transaction.atomic():
        photo = Photo.objects.select_for_update().get(pk=face.photo_id)
        if not photo.is_searched:
            raise NotAFaceOfThePhoto("This photo is kept, not searched. Change its view first.")
        # Under the model that the gallery is being changed over to as well, where it has looked at the photo already.
        for model in [
            face.model,
            *FaceModel.objects.filter(Q(is_next=True) | Q(is_second=True)).exclude(pk=face.model_id),
        ]:
            faces = Face.objects.filter(photo=photo, model=model)
            boxes = {f.pk: (f.left, f.top, f.right, f.bottom) for f in faces.defer("embedding", "landmarks")}
            said = subject.sure(list(boxes.values()), (face.left, face.top, face.right, face.bottom))
            if said.by == By.PERSON:
                faces.update(is_subject=False, chosen_by="", doubt=0)
                faces.filter(pk=list(boxes)[said.faces[0]]).update(is_subject=True, chosen_by=By.PERSON)
                settle(model, [photo.case_id])
    face.refresh_from_db()
    comparing.compare_face(face)


def take_back(photo: Photo, model: FaceModel) -> None:
    """Forget what a person said of a photo's faces; the product chooses again."""
    with transaction.atomic():
        Photo.objects.select_for_update().get(pk=photo.pk)
        for said in Face.objects.filter(photo=photo, chosen_by=By.PERSON).select_related("model"):
            # Under every model: what is chosen is one thing.
            alone = not Face.objects.filter(photo=photo, model=said.model).exclude(pk=said.pk).exists()
            Face.objects.filter(pk=said.pk).update(is_subject=alone, chosen_by=By.ONLY if alone else "")
            settle(said.model, [photo.case_id])
    for face in Face.objects.filter(photo=photo, model=model, is_subject=True).select_related("model"):
        comparing.compare_face(face)


def describe(chosen_by: str, faces: int) -> str:
    """What a photo says of the choice among its faces; empty where there was none to make."""
    words = {
        By.AGREEMENT: "the one like the case's other photos is searched",
        By.POSITION: "the most central is searched",
        By.FILE: "the picture's file names the one that is the person",
        By.EITHER: "nothing tells which is the person, so more than one is searched",
    }
    chosen = words.get(By(chosen_by))
    return f"{faces} faces: {chosen}." if chosen else ""


def _seen(faces: QuerySet[Face]) -> Iterable[_Seen]:
    rows = faces.annotate(wire=templates.wire()).order_by("photo", "position")
    for pk, case, photo, left, top, right, bottom, is_subject, chosen_by, doubt, wire in rows.values_list(
        "pk", "case_id", "photo_id", "left", "top", "right", "bottom", "is_subject", "chosen_by", "doubt", "wire"
    ):
        yield _Seen(pk, case, photo, (left, top, right, bottom), is_subject, chosen_by, doubt, wire)


def _has_choice(photos: _Photos) -> bool:
    return any(len(faces) > 1 and not any(face.chosen_by in SURE for face in faces) for faces in photos.values())


def _choose(model: FaceModel, photos: _Photos) -> Iterable[_Seen]:
    """The faces of one case for which the choice is another than before."""
    pictures = []
    for faces in photos.values():
        embeddings, _ = poor.without(templates.numbers(face.wire for face in faces), model.direction)
        sure = tuple(number for number, face in enumerate(faces) if face.chosen_by in SURE)
        by = faces[sure[0]].chosen_by if sure else ""
        pictures.append(subject.Picture([face.box for face in faces], embeddings, subject.Choice(sure, by)))
    choices = subject.choose(pictures, calibration.shipped(model).non_mates.similarity(AGREE))
    for faces, choice in zip(photos.values(), choices, strict=True):
        for number, face in enumerate(faces):
            mine = number in choice.faces
            new = (mine, choice.by if mine else "", choice.doubt if mine else 0.0)
            if new != (face.is_subject, face.chosen_by, face.doubt):
                face.is_subject, face.chosen_by, face.doubt = new
                yield face


def _leave_out_twins(cases: Iterable[_Photos], fresh: set[int]) -> None:
    """A fresh photo that is the same picture as another of its case is searched once: its faces go."""
    candidates = {photo for photos in cases for photo in photos if photo in fresh}
    if not candidates:
        return
    among = {photo for photos in cases for photo in photos}
    shown = {photo.pk: photo for photo in Photo.objects.filter(pk__in=among)}
    for photos in cases:
        one = {photo: faces for photo, faces in photos.items() if sum(face.is_subject for face in faces) == 1}
        # The later one first: of two new twins the earlier stays.
        for photo in [photo for photo in reversed(one) if photo in fresh]:
            twin = next((other for other in one if other != photo and _same_picture(shown, one, photo, other)), None)
            if twin is not None:
                Face.objects.filter(pk__in=[face.pk for face in photos.pop(photo)]).delete()
                del one[photo]
                Photo.objects.filter(pk=photo).update(
                    status=Photo.Status.DUPLICATE,
                    status_note=f"The same picture as {shown[twin]}; it is searched once."[:300],
                    duplicate_of=twin,
                )


def _same_picture(shown: dict[int, Photo], faces: _Photos, a: int, b: int) -> bool:
    if images.bits_apart(shown[a].picture_hash, shown[b].picture_hash) > SAME_BITS:
        return False
    one, other = templates.numbers(next(f.wire for f in faces[photo] if f.is_subject) for photo in (a, b))
    return float(one @ other) > SAME_FACE


def _word(photos: Iterable[list[_Seen]]) -> None:
    notes: dict[str, list[int]] = defaultdict(list)
    for faces in photos:
        if chosen := next((face for face in faces if face.is_subject), None):
            notes[describe(chosen.chosen_by, len(faces))].append(chosen.photo)
    for note, ids in notes.items():
        shown = Photo.objects.filter(pk__in=ids, status=Photo.Status.INDEXED)
        shown.exclude(status_note=note).update(status_note=note)
