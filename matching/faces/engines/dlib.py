"""dlib's HOG detector and ResNet: a fallback for a machine that cannot get an InsightFace pack.

Public-domain weights from the `face_recognition_models` wheel. It misses more faces and confuses more people.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matching.faces.engines.base import (
    Detection,
    Embeddings,
    Engine,
    EngineUnavailable,
    Recipe,
    measure_quality,
    sha256_of,
    sort_by_score,
    unit_length,
)
from matching.faces.images import RgbImage

# The 68 points' indices that make up each eye; nose tip and mouth corners are single points.
LEFT_EYE, RIGHT_EYE, NOSE, LEFT_MOUTH, RIGHT_MOUTH = slice(36, 42), slice(42, 48), 30, 48, 54
UPSAMPLED_BELOW = 1200


def weights_folder() -> Path:
    """Where the wheel keeps its weights, found without running the package's own code, which needs `pkg_resources`."""
    spec = find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailable("The wheel face_recognition_models is not installed; run `make install` again.")
    return Path(spec.submodule_search_locations[0]) / "models"


class DlibEngine(Engine):
    """HOG detector, 68 landmarks, 128-number ResNet. One call at a time: dlib's objects are not thread-safe."""

    dimensions = 128

    def __init__(self, recipe: Recipe | None = None, threads: int | None = None) -> None:
        import dlib

        # The mean with the mirror image lifts rank-1 by two in a hundred: docs/accuracy.md.
        self.recipe = replace(recipe or Recipe(mirror=True), detector="")

        folder = weights_folder()
        self._dlib = dlib
        self._detector = dlib.get_frontal_face_detector()
        # Aligned by five points the ResNet finds 11 of 20 persons in group photos, by sixty-eight only 8.
        self._alignment = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self._landmarks = dlib.shape_predictor(str(folder / "shape_predictor_68_face_landmarks.dat"))
        weights = folder / "dlib_face_recognition_resnet_model_v1.dat"
        self.fingerprint = sha256_of(weights)
        self._recogniser = dlib.face_recognition_model_v1(str(weights))
        self._lock = threading.Lock()

    def detect(self, rgb: RgbImage, thorough: bool = False) -> list[Detection]:
        # HOG is quick, so it looks for small faces always.
        rgb = np.ascontiguousarray(rgb)
        # HOG sees faces of 80 pixels and more; doubling a small picture finds those of 40.
        upsample = 1 if max(rgb.shape[:2]) <= UPSAMPLED_BELOW else 0
        with self._lock:
            rectangles, scores, _ = self._detector.run(rgb, upsample, 0.0)
            if not len(rectangles):
                return []
            shapes = [self._landmarks(rgb, rectangle) for rectangle in rectangles]
            chips = [self._dlib.get_face_chip(rgb, self._alignment(rgb, rectangle)) for rectangle in rectangles]
        found = []
        for rectangle, score, shape, chip in zip(rectangles, scores, shapes, chips, strict=True):
            points = np.array([(part.x, part.y) for part in shape.parts()], dtype=np.float32)
            landmarks = np.stack(
                [
                    points[LEFT_EYE].mean(axis=0),
                    points[RIGHT_EYE].mean(axis=0),
                    points[NOSE],
                    points[LEFT_MOUTH],
                    points[RIGHT_MOUTH],
                ]
            )
            box = (float(rectangle.left()), float(rectangle.top()), float(rectangle.right()), float(rectangle.bottom()))
            # The margin has no upper end; a face at 0.7 and more is as sure as SCRFD at 0.8.
            likeness = float(1 / (1 + np.exp(-2 * float(score))))
            found.append(Detection(box, landmarks, likeness, measure_quality(rgb, box, landmarks), chip))
        return sort_by_score(found)

    def embed(self, chips: Sequence[NDArray[np.uint8]]) -> Embeddings:
        with self._lock:
            rows = np.array(self._recogniser.compute_face_descriptor(list(chips)), dtype=np.float32)
            if self.recipe.mirror:
                mirrored = [np.ascontiguousarray(chip[:, ::-1]) for chip in chips]
                rows += np.array(self._recogniser.compute_face_descriptor(mirrored), dtype=np.float32)
        return unit_length(rows)
