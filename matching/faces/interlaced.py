"""Interlaced frames: two moments woven line by line, so that whatever moved between them has an edge like a comb."""

import numpy as np
from numpy.typing import NDArray

from matching.faces import opencv as cv2

# Squares of so many pixels a side are looked at.
SIDE = 16
# In a picture of one moment a line is more like the next than like the one after that. It is combed where it is less so
# by the first factor somewhere, and then wherever by the second, and lines differ by so many of 255 on average.
SURELY, PERHAPS, LEAST = 1.75, 1.25, 5
# Lines of an interlaced camera's frame, at most.
HIGHEST = 1088
NOTE = "Parts of it look like two moments woven line by line, as an interlaced camera does; one of them was looked at."


def one_moment(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same with what moved as it was at the even lines' moment; a frame without combs as it is. rgb: (h, w, 3)."""
    combs = _combed(rgb)
    if combs is None:
        return rgb
    whole = rgb.copy()
    between = cv2.addWeighted(rgb[:-2:2], 0.5, rgb[2::2], 0.5, 0)
    odd = whole[1:-1:2]
    odd[...] = np.where(combs[1:-1:2, :, None], between[: len(odd)], odd)
    return whole


def _combed(rgb: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """(h, w): the squares in which something is combed; None where nothing is."""
    if not SIDE < len(rgb) <= HIGHEST:
        return None
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    # Sums over a square fit 16 bits, which is quicker than numbers with a point.
    next_, after = (
        cv2.boxFilter(cv2.absdiff(grey[:-2], other), cv2.CV_16U, (SIDE, SIDE), normalize=False)
        for other in (grey[1:-1], grey[2:])
    )
    differs = next_ > LEAST * SIDE**2
    if not (differs & (next_ > cv2.multiply(after, SURELY))).any():
        return None
    squares = (differs & (next_ > cv2.multiply(after, PERHAPS))).astype(np.uint8)
    around = cv2.dilate(squares, np.ones((SIDE, SIDE), np.uint8))
    return np.asarray(np.pad(around, ((0, 2), (0, 0)), mode="edge") > 0)
