"""Finding faces in a frame: the SCRFD detector of an InsightFace pack, or dlib's HOG detector."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.boxes import Box, of_smaller
from edge_client.describing import Colours, Describer, Recogniser

logger = logging.getLogger(__name__)

# Half a face on each side: at the server, tight crops are missed by a detector that expects surroundings.
MARGIN = 0.5


# The whole frame is looked at as so many pixels, the surroundings of one face as so many.
WHOLE, PART = (640, 640), (192, 192)
# A face's surroundings, in its own sides.
AROUND = 3.0


# Narrower faces are mostly missed: pixels of what the detector is given (docs/performance.md, the edge client).
SMALLEST_SCRFD, SMALLEST_DLIB = 18.0, 80.0
# dlib is given pictures of at most so many pixels on a side twice as large.
UPSAMPLED = 1000


class DetectorUnavailable(Exception):
    """No detector could be loaded; the text says why and what to do."""


@dataclass(frozen=True)
class FoundFace:
    """box: left, top, right, bottom in pixels of the frame. detection_score: 0..1.

    landmarks: (5, 2) float32, eyes, nose and corners of the mouth in pixels of the frame, where they are told.
    """

    box: Box
    detection_score: float
    landmarks: NDArray[np.float32] | None = field(default=None, compare=False)

    def moved(self, x: float, y: float, scale: float = 1.0) -> "FoundFace":
        """The same face in a picture that is larger by `scale`, of which this one begins at x, y."""
        left, top, right, bottom = self.box
        return FoundFace(
            (left * scale + x, top * scale + y, right * scale + x, bottom * scale + y),
            self.detection_score,
            None if self.landmarks is None else self.landmarks * scale + np.array([x, y], np.float32),
        )


class Detector(Protocol):
    """describer: what tells one of its faces from another. tile: pixels on each side of what it is given at its own
    scale, where it makes every picture that small; 0 where it looks at each in full."""

    describer: Describer
    tile: int

    def smallest(self, longest: int) -> float:
        """How wide a face must be to be found in a picture whose longest side is so many pixels."""
        ...

    def find(self, bgr: NDArray[np.uint8], near: Sequence[Box] = ()) -> list[FoundFace]:
        """The faces of a frame. near: look only around these boxes, where that is quicker."""
        ...


class ScrfdDetector:
    """folder: an InsightFace pack, whose detector is loaded and its recogniser where that is small.

    Raises `DetectorUnavailable`.
    """

    tile = WHOLE[0]

    def __init__(self, folder: Path, threads: int = 0) -> None:
        import onnxruntime
        from insightface import model_zoo

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Idle threads that spin take the cores from whatever else the device does.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._detector = model_zoo.get_model(
                str(next(iter([*folder.glob("det*.onnx"), *folder.glob("scrfd*.onnx")]))),
                providers=["CPUExecutionProvider"],
                sess_options=options,
            )
            self._detector.prepare(ctx_id=-1, input_size=WHOLE)
            self.describer = _describer(folder, threads)
        except Exception as error:  # the library raises whatever onnx, onnxruntime and assert raise
            raise DetectorUnavailable(f"{folder} holds no usable InsightFace pack: {error!r}") from error

    def find(self, bgr: NDArray[np.uint8], near: Sequence[Box] = ()) -> list[FoundFace]:
        if not near:
            return self._find(bgr, WHOLE)
        found: list[FoundFace] = []
        height, width = bgr.shape[:2]
        for left, top, right, bottom in near:
            x, y, reach = (left + right) / 2, (top + bottom) / 2, max(right - left, bottom - top) * AROUND / 2
            x1, y1 = max(0, round(x - reach)), max(0, round(y - reach))
            x2, y2 = min(width, round(x + reach)), min(height, round(y + reach))
            if x2 - x1 < 8 or y2 - y1 < 8:
                continue
            for face in self._find(np.ascontiguousarray(bgr[y1:y2, x1:x2]), PART):
                moved = face.moved(x1, y1)
                # Two who stand together are in each other's surroundings.
                if all(of_smaller(moved.box, other.box) < 0.4 for other in found):
                    found.append(moved)
        return found

    def smallest(self, longest: int) -> float:
        return SMALLEST_SCRFD * max(1.0, longest / WHOLE[0])

    def _find(self, bgr: NDArray[np.uint8], size: tuple[int, int]) -> list[FoundFace]:
        rows, landmarks = self._detector.detect(bgr, input_size=size)
        return [
            FoundFace(
                (float(r[0]), float(r[1]), float(r[2]), float(r[3])),
                float(r[4]),
                None if landmarks is None else np.asarray(landmarks[place], np.float32),
            )
            for place, r in enumerate(rows)
        ]


class DlibDetector:
    """dlib's HOG detector: no weights to fetch, frontal faces only."""

    tile = 0

    def __init__(self) -> None:
        try:
            import dlib
        except ImportError as error:
            raise DetectorUnavailable(
                "dlib is not installed: pip install dlib-bin, or name a pack by --model."
            ) from error
        self._detector = dlib.get_frontal_face_detector()
        self.describer: Describer = Colours()

    def find(self, bgr: NDArray[np.uint8], near: Sequence[Box] = ()) -> list[FoundFace]:
        rgb = np.ascontiguousarray(bgr[:, :, ::-1])
        upsample = 1 if max(rgb.shape[:2]) <= UPSAMPLED else 0
        rectangles, margins, _ = self._detector.run(rgb, upsample, 0.0)
        return [
            FoundFace(
                (float(r.left()), float(r.top()), float(r.right()), float(r.bottom())), 1 / (1 + math.exp(-2 * m))
            )
            for r, m in zip(rectangles, margins, strict=True)
        ]

    def smallest(self, longest: int) -> float:
        return SMALLEST_DLIB / (2 if longest <= UPSAMPLED else 1)


def _describer(folder: Path, threads: int) -> Describer:
    try:
        return Recogniser(folder, threads)
    except LookupError as error:
        logger.info("%s: people are followed by their colours", error)
        return Colours()


def available(model: str) -> dict[str, str]:
    """The detectors at hand by name: dlib, the pack that the client was started with, and packs beside it."""
    found = {"dlib": "dlib"} if find_spec("dlib") else {}
    if model != "dlib":
        folder = Path(model).expanduser()
        packs = [folder, *(one.parent for one in folder.parent.glob("*/det*.onnx"))]
        found |= {pack.name: str(pack) for pack in packs}
    return found


def load(model: str, threads: int = 0) -> Detector:
    """model: `dlib`, or a pack's folder. threads: of the pack's; 0 for a core each. Raises `DetectorUnavailable`."""
    if model == "dlib":
        return DlibDetector()
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise DetectorUnavailable(f"{model} is neither dlib nor the folder of an InsightFace pack.")
    try:
        return ScrfdDetector(folder, threads)
    except ImportError as error:
        raise DetectorUnavailable(
            f"For packs install the extra: pip install sightline-edge[insightface] ({error})"
        ) from error


def cut_out(bgr: NDArray[np.uint8], face: FoundFace) -> tuple[bytes, list[float]]:
    """A JPEG of the face with its margin, and the face's box within it: left, top, right, bottom in pixels."""
    height, width = bgr.shape[:2]
    left, top, right, bottom = face.box
    dx, dy = (right - left) * MARGIN, (bottom - top) * MARGIN
    x1, y1 = max(0, round(left - dx)), max(0, round(top - dy))
    x2, y2 = min(width, round(right + dx)), min(height, round(bottom + dy))
    _, jpeg = cv2.imencode(".jpg", bgr[y1:y2, x1:x2], [cv2.IMWRITE_JPEG_QUALITY, 92])
    return jpeg.tobytes(), [max(0.0, left - x1), max(0.0, top - y1), right - x1, bottom - y1]
