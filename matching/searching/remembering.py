"""What was said of a face and a case before, when the same face comes again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.gallery import calibration
from matching.gallery import search as gallery
from matching.models import Candidate, FaceModel, Probe

# Two pictures are taken for one person's where so few non-mates are as alike (by the shipped curves), and where the
# later one is as like the earlier as it is like the case: somebody like a look-alike may be the person looked for.
SAME_PERSON = 1e-6
# Half precision moves a similarity by less.
ROUNDING = 0.01


def same_face(
    model: FaceModel, face: Embeddings, known: Embeddings, similarity_to_case: float, fmr: float = SAME_PERSON
) -> int | None:
    """Which of some faces a later one is, for sure: its index, or None.

    face: (d,), known: (n, d) float32, unit length, of one model. fmr: how small a share of non-mates may be taken for
    one person. Measured in docs/accuracy.md, "Seen before".
    """
    if not len(known):
        return None
    cleaned, poorness = poor.without(np.vstack([face[None], known]), model.direction)
    similarities = cleaned[1:] @ cleaned[0] - calibration.allowance(poorness[1:], poorness[:1])
    best = int(similarities.argmax())
    least = max(calibration.shipped(model).non_mates.similarity(fmr), similarity_to_case - ROUNDING)
    return best if similarities[best] >= least else None


def numbers(embeddings: Iterable[Sequence[float]]) -> Embeddings:
    """Embeddings as the database gives them, as (n, d) float32."""
    return np.array([np.asarray(one, np.float32) for one in embeddings], np.float32)


def decided_before(found: Sequence[tuple[Probe, Sequence[gallery.Hit]]]) -> dict[tuple[int, int], int]:
    """By probe and case, the candidate of an earlier search of the same face on which somebody has decided: its id."""
    model = found[0][0].model
    cases = {hit.case_id for _, hits in found for hit in hits}
    earlier = Candidate.objects.filter(case__in=cases, probe__model=model, probe__search__isnull=False)
    by_case: dict[int, list[tuple[int, Sequence[float]]]] = defaultdict(list)
    decided = earlier.exclude(decision=Candidate.Decision.OPEN).order_by("-pk")
    for pk, case, embedding in decided.values_list("pk", "case_id", "probe__embedding"):
        by_case[case].append((pk, embedding))
    same = {}
    for probe, hits in found:
        for hit in hits:
            if rows := by_case.get(hit.case_id):
                face = np.asarray(probe.embedding, np.float32)
                known = numbers(embedding for _, embedding in rows)
                which = same_face(model, face, known, hit.similarity - hit.allowance)
                if which is not None:
                    same[probe.pk, hit.case_id] = rows[which][0]
    return same
