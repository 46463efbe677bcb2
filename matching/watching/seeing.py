"""What a client says of its own sight: how small a face may be, how its count is made, and what it cannot see."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from matching.models import Camera

# A face is about so wide, metres, and most cameras that watch a place see about so wide an angle.
FACE_METRES, ANGLE = 0.16, math.radians(80)
# What was counted of 30 people who walked by, at half a frame to 12.5 frames a second (docs/performance.md).
COUNTED = {
    "face": "It follows people by their faces: of 30 who walk by one after another it counts 28 to 35, at any pace.",
    "colours": "It follows people by their places and colours: of 30 who walk by one after another it counts 28 to 40. "
    "A client that is started with a pack that has a recogniser counts better.",
}
BY_PLACE = (
    "This client follows people by their places alone: below four frames a second it counts who walks by up to four "
    "times over. One of version 0.13 counts better."
)


@dataclass(frozen=True)
class Seeing:
    """smallest: how wide a face must be to be found, pixels. across, down: the frame's size, pixels. metres: how far
    away such a face is, with a usual lens. still: of faces that do not move: left, top, width and height in percent.
    unseen: why nothing can be seen. counted: what its count of persons is worth."""

    smallest: int | None
    across: int
    down: int
    metres: float | None
    still: list[tuple[float, ...]]
    unseen: str
    unseen_since: datetime | None
    counted: str


def of(camera: Camera) -> Seeing | None:
    """What its last report says; None of a client that says nothing of it."""
    sees = camera.report.get("sees")
    if not sees or camera.heartbeat_at is None:
        return None
    (across, down), smallest, unseen = sees["frame"], sees["smallest_face"], sees["unseen"]
    return Seeing(
        smallest=smallest,
        across=across,
        down=down,
        metres=FACE_METRES * across / (2 * math.tan(ANGLE / 2) * smallest) if smallest else None,
        still=[
            tuple(round(100 * side, 1) for side in (left, top, right - left, bottom - top))
            for left, top, right, bottom in sees["still"]
        ],
        unseen=unseen,
        unseen_since=camera.heartbeat_at - timedelta(seconds=sees["unseen_seconds"]) if unseen else None,
        counted=COUNTED.get(sees["follows_by"], ""),
    )
