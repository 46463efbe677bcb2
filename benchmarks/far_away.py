"""Photos of cases in which somebody stands far away: found in a look at the whole photo, and since 0.22 in tiles."""

import io
from collections.abc import Iterable, Iterator
from unittest.mock import patch

import cv2
import numpy as np
from django.core.files.base import ContentFile
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from benchmarks import labelled
from benchmarks.common import table, wanted_models
from cases.models import Photo
from matching.faces import engines, images, looking
from matching.faces.images import RgbImage
from matching.indexing import single

PERSONS, WIDTH, HEIGHT = 50, 4000, 3000
FACE_PIXELS = (40, 60, 80, 110)
# Pictures in which nobody is.
VIEWS = (
    "coffee", "chelsea", "rocket", "immunohistochemistry", "hubble_deep_field", "retina", "page", "coins", "brick",
    "grass", "gravel", "clock",
)  # fmt: skip


def run() -> None:
    engine = engines.load(wanted_models()[0])
    views = [_view(name) for name in VIEWS]
    portraits = [images.open_image(one.path.read_bytes()).rgb for one in labelled.lfw("enrol")[:PERSONS]]
    rows = [("none", *_found(engine, [(view, None) for view in views]))]
    rows += [(f"{pixels} px", *_found(engine, _far_away(engine, portraits, views, pixels))) for pixels in FACE_PIXELS]
    table(("face", "photos", "with a face: looked at whole", "in tiles too", "likeness to the portrait"), *rows)


def _view(name: str) -> RgbImage:
    return np.asarray(Image.fromarray(getattr(data, name)()).convert("RGB").resize((WIDTH, HEIGHT)))


def _far_away(
    engine: engines.Engine, portraits: list[RgbImage], views: list[RgbImage], pixels: int
) -> Iterator[tuple[RgbImage, NDArray[np.float32]]]:
    """Each portrait somewhere in a view, its face so wide, with its own embedding."""
    chance = np.random.default_rng(1)
    for number, portrait in enumerate(portraits):
        if not (found := engine.faces(portrait)):
            continue
        scale = pixels / found[0].quality.size
        small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        wide = views[number % len(views)].copy()
        x, y = int(chance.integers(0, WIDTH - small.shape[1])), int(chance.integers(0, HEIGHT - small.shape[0]))
        wide[y : y + small.shape[0], x : x + small.shape[1]] = small
        yield wide, found[0].embedding


def _found(
    engine: engines.Engine, shown: Iterable[tuple[RgbImage, NDArray[np.float32] | None]]
) -> tuple[str, str, str, str]:
    """How many photos, in how many a face is found at once and in tiles, and how like the portrait it is."""
    photos = in_tiles = found = 0
    likenesses: list[float] = []
    for rgb, known in shown:
        jpeg = io.BytesIO()
        Image.fromarray(rgb).save(jpeg, "JPEG", quality=90)
        photo = Photo(image=ContentFile(jpeg.getvalue(), name="wide.jpg"))
        with patch.object(looking, "far_faces", wraps=looking.far_faces) as asked:
            prepared = single.prepare(photo, engine)
        photos += 1
        found += bool(prepared.faces)
        in_tiles += bool(prepared.faces and asked.called)
        if prepared.faces and known is not None:
            likenesses.append(float(max(prepared.embeddings @ known)))
    return f"{photos}", f"{found - in_tiles}", f"{found}", f"{np.median(likenesses):.2f}" if likenesses else ""
