"""What each case is searched by: the mean of its subject faces, kept true as they come, go and change."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import BinaryField, Exists, Expression, F, Func, OuterRef

from cases.models import Case, Photo
from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.faces.engines.base import unit_length
from matching.gallery import calibration, signs
from matching.models import Face, FaceModel, OddPhoto, Template

# A face is unlike its case's others where more than this share of strangers are as much like them: it then stands
# alone, so that a case with photos of two people, or years apart, is found by each.
APART = 2e-3
BATCH = 2000


def rebuild(model: FaceModel, case_ids: Iterable[int]) -> None:
    """Make the templates of some cases anew from their faces. May run twice."""
    wanted = sorted(set(case_ids))
    with transaction.atomic():
        lock_cases(wanted)
        odd = OddPhoto.objects.filter(photo=OuterRef("photo"), face=OuterRef("pk"), decision="")
        faces = Face.objects.filter(model=model, case__in=wanted, is_subject=True).order_by("case", "pk")
        by_case: dict[int, list[tuple[bytes, str, bool]]] = defaultdict(list)
        for case_id, chosen_by, is_odd, kind, embedding in faces.annotate(is_odd=Exists(odd), wire=wire()).values_list(
            "case_id", "chosen_by", "is_odd", "photo__kind", "wire"
        ):
            by_case[case_id].append((embedding, kind, is_odd or chosen_by == Face.ChosenBy.EITHER))
        Template.objects.filter(model=model, case__in=wanted).delete()
        Template.objects.bulk_create(
            (
                Template(model=model, case_id=case_id, is_main=not position, **columns)
                for case_id, rows in by_case.items()
                for position, columns in enumerate(
                    made_of(
                        model,
                        numbers(wire for wire, _, _ in rows),
                        [is_alone for _, _, is_alone in rows],
                        [kind for _, kind, _ in rows],
                    )
                )
            ),
            batch_size=BATCH,
        )


def lock_cases(case_ids: Iterable[int]) -> None:
    """Until the transaction ends: one at a time for each case, so that of two photos the later sees the earlier."""
    cases = Case.objects.select_for_update(no_key=True).filter(pk__in=set(case_ids)).order_by("pk")
    list(cases.values_list("pk"))


def rebuild_all(model: FaceModel) -> None:
    """The same for every case, a few at a time."""
    last = 0
    while ids := list(Case.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rebuild(model, ids)
        last = ids[-1]


def fold(embeddings: Embeddings, alone: Sequence[bool], unlike: float, kinds: Sequence[str] = ()) -> list[list[int]]:
    """Which of a case's faces make each of its templates, the main one first: of photographs, where there are any.

    embeddings: (n, d) float32, unit length. alone: faces that count in no mean. unlike: a face less similar than this
    to the mean of the others stands alone too. kinds: of the faces' pictures; all photographs if empty.
    """
    drawn = [bool(kinds) and kinds[i] != Photo.Kind.PHOTOGRAPH for i in range(len(embeddings))]
    together = [i for i in range(len(embeddings)) if not alone[i] and not drawn[i]]
    if len(together) > 1:
        total = embeddings[together].sum(axis=0)
        rest = unit_length(total - embeddings[together])
        similar = np.sum(rest * embeddings[together], axis=1)
        together = [i for i, similarity in zip(together, similar, strict=True) if similarity >= unlike]
    apart = [[i] for i in sorted(range(len(embeddings)), key=drawn.__getitem__) if i not in together]
    return [together, *apart] if together else apart


def wire(field: str = "embedding") -> Expression:
    """An embedding as PostgreSQL sends it: a list of Python numbers for each face would take most of the time."""
    return Func(F(field), function="halfvec_send", output_field=BinaryField())


def numbers(wire: Iterable[bytes]) -> Embeddings:
    """(n, d) float32 from halfvecs' wire form: the length and an unused number in two bytes each, then half floats."""
    return np.stack([np.frombuffer(row, ">f2", offset=4).astype(np.float32) for row in wire])


def made_of(
    model: FaceModel, raw: Embeddings, alone: Sequence[bool], kinds: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """The templates of a case with these faces, the main one first: embedding, bits, poorness, number of faces, kind.

    raw: (n, d) float32, unit length, as the engine gave them. alone: faces that count in no mean. kinds: of the faces'
    pictures; all photographs if empty.
    """
    cleaned, poorness = poor.without(raw, model.direction)
    unlike = calibration.shipped(model).non_mates.similarity(APART)
    for faces in fold(cleaned, alone, unlike, kinds):
        mean = unit_length(cleaned[faces].mean(axis=0, keepdims=True))
        bits = signs.text(signs.signs(mean)[0])
        yield {
            "embedding": mean[0],
            "bits": bits,
            "poorness": float(poorness[faces].mean()),
            "faces": len(faces),
            "kind": kinds[faces[0]] if kinds else Photo.Kind.PHOTOGRAPH,
        }
