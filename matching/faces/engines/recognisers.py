"""What makes an embedding of an aligned face: an ArcFace model of a pack, or Intel's, each with its own alignment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from matching.faces import opencv as cv2
from matching.faces.engines import half
from matching.faces.images import RgbImage

# Where face-reidentification-retail-0095 wants eyes, nose and mouth corners, as fractions of its input: its model card.
RETAIL_PLACES = [(0.3156, 0.4616), (0.6827, 0.4616), (0.5003, 0.6405), (0.3495, 0.8247), (0.6534, 0.8247)]
RETAIL_SIDE = 128


class Recogniser(Protocol):
    """weights: the file that decides what an embedding means. dimensions: its length."""

    weights: Path
    dimensions: int

    def chip(self, bgr: RgbImage, landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The aligned face. landmarks: (5, 2) float32 pixels."""
        ...

    def embed(self, chips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """(n, d) float32, of any length."""
        ...


class ArcFace(Recogniser):
    """A recognition model as InsightFace's library has it."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.weights = Path(model.model_file)
        self.dimensions = int(model.output_shape[-1])

    def chip(self, bgr: RgbImage, landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
        from insightface.utils.face_align import norm_crop

        return np.asarray(norm_crop(bgr, landmark=landmarks, image_size=self._model.input_size[0]), np.uint8)

    def embed(self, chips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return np.asarray(self._model.get_feat(list(chips)), np.float32)


class Retail(Recogniser):
    """face-reidentification-retail-0095 of the Open Model Zoo, through OpenVINO. Safe to call from several threads."""

    def __init__(self, xml: Path, threads: int) -> None:
        import openvino

        compiled = openvino.Core().compile_model(str(xml), "CPU", half.options(threads))
        self._ask = half.Requests(compiled)
        self.weights = xml.with_suffix(".bin")
        self.dimensions = int(compiled.output(0).shape[1])

    def chip(self, bgr: RgbImage, landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
        from skimage.transform import SimilarityTransform

        places = np.array(RETAIL_PLACES, np.float32) * RETAIL_SIDE
        how = SimilarityTransform.from_estimate(landmarks, places)
        return np.asarray(cv2.warpAffine(bgr, how.params[:2], (RETAIL_SIDE, RETAIL_SIDE)), np.uint8)

    def embed(self, chips: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        rows = [self._ask(chip.transpose(2, 0, 1)[None].astype(np.float32))[0].reshape(-1) for chip in chips]
        return np.stack(rows)
