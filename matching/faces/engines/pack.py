"""A pack in a folder: a detector finds the faces, a recogniser makes the embeddings.

InsightFace's packs (SCRFD and an ArcFace model) go through its library. A detector or a recogniser of another kind is
known by its file's name, so that any can stand beside any: `packs.KNOWN` has the pairs.
"""

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.faces import opencv as cv2
from matching.faces.engines import half
from matching.faces.engines.base import (
    Detection,
    Embeddings,
    Engine,
    EngineUnavailable,
    Recipe,
    measure_quality,
    overlap,
    sha256_of,
    sort_by_score,
    unit_length,
)
from matching.faces.engines.recognisers import ArcFace, Recogniser, Retail
from matching.faces.engines.yunet import YuNet
from matching.faces.images import RgbImage

logger = logging.getLogger(__name__)

# insightface 2.1 calls a scikit-image function that warns at every face; both versions are pinned.
warnings.filterwarnings("ignore", message="`estimate` is deprecated", category=FutureWarning)

# The picture's longer side in the detector, pixels: a close look finds large faces best, a wide one small faces.
CLOSE, WIDE = 192, 640
# YuNet's landmarks are best at this.
YUNET_CLOSE = 320
# In the close look a face of fewer pixels, or a lower score, calls for the wide one too.
SMALL, DOUBTFUL = 24, 0.65
# A face of more pixels than this outgrows the detector: its landmarks get worse.
OUTGROWN = 60
SAME_FACE = 0.4  # overlap of two looks' boxes

# Recognition weights (SHA-256) for which the mean with the mirror image was measured to pay: docs/accuracy.md.
MIRROR_PAYS = {
    "a86857bda5b99491dfa63fd1d661ee39f3be587d9bd9b0d1a27603f9066b9b8f",
    "4d8cdfa9447ddd6d8b447f76c6eaaa2c9345c1ee0146b94900ee5267ffcb9307",
}

# Boxes with scores, (5,), and landmarks, (5, 2), in pixels of the picture.
Found = list[tuple[NDArray[np.float32], NDArray[np.float32]]]


class PackEngine(Engine):
    """A pack in a folder. Raises `EngineUnavailable` where the folder holds no usable pack."""

    def __init__(self, folder: Path, recipe: Recipe | None = None, threads: int | None = None) -> None:
        import onnxruntime

        threads = threads or int(os.environ.get("FACE_THREADS", "0"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Idle threads that spin take the cores from each other: without, one face takes half the time on two cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not folder.is_dir():
            raise EngineUnavailable(f"There is no folder {folder} to load a face model from.")
        yunet = next(iter(sorted(folder.glob("yunet*.onnx"))), None)
        retail = next(iter(sorted(folder.glob("face-reidentification-retail-*.xml"))), None)
        try:
            theirs = {} if yunet and retail else _of_insightface(folder, options, yunet)
            self._detector: Any = YuNet(yunet, options) if yunet else theirs.get("detection")
            own = Retail(retail, threads) if retail else None
        except Exception as error:  # the libraries raise whatever onnx, onnxruntime, OpenVINO and assert raise
            raise EngineUnavailable(f"{folder} holds no usable pack: {error or type(error).__name__}.") from error
        if own is None and "recognition" not in theirs:
            raise EngineUnavailable(f"{folder} holds a detector but no recognition model; install the whole pack.")
        if half.is_here():
            for task, model in theirs.items():
                _halve(model, CLOSE if task == "detection" else model.input_size[0], threads)
        self._recogniser: Recogniser = own or ArcFace(theirs["recognition"])
        self._close = YUNET_CLOSE if yunet else CLOSE
        self.fingerprint = sha256_of(self._recogniser.weights)
        self.dimensions = self._recogniser.dimensions
        detector = "yunet" if yunet else ""
        # Whatever was asked for, this is the detector that lies here.
        self.recipe = replace(recipe or Recipe(mirror=self.fingerprint in MIRROR_PAYS), detector=detector)

    def detect(self, rgb: RgbImage, thorough: bool = False) -> list[Detection]:
        bgr: Any = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        if not self.recipe.passes:
            return sort_by_score([self._detection(rgb, bgr, *face) for face in self._look(bgr, None)])
        faces = self._look(bgr, self._close)
        scale = self._close / max(rgb.shape[:2])
        if thorough or not any(_side(box) * scale >= SMALL and box[4] >= DOUBTFUL for box, _ in faces):
            faces = _merged(faces, self._look(bgr, WIDE), WIDE / max(rgb.shape[:2]))
        return sort_by_score([self._detection(rgb, bgr, *face) for face in faces])

    def embed(self, chips: Sequence[NDArray[np.uint8]]) -> Embeddings:
        # One face at a time: in larger batches a face takes longer.
        return unit_length(np.concatenate([self._embed_one(chip) for chip in chips]))

    def _embed_one(self, chip: NDArray[np.uint8]) -> Embeddings:
        """(1, d) float32, of any length."""
        rows = self._recogniser.embed([chip, np.asarray(cv2.flip(chip, 1), np.uint8)] if self.recipe.mirror else [chip])
        return np.asarray(rows.sum(axis=0, keepdims=True), dtype=np.float32)

    def _look(self, bgr: RgbImage, size: int | None) -> Found:
        """The faces seen in one pass at a size; None: at the library's default pair."""
        boxes, landmarks = self._detector.detect(bgr, input_size=size and (size, size))
        return list(zip(boxes, landmarks, strict=True))

    def _detection(
        self, rgb: RgbImage, bgr: RgbImage, box: NDArray[np.float32], landmarks: NDArray[np.float32]
    ) -> Detection:
        left, top, right, bottom, score = (float(value) for value in box)
        landmarks = landmarks.astype(np.float32)
        chip = self._recogniser.chip(bgr, landmarks)
        quality = measure_quality(rgb, (left, top, right, bottom), landmarks)
        return Detection((left, top, right, bottom), landmarks, score, quality, chip)


def _merged(close: Found, wide: Found, scale: float) -> Found:
    """Each face once, as the look saw it that saw it largest without its outgrowing the detector.

    scale: the wide look's pixels to one of the picture.
    """
    kept = list(wide)
    for box, landmarks in close:
        twins = [i for i, (other, _) in enumerate(kept) if overlap(tuple(box[:4]), tuple(other[:4])) > SAME_FACE]
        if not twins:
            kept.append((box, landmarks))
        elif _side(box) * scale > OUTGROWN:
            kept = [face for i, face in enumerate(kept) if i not in twins] + [(box, landmarks)]
    return kept


def _of_insightface(folder: Path, options: Any, apart: Path | None) -> dict[str, Any]:
    """A folder's models by their task, as InsightFace's library tells them. apart: a file that is none of its kinds."""
    if apart is None:
        from insightface.app import FaceAnalysis

        pack = FaceAnalysis(
            name=str(folder),
            allowed_modules=["detection", "recognition"],
            providers=["CPUExecutionProvider"],
            sess_options=options,
        )
        pack.prepare(ctx_id=-1)
        return dict(pack.models)
    from insightface.model_zoo import get_model

    files = [path for path in sorted(folder.glob("*.onnx")) if path != apart]
    models = [get_model(str(path), providers=["CPUExecutionProvider"], sess_options=options) for path in files]
    return {model.taskname: model for model in models if model is not None}


def _halve(model: Any, side: int, threads: int) -> None:
    """Let a model of InsightFace's calculate in half precision; its session of onnxruntime is let go. side: pixels of
    what it looks at. A model with which OpenVINO cannot do the same stays as it is."""
    session = half.HalfSession(Path(model.model_file), threads)
    if not half.agree(model.session, session, model.output_names, model.input_name, side):
        logger.warning("%s stays in full precision: OpenVINO does something else with it.", model.model_file)
        return
    model.session = session
    # A detector would make a session of its own for each size, and by onnxruntime.
    if model.taskname == "detection":
        model.static_shape_sessions = False


def _side(box: NDArray[np.float32]) -> float:
    return float(min(box[2] - box[0], box[3] - box[1]))
