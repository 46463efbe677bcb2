"""A picture too dark, turned or small, adjusted and searched again. The original stays as it came, shown beside."""

from dataclasses import asdict, dataclass

import numpy as np
from django.contrib.auth.models import User

from cases.filters import SearchedCases
from matching.faces import images
from matching.faces import opencv as cv2
from matching.faces.images import Box, RgbImage
from matching.models import Search
from matching.searching import pictures

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
# A cut-out is enlarged until its longer side has so many pixels: a detector finds nothing in a stamp.
LARGE = 640


@dataclass(frozen=True)
class Adjustment:
    """turn: degrees clockwise. light: by which each value is multiplied. cut: left, top, right, bottom as fractions of
    the turned picture."""

    turn: float = 0.0
    light: float = 1.0
    cut: Box = WHOLE

    @property
    def words(self) -> str:
        said = []
        if self.turn:
            said.append(f"turned by {self.turn:g}°")
        if self.cut != WHOLE:
            said.append(f"cut to {self.cut[2] - self.cut[0]:.0%} by {self.cut[3] - self.cut[1]:.0%}")
        if self.light != 1:
            said.append(f"{'lightened' if self.light > 1 else 'darkened'} {self.light:g} times")
        return ", ".join(said)


def of(search: Search) -> Adjustment | None:
    """How a search's picture was adjusted; None where it is as it came."""
    if not search.adjustment:
        return None
    return Adjustment(search.adjustment["turn"], search.adjustment["light"], tuple(search.adjustment["cut"]))


def adjust(rgb: RgbImage, how: Adjustment) -> RgbImage:
    """The adjusted picture. rgb: (height, width, 3) uint8, upright."""
    turned = _turn(rgb, how.turn)
    height, width = turned.shape[:2]
    left, top, right, bottom = how.cut
    x1, y1 = int(left * width), int(top * height)
    x2, y2 = max(round(right * width), x1 + images.MIN_SIDE), max(round(bottom * height), y1 + images.MIN_SIDE)
    part = turned[y1:y2, x1:x2]
    scale = LARGE / max(part.shape[:2])
    if scale > 1 and how.cut != WHOLE:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    lit = part if how.light == 1 else np.clip(part.astype(np.float32) * how.light, 0, 255)
    return np.ascontiguousarray(lit, np.uint8)


def search_adjusted(old: Search, how: Adjustment, user: User) -> Search:
    """Search the picture of a search again, adjusted, for the same purpose and among the same.

    Raises `ImageRefused`, `NoFaceModel`, `EngineUnavailable`, `FileNotFoundError`, `SearchRefused`; then nothing
    is kept.
    """
    rgb = pictures.open_again(old).rgb
    search = pictures.search_image(
        images.to_jpeg(adjust(rgb, how), max_side=images.MAX_SIDE, quality=95),
        old.filename,
        user=user,
        purpose=old.purpose,
        reference=old.reference,
        collections=list(old.collections.all()),
        narrowed=SearchedCases(old.filters) if old.filters else None,
    )
    search.adjusted_from, search.adjustment = old, asdict(how)
    search.file_note = search.file_note or old.file_note
    search.own_time, search.own_latitude, search.own_longitude = old.own_time, old.own_latitude, old.own_longitude
    search.save()
    return search


def _turn(rgb: RgbImage, degrees: float) -> RgbImage:
    """Turned clockwise, whole, on black where there is nothing."""
    if degrees % 360 == 0:
        return rgb
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(rgb, -int(degrees // 90) % 4))
    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    new_width, new_height = int(height * sin + width * cos), int(height * cos + width * sin)
    matrix[0, 2] += new_width / 2 - width / 2
    matrix[1, 2] += new_height / 2 - height / 2
    return np.asarray(cv2.warpAffine(rgb, matrix, (new_width, new_height), flags=cv2.INTER_LINEAR), np.uint8)
