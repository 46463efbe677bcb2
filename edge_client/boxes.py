"""Boxes of faces, and how much of two is the same."""

# left, top, right, bottom, in any one unit
Box = tuple[float, float, float, float]


def middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def grown(box: Box, times: float) -> Box:
    """The box about the same middle, so many times as wide and high."""
    (x, y), dx, dy = middle(box), (box[2] - box[0]) / 2 * times, (box[3] - box[1]) / 2 * times
    return x - dx, y - dy, x + dx, y + dy


def of_union(a: Box, b: Box) -> float:
    """What two boxes share of what both take together, 0..1."""
    both = _both(a, b)
    return both / max(_area(a) + _area(b) - both, 1e-9)


def of_smaller(a: Box, b: Box) -> float:
    """What two boxes share of the smaller, 0..1."""
    return _both(a, b) / max(min(_area(a), _area(b)), 1e-9)


def _both(a: Box, b: Box) -> float:
    return max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
