"""Finding faces in a frame: the SCRFD detector of an InsightFace pack, or dlib's HOG detector."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

# Half a face on each side: at the server, tight crops are missed by a detector that expects surroundings.
MARGIN = 0.5


class DetectorUnavailable(Exception):
    """No detector could be loaded; the text says why and what to do."""


@dataclass(frozen=True)
class FoundFace:
    """box: left, top, right, bottom in pixels of the frame. detection_score: 0..1."""

    box: tuple[float, float, float, float]
    detection_score: float


class Detector(Protocol):
    def find(self, bgr: NDArray[np.uint8]) -> list[FoundFace]: ...


class ScrfdDetector:
    """folder: an InsightFace pack, of which only the detector is loaded. Raises `DetectorUnavailable`."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from insightface.app import FaceAnalysis

        options = onnxruntime.SessionOptions()
        # Idle threads that spin take the cores from whatever else the device does.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            pack = FaceAnalysis(
                name=str(folder),
                allowed_modules=["detection"],
                providers=["CPUExecutionProvider"],
                sess_options=options,
            )
            pack.prepare(ctx_id=-1)
        except Exception as error:  # the library raises whatever onnx, onnxruntime and assert raise
            raise DetectorUnavailable(f"{folder} holds no usable InsightFace pack: {error!r}") from error
        self._detector = pack.det_model

    def find(self, bgr: NDArray[np.uint8]) -> list[FoundFace]:
        rows, _ = self._detector.detect(bgr)
        return [FoundFace((float(r[0]), float(r[1]), float(r[2]), float(r[3])), float(r[4])) for r in rows]


class DlibDetector:
    """dlib's HOG detector: no weights to fetch, frontal faces only."""

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError as error:
            raise DetectorUnavailable(
                "dlib is not installed: pip install dlib-bin, or name a pack by --model."
            ) from error
        self._detector = dlib.get_frontal_face_detector()

    def find(self, bgr: NDArray[np.uint8]) -> list[FoundFace]:
        rgb = np.ascontiguousarray(bgr[:, :, ::-1])
        upsample = 1 if max(rgb.shape[:2]) <= 1000 else 0
        rectangles, margins, _ = self._detector.run(rgb, upsample, 0.0)
        return [
            FoundFace(
                (float(r.left()), float(r.top()), float(r.right()), float(r.bottom())), 1 / (1 + math.exp(-2 * m))
            )
            for r, m in zip(rectangles, margins, strict=True)
        ]


def load(model: str) -> Detector:
    """model: `dlib`, or the folder of a pack. Raises `DetectorUnavailable`."""
    if model == "dlib":
        return DlibDetector()
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise DetectorUnavailable(f"{model} is neither dlib nor the folder of an InsightFace pack.")
    return ScrfdDetector(folder)


def cut_out(bgr: NDArray[np.uint8], face: FoundFace) -> tuple[bytes, list[float]]:
    """A JPEG of the face with its margin, and the face's box within it: left, top, right, bottom in pixels."""
    height, width = bgr.shape[:2]
    left, top, right, bottom = face.box
    dx, dy = (right - left) * MARGIN, (bottom - top) * MARGIN
    x1, y1 = max(0, round(left - dx)), max(0, round(top - dy))
    x2, y2 = min(width, round(right + dx)), min(height, round(bottom + dy))
    _, jpeg = cv2.imencode(".jpg", bgr[y1:y2, x1:x2], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return jpeg.tobytes(), [max(0.0, left - x1), max(0.0, top - y1), right - x1, bottom - y1]
