"""A search's faces changed by hand: one added where the detector missed it, one left out."""

from dataclasses import replace

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from cases.fair_use import may_search
from cases.filters import SearchedCases
from matching.faces import face_models, images
from matching.faces import opencv as cv2
from matching.faces.engines import DetectedFace, Engine, overlap
from matching.faces.images import Box, RgbImage
from matching.faces.rows import face_columns
from matching.gallery import kept_faces
from matching.gallery import search as gallery
from matching.models import Probe, Search
from matching.searching.pictures import CANDIDATES, keep_candidates, open_again

# What is drawn is looked at again so large that a face in it has about so many pixels.
CLOSE = 160
# Boxes that overlap more are around one face.
SAME_FACE = 0.4
SMALLEST = 8


class NotAFace(Exception):
    """What was drawn cannot be searched for. The text says why and what to do."""


def add_face(search: Search, box: Box, user: User | None) -> Probe:
    """Search for a face that somebody drew a box around. box: fractions of the picture.

    Raises `NotAFace`, `ImageRefused`, `NoFaceModel`, `EngineUnavailable`, `SearchRefused`; then nothing is changed.
    """
    among = may_search(user, search.collections.all(), purpose=search.purpose, reference=search.reference)
    model = face_models.active()
    if model != search.model:
        raise NotAFace("Another face model is in use since then. Search again, then add the face.")
    opened = open_again(search)
    height, width = opened.rgb.shape[:2]
    if (box[2] - box[0]) * width < SMALLEST or (box[3] - box[1]) * height < SMALLEST:
        raise NotAFace("That box is too small. Draw it around the whole face, from forehead to chin.")
    face = _looked_at_closely(opened.rgb, box, face_models.engine(model))
    found = face.relative_box(opened.rgb)
    for known in search.probes.all():
        if overlap(found, (known.left, known.top, known.right, known.bottom)) > SAME_FACE:
            raise NotAFace("That face is searched already: it is one of the boxes.")
    collections = [collection.pk for collection in among] or None
    cases = SearchedCases(search.filters).qs if search.filters else None
    hits = gallery.search(model, face.embedding, collections=collections, cases=cases, limit=CANDIDATES)
    with transaction.atomic():
        last = search.probes.aggregate(last=Max("position"))["last"]
        probe = Probe.objects.create(
            search=search,
            position=0 if last is None else last + 1,
            **face_columns(model, opened.rgb, face, opened.scale),
        )
        kept_faces.keep(probe)
        keep_candidates(probe, hits)
    return probe


def leave_out(probe: Probe) -> None:
    """Take a face out of its search. Raises `NotAFace` where somebody has decided on one of its candidates."""
    if probe.candidates.exclude(decision="").exists():
        raise NotAFace("Somebody has decided on one of this face's candidates. Undo that first.")
    probe.delete()


def _looked_at_closely(rgb: RgbImage, box: Box, engine: Engine) -> DetectedFace:
    """The face in a box, found in an enlarged cut of the picture, with its place in the whole."""
    height, width = rgb.shape[:2]
    cut = images.crop(rgb, box)
    left = max(0.0, box[0] - (box[2] - box[0]) / 2) * width
    top = max(0.0, box[1] - (box[3] - box[1]) / 2) * height
    scale = CLOSE / max((box[2] - box[0]) * width, (box[3] - box[1]) * height)
    enlarged = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    faces = face_models.find_faces(engine, np.ascontiguousarray(enlarged), thorough=True)
    middle = np.array([(box[0] + box[2]) / 2 * width - left, (box[1] + box[3]) / 2 * height - top]) * scale
    inside = [face for face in faces if np.all(np.abs(_middle(face) - middle) < CLOSE / 2)]
    if not inside:
        raise NotAFace("No face is seen there, even from close. Draw the box around the whole face, forehead to chin.")
    face = min(inside, key=lambda one: float(np.hypot(*(_middle(one) - middle))))
    x1, y1, x2, y2 = face.box
    return replace(
        face,
        box=(x1 / scale + left, y1 / scale + top, x2 / scale + left, y2 / scale + top),
        landmarks=(face.landmarks / scale + np.array([left, top])).astype(np.float32),
        quality=replace(face.quality, size=face.quality.size / scale),
    )


def _middle(face: DetectedFace) -> np.ndarray:
    return np.array([(face.box[0] + face.box[2]) / 2, (face.box[1] + face.box[3]) / 2])
