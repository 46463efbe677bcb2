"""A search asked of a second face model too: each candidate's rank and similarity by both, where they disagree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Q

from cases.fair_use import may_search
from cases.filters import SearchedCases
from cases.models import Case
from matching.faces import face_models
from matching.faces.engines import DetectedFace, overlap
from matching.gallery import calibration, strengths
from matching.gallery import search as gallery
from matching.models import Candidate, FaceModel, Probe, Search
from matching.searching.pictures import CANDIDATES, keep_candidates, open_again
from matching.searching.workbench import WORDS

# Boxes of two detectors that overlap more are around one face.
SAME_FACE = 0.3


class NoSecondModel(Exception):
    def __init__(self) -> None:
        super().__init__(
            "No second face model is kept beside the one in use. An administrator runs: manage.py models second MODEL"
        )


@dataclass(frozen=True)
class Second:
    """What the second model says of a candidate. rank: None beyond its list. differs: whether one of the two finds
    the likeness worth a look and the other does not."""

    rank: int | None
    similarity: float
    strength: calibration.Strength
    differs: bool


def model() -> FaceModel | None:
    return FaceModel.objects.filter(is_second=True).first()


def ask(search: Search, user: User | None) -> None:
    """Search every face of a picture by the second model too, and keep what it says beside the first one's.

    Cases that only the second finds worth a look become candidates as well. Raises `NoSecondModel`, `ImageRefused`,
    `EngineUnavailable`, `FileNotFoundError`, `SearchRefused`; then nothing is changed.
    """
    collections = may_search(user, search.collections.all(), purpose=search.purpose, reference=search.reference)
    second = model()
    if second is None:
        raise NoSecondModel
    rgb = open_again(search).rgb
    faces = face_models.find_faces(face_models.engine(second), rgb, thorough=True)
    among = [collection.pk for collection in collections] or None
    narrowed = SearchedCases(search.filters).qs if search.filters else None
    size, measured = gallery.size(second, among, narrowed), calibration.latest(second)
    calibrated = calibration.by(second, measured)
    with transaction.atomic():
        Candidate.objects.filter(probe__search=search).update(second_rank=None, second_similarity=None)
        for probe in search.probes.select_related("model"):
            face = _same_face(probe, faces, rgb.shape[:2])
            if face is not None:
                hits = gallery.search(second, face.embedding, collections=among, cases=narrowed, limit=CANDIDATES)
                _keep(probe, hits, second, face, size, calibrated)
        search.second, search.second_measurement, search.second_size = second, measured, size
        search.save(update_fields=["second", "second_measurement", "second_size"])


def of(candidate: Candidate, search: Search, first: calibration.Strength) -> Second | None:
    """first: what the active model's likeness is worth. None where the second was not asked or has no face."""
    if search.second is None or candidate.second_similarity is None:
        return None
    strength = strengths.of_second(candidate)
    measured = calibration.UNMEASURED not in (strength.word, first.word)
    differs = measured and (strength.word in WORDS) != (first.word in WORDS)
    return Second(candidate.second_rank, candidate.second_similarity, strength, differs)


def _same_face(probe: Probe, faces: Sequence[DetectedFace], size: tuple[int, ...]) -> DetectedFace | None:
    """The face that the second detector sees where the first saw the probe."""
    height, width = size
    box = (probe.left * width, probe.top * height, probe.right * width, probe.bottom * height)
    best = max(faces, key=lambda face: overlap(face.box, box), default=None)
    return best if best is not None and overlap(best.box, box) > SAME_FACE else None


def _keep(
    probe: Probe,
    hits: Sequence[gallery.Hit],
    second: FaceModel,
    face: DetectedFace,
    size: int,
    calibrated: calibration.Calibration,
) -> None:
    known = {candidate.case_id: candidate for candidate in probe.candidates.all()}
    ranks = {hit.case_id: rank for rank, hit in enumerate(hits, start=1)}
    worth = [
        hit.case_id
        for hit in hits
        if calibration.strength(calibrated, hit.similarity, size, hit.allowance, hit.commonness).word in WORDS
    ]
    _add(probe, [case for case in worth if case not in known])
    missing = Case.objects.filter(pk__in=[case for case in known if case not in ranks])
    common = hits[0].commonness if hits else 0.0
    beyond = []
    if missing.exists():
        beyond = gallery.search(second, face.embedding, cases=missing, limit=max(len(known), 1), common=common)
    said = {hit.case_id: hit for hit in [*hits, *beyond]}
    changed = []
    for candidate in Candidate.objects.filter(Q(probe=probe), case__in=said):
        hit = said[candidate.case_id]
        candidate.second_rank = ranks.get(candidate.case_id)
        candidate.second_similarity, candidate.second_allowance = hit.similarity, hit.allowance
        candidate.second_commonness = hit.commonness
        strengths.judge_second(candidate, calibrated, size, hit.found_by)
        changed.append(candidate)
    said_of = [
        "second_rank", "second_similarity", "second_allowance", "second_commonness", "second_strength",
        "second_strength_why",
    ]  # fmt: skip
    Candidate.objects.bulk_update(changed, said_of)


def _add(probe: Probe, cases: Sequence[int]) -> None:
    """Cases that only the second model proposes, with what the first says of them."""
    if not cases:
        return
    embedding = np.asarray(probe.embedding, np.float32)
    wanted = Case.objects.filter(pk__in=cases)
    said = probe.candidates.aggregate(last=Max("rank"), common=Max("commonness"))
    hits = gallery.search(probe.model, embedding, cases=wanted, limit=len(cases), common=said["common"] or 0.0)
    last = said["last"] or 0
    keep_candidates(probe, hits, first=last + 1)
