"""What people say of unnamed people: two are one, one is two, who they are to us; and the case that is made of one."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db import transaction

from cases import locks
from cases.models import Case, Collection, PhotoAlreadyThere, add_photo
from cases.visibility import visible
from matching.faces import images
from matching.faces.images import ImageRefused
from matching.models import UnnamedFace, UnnamedPerson
from matching.searching import shots
from matching.searching.evidence import EvidenceRefused
from matching.unnamed.grouping import LOCK, renew

# So many photos a case is begun with: the best, which say all that the others do.
PHOTOS = 5
# Around a face of a batch, in faces on each side: as much as tells hair and shoulders.
SURROUNDINGS = 1.0


class HandRefused(Exception):
    """It cannot be done; the text says why, and what to do."""


def merge(into: UnnamedPerson, other: UnnamedPerson) -> None:
    """Two are one: the second's faces become the first's, who keeps mark and note where it has them."""
    if into.pk == other.pk:
        raise HandRefused("Choose another person: this is the same.")
    if into.model_id != other.model_id:
        raise HandRefused("One of the two was grouped under a former face model, so the two can't be one.")
    with transaction.atomic():
        locks.wait_for(LOCK)
        other.faces.filter(joined_from=None).update(joined_from=other.pk)
        other.faces.update(person=into)
        into.mark, into.note = into.mark or other.mark, into.note or other.note
        into.case, into.is_settled = into.case or other.case, True
        into.save(update_fields=["mark", "note", "case", "is_settled"])
        other.delete()
        renew([into.pk])


def split(person: UnnamedPerson, faces: Iterable[UnnamedFace]) -> UnnamedPerson:
    """Some of the faces show somebody else. Returns who that is."""
    chosen = {face.pk for face in faces}
    with transaction.atomic():
        locks.wait_for(LOCK)
        own = person.faces.filter(pk__in=chosen)
        if not own.exists():
            raise HandRefused("Choose the faces that show somebody else.")
        if own.count() == person.faces.count():
            raise HandRefused("Leave one face at least: all of them are one person already.")
        other = UnnamedPerson.objects.create(model=person.model, embedding=person.embedding, is_settled=True)
        own.update(person=other, joined_from=None)
        UnnamedPerson.objects.filter(pk=person.pk).update(is_settled=True)
        renew([person.pk, other.pk])
    return other


def say(person: UnnamedPerson, mark: str, note: str) -> None:
    """Who they are to us: staff, of interest, or nobody in particular. From then on the night only adds to them."""
    person.mark, person.note, person.is_settled = mark, note, True
    person.save(update_fields=["mark", "note", "is_settled"])


def begin_case(person: UnnamedPerson, collection: Collection, user: User) -> Case:
    """Open a case, or a known person, with the best pictures that this user sees. Raises `HandRefused`."""
    if person.case is not None:
        raise HandRefused(f"{person.case.number} was made of this person already.")
    faces = visible(UnnamedFace, user).filter(person=person).exclude(probe__capture__image="")
    best = faces.order_by("probe__poorness", "-probe__size").select_related("probe__capture__camera", "probe__search")
    with transaction.atomic():
        case = Case.begin(collection)
        kept = 0
        for face in best[:PHOTOS]:
            try:
                add_photo(case, _picture(face), _name(face), uploaded_by=user)
            except (EvidenceRefused, ImageRefused, OSError, PhotoAlreadyThere):
                continue
            kept += 1
        if not kept:
            raise HandRefused("None of the pictures is here any more, so no case was made.")
        person.case, person.is_settled = case, True
        person.save(update_fields=["case", "is_settled"])
    return case


def _picture(face: UnnamedFace) -> bytes:
    """What a camera sent; of a batch's picture the face with its surroundings, for others may stand in it."""
    probe = face.probe
    if probe.capture is not None:
        with probe.capture.image.open() as file:
            return bytes(file.read())
    if (shot := shots.best([probe.pk]).get(probe.pk)) is None:
        raise EvidenceRefused("Its picture is gone.")
    box = (shot.left, shot.top, shot.right, shot.bottom)
    return images.to_jpeg(images.crop(shots.picture(shot), box, SURROUNDINGS))


def _name(face: UnnamedFace) -> str:
    where = face.probe.capture or f"{face.probe.search} at {face.at:%Y-%m-%d %H:%M:%S}"
    return f"{where}.jpg".replace(":", "-")
