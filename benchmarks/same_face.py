"""Whether a face is known again: look-alikes who were dismissed, and the persons of a batch; on LFW."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks import labelled
from benchmarks.common import fresh_database, table
from matching.faces import engines, images, poor
from matching.gallery import calibration
from matching.indexing import subject
from matching.models import FaceModel
from matching.searching import persons, remembering

RATES = (1e-5, 1e-6, 1e-7, 1e-8)
WRONG = (0.001, 0.01, 0.05)
# What a best case must be like to have raised an alert that was dismissed.
ALIKE = 0.36
SIZES = (1000, 3101)
Embeddings = NDArray[np.float32]


def run() -> None:
    if not labelled.LFW.is_dir():
        print("LFW is not here.")
        return
    model = fresh_database()
    raw, people = _embedded(model)
    cleaned, poorness = poor.without(raw, model.direction)
    _dismissed(model, raw, cleaned, people)
    print()
    _persons(model, cleaned, poorness, people)


def _embedded(model: FaceModel) -> tuple[Embeddings, list[str]]:
    """Each photo's central face, and whose it is."""
    engine, found, people = engines.load(model.source), [], []
    for photo in labelled.lfw("enrol", "enrol_more", "mate", "stranger"):
        rgb = images.open_image(photo.path.read_bytes()).rgb
        if seen := engine.faces(rgb):
            found.append(seen[subject.by_position([face.relative_box(rgb) for face in seen]).faces[0]].embedding)
            people.append(photo.person)
    return np.array(found), people


def _dismissed(model: FaceModel, raw: Embeddings, cleaned: Embeddings, people: Sequence[str]) -> None:
    photos = defaultdict(list)
    for index, person in enumerate(people):
        photos[person].append(index)
    cases = np.array([own[0] for own in photos.values()])
    names = list(photos)
    rows = []
    before = remembering.SAME_PERSON
    for rate in RATES:
        remembering.SAME_PERSON = rate
        folded = again = lost = sought = 0
        for person, own in photos.items():
            captures = own[1:] if len(own) > 2 else own
            if len(captures) < 2:
                continue
            similarities = cleaned[cases] @ cleaned[captures[0]]
            similarities[names.index(person)] = -2
            case = names[int(similarities.argmax())]
            if similarities.max() < ALIKE:
                continue
            photo = photos[case][0]
            for later in captures[1:4]:
                again += 1
                folded += _known(model, raw, captures[0], later, float(cleaned[later] @ cleaned[photo]))
            for theirs in photos[case][1:4]:
                sought += 1
                lost += _known(model, raw, captures[0], theirs, float(cleaned[theirs] @ cleaned[photo]))
        similarity = calibration.shipped(model).non_mates.similarity(rate)
        rows.append((f"{rate:.0e}", f"{similarity:.2f}", f"{folded} of {again}", f"{lost} of {sought}"))
    remembering.SAME_PERSON = before
    table(("FMR", "least similarity", "dismissed look-alikes folded", "persons looked for folded"), *rows)


def _known(model: FaceModel, raw: Embeddings, dismissed: int, later: int, to_case: float) -> bool:
    return remembering.same_face(model, raw[later], raw[dismissed : dismissed + 1], to_case) is not None


def _persons(model: FaceModel, cleaned: Embeddings, poorness: NDArray[np.float32], people: Sequence[str]) -> None:
    random, calibrated, rows = np.random.default_rng(1), calibration.of(model), []
    before = persons.WRONG
    for size in SIZES:
        chosen: list[int] = []
        for person in random.permutation(sorted(set(people))):
            chosen += [index for index, other in enumerate(people) if other == person]
            if len(chosen) >= size:
                break
        met = [
            persons.Appearance(cleaned[i], float(poorness[i]), frozenset([i]), float(random.random())) for i in chosen
        ]
        truth = np.array([people[i] for i in chosen])
        same = np.triu(truth[:, None] == truth[None, :], 1)
        for wrong in WRONG:
            persons.WRONG = wrong
            groups = persons.persons(met, calibrated)
            label = np.empty(len(chosen), int)
            for number, group in enumerate(groups):
                label[group] = number
            joined = (same & (label[:, None] == label[None, :])).sum() / same.sum()
            mixed = sum(len(set(truth[group])) > 1 for group in groups)
            rows.append((f"{len(chosen):,}", f"{len(set(truth)):,}", wrong, f"{len(groups):,}", f"{joined:.0%}", mixed))
    persons.WRONG = before
    table(("faces", "persons", "wrong", "found", "pairs of one person joined", "mixed"), *rows)
