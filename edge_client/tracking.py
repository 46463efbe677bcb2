"""Faces followed from frame to frame by where they are: whoever is about where somebody was going is the same."""

from collections.abc import Sequence
from dataclasses import dataclass

# left, top, right, bottom, in any one unit
Box = tuple[float, float, float, float]

# A face's width on each side counts as overlap too: between two looks people move.
REACH = 1.0
LEAST_OVERLAP = 0.2


@dataclass
class _Track:
    number: int
    box: Box
    seen_at: float
    # How far the middle moves in a second, across and down.
    speed: tuple[float, float] = (0.0, 0.0)

    def expected(self, at: float) -> Box:
        dx, dy = (speed * (at - self.seen_at) for speed in self.speed)
        left, top, right, bottom = self.box
        return left + dx, top + dy, right + dx, bottom + dy

    def move(self, box: Box, at: float) -> None:
        if at > self.seen_at:
            moved = [(box[i] + box[i + 2] - self.box[i] - self.box[i + 2]) / 2 for i in (0, 1)]
            self.speed = moved[0] / (at - self.seen_at), moved[1] / (at - self.seen_at)
        self.box, self.seen_at = box, at


class Tracker:
    """patience: seconds that somebody may be out of sight and still be followed."""

    def __init__(self, patience: float = 1.0) -> None:
        self._patience = patience
        self._tracks: list[_Track] = []
        self._next = 0

    def expected(self, at: float) -> list[Box]:
        """Where those who are followed should be at that second."""
        return [track.expected(at) for track in self._tracks if at - track.seen_at <= self._patience]

    def follow(self, boxes: Sequence[Box], at: float) -> list[int]:
        """The track number of each box of one frame. at: the frame's second; frames come in order."""
        self._tracks = [track for track in self._tracks if at - track.seen_at <= self._patience]
        pairs = sorted(
            (
                (overlap, place, track)
                for place, box in enumerate(boxes)
                for track in self._tracks
                if (overlap := _overlap(_wider(box), _wider(track.expected(at)))) >= LEAST_OVERLAP
            ),
            key=lambda pair: -pair[0],
        )
        taken: dict[int, _Track] = {}
        for _, place, track in pairs:
            if place not in taken and track not in taken.values():
                taken[place] = track
        for place, box in enumerate(boxes):
            if place not in taken:
                taken[place] = _Track(self._next, box, at)
                self._tracks.append(taken[place])
                self._next += 1
            taken[place].move(box, at)
        return [taken[place].number for place in range(len(boxes))]


def _wider(box: Box) -> Box:
    left, top, right, bottom = box
    dx, dy = (right - left) * REACH, (bottom - top) * REACH
    return left - dx, top - dy, right + dx, bottom + dy


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return both / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both, 1e-9)
