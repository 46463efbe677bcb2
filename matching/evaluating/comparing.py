"""Labelled faces searched among each other as the product searches, in memory: templates, poor direction, allowances,
commonness.

With roles, mates and strangers are searched among those enrolled. Without, each photo is searched twice: among all the
others, as a mate, and among all other persons, as a stranger.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.evaluating.labelled import ENROL, MATE, STRANGER, Labelled
from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.faces.images import Box
from matching.gallery import calibration, commonness, templates
from matching.gallery.curves import binned, no_counts
from matching.indexing import choosing, subject
from matching.models import Face, FaceModel

BLOCK = 500


@dataclass(frozen=True)
class Seen:
    """A photo with a face. boxes: fractions of the picture. embeddings: (n, d) float32, unit length, n at least 1."""

    photo: Labelled
    boxes: Sequence[Box]
    embeddings: Embeddings

    @property
    def meant(self) -> int:
        """Of several faces the one that an investigator would mean: the most central."""
        return subject.by_position(self.boxes).faces[0]


@dataclass(frozen=True)
class Search:
    """One photo searched. other: the most alike person who it does not show.

    own: similarity to the person's own case; None where they are not enrolled. rank: of that case, from 1. common: what
    the photo has in common with everybody, as a mate, and as a stranger among the others.
    """

    seen: Seen
    other: str
    other_similarity: float
    own: float | None
    rank: int | None
    common: tuple[float, float] = (0.0, 0.0)

    @property
    def alarm(self) -> float:
        """What the most alike other person's likeness is worth, to a stranger."""
        return self.other_similarity - self.common[1]

    @property
    def worth(self) -> float:
        """What the own case's is worth; -2 where there is none."""
        return -2.0 if self.own is None else self.own - self.common[0]


@dataclass
class Pairs:
    """Similarities of photos to cases, counted in the bins between EDGES; by group, of two persons of that group."""

    mates: dict[str, NDArray[np.int64]] = field(default_factory=lambda: defaultdict(no_counts))
    non_mates: dict[str, NDArray[np.int64]] = field(default_factory=lambda: defaultdict(no_counts))


@dataclass(frozen=True)
class _Gallery:
    """people: (m,) names. starts: (m,) where each one's templates begin. embeddings: (t, d). poorness: (t,)."""

    people: list[str]
    starts: NDArray[np.int64]
    embeddings: Embeddings
    poorness: NDArray[np.float32]


def search_all(model: FaceModel, seen: Sequence[Seen]) -> tuple[list[Search], Pairs]:
    """Every search there is to make of these photos, and all pairs. At least two persons are enrolled, or one and a
    stranger."""
    with_roles = any(one.photo.role for one in seen)
    by_person: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        if not with_roles or one.photo.role == ENROL:
            by_person[one.photo.person].append(one)
    gallery = _gallery(model, by_person)
    groups = {one.photo.person: one.photo.group for one in seen}
    probes = [one for one in seen if not with_roles or one.photo.role in (MATE, STRANGER)]
    searches, pairs = [], Pairs()
    columns = {person: column for column, person in enumerate(gallery.people)}
    group_of = np.array([groups[person] for person in gallery.people])
    calibrated = calibration.of(model)
    for block, similarities in _blocks(model, probes, gallery):
        for one, row in zip(block, similarities, strict=True):
            column = columns.get(one.photo.person)
            own = None if column is None else float(row[column])
            if not with_roles:
                own = _own(model, one, by_person[one.photo.person])
            if column is not None:
                row[column] = -2
            best = int(row.argmax())
            rank = None if own is None else 1 + int(np.sum(row > own))
            others = row[row > -2]
            as_stranger = commonness.among_these(calibrated, others)
            as_mate = 0.0 if own is None else commonness.among_these(calibrated, np.append(others, np.float32(own)))
            searches.append(Search(one, gallery.people[best], float(row[best]), own, rank, (as_mate, as_stranger)))
            _count(pairs, one.photo.group, own, row, group_of)
    return searches, pairs


def _gallery(model: FaceModel, by_person: dict[str, list[Seen]]) -> _Gallery:
    people, starts = list[str](), list[int]()
    embeddings, poorness = list[Any](), list[float]()
    for person, photos in by_person.items():
        people.append(person)
        starts.append(len(embeddings))
        for columns in _templates(model, photos):
            embeddings.append(columns["embedding"])
            poorness.append(columns["poorness"])
    return _Gallery(people, np.array(starts), np.array(embeddings), np.array(poorness, np.float32))


def _templates(model: FaceModel, photos: Sequence[Seen]) -> list[dict[str, Any]]:
    """What a case with these photos would be searched by."""
    pictures = [
        subject.Picture(one.boxes, poor.without(one.embeddings, model.direction)[0], subject.sure(one.boxes, None))
        for one in photos
    ]
    choices = subject.choose(pictures, calibration.shipped(model).non_mates.similarity(choosing.AGREE))
    chosen = [
        (one.embeddings[face], choice.by == Face.ChosenBy.EITHER)
        for one, choice in zip(photos, choices, strict=True)
        for face in choice.faces
    ]
    return list(templates.made_of(model, np.array([row for row, _ in chosen]), [alone for _, alone in chosen]))


def _blocks(
    model: FaceModel, probes: Sequence[Seen], gallery: _Gallery
) -> Iterator[tuple[Sequence[Seen], NDArray[np.float32]]]:
    """Some of the probes, and their similarities to each person's most alike template."""
    for first in range(0, len(probes), BLOCK):
        block = probes[first : first + BLOCK]
        raw = np.array([one.embeddings[one.meant] for one in block])
        cleaned, poorness = poor.without(raw, model.direction)
        similarities = cleaned @ gallery.embeddings.T
        similarities -= calibration.allowance(poorness[:, None], gallery.poorness[None, :])
        yield block, np.maximum.reduceat(similarities, gallery.starts, axis=1)


def _own(model: FaceModel, one: Seen, photos: Sequence[Seen]) -> float | None:
    """The similarity to a case of the person's other photos; None where there is none."""
    rest = [other for other in photos if other is not one]
    if not rest:
        return None
    own = _gallery(model, {one.photo.person: rest})
    ((_, similarities),) = _blocks(model, [one], own)
    return float(similarities[0, 0])


def _count(pairs: Pairs, group: str, own: float | None, row: NDArray[np.float32], group_of: NDArray[np.str_]) -> None:
    """row: similarities to every person, -2 for the probe's own."""
    others = row > -2
    for name in {"", group}:
        if own is not None:
            pairs.mates[name] += binned(np.array([own]))
        pairs.non_mates[name] += binned(row[others & (group_of == name)] if name else row[others])
