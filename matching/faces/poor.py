"""Poor pictures: how poor a face is, and what poor faces of different people have in common, taken out.

Small and blurred faces resemble each other, whoever they show. What the mean embedding of faces made poor on purpose
has beyond that of the same faces as they came is a direction that poor faces share: the cosine to it tells how poor a
face is, and without it they attract each other less.
Measured in docs/accuracy.md.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.faces import images
from matching.faces import opencv as cv2
from matching.faces.engines.base import Embeddings, unit_length
from matching.faces.images import Box, RgbImage

# What a far camera makes of a face: its width in pixels, the blur's sigma at that size, the JPEG's quality.
WIDTH, BLUR, QUALITY = 30, 0.8, 40
# Faces of so many people give the same direction as those of thousands.
ENOUGH = 300
# A face is too poor to compare beyond the mean poorness of faces as they come, plus so many standard deviations.
DEVIATIONS = 3.75
SHIPPED = Path(__file__).parent / "poor_directions.json"


def make_poor(rgb: RgbImage, box: Box, width: float = WIDTH) -> RgbImage:
    """A face as a far camera would send it, with a margin of half its box.

    rgb: (height, width, 3) uint8. box: fractions of the picture. width: of the face, pixels.
    """
    height, across = rgb.shape[:2]
    scale = width / max(min((box[2] - box[0]) * across, (box[3] - box[1]) * height), 1.0)
    crop = cv2.resize(images.crop(rgb, box), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    crop = cv2.GaussianBlur(crop, (0, 0), BLUR * width / WIDTH)
    return images.decode(images.to_jpeg(crop.astype(np.uint8), quality=QUALITY)).rgb


def direction_and_limit(poor: Embeddings, clean: Embeddings) -> tuple[NDArray[np.float32], float]:
    """What poor faces share, (d,) of unit length, and the poorness beyond which a face is too poor to compare.

    poor, clean: (n, d) float32, unit length: faces made poor, and the same as they came.
    """
    # Upright on what all faces share: some models' embeddings all lie to one side, and that must stay.
    common = unit_length(clean.mean(axis=0, keepdims=True))[0]
    beyond = poor.mean(axis=0) - clean.mean(axis=0)
    direction = unit_length((beyond - (beyond @ common) * common)[None])[0]
    usual = clean @ direction
    return direction, float(usual.mean() + DEVIATIONS * usual.std())


def without(embeddings: Embeddings, direction: NDArray[np.float32] | None) -> tuple[Embeddings, NDArray[np.float32]]:
    """Embeddings with the direction taken out, of unit length again, and each one's poorness, -1..1.

    embeddings: (n, d) float32, unit length. Without a direction they stay as they are and no face is poor.
    """
    if direction is None:
        return embeddings, np.zeros(len(embeddings), np.float32)
    poorness = embeddings @ direction
    return unit_length(embeddings - poorness[:, None] * direction), poorness


@lru_cache
def _shipped() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SHIPPED.read_text())
    return found


def shipped(fingerprint: str, recipe: str) -> tuple[list[float] | None, float | None]:
    """The direction and limit that were measured for some weights and recipe; None where they were not."""
    found = _shipped().get(f"{fingerprint} {recipe}")
    return (found["direction"], found["limit"]) if found else (None, None)
