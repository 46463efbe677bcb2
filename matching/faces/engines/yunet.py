"""YuNet, a small detector with five landmarks under a permissive licence, through onnxruntime.

It was trained on WIDER FACE, whose makers gave it for research: docs/models.md. Outputs and their meaning: its authors'
repository, ShiqiYu/libfacedetection.train.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.faces import opencv as cv2
from matching.faces.images import RgbImage

SURE, OVERLAP = 0.5, 0.4
STRIDES = (8, 16, 32)
# A side of what the network sees is a multiple of this.
STEP = 32


class YuNet:
    """Faces as boxes with scores, and landmarks. Safe to call from several threads."""

    def __init__(self, path: Path, options: Any) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def detect(
        self, bgr: RgbImage, input_size: tuple[int, int] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n, 5) boxes with scores and (n, 5, 2) landmarks, in pixels of the picture, best first.

        input_size: into which the picture is made to fit; 640 each way if None.
        """
        scale = min(side / own for side, own in zip(input_size or (640, 640), bgr.shape[1::-1], strict=True))
        seen = np.zeros([*(STEP * -(-max(round(side * scale), 1) // STEP) for side in bgr.shape[:2]), 3], np.uint8)
        size = max(round(bgr.shape[1] * scale), 1), max(round(bgr.shape[0] * scale), 1)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        seen[: size[1], : size[0]] = cv2.resize(bgr, size, interpolation=how)
        outputs = self._session.run(None, {self._input: seen.transpose(2, 0, 1)[None].astype(np.float32)})
        parts = [self._faces(stride, seen.shape, *outputs[place::3]) for place, stride in enumerate(STRIDES)]
        boxes, landmarks = (np.concatenate(part) for part in zip(*parts, strict=True))
        boxes[:, :4] /= scale
        kept = _each_once(boxes)
        return boxes[kept], np.asarray(landmarks[kept] / scale, np.float32)

    @staticmethod
    def _faces(
        stride: int, shape: tuple[int, ...], classes: Any, objects: Any, boxes: Any, points: Any
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What one of the network's grids found. classes, objects: (1, cells, 1). boxes: (1, cells, 4): the centre as
        an offset from the cell and the logarithms of width and height, in strides. points: (1, cells, 10): offsets."""
        scores = np.sqrt(np.clip(classes[0, :, 0], 0, 1) * np.clip(objects[0, :, 0], 0, 1))
        found = np.flatnonzero(scores >= SURE)
        cells = np.stack([found % (shape[1] // stride), found // (shape[1] // stride)], axis=1).astype(np.float32)
        centres, sides = (cells + boxes[0, found, :2]) * stride, np.exp(boxes[0, found, 2:]) * stride
        both = np.concatenate([centres - sides / 2, centres + sides / 2, scores[found, None]], axis=1)
        landmarks = (points[0, found].reshape(-1, 5, 2) + cells[:, None]) * stride
        return both.astype(np.float32), landmarks.astype(np.float32)


def _each_once(boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """The rows of each face's best box, best first."""
    if not len(boxes):
        return np.empty(0, np.int64)
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:4] - boxes[:, :2]], axis=1)
    return np.asarray(cv2.dnn.NMSBoxes(sides.tolist(), boxes[:, 4].tolist(), SURE, OVERLAP), np.int64).reshape(-1)
