"""From an engine's face to the columns that a `Face` and a `Probe` share."""

import uuid
from typing import Any

from django.core.files.base import ContentFile

from matching.faces import images, poor
from matching.faces.engines import DetectedFace, Detection
from matching.faces.images import RgbImage
from matching.models import FaceModel


def face_columns(model: FaceModel, rgb: RgbImage, face: DetectedFace, scale: float = 1.0) -> dict[str, Any]:
    """Values for the fields of `FaceFields`. scale: the opened picture's size over the file's own."""
    _, poorness = poor.without(face.embedding[None], model.direction)
    return {
        "model": model,
        "embedding": face.embedding,
        "poorness": None if model.direction is None else float(poorness[0]),
        **detection_columns(rgb, face, scale),
    }


def detection_columns(rgb: RgbImage, face: Detection, scale: float = 1.0) -> dict[str, Any]:
    """The same but for model and embedding. rgb: (height, width, 3) uint8."""
    height, width = rgb.shape[:2]
    box = face.relative_box(rgb)
    return {
        **dict(zip(("left", "top", "right", "bottom"), box, strict=True)),
        "landmarks": [[round(float(x) / width, 5), round(float(y) / height, 5)] for x, y in face.landmarks],
        "detection_score": face.detection_score,
        "size": face.quality.size / scale,
        "sharpness": face.quality.sharpness,
        "yaw": face.quality.yaw,
        "pitch": face.quality.pitch,
        "roll": face.quality.roll,
        "crop": jpeg_file(images.crop(rgb, box), max_side=400),
    }


def jpeg_file(rgb: RgbImage, max_side: int) -> ContentFile[bytes]:
    """A picture as a file with a name that nobody can guess. rgb: (height, width, 3) uint8."""
    return ContentFile(images.to_jpeg(rgb, max_side=max_side), name=f"{uuid.uuid4()}.jpg")
