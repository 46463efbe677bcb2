"""Any InsightFace pack: SCRFD finds the faces, an ArcFace model makes the embeddings, both through the library."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.faces.engines.base import (
    Detection,
    Embeddings,
    Engine,
    EngineUnavailable,
    measure_quality,
    sort_by_score,
    unit_length,
)
from matching.faces.images import RgbImage

# insightface 2.1 calls a scikit-image function that warns at every face; both versions are pinned.
warnings.filterwarnings("ignore", message="`estimate` is deprecated", category=FutureWarning)


class InsightFaceEngine(Engine):
    """A pack in a folder of ONNX files. Raises `EngineUnavailable` where the folder holds no usable pack."""

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        import onnxruntime
        from insightface.app import FaceAnalysis

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or int(os.environ.get("FACE_THREADS", "0"))
        # Idle threads that spin take the cores from each other: without, one face takes half the time on two cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if not folder.is_dir():
            raise EngineUnavailable(f"There is no folder {folder} to load a face model from.")
        try:
            pack = FaceAnalysis(
                name=str(folder),
                allowed_modules=["detection", "recognition"],
                providers=["CPUExecutionProvider"],
                sess_options=options,
            )
            # No size given: the library then detects at 128 and 640, which finds tight crops too.
            pack.prepare(ctx_id=-1)
        except Exception as error:  # the library raises whatever onnx, onnxruntime and assert raise
            raise EngineUnavailable(
                f"{folder} holds no usable InsightFace pack: {error or type(error).__name__}."
            ) from error
        if "recognition" not in pack.models:
            raise EngineUnavailable(f"{folder} holds a detector but no recognition model; install the whole pack.")
        self._detector: Any = pack.det_model
        self._recogniser: Any = pack.models["recognition"]
        self.recogniser_weights = Path(self._recogniser.model_file)
        self.dimensions = int(self._recogniser.output_shape[-1])

    def detect(self, rgb: RgbImage) -> list[Detection]:
        from insightface.utils.face_align import norm_crop

        bgr = np.ascontiguousarray(rgb[:, :, ::-1])
        boxes, landmarks = self._detector.detect(bgr)
        if len(boxes) == 0:
            return []
        side = self._recogniser.input_size[0]
        found = []
        for row, points in zip(boxes, landmarks, strict=True):
            box = (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
            chip = norm_crop(bgr, landmark=points, image_size=side)
            points = points.astype(np.float32)
            found.append(Detection(box, points, float(row[4]), measure_quality(rgb, box, points), chip))
        return sort_by_score(found)

    def embed(self, chips: Sequence[NDArray[np.uint8]]) -> Embeddings:
        return unit_length(self._recogniser.get_feat(list(chips)))
