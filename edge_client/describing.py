"""What tells a face from another between two looks: a pack's recogniser, or the colours of a head and its shoulders."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_client.tracking import Likeness, Vector

if TYPE_CHECKING:
    from edge_client.detectors import FoundFace

# InsightFace says so of its own code, with every face.
warnings.filterwarnings("ignore", message="`estimate` is deprecated", category=FutureWarning)

# Of labelled strangers one pair in a thousand is so alike, and one in six; of mates between two looks nearly all are.
BY_FACE = Likeness(same=0.33, other=0.12)
BY_COLOURS = Likeness(same=0.9, other=0.3)
# A smaller or less sure face has no embedding that is worth anything, pixels and 0..1.
LEAST_SIDE, LEAST_SCORE = 32, 0.6
# A larger recogniser takes more memory and time than a small device has.
LARGEST_BYTES = 64 * 2**20
# Columns and rows that a head with its shoulders is made small to.
GRID = (8, 10)


class Describer(Protocol):
    """What its descriptions are worth, and who they are made by, in a word for the report."""

    likeness: Likeness
    name: str

    def describe(self, bgr: NDArray[np.uint8], face: "FoundFace") -> Vector | None:
        """(d,) float32, unit length; None where the face is too poor to be known by."""
        ...


class Recogniser:
    """The recogniser of an InsightFace pack. Raises `LookupError` where the folder has none that is small enough."""

    likeness, name = BY_FACE, "face"

    def __init__(self, folder: Path, threads: int = 0) -> None:
        import onnxruntime
        from insightface import model_zoo

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        for file in sorted(folder.glob("*.onnx"), key=lambda file: file.stat().st_size):
            if file.name.startswith(("det", "scrfd")) or file.stat().st_size > LARGEST_BYTES:
                continue
            model = model_zoo.get_model(str(file), providers=["CPUExecutionProvider"], sess_options=options)
            if getattr(model, "taskname", "") == "recognition":
                self._model = model
                return
        raise LookupError(f"{folder} has no recogniser of at most {LARGEST_BYTES >> 20} MB")

    def describe(self, bgr: NDArray[np.uint8], face: "FoundFace") -> Vector | None:
        from insightface.utils import face_align

        left, top, right, bottom = face.box
        if face.landmarks is None or min(right - left, bottom - top) < LEAST_SIDE or face.detection_score < LEAST_SCORE:
            return None
        aligned = face_align.norm_crop(bgr, landmark=face.landmarks, image_size=self._model.input_size[0])
        raw = self._model.get_feat(aligned).ravel().astype(np.float32)
        return np.asarray(raw / max(float(np.linalg.norm(raw)), 1e-9), np.float32)


class Colours:
    """For clients without a recogniser: hair, skin and collar hold for the seconds that somebody passes."""

    likeness, name = BY_COLOURS, "colours"

    def describe(self, bgr: NDArray[np.uint8], face: "FoundFace") -> Vector | None:
        left, top, right, bottom = face.box
        side = right - left
        x1, x2 = round(left - side * 0.2), round(right + side * 0.2)
        y1, y2 = round(top - side * 0.3), round(bottom + side * 0.3)
        height, width = bgr.shape[:2]
        patch = bgr[max(y1, 0) : min(y2, height), max(x1, 0) : min(x2, width)]
        if min(patch.shape[:2]) < min(GRID):
            return None
        small = cv2.cvtColor(cv2.resize(patch, GRID, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2LAB)
        values = small.reshape(-1, 3).astype(np.float32)
        # The light may change from one look to the next: what is left is what differs within the picture.
        values -= values.mean(axis=0)
        flat = values.ravel()
        length = float(np.linalg.norm(flat))
        return flat / length if length > 1 else None
