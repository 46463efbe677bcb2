"""Faces followed from look to look: by where they are where looks come quickly, and else by how they look too."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_client.boxes import Box, middle, of_union

Vector = NDArray[np.float32]
# The (d,) float32, unit length, that describes the face of a place in the list; None where it is too poor to say.
Describe = Callable[[int], Vector | None]

# Somebody may be so many face widths away from where they are expected, and so many more for each second since they
# were seen: of whom no speed is known yet, and of whom one is. Who walks fast passes ten face widths in a second.
REACH, UNKNOWN_SPEED, KNOWN_SPEED = 2.0, 10.0, 4.0
# Faces nearer than this make a much larger picture; between two looks nobody comes so much nearer.
LARGEST_CHANGE = 2.0
# Boxes that share so much of their union after so short a time are one person's, whatever they look like.
SAME_PLACE, SAME_PLACE_SECONDS = 0.5, 1.0
# Between looks that follow so soon nobody else gets to where somebody was going.
SOON_SECONDS = 0.3
# How long a speed is believed.
SPEED_SECONDS = 1.5
# So many looks may miss somebody.
LOOKS_MISSED = 2.5
# Whoever is known again by their face may be away for so long, and whoever stands where they stood: so many face
# widths away at most.
REMEMBERED_SECONDS = 5.0
STANDS = 0.75
# After how long a face that is followed is described again, until there are enough descriptions and after.
DESCRIBED_AGAIN, DESCRIBED_SELDOM, ENOUGH = 1.0, 10.0, 3
# The number of a face that goes on with no track and begins none.
NOBODY = -1


@dataclass(frozen=True)
class Likeness:
    """From what cosine on two descriptions are surely one person's, and up to which they are surely not."""

    same: float
    other: float


@dataclass
class _Track:
    number: int
    box: Box
    seen_at: float
    # How far the middle moves in a second, across and down; None until it was seen twice.
    speed: tuple[float, float] | None = None
    described_at: float = 0.0
    descriptions: deque[Vector] = field(default_factory=lambda: deque(maxlen=ENOUGH + 1))

    def expected(self, at: float) -> Box:
        dx, dy = (speed * min(at - self.seen_at, SPEED_SECONDS) for speed in self.speed or (0.0, 0.0))
        left, top, right, bottom = self.box
        return left + dx, top + dy, right + dx, bottom + dy

    def move(self, box: Box, at: float) -> None:
        if at > self.seen_at:
            (x, y), (x_before, y_before) = middle(box), middle(self.box)
            self.speed = (x - x_before) / (at - self.seen_at), (y - y_before) / (at - self.seen_at)
        self.box, self.seen_at = box, at

    def stands(self, box: Box) -> bool:
        """Whether the box is where this one stood, as someone does who did not move between the last two looks."""
        width = box[2] - box[0]
        (x, y), (x_before, y_before) = middle(box), middle(self.box)
        return (
            self.speed is not None
            and float(np.hypot(*self.speed)) < width
            and float(np.hypot(x - x_before, y - y_before)) <= STANDS * width
        )

    def distance(self, box: Box, at: float) -> float:
        """From where it is expected, as a share of how far it may be; above 1 it cannot be there."""
        before = self.expected(at)
        width, width_before = box[2] - box[0], before[2] - before[0]
        if not 1 / LARGEST_CHANGE <= width / max(width_before, 1e-9) <= LARGEST_CHANGE:
            return float("inf")
        pace = UNKNOWN_SPEED if self.speed is None else KNOWN_SPEED
        reach = max(REACH, pace * (at - self.seen_at)) * (width + width_before) / 2
        (x, y), (x_before, y_before) = middle(box), middle(before)
        return float(np.hypot(x - x_before, y - y_before)) / max(reach, 1e-9)


class Tracker:
    """patience: seconds that somebody may be out of sight and still be followed; more where looks come seldom.

    likeness: what descriptions are worth, where faces are described.
    """

    def __init__(self, patience: float = 1.0, likeness: Likeness | None = None) -> None:
        self._patience, self._likeness = patience, likeness
        self._tracks: list[_Track] = []
        self._next = 0
        self._looked_at: float | None = None
        self._between = 0.0

    def expected(self, at: float) -> list[Box]:
        """Where those who are followed should be at that second."""
        return [track.expected(at) for track in self._tracks if at - track.seen_at <= self._patience]

    def remembered(self) -> set[int]:
        """The numbers of those who may still come back."""
        return {track.number for track in self._tracks}

    def follow(self, boxes: Sequence[Box], at: float, describe: Describe | None = None, weak: int = 0) -> list[int]:
        """The track number of each box of one look. at: the look's second; looks come in order.

        weak: how many of the last boxes may only go on with a track and begin none: of faces that are seen less surely
        for a moment. NOBODY is the number of those that go on with none.
        """
        self._forget(at)
        described: dict[int, Vector | None] = {}

        def description(place: int) -> Vector | None:
            if place not in described:
                described[place] = describe(place) if describe is not None else None
            return described[place]

        taken: dict[int, _Track] = {}
        # First those whom their place alone tells, so that only the others need to be described.
        self._take(
            taken, [(o, p, t) for p, box in enumerate(boxes) for t in self._tracks if (o := self._stays(t, box, at))]
        )
        left = [place for place in range(len(boxes)) if place not in taken]
        free = [track for track in self._tracks if all(track is not one for one in taken.values())]
        self._take(
            taken, [(c, p, t) for p in left for t in free if (c := self._chance(t, boxes[p], at, p, description)) > 0]
        )
        for place, box in enumerate(boxes):
            if place not in taken:
                if place >= len(boxes) - weak:
                    continue
                taken[place] = _Track(self._next, box, at)
                self._tracks.append(taken[place])
                self._next += 1
            taken[place].move(box, at)
            self._learn(taken[place], at, place, described, description)
        return [taken[place].number if place in taken else NOBODY for place in range(len(boxes))]

    def _forget(self, at: float) -> None:
        if self._looked_at is not None and at > self._looked_at:
            self._between = at - self._looked_at
        self._looked_at = at
        missed = LOOKS_MISSED * self._between
        self._tracks = [
            track for track in self._tracks if at - track.seen_at <= max(self._patience, missed, REMEMBERED_SECONDS)
        ]

    def _stays(self, track: _Track, box: Box, at: float) -> float:
        """How much of its place the box has, where that is enough to know somebody by; else 0."""
        gap = at - track.seen_at
        if gap > SAME_PLACE_SECONDS:
            return 0.0
        overlap = max(of_union(box, track.expected(at)), of_union(box, track.box))
        return overlap if overlap >= SAME_PLACE else 0.0

    def _chance(
        self, track: _Track, box: Box, at: float, place: int, description: Callable[[int], Vector | None]
    ) -> float:
        """How probable it is that the box shows whom the track follows; 0 where it cannot be. Above 1 by the face."""
        gap = at - track.seen_at
        distance = track.distance(box, at)
        if distance > 1:
            return 0.0
        is_near = gap <= max(self._patience, LOOKS_MISSED * self._between) or track.stands(box)
        if gap <= SOON_SECONDS and gap <= 1.5 * self._between:
            return 1 - distance / 2
        if self._likeness is not None and track.descriptions and (now := description(place)) is not None:
            alike = max(float(now @ before) for before in track.descriptions)
            if alike >= self._likeness.same:
                return 1 + alike
            # In between, the less alike they are the nearer to where somebody was going they must be.
            if (alike - self._likeness.other) / (self._likeness.same - self._likeness.other) <= distance:
                return 0.0
        return 1 - distance / 2 if is_near else 0.0

    @staticmethod
    def _take(taken: dict[int, _Track], pairs: list[tuple[float, int, _Track]]) -> None:
        """The best pair first, each box and each track once."""
        used = {track.number for track in taken.values()}
        for _, place, track in sorted(pairs, key=lambda pair: -pair[0]):
            if place not in taken and track.number not in used:
                taken[place] = track
                used.add(track.number)

    def _learn(
        self, track: _Track, at: float, place: int, described: dict[int, Vector | None],
        description: Callable[[int], Vector | None],
    ) -> None:  # fmt: skip
        if self._likeness is None:
            return
        wait = DESCRIBED_AGAIN if len(track.descriptions) < ENOUGH else DESCRIBED_SELDOM
        if place in described or not track.descriptions or at - track.described_at >= wait:
            now = description(place)
            if now is not None:
                track.descriptions.append(now)
                track.described_at = at
