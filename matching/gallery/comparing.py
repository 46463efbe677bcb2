"""The gallery compared with itself: cases that may be one person, and photos that may show another.

Each new face is compared with every face there is, exhaustively, in blocks that keep memory flat.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from cases.models import Photo
from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.gallery import calibration, templates
from matching.models import CasePair, Face, FaceModel, OddPhoto

# As the share of non-mates that reach a similarity, by the shipped curves, which no doubtful pair of this gallery
# bends: two cases are shown as possibly one person above the first, a photo as more like another case's above the
# second, and as unlike its own case's others below the third.
ONE_PERSON, ANOTHERS, UNLIKE = 1e-8, 1e-6, 5e-2
# How much more alike another case's photo must be, so that a hair's breadth is no finding.
CLEARLY = 0.05
# Faces of the gallery that are looked at together, and new ones that are compared with them: memory is their product.
BLOCK, NEW = 1000, 2000
CASES_A_FACE = 3


@dataclass(frozen=True)
class Block:
    """faces, cases, photos: (n,) ids. embeddings: (n, d) float32, unit length. poorness: (n,) float32."""

    faces: NDArray[np.int64]
    cases: NDArray[np.int64]
    photos: NDArray[np.int64]
    embeddings: Embeddings
    poorness: NDArray[np.float32]


@dataclass
class Best:
    """What was found for one new face: its most alike face of the same case and of others, best first."""

    face: int
    photo: int
    case: int
    own: tuple[float, int] | None
    others: list[tuple[float, int, int]]  # similarity, face, case


def compare_new(model: FaceModel, must_stop: Callable[[], bool] = lambda: False) -> None:
    """Compare every face that came since the last time. May be stopped and run again: it goes on where it was."""
    model.refresh_from_db()
    new = _subjects(model).filter(pk__gt=model.compared_to)
    for block in _blocks(model, new, NEW):
        bests = _best(model, block, _blocks(model, _subjects(model), BLOCK))
        if must_stop():
            return
        _note(model, bests)
        model.compared_to = int(block.faces[-1])
        model.save(update_fields=["compared_to"])


def compare_face(face: Face) -> None:
    """Compare one face at once."""
    if face.photo.kind != Photo.Kind.PHOTOGRAPH:
        return
    model = face.model
    (block,) = _blocks(model, Face.objects.filter(pk=face.pk), 1)
    _note(model, _best(model, block, _blocks(model, _subjects(model), BLOCK)))


def _subjects(model: FaceModel) -> QuerySet[Face]:
    """A sketch that is unlike its case's photographs is no oddity, and one like another case's says little."""
    return Face.objects.filter(model=model, is_subject=True, photo__kind=Photo.Kind.PHOTOGRAPH)


def _blocks(model: FaceModel, faces: QuerySet[Face], size: int) -> Iterator[Block]:
    last = 0
    rows = faces.annotate(wire=templates.wire()).order_by("pk").values_list("pk", "case_id", "photo_id", "wire")
    while portion := list(rows.filter(pk__gt=last)[:size]):
        ids, cases, photos, wires = zip(*portion, strict=True)
        last = ids[-1]
        embeddings, poorness = poor.without(templates.numbers(wires), model.direction)
        yield Block(np.array(ids), np.array(cases), np.array(photos), embeddings, poorness)


def _best(model: FaceModel, new: Block, gallery: Iterable[Block]) -> list[Best]:
    new_poor = np.flatnonzero(new.poorness > calibration.POOR_FROM)
    found = [
        Best(int(face), int(photo), int(case), None, [])
        for face, photo, case in zip(new.faces, new.photos, new.cases, strict=True)
    ]
    for block in gallery:
        similarities = new.embeddings @ block.embeddings.T
        poor_ones = np.ix_(new_poor, np.flatnonzero(block.poorness > calibration.POOR_FROM))
        similarities[poor_ones] -= calibration.allowance(new.poorness[poor_ones[0]], block.poorness[poor_ones[1]])
        same_case = new.cases[:, None] == block.cases[None, :]
        same_photo = new.photos[:, None] == block.photos[None, :]
        own = np.where(same_case & ~same_photo, similarities, -2)
        similarities[same_case] = -2
        for row, column in enumerate(own.argmax(axis=1)):
            value = float(own[row, column])
            if value > (found[row].own or (-2.0, 0))[0]:
                found[row].own = (value, int(block.faces[column]))
        top = np.argsort(-similarities, axis=1)[:, :CASES_A_FACE] if len(block.faces) <= CASES_A_FACE else (
            np.argpartition(-similarities, CASES_A_FACE, axis=1)[:, :CASES_A_FACE]
        )  # fmt: skip
        for row, columns in enumerate(top):
            best = found[row]
            best.others += [
                (float(similarities[row, c]), int(block.faces[c]), int(block.cases[c]))
                for c in columns
                if similarities[row, c] > -2
            ]
            best.others = sorted(best.others, reverse=True)[:CASES_A_FACE]
    return found


def _note(model: FaceModel, bests: Sequence[Best]) -> None:
    non_mates = calibration.shipped(model).non_mates
    one_person, anothers, unlike = map(non_mates.similarity, (ONE_PERSON, ANOTHERS, UNLIKE))
    pairs: dict[tuple[int, int], CasePair] = {}
    for best in bests:
        for similarity, face, case in best.others:
            if similarity >= one_person:
                pair = _pair(best, similarity, face, case)
                known = pairs.get((pair.first_id, pair.second_id))
                if known is None or (known.similarity or -1.0) < similarity:
                    pairs[pair.first_id, pair.second_id] = pair
    _write_pairs(pairs)
    changed = _write_oddities(
        [best.photo for best in bests], [o for best in bests if (o := _oddity(best, one_person, anothers, unlike))]
    )
    # An odd photo does not count in its case's template until somebody has decided.
    templates.rebuild(model, {best.case for best in bests if best.photo in changed})


def _pair(best: Best, similarity: float, face: int, case: int) -> CasePair:
    (first, first_face), (second, second_face) = sorted([(best.case, best.face), (case, face)])
    return CasePair(
        first_id=first,
        second_id=second,
        first_face_id=first_face,
        second_face_id=second_face,
        similarity=similarity,
    )


def _write_pairs(pairs: dict[tuple[int, int], CasePair]) -> None:
    """Keep new pairs; an undecided one takes the better faces. What people have decided stays."""
    known = CasePair.objects.filter(first__in={a for a, _ in pairs}, second__in={b for _, b in pairs})
    better = []
    for old in known:
        new = pairs.pop((old.first_id, old.second_id), None)
        faces_gone = old.first_face_id is None or old.second_face_id is None
        if new is not None and not old.decision and (faces_gone or (new.similarity or -1.0) > (old.similarity or -1.0)):
            old.similarity, old.first_face_id, old.second_face_id = (
                new.similarity, new.first_face_id, new.second_face_id,
            )  # fmt: skip
            better.append(old)
    CasePair.objects.bulk_update(better, ["similarity", "first_face", "second_face"], batch_size=1000)
    CasePair.objects.bulk_create(pairs.values(), ignore_conflicts=True, batch_size=1000)


def _write_oddities(photos: Sequence[int], odd: Sequence[OddPhoto]) -> set[int]:
    """Bring the photos' rows up to date; what people have decided stays. Returns the photos that became odd or even."""
    fields = ["face", "own_face", "own_similarity", "other_face", "other_similarity"]
    known = {old.photo_id: old for old in OddPhoto.objects.filter(photo__in=photos)}
    changed = []
    for new in odd:
        old = known.pop(new.photo_id, None)
        if old is not None and not old.decision:
            new.pk = old.pk
            changed.append(new)
    OddPhoto.objects.bulk_update(changed, fields, batch_size=1000)
    OddPhoto.objects.bulk_create((new for new in odd if new.pk is None), ignore_conflicts=True, batch_size=1000)
    even = [old for old in known.values() if not old.decision]
    OddPhoto.objects.filter(pk__in=[old.pk for old in even]).delete()
    return {new.photo_id for new in odd} | {old.photo_id for old in even}


def _oddity(best: Best, one_person: float, anothers: float, unlike: float) -> OddPhoto | None:
    if best.own is None:
        return None  # the only photo of its case: there is nothing to be unlike
    other = best.others[0] if best.others else None
    # A photo that is very much like its own case's is right, whoever else has a picture of that person by mistake.
    doubtful = best.own[0] < one_person
    mistaken = doubtful and other is not None and other[0] >= max(anothers, best.own[0] + CLEARLY)
    if best.own[0] >= unlike and not mistaken:
        return None
    return OddPhoto(
        photo_id=best.photo,
        face_id=best.face,
        own_face_id=best.own[1],
        own_similarity=best.own[0],
        other_face_id=other[1] if other and mistaken else None,
        other_similarity=other[0] if other and mistaken else None,
    )
