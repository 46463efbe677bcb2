"""Faces that move in interlaced frames: who is found with the frame as it is, and as it was at one moment."""

import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from benchmarks import labelled
from benchmarks.common import percentiles, table, wanted_models
from matching.faces import engines, images, interlaced
from matching.faces.images import RgbImage
from matching.indexing import subject
from tests import faces

PERSONS = 300
# Of a 150 px photo of the set the face takes so much of the width.
FACE_SHARE = 0.5
FACE_PIXELS, MOVED = (60, 100), (0, 2, 4, 8)


def run() -> None:
    engine = engines.load(wanted_models()[0])
    enrolled = {photo.person: photo for photo in labelled.lfw("enrol")}
    mates = [photo for photo in labelled.lfw("mate") if photo.person in enrolled][:PERSONS]
    names = sorted(enrolled)[:2000]
    names += [photo.person for photo in mates if photo.person not in set(names)]
    gallery = {name: one for name in names if (one := _central(engine, _rgb(enrolled[name]))) is not None}
    matrix, persons = np.array(list(gallery.values())), list(gallery)
    rows = []
    for width in FACE_PIXELS:
        for moved in MOVED:
            frames = [(photo.person, _woven(_rgb(photo), width, moved)) for photo in mates]
            cells = [_found(engine, frames, how, matrix, persons) for how in (lambda rgb: rgb, interlaced.one_moment)]
            changed = sum(interlaced.one_moment(frame) is not frame for _, frame in frames)
            rows.append((f"{width} px", f"{moved} px", *cells, f"{changed} of {len(frames)}"))
    table(
        ("face", "moved between the two", "rank-1, likeness: as it is", "of one moment", "taken for interlaced"), *rows
    )
    frame = np.random.default_rng(0).integers(0, 255, (1080, 1920, 3)).astype(np.uint8)
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        interlaced.one_moment(cv2.GaussianBlur(frame, (0, 0), 3))
        taken.append((time.perf_counter() - began) * 1000)
    print(f"\nA frame of 1920x1080 takes {percentiles(taken)}.")


def _rgb(photo: labelled.Labelled) -> RgbImage:
    return images.open_image(photo.path.read_bytes()).rgb


def _woven(rgb: RgbImage, width: int, moved: int) -> RgbImage:
    """The photo with a face so wide, as a clip holds it."""
    side = round(width / FACE_SHARE)
    frame = faces.woven(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA), moved)
    taken, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])
    assert taken
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)


def _central(engine: engines.Engine, rgb: RgbImage) -> np.ndarray | None:
    seen = engine.faces(rgb)
    return seen[subject.by_position([face.relative_box(rgb) for face in seen]).faces[0]].embedding if seen else None


def _found(
    engine: engines.Engine,
    frames: Sequence[tuple[str, RgbImage]],
    how: Callable[[RgbImage], RgbImage],
    matrix: np.ndarray,
    persons: list[str],
) -> str:
    first, alike = 0, []
    for person, frame in frames:
        if (probe := _central(engine, how(frame))) is None:
            continue
        likenesses = matrix @ probe
        first += persons[int(np.argmax(likenesses))] == person
        alike.append(float(likenesses[persons.index(person)]))
    return f"{first / len(frames):.3f}, {np.mean(alike):.3f}"
