"""Interlaced frames: two moments woven line by line, so that whatever moved between them has an edge like a comb."""

import numpy as np
from numpy.typing import NDArray

from matching.faces import opencv as cv2
from matching.faces.images import RgbImage

# By how much a pixel stands out from the lines above and below it to be one of a comb, of 255.
STANDS_OUT = 9
# A square of so many pixels a side is combed where more than so many of them are.
SIDE, COMBED = 16, 80


def one_moment(rgb: RgbImage) -> RgbImage:
    """The same with what moved as it was at the even lines' moment; a frame without combs as it is.

    The measure is the one that Telecide and TIVTC are known for. rgb: (h, w, 3).
    """
    combs = _combed(rgb)
    if combs is None:
        return rgb
    whole = rgb.copy()
    between = cv2.addWeighted(rgb[:-2:2], 0.5, rgb[2::2], 0.5, 0)
    odd = whole[1:-1:2]
    odd[...] = np.where(combs[1:-1:2, :, None], between[: len(odd)], odd)
    return whole


def _combed(rgb: RgbImage) -> NDArray[np.bool_] | None:
    """(h, w): the squares in which something is combed; None where nothing is."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.int16)
    if len(grey) < SIDE:
        return None
    own, above, below = grey[2:-2], grey[1:-3], grey[3:-1]
    up, down = own - above, own - below
    stands_out = np.minimum(up, down) > STANDS_OUT
    stands_out |= np.maximum(up, down) < -STANDS_OUT
    # The lines of the same moment are alike, the others alike among themselves.
    stands_out &= np.abs(grey[:-4] + 4 * own + grey[4:] - 3 * (above + below)) > 6 * STANDS_OUT
    found = np.zeros(grey.shape, np.uint8)
    found[2:-2] = stands_out
    counted = cv2.boxFilter(found, cv2.CV_16U, (SIDE, SIDE), normalize=False, borderType=cv2.BORDER_CONSTANT)
    squares = (counted > COMBED).astype(np.uint8)
    if not squares.any():
        return None
    return np.asarray(cv2.dilate(squares, np.ones((2 * SIDE, 2 * SIDE), np.uint8)) > 0)
