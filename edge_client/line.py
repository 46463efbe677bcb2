"""A websocket to the server, opened from here so that it passes any router: settings at once, and live pictures."""

import base64
import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import cv2

from edge_client.detectors import FoundFace
from edge_client.settings import LiveSettings
from edge_client.sources import Frame, shrunk

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
QUALITY, TEST_QUALITY = 70, 88


class Line(threading.Thread):
    """Without it the client works all the same: settings then come with the answer to a report."""

    def __init__(
        self, server: str, token: str, settings: LiveSettings, ca: str | None = None,
        want: Callable[[str], None] = lambda uid: None,
    ) -> None:  # fmt: skip
        """want: is told of which face the server asks for the seconds around."""
        super().__init__(name="line", daemon=True)
        parts = urlsplit(server)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._url = urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/ws/camera/", "", ""))
        folder = ca if ca and Path(ca).is_dir() else None
        trusted = ssl.create_default_context(cafile=None if folder else ca, capath=folder)
        self._ssl = trusted if scheme == "wss" else None
        self.token = token
        self._settings, self._want = settings, want
        self._socket: Any = None
        self._until = self._next = 0.0
        self._every, self._width = 1.0, 640
        self._test_width = 0
        self._pause, self._problem = FIRST_PAUSE, ""

    def run(self) -> None:
        try:
            from websockets.exceptions import WebSocketException
            from websockets.sync.client import connect
        except ImportError:
            logger.info("websockets is not installed: settings come with each report, and nobody can look live")
            return
        while True:
            problem = ""
            try:
                header = {"Authorization": f"Bearer {self.token}"}
                with connect(self._url, additional_headers=header, ssl=self._ssl, max_size=2**20) as self._socket:
                    for message in self._socket:
                        problem = self._hear(json.loads(message))
            except (OSError, WebSocketException, ValueError, KeyError) as error:
                problem = problem or str(error)
            self._socket = None
            # Once, for it is tried for as long as it takes.
            if problem and problem != self._problem:
                logger.info("no line to the server (%s); settings come with each report meanwhile", problem)
            self._problem = problem
            time.sleep(self._pause * random.uniform(0.7, 1.3))  # noqa: S311
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def is_watched(self) -> bool:
        """Whether somebody looks, so that frames should come at least as often as they are shown."""
        return self._socket is not None and (time.monotonic() < self._until or self._test_width > 0)

    def show(self, frame: Frame, faces: list[tuple[FoundFace, str]], still: list[FoundFace]) -> None:
        """Show a frame to whoever looks. faces: with the track of each, or nothing. still: those that do not move."""
        now = time.monotonic()
        if not self.is_watched() or not self._settings.now.preview or (now < self._next and not self._test_width):
            return
        # Another test picture may be asked for while this frame is made ready.
        test_width, self._test_width = self._test_width, 0
        is_test, self._next = test_width > 0, now + self._every
        small = shrunk(frame.bgr, test_width or self._width)
        _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, TEST_QUALITY if is_test else QUALITY])
        height, width = frame.bgr.shape[:2]
        said = {
            "at": frame.seen_at.isoformat(),
            "width": small.shape[1],
            "height": small.shape[0],
            "test": is_test,
            "jpeg": base64.b64encode(jpeg.tobytes()).decode(),
            "faces": [
                {
                    "box": [round(side / (height if i % 2 else width), 4) for i, side in enumerate(face.box)],
                    "score": round(face.detection_score, 3),
                    "track": track,
                    "still": is_still,
                }
                for face, track, is_still in [*((f, t, False) for f, t in faces), *((f, "", True) for f in still)]
            ],
        }
        socket = self._socket
        try:
            if socket is not None:
                socket.send(json.dumps(said))
        except Exception as error:  # the socket closes in another thread, in any of its library's ways
            logger.info("a live picture did not go out (%s)", error)

    def _hear(self, said: dict[str, Any]) -> str:
        """What the server says. Returns why it wants nothing of us, or nothing."""
        kind = said["kind"]
        if kind == "settings":
            self._pause, self._problem = FIRST_PAUSE, ""
            if self._settings.take_up(said["settings"]):
                logger.info("new settings: %s", self._settings.now)
        elif kind == "look":
            self._until = time.monotonic() + float(said["seconds"])
            self._every, self._width = 1 / float(said["rate"]), int(said["width"])
        elif kind == "picture":
            self._test_width = int(said["width"])
        elif kind == "clip":
            self._want(str(said["id"]))
        elif kind == "refused":
            return str(said.get("detail", "refused"))
        return ""
