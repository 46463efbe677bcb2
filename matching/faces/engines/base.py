"""What every face engine gives: faces with box, landmarks, quality and an embedding of unit length."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matching.faces import opencv as cv2
from matching.faces.images import Box, RgbImage

Embeddings = NDArray[np.float32]


# Of a picture with more faces the best detected are looked at: each costs an embedding and a search.
MOST_FACES = 100


@dataclass(frozen=True)
class Recipe:
    """How faces are found and embedded, beside the weights: embeddings of two recipes are never compared.

    passes: whether each picture is looked at as its faces ask for, or as the library does by default (both sizes always
    and the landmarks of the larger): how galleries up to version 0.2 were embedded. mirror: whether an embedding is the
    mean of the face's and its mirror image's. detector: where a recogniser has another than that of its pack, which.
    """

    passes: bool = True
    mirror: bool = False
    detector: str = ""

    def __str__(self) -> str:
        looks = "passes" if self.passes else "library"
        return "+".join(filter(None, [looks, "mirror" if self.mirror else "", self.detector]))

    @classmethod
    def parse(cls, text: str) -> "Recipe":
        """The recipe that `str` wrote."""
        looks, *more = text.split("+")
        detector = next((word for word in more if word != "mirror"), "")
        return cls(passes=looks == "passes", mirror="mirror" in more, detector=detector)


@dataclass(frozen=True)
class Quality:
    """size: shorter side of the face's box, pixels. sharpness: variance of the Laplacian of the face at 112 pixels.

    yaw, pitch, roll: degrees, 0 looking straight into the camera, from five landmarks and so rough (about 10 degrees);
    positive yaw turns to the picture's right, positive pitch looks down, positive roll tilts clockwise.
    """

    size: float
    sharpness: float
    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True)
class Detection:
    """A face that was found and made ready for the recogniser.

    box: left, top, right, bottom in pixels. landmarks: (5, 2) float32 pixels: eyes, nose, mouth corners.
    detection_score: 0..1 for InsightFace, the detector's margin (about 0..3) mapped to 0..1 for dlib.
    chip: (side, side, 3) uint8, the aligned face, in whatever order the engine's own `embed` wants its colours.
    """

    box: Box
    landmarks: NDArray[np.float32]
    detection_score: float
    quality: Quality
    chip: NDArray[np.uint8]

    def relative_box(self, rgb: RgbImage) -> Box:
        """The box as fractions of the image's width and height."""
        height, width = rgb.shape[:2]
        left, top, right, bottom = self.box
        return left / width, top / height, right / width, bottom / height


@dataclass(frozen=True)
class DetectedFace(Detection):
    """embedding: (d,) float32, unit length."""

    embedding: NDArray[np.float32]


class Engine(Protocol):
    """A face model made ready: an image in, faces out. Safe to call from several threads."""

    recipe: Recipe
    # Length of an embedding, and the SHA-256 of the weights that decide what it means.
    dimensions: int
    fingerprint: str

    def detect(self, rgb: RgbImage, thorough: bool = False) -> list[Detection]:
        """Every face of an image, best detected first. rgb: (height, width, 3) uint8, upright.

        thorough: look for small faces too where a large one is found at once: for a picture in which each face counts.
        """
        ...

    def embed(self, chips: Sequence[NDArray[np.uint8]]) -> Embeddings:
        """The embeddings of aligned faces, of one image or of many: (n, d) float32, unit length; n is at least 1."""
        ...

    def faces(self, rgb: RgbImage, thorough: bool = False) -> list[DetectedFace]:
        """`detect` and `embed` in one: every face of an image, best detected first, `MOST_FACES` at most."""
        return self.embedded(self.detect(rgb, thorough)[:MOST_FACES])

    def embedded(self, found: Sequence[Detection]) -> list[DetectedFace]:
        """What `detect` found, with embeddings."""
        if not found:
            return []
        embeddings = self.embed([face.chip for face in found])
        return [DetectedFace(**vars(face), embedding=row) for face, row in zip(found, embeddings, strict=True)]


class EngineUnavailable(Exception):
    """A face model could not be loaded; the text says which, why and what to do."""


def sha256_of(path: Path) -> str:
    return digest_of(path, "sha256")


def digest_of(path: Path, kind: str) -> str:
    """In hexadecimal letters. kind: as `hashlib` names it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def unit_length(vectors: NDArray[np.float32]) -> Embeddings:
    """vectors: (n, d). Returns (n, d) float32, each row of length 1."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def measure_quality(rgb: RgbImage, box: Box, landmarks: NDArray[np.float32]) -> Quality:
    """Size, sharpness and rough pose of one face. landmarks: (5, 2) float32 pixels."""
    left, top, right, bottom = (round(value) for value in box)
    height, width = rgb.shape[:2]
    patch = rgb[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    sharpness = 0.0
    if patch.size:
        small = cv2.resize(patch, (112, 112), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        sharpness = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    yaw, pitch, roll = _pose(landmarks)
    return Quality(float(min(right - left, bottom - top)), sharpness, yaw, pitch, roll)


def _pose(landmarks: NDArray[np.float32]) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees from where the nose lies between the eyes and the mouth."""
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks
    across = right_eye - left_eye
    roll = float(np.degrees(np.arctan2(across[1], across[0])))
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    down = mouth - eyes
    height = max(float(np.hypot(*down)), 1e-6)
    side = np.array([down[1], -down[0]]) / height
    width = max(float(np.hypot(*across)), 0.4 * height)
    # The nose stands out from the face by about half the distance between the eyes.
    yaw = float(np.degrees(np.arcsin(np.clip(np.dot(nose - (eyes + mouth) / 2, side) / (0.6 * width), -1, 1))))
    drop = float(np.dot(nose - eyes, down) / height**2)
    pitch = float(np.degrees(np.arcsin(np.clip((drop - 0.49) / 0.6, -1, 1))))
    return yaw, pitch, roll


def sort_by_score(faces: Sequence[Detection]) -> list[Detection]:
    return sorted(faces, key=lambda face: face.detection_score, reverse=True)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return both / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both, 1e-9)
