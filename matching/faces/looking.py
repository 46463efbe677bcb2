"""A picture in which each face counts, looked at as it asks for: upright, turned where that shows more, and in tiles.

A detector sees a picture made small. Faces of a crowd are lost in that, so a large picture in which none or only small
ones were found is looked at in tiles too, at half its own scale. What it costs and finds stands in docs/accuracy.md.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from matching.faces import face_models, images
from matching.faces.engines import MOST_FACES, DetectedFace, Detection, Engine, overlap
from matching.faces.images import OpenedImage, RgbImage

# A face found upright with a lower score may be one that stands on its head; one found turned must have this score and
# so much more than the upright one.
DOUBTFUL, BETTER = 0.65, 0.15
# Tiles' side and by how much they overlap, in pixels: a face that one cuts is whole in the next.
TILE, OVERLAP = 1280, 240
# Nothing smaller is worth a search; a face found smaller than this in the whole look tells that others may be lost.
SMALL = 48
WIDE = 640
SAME_FACE = 0.3
SECONDS = 8.0
NOT_ALL = "It is so large that not all of it could be looked at closely. Cut out what matters."


@dataclass(frozen=True)
class Looked:
    """opened: the picture, turned as it was looked at. faces: best detected first, in its pixels. turned: degrees
    clockwise. note: what whoever sent it should know, in words."""

    opened: OpenedImage
    faces: Sequence[DetectedFace]
    turned: int
    note: str


def look(engine: Engine, content: bytes, *, page: int | None = None) -> Looked:
    """Every face of a picture. page: of a file with several. Raises `ImageRefused`."""
    until = time.monotonic() + SECONDS
    opened = images.open_image(content, page=page)
    with face_models.analysing(opened.rgb):
        found: Sequence[Detection] = engine.detect(opened.rgb, thorough=True)
        degrees, found = best_turn(engine, opened, found)
        opened = images.turned(opened, degrees)
        notes = [opened.note]
        if degrees:
            notes.append(turned_note(degrees))
        if _may_find_more(opened, found):
            more, is_all = _closely(engine, opened, content, page, degrees, until)
            found = _joined(found, more)
            if not is_all:
                notes.append(NOT_ALL)
        if len(found) > MOST_FACES:
            notes.append(f"It shows {len(found)} faces; the {MOST_FACES} best seen were searched. Cut out the others.")
        found = sorted(found, key=lambda face: -face.detection_score)[:MOST_FACES]
        faces = engine.embedded(found)
    return Looked(opened, faces, degrees, " ".join(filter(None, notes)))


def far_faces(engine: Engine, opened: OpenedImage, content: bytes, degrees: int) -> tuple[list[DetectedFace], str]:
    """Of a picture in which no face was found, those that are small in it, best detected first, in its pixels: somebody
    who stands far away. And what to know of it. What is doubtful is left out, for in so much of a picture something
    else may look like a face.

    opened: the picture, turned by so many degrees clockwise. Raises `ImageRefused`.
    """
    if not _may_find_more(opened, ()):
        return [], ""
    with face_models.analysing(opened.rgb):
        found, is_all = _closely(engine, opened, content, None, degrees, time.monotonic() + SECONDS)
        sure = [face for face in found if face.detection_score >= DOUBTFUL]
        best = sorted(sure, key=lambda face: -face.detection_score)[:MOST_FACES]
        return engine.embedded(best), "" if is_all else NOT_ALL


def turned_note(degrees: int) -> str:
    return f"The picture was turned by {degrees}°, for its faces did not stand upright."


def _best(faces: Sequence[Detection]) -> float:
    return max((face.detection_score for face in faces), default=0.0)


def best_turn(engine: Engine, opened: OpenedImage, upright: Sequence[Detection]) -> tuple[int, Sequence[Detection]]:
    """By how many degrees clockwise the picture shows faces best, and those. upright: what was found as it is."""
    if _best(upright) >= DOUBTFUL:
        return 0, upright
    best: tuple[int, Sequence[Detection]] = 0, upright
    for degrees in (180, 90, 270):
        found = engine.detect(images.turned(opened, degrees).rgb, thorough=True)
        if _best(found) >= max(DOUBTFUL, _best(upright) + BETTER, _best(best[1])):
            best = degrees, found
    return best


def _may_find_more(opened: OpenedImage, found: Sequence[Detection]) -> bool:
    longer = max(opened.rgb.shape[:2])
    if longer / opened.scale <= TILE:
        return False
    seen = WIDE / longer
    return not found or min(face.quality.size for face in found) * seen < SMALL


def _closely(
    engine: Engine, opened: OpenedImage, content: bytes, page: int | None, degrees: int, until: float
) -> tuple[list[Detection], bool]:
    """The faces of a picture that is looked at at its own scale, in the pixels in which it is opened, and whether all
    of it was looked at."""
    whole = images.turned(images.open_image(content, whole=True, page=page), degrees)
    found, is_all = _in_tiles(engine, whole.rgb, until)
    return [_shrunk(face, opened.scale / whole.scale) for face in found], is_all


def _in_tiles(engine: Engine, rgb: RgbImage, until: float) -> tuple[list[Detection], bool]:
    """The faces of each part of a picture, in its own pixels, and whether all parts were looked at."""
    found: list[Detection] = []
    height, width = rgb.shape[:2]
    for top, left in ((top, left) for top in _starts(height) for left in _starts(width)):
        if time.monotonic() > until:
            return found, False
        tile = np.ascontiguousarray(rgb[top : top + TILE, left : left + TILE])
        here = [_moved(face, left, top) for face in engine.detect(tile, thorough=True)]
        found = _joined(found, [face for face in here if not _is_cut(face, left, top, width, height)])
    return found, True


def _starts(length: int) -> Iterator[int]:
    """Where tiles begin, evenly, so that they overlap by `OVERLAP` at least."""
    count = 1 if length <= TILE else -(-(length - OVERLAP) // (TILE - OVERLAP))
    yield from (round(i * max(length - TILE, 0) / max(count - 1, 1)) for i in range(count))


def _is_cut(face: Detection, left: int, top: int, width: int, height: int) -> bool:
    """Whether a tile's inner edge runs through a face: the next tile has it whole."""
    edge = 2.0
    x1, y1, x2, y2 = face.box
    return (
        (left > 0 and x1 < left + edge)
        or (top > 0 and y1 < top + edge)
        or (left + TILE < width and x2 > left + TILE - edge)
        or (top + TILE < height and y2 > top + TILE - edge)
    )


def _joined(faces: Sequence[Detection], more: Sequence[Detection]) -> list[Detection]:
    """Each face once, as it was detected best."""
    kept = list(faces)
    for face in more:
        twins = [one for one in kept if overlap(one.box, face.box) > SAME_FACE]
        if all(one.detection_score < face.detection_score for one in twins):
            kept = [one for one in kept if not any(one is twin for twin in twins)] + [face]
    return kept


def _moved(face: Detection, left: int, top: int) -> Detection:
    x1, y1, x2, y2 = face.box
    landmarks = face.landmarks + np.array([left, top], np.float32)
    return replace(face, box=(x1 + left, y1 + top, x2 + left, y2 + top), landmarks=landmarks)


def _shrunk(face: Detection, scale: float) -> Detection:
    x1, y1, x2, y2 = (value * scale for value in face.box)
    quality = replace(face.quality, size=face.quality.size * scale)
    return replace(face, box=(x1, y1, x2, y2), landmarks=face.landmarks * np.float32(scale), quality=quality)
