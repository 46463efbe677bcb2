"""A batch's end: its faces become the persons who were met, and each person a probe that is searched."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from django.db import transaction
from django.db.models import Q

from cases.filters import SearchedCases
from matching.faces import clips, poor
from matching.faces.engines.base import unit_length
from matching.gallery import calibration, kept_faces, templates
from matching.gallery import search as gallery
from matching.models import Batch, Probe, Search, Shot
from matching.models.face import BLURRED
from matching.searching.persons import Appearance, persons
from matching.searching.pictures import CANDIDATES, keep_all_candidates

# A person is searched by the mean of so many of their best shots.
BEST = 3
# Persons that are kept together.
TOGETHER = 50
# A shot is not of the person who was followed where more than this share of strangers are as much like them.
UNLIKE = 1e-2
# Beyond so many pixels a face is no better for being larger.
LARGE = 112
COPIED = [
    "left", "top", "right", "bottom", "landmarks", "detection_score", "size", "sharpness", "yaw", "pitch", "roll",
]  # fmt: skip


def goodness(detection_score: float, size: float, sharpness: float, yaw: float) -> float:
    """How good a picture of a face is, 0..1: large, sharp, frontal and sure."""
    return (
        detection_score
        * min(size / LARGE, 1.0)
        * min((sharpness + BLURRED) / (4 * BLURRED), 1.0)
        * max(0.2, float(np.cos(np.radians(yaw))))
    )


def conclude(batch: Batch) -> None:
    """Tell persons apart and search each. Done anew from the beginning where it was killed."""
    started = time.perf_counter()
    search = batch.search
    search.probes.all().delete()
    shots = [shot for shot in _shots(batch) if not shot.is_too_poor]
    embeddings = _embeddings(shots)
    groups = _one_person(shots, embeddings) if batch.one_person else _persons(search, shots, embeddings)
    among = list(search.collections.values_list("pk", flat=True)) or None
    cases = SearchedCases(search.filters).qs if search.filters else None
    search.gallery_size, search.measurement = gallery.size(search.model, among, cases), calibration.latest(search.model)
    for start in range(0, len(groups), TOGETHER):
        with transaction.atomic():
            met = [
                _probe(search, position, shots, embeddings, groups[position], all_count=batch.one_person)
                for position in range(start, min(start + TOGETHER, len(groups)))
            ]
            Probe.objects.bulk_create(met)
            kept_faces.keep_all(met)
            theirs = []
            for probe, members in zip(met, groups[start:], strict=False):
                for index in members:
                    shots[index].probe = probe
                    theirs.append(shots[index])
            Shot.objects.bulk_update(theirs, ["probe"])
            faces = np.array([np.asarray(probe.embedding, np.float32) for probe in met])
            hits = gallery.search_all(search.model, faces, collections=among, cases=cases, limit=CANDIDATES)
            keep_all_candidates(list(zip(met, hits, strict=True)))
    Search.objects.filter(pk=search.pk).update(
        gallery_size=search.gallery_size,
        measurement=search.measurement,
        milliseconds=round((batch.active_seconds + time.perf_counter() - started) * 1000),
    )


def _probe(
    search: Search,
    position: int,
    shots: Sequence[Shot],
    embeddings: np.ndarray,
    members: Sequence[int],
    *,
    all_count: bool,
) -> Probe:
    """A person, searched by the mean of their best shots, or of all of them."""
    best = sorted(members, key=lambda i: -goodness_of(shots[i]))
    mean = unit_length(embeddings[best if all_count else best[:BEST]].mean(axis=0, keepdims=True))
    _, poorness = poor.without(mean, search.model.direction)
    first = shots[best[0]]
    return Probe(
        search=search,
        position=position,
        model=search.model,
        embedding=mean[0],
        poorness=None if search.model.direction is None else float(poorness[0]),
        crop=first.crop.name,
        **{name: getattr(first, name) for name in COPIED},
    )


def goodness_of(shot: Shot) -> float:
    return goodness(shot.detection_score, shot.size, shot.sharpness, shot.yaw)


def _shots(batch: Batch) -> list[Shot]:
    return list(Shot.objects.filter(file__batch=batch).select_related("model").defer("embedding"))


def _embeddings(shots: Sequence[Shot]) -> np.ndarray:
    wires = Shot.objects.filter(pk__in=[shot.pk for shot in shots]).annotate(wire=templates.wire())
    found = dict(wires.values_list("pk", "wire"))
    return templates.numbers(found[shot.pk] for shot in shots) if shots else np.empty((0, 0), np.float32)


def _persons(search: Search, shots: Sequence[Shot], embeddings: np.ndarray) -> list[list[int]]:
    """By person, the indices of their shots."""
    appearances: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for index, shot in enumerate(shots):
        alone = -1 - index if shot.track is None else shot.track
        appearances[shot.file_id, shot.place, alone].append(index)
    if not appearances:
        return []
    unlike = calibration.of(search.model).non_mates.similarity(UNLIKE)
    groups = [part for group in appearances.values() for part in _parted(group, shots, embeddings, unlike)]
    means = unit_length(np.array([embeddings[group].mean(axis=0) for group in groups]))
    cleaned, poorness = poor.without(means, search.model.direction)
    found = persons(
        [
            Appearance(
                embedding=cleaned[at],
                poorness=float(poorness[at]),
                apart=at_one_time(shots[group[0]]),
                goodness=max(goodness_of(shots[i]) for i in group),
            )
            for at, group in enumerate(groups)
        ],
        calibration.of(search.model),
    )
    return [[index for at in person for index in groups[at]] for person in found]


def _parted(group: Sequence[int], shots: Sequence[Shot], embeddings: np.ndarray, unlike: float) -> Iterator[list[int]]:
    """Shots of one track, without those of somebody who took the followed person's place."""
    best = max(group, key=lambda i: goodness_of(shots[i]))
    own = [i for i in group if float(embeddings[i] @ embeddings[best]) >= unlike]
    yield own
    yield from ([i] for i in group if i not in own)


def at_one_time(shot: Shot) -> frozenset[tuple[int, int, int]]:
    """Marks that whoever was seen at the same time shares: of a picture, or of a clip's moments."""
    if shot.since is None or shot.until is None:
        return frozenset([(shot.file_id, shot.place, -1)])
    moments = range(clips.moment(shot.since), clips.moment(shot.until) + 1)
    return frozenset((shot.file_id, -1, moment) for moment in moments)


def _one_person(shots: Sequence[Shot], embeddings: np.ndarray) -> list[list[int]]:
    """Of pictures of one person, the face in each that is theirs: the only one, or the most like the others'."""
    pictures: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, shot in enumerate(shots):
        pictures[shot.file_id, shot.place].append(index)
    if not pictures:
        return []
    chosen = [max(group, key=lambda i: goodness_of(shots[i])) for group in pictures.values()]
    sure = [group[0] for group in pictures.values() if len(group) == 1]
    mean = embeddings[sure or chosen].mean(axis=0)
    return [[max(group, key=lambda i: float(embeddings[i] @ mean)) for group in pictures.values()]]


def unlike(batch: Batch) -> list[tuple[Shot, float]]:
    """Of pictures of one person, those that are less like the others' mean than strangers sometimes are."""
    shots = list(_shots(batch))
    used = [shot for shot in shots if shot.probe_id is not None]
    if len(used) < 2:
        return []
    embeddings = _embeddings(used)
    least = calibration.of(batch.search.model).non_mates.similarity(templates.APART)
    total = embeddings.sum(axis=0)
    rest = unit_length(total - embeddings)
    similar = np.sum(rest * embeddings, axis=1)
    return [(shot, float(value)) for shot, value in zip(used, similar, strict=True) if value < least]


def not_searched(batch: Batch) -> int:
    """Faces that were too poor to compare, or another's in pictures of one person."""
    return Shot.objects.filter(Q(file__batch=batch), probe=None).count()
