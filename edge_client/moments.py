"""The ten seconds around a face: kept in memory for a minute, and sent where the server asks for them."""

import base64
import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import cv2

from edge_client.over_http import Unreachable
from edge_client.settings import LiveSettings
from edge_client.sources import Frame, shrunk

logger = logging.getLogger(__name__)

BEFORE, AFTER = timedelta(seconds=5), timedelta(seconds=5)
# An alert comes within seconds; where only reports go to and fro it is asked for with the next of them.
KEPT = timedelta(seconds=60)
# Frames are kept at most so often and so wide, and sent fewer where they come to more bytes.
APART = timedelta(seconds=0.19)
LONGEST, QUALITY = 960, 75
MOST_BYTES = 4 * 2**20
# Faces that may be asked for; and how often a clip is sent, so many seconds after each other, to a server that is away.
MOST_FACES, TRIES, PAUSE = 500, 5, 5.0


@dataclass(frozen=True)
class _Kept:
    at: datetime
    jpeg: bytes


@dataclass
class _Wanted:
    uid: str
    at: datetime
    frames: list[_Kept] = field(default_factory=list)


class Moments(threading.Thread):
    """Keeps nothing unless the settings say so."""

    def __init__(self, send: Callable[[dict[str, Any]], None], settings: LiveSettings) -> None:
        """send: gives the server the frames around one face; raises `Unreachable`."""
        super().__init__(name="moments", daemon=True)
        self._send_clip, self._settings = send, settings
        self._frames: deque[_Kept] = deque()
        self._faces: OrderedDict[str, datetime] = OrderedDict()
        self._answered: deque[str] = deque(maxlen=MOST_FACES)
        self._wanted: list[_Wanted] = []
        self._due: deque[_Wanted] = deque()
        self._changed = threading.Condition()
        self._stopping = False

    def see(self, frame: Frame) -> None:
        """One frame that was looked at."""
        if not self._settings.now.clips:
            with self._changed:
                self._frames.clear()
            return
        if self._frames and timedelta(0) <= frame.seen_at - self._frames[-1].at < APART:
            return
        _, jpeg = cv2.imencode(".jpg", shrunk(frame.bgr, LONGEST), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        with self._changed:
            self._frames.append(_Kept(frame.seen_at, jpeg.tobytes()))
            # A clock that was set back makes what came before it younger than it is.
            while self._frames and not timedelta(0) <= frame.seen_at - self._frames[0].at <= KEPT:
                self._frames.popleft()
            self._settle(frame.seen_at)

    def sent(self, uid: str, at: datetime) -> None:
        """A face for which the server may ask. at: when it was seen."""
        with self._changed:
            self._faces[uid] = at
            while len(self._faces) > MOST_FACES:
                self._faces.popitem(last=False)

    def want(self, uid: str) -> None:
        """The server asks for the seconds around a face; by two ways at once, and again until it has them."""
        with self._changed:
            if uid in self._answered or any(one.uid == uid for one in (*self._wanted, *self._due)):
                return
            at = self._faces.get(uid)
            if at is None or not self._frames:
                # It is told so, rather than left to wait.
                self._due.append(_Wanted(uid, at or datetime.min))
            else:
                self._wanted.append(_Wanted(uid, at))
                self._settle(self._frames[-1].at)
            self._changed.notify_all()

    def finish(self, seconds: float) -> None:
        """Send what is there of what is wanted, for at most so many seconds."""
        with self._changed:
            for one in self._wanted:
                self._gather(one)
            self._wanted, self._stopping = [], True
            self._changed.notify_all()
        if self.is_alive():
            self.join(seconds)

    def run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._due or self._stopping)
                if not self._due:
                    return
                one = self._due.popleft()
                self._answered.append(one.uid)
            self._send(one)

    def _settle(self, now: datetime) -> None:
        """Those whose last second has come. The lock is held."""
        for one in [one for one in self._wanted if now >= one.at + AFTER]:
            self._wanted.remove(one)
            self._gather(one)

    def _gather(self, one: _Wanted) -> None:
        one.frames = [kept for kept in self._frames if one.at - BEFORE <= kept.at <= one.at + AFTER]
        while sum(len(kept.jpeg) for kept in one.frames) > MOST_BYTES:
            one.frames = one.frames[::2]
        self._due.append(one)
        self._changed.notify_all()

    def _send(self, one: _Wanted) -> None:
        said = {
            "id": one.uid,
            "frames": [
                {"at": kept.at.isoformat(), "jpeg": base64.b64encode(kept.jpeg).decode()} for kept in one.frames
            ],
        }
        for attempt in range(TRIES):
            try:
                self._send_clip(said)
                return
            except Unreachable as problem:
                logger.warning("the seconds around %s were not taken: %s", one.uid, problem)
            with self._changed:
                if attempt == TRIES - 1 or self._changed.wait_for(lambda: self._stopping, PAUSE):
                    return
