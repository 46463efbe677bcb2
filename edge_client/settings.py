"""What the client runs: its own options, and over them what the server asks, without a restart."""

import threading
from dataclasses import dataclass, fields, replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# left, top, right, bottom, as fractions of the picture
Zone = tuple[float, float, float, float]


@dataclass(frozen=True)
class Settings:
    """fps: frames looked at in a second; None for as many as the machine has time for. min_score: 0..1.

    min_size: pixels. detector: a name, see `detectors`.
    turn: degrees clockwise by which frames are turned; None for what is found by trying.
    sleep: from, until, as HH:MM in `time_zone`, or by the device's own clock. preview: whether people may look.
    clips: whether the last minute is kept, so that the seconds around an alert can be asked for.
    """

    fps: float | None = None
    min_score: float = 0.8
    min_size: float = 0
    zones: tuple[Zone, ...] = ()
    detector: str = "dlib"
    turn: int | None = None
    sleep: tuple[str, str] | None = None
    time_zone: str | None = None
    preview: bool = True
    clips: bool = False

    def is_asleep(self, now: datetime) -> bool:
        """now: with its time zone."""
        if self.sleep is None:
            return False
        try:
            local = now.astimezone(ZoneInfo(self.time_zone)) if self.time_zone else now.astimezone()
        except (ZoneInfoNotFoundError, ValueError, OSError):
            # A small device may know no time zones: its own clock then says.
            local = now.astimezone()
        begin, end = (time.fromisoformat(one) for one in self.sleep)
        at = local.time().replace(tzinfo=None)
        return begin <= at < end if begin <= end else at >= begin or at < end

    def wants(self, box: tuple[float, float, float, float], score: float, shape: tuple[int, ...]) -> bool:
        """Whether a face is sent: sure enough, large enough, and in a zone where there are any.

        box: left, top, right, bottom in pixels. shape: of the frame: height, width.
        """
        left, top, right, bottom = box
        if score < self.min_score or min(right - left, bottom - top) < self.min_size:
            return False
        x, y = (left + right) / 2 / shape[1], (top + bottom) / 2 / shape[0]
        return not self.zones or any(x1 <= x <= x2 and y1 <= y <= y2 for x1, y1, x2, y2 in self.zones)


class LiveSettings:
    """The settings in force. own: what the client was started with; the server's go over them."""

    def __init__(self, own: Settings, may_preview: bool = True) -> None:
        self.own = self.now = own
        self._may_preview = may_preview
        self._lock = threading.Lock()
        # What was asked and cannot be done, in words for whoever asked.
        self.problem = ""

    def take_up(self, asked: dict[str, Any]) -> bool:
        """What the server asks; what it leaves out is as the client was started. Returns whether anything changed."""
        known = {field.name for field in fields(Settings)}
        problems, wanted = [], {}
        for name, value in asked.items():
            try:
                if name in known and value is not None:
                    wanted[name] = _checked(name, value)
            except (TypeError, ValueError) as error:
                problems.append(f"{name} {value!r} is not understood ({error})")
        if not self._may_preview:
            wanted["preview"] = wanted["clips"] = False
        with self._lock:
            before, self.now = self.now, replace(self.own, **wanted)
            self.problem = "; ".join(problems)
            return before != self.now

    def said(self) -> dict[str, Any]:
        """For the report: the settings gone by."""
        now = self.now
        return {
            "fps": now.fps,
            "min_score": now.min_score,
            "min_size": now.min_size,
            "zones": [list(zone) for zone in now.zones],
            "detector": now.detector,
            "turn": now.turn,
            "sleep": list(now.sleep) if now.sleep else None,
            "preview": now.preview,
            "clips": now.clips,
        }


def checked_zone(sides: Any) -> Zone:
    """Raises `ValueError`."""
    left, top, right, bottom = (float(side) for side in sides)
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError("sides are fractions of the picture, as 0,0.5,1,1")
    return left, top, right, bottom


def _checked(name: str, value: Any) -> Any:
    if name == "zones":
        return tuple(checked_zone(zone) for zone in value)
    if name == "sleep":
        begin, end = (time.fromisoformat(one).strftime("%H:%M") for one in value)
        return begin, end
    if name in ("fps", "min_score", "min_size"):
        number = float(value)
        if not (0 < number <= 120 if name == "fps" else 0 <= number <= (1 if name == "min_score" else 10_000)):
            raise ValueError("out of range")
        return number
    if name == "turn":
        if int(value) not in (0, 90, 180, 270):
            raise ValueError("0, 90, 180 or 270")
        return int(value)
    return bool(value) if name in ("preview", "clips") else str(value)
