"""Estimates of age and sex from a face, where an administrator turned them on.

They are made when somebody looks and kept nowhere: no case has one, no filter asks for one. How often they are wrong
stands in docs/accuracy.md.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from matching.faces import images, packs
from matching.faces import opencv as cv2
from matching.faces.engines.half import Requests
from matching.faces.images import ImageRefused, RgbImage
from matching.models import EstimatesPurpose
from matching.models.face import FaceFields

SIDE = 62
# Twice its maker's average error; nobody under 18 was among the faces that it learned from.
YEARS, YOUNGEST = 15, 18
# Below this, one person in eight is called a man in one photo and a woman in another; above it, one in 35.
SURE = 0.9


@dataclass(frozen=True)
class Estimate:
    """years: the span, in years. sex: "a man", "a woman" or "" where it cannot be told."""

    years: tuple[int, int]
    sex: str

    @property
    def words(self) -> str:
        youngest, oldest = self.years
        age = f"{youngest} to {oldest} years" if youngest >= YOUNGEST else f"up to {oldest} years, perhaps a child"
        return f"{age}; {self.sex or 'sex not to be told'}"


def of(face: FaceFields) -> Estimate | None:
    """For whoever looks at a face. None where they are off, or the picture says too little."""
    if face.is_too_poor or not EstimatesPurpose.objects.exists():
        return None
    folder = packs.find(packs.AGE_AND_SEX)
    if folder is None:
        return None
    try:
        with face.crop.open() as file:
            rgb = images.open_image(file.read()).rgb
    except (ImageRefused, OSError):
        return None
    return estimate(rgb, face.box_in_crop, next(folder.glob("*.xml")))


def estimate(rgb: RgbImage, box: tuple[float, float, float, float], xml: Path) -> Estimate:
    """rgb: (height, width, 3) uint8. box: the face in it, left, top, right, bottom as fractions. xml: of the model.

    Source: the Open Model Zoo's card of age-gender-recognition-retail-0013.
    """
    height, width = rgb.shape[:2]
    left, top, right, bottom = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    scale = SIDE / max(right - left, bottom - top, 1.0)
    # A square about the face: measured steadier from photo to photo than the box drawn out to one.
    how = [
        [scale, 0, (SIDE - (left + right) * scale) / 2],
        [0, scale, (SIDE - (top + bottom) * scale) / 2],
    ]
    square = cv2.warpAffine(
        np.ascontiguousarray(rgb[..., ::-1]), np.array(how, np.float32), (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE
    )
    age, sex = _model(xml)(square.transpose(2, 0, 1)[None].astype(np.float32))
    about, of_a_man = float(age) * 100, float(sex)
    word = "a man" if of_a_man >= SURE else "a woman" if of_a_man <= 1 - SURE else ""
    return Estimate((max(0, round(about - YEARS)), round(about + YEARS)), word)


@lru_cache(maxsize=1)
def _model(xml: Path) -> Any:
    import openvino

    compiled = openvino.Core().compile_model(str(xml), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    by_size = {int(np.prod(output.shape)): place for place, output in enumerate(compiled.outputs)}

    ask = Requests(compiled)

    def run(data: Any) -> tuple[float, float]:
        said = ask(data)
        return float(said[by_size[1]].ravel()[0]), float(said[by_size[2]].ravel()[1])

    return run
