"""Real faces for the tests: those that installed packages carry, and the labelled photos where they are present."""

import atexit
import os
import shutil
import tempfile
from functools import cache, lru_cache
from pathlib import Path

import numpy as np

from matching import demo
from matching.faces import images, poor
from matching.faces.images import RgbImage

SHARED = Path(__file__).resolve().parents[2] / "shared"
PACK = Path(os.environ.get("SIGHTLINE_TEST_PACK", SHARED / "models" / "scrfd_mobileface"))
EVAL = SHARED / "eval"
# The files of the pack that anybody may use, as `packs.KNOWN["retail"]` names them, where they are here.
RETAIL_FILES = [
    SHARED / "models" / "yunet" / "yunet_n_dynamic.onnx",
    *(SHARED / "models" / "retail" / f"face-reidentification-retail-0095.{kind}" for kind in ("xml", "bin")),
]

GROUP, ASTRONAUT, PORTRAIT = demo.sources()
# Where the six faces of the group photo lie, as fractions of its width; boxes found by any engine are near them.
GROUP_MIDDLES = [middle for middle, *_ in demo.PEOPLE["t1.jpg"]]


@cache
def retail() -> Path:
    """The pack that anybody may use, its files in one folder as an installation has them."""
    folder = Path(tempfile.mkdtemp(prefix="retail-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file in RETAIL_FILES:
        (folder / file.name).symlink_to(file)
    return folder


@lru_cache
def group() -> RgbImage:
    return images.open_image(GROUP.read_bytes()).rgb


@lru_cache
def person(number: int) -> bytes:
    """A JPEG of one of the six persons of the group photo, 0 to 5 from the left."""
    rgb = group()
    middle, height = GROUP_MIDDLES[number], rgb.shape[0]
    top = [0.27, 0.12, 0.25, 0.32, 0.08, 0.28][number]
    return images.to_jpeg(
        images.crop(rgb, (middle - 0.05, top, middle + 0.05, top + 0.1 * rgb.shape[1] / height), 0.35)
    )


@lru_cache
def two() -> bytes:
    """A JPEG of two of the six persons, the fifth and the sixth, equally far from its middle."""
    rgb = group()
    height, width = rgb.shape[:2]
    return images.to_jpeg(rgb[: round(0.36 * height + 0.1 * width), round(0.68 * width) :])


def made_poor(content: bytes, width: float = 20) -> bytes:
    """The picture of one person as a far camera would see it. width: of the whole picture's face, roughly, pixels."""
    return images.to_jpeg(poor.make_poor(images.open_image(content).rgb, (0.3, 0.3, 0.7, 0.7), width), quality=95)


def astronaut() -> bytes:
    return ASTRONAUT.read_bytes()


def woven(rgb: RgbImage, moved: int) -> RgbImage:
    """An interlaced frame of a picture on grey ground, twice its size: the odd lines are of a moment when it has moved
    on by so many pixels."""
    height, width = rgb.shape[:2]
    noise = np.random.default_rng(width).normal(0, 3, (2 * height, 2 * width, 3))
    frame = np.clip(110 + noise, 0, 255).astype(np.uint8)
    later = frame.copy()
    top, left = height // 2, width // 2
    frame[top : top + height, left : left + width] = rgb
    later[top : top + height, left + moved : left + moved + width] = rgb
    frame[1::2] = later[1::2]
    return frame
