"""What becomes of a message: into the walk of its kind, or left out with a reason.

`sightline/<name>/captures`, `reports`, `clips`, `status`, `pair` of the edge client, `$aws/things/<thing>/infer` of the
DeepLens devices of 2018 and 2019. A camera is told by its MQTT name; who may publish under it the broker's rules say.
"""

import json
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rest_framework.exceptions import Throttled, ValidationError

from cases import audit
from matching import ingest
from matching.models import Camera
from matching.watching import alert_clips, fleet, live, tokens

logger = logging.getLogger(__name__)

# What any bridge may take; and what the leading one takes: the broker keeps it, its order counts, or, where a topic
# begins with $, brokers do not share it out (mosquitto).
SHARED = ["sightline/+/captures", "sightline/+/reports", "sightline/+/clips"]
LEADING = ["sightline/+/pair", "sightline/+/status", "$aws/things/+/infer"]
# A face with its margin as base64, and a report; what is larger is not unpacked.
MOST_BYTES = {
    "captures": 8 * 2**20, "infer": 8 * 2**20, "reports": ingest.MAX_REPORT_BYTES, "clips": ingest.MAX_CLIP_BYTES,
    "pair": 1024,
}  # fmt: skip
# Codes that are tried in a minute, by whomever, as over HTTP.
MOST_CODES = 20
# How often one and the same complaint is written down.
COMPLAIN_SECONDS = 60.0


class Messages:
    """publish: a topic and what is said there, to whoever listens now."""

    def __init__(self, publish: Callable[[str, str], Any]) -> None:
        self._publish = publish
        self._complained: dict[str, float] = {}
        self._codes: deque[float] = deque()
        # Messages that were brought in, and those that were left out.
        self.taken = self.left_out = 0

    def take(self, message: Any) -> None:
        """message: paho's. Raises `DatabaseError`, `OSError` where it could not be kept."""
        name, what = message.topic.rsplit("/", 2)[1:]
        if what == "pair":
            self._pair(name, message)
            return
        camera = Camera.objects.filter(thing=name, revoked_at=None).first()
        if camera is None:
            self.leave_out(message, f"no camera has the MQTT name {name}, or it was revoked")
            return
        if what == "status":
            fleet.said_status(camera, message.payload == b"online")
            return
        said: Any = None
        try:
            said = ingest.document(message.payload, MOST_BYTES[what])
            walk: Callable[[Camera, Any], None] = {
                "captures": self._capture,
                "reports": self._report,
                "clips": self._clip,
                "infer": ingest.infer,
            }[what]
            walk(camera, said)
        except Throttled as limit:
            # Not answered: its client keeps the face and sends it again.
            self.leave_out(message, str(limit.detail))
            return
        except ValidationError as refusal:
            self.leave_out(message, json.dumps(refusal.detail))
            if what == "captures" and isinstance(said, dict):
                self._answer(
                    camera, {"id": str(said.get("id", ""))[:40], "accepted": False, "detail": str(refusal.detail)}
                )
            return
        self.taken += 1

    def leave_out(self, message: Any, why: str) -> None:
        self.left_out += 1
        self.complain(f"a message on {message.topic[:100]} was left out: {why[:300]}")

    def complain(self, text: str) -> None:
        """Once a minute each: a device that is wrong is wrong a thousand times."""
        now = time.monotonic()
        self._complained = {one: at for one, at in self._complained.items() if now - at < COMPLAIN_SECONDS}
        if text not in self._complained:
            self._complained[text] = now
            logger.warning("%s", text)

    def _capture(self, camera: Camera, said: Any) -> None:
        self._answer(camera, {"id": str(ingest.capture(camera, said)), "accepted": True})

    def _report(self, camera: Camera, said: Any) -> None:
        ingest.report(camera, said)
        self._say(str(camera.thing), "settings", live.settings_of(camera))
        if asked := alert_clips.asked_of(camera):
            self._say(str(camera.thing), "wanted", {"clips": asked})

    def _clip(self, camera: Camera, said: Any) -> None:
        # What is no longer asked for, or came twice, is done with.
        with suppress(alert_clips.NotAskedFor):
            ingest.clip(camera, said)

    def _pair(self, name: str, message: Any) -> None:
        """A client that speaks under this name has a code: its camera gets the name. What it sends it is let in by, the
        broker says."""
        now = time.monotonic()
        self._codes = deque([at for at in self._codes if now - at < 60] + [now], MOST_CODES + 1)
        try:
            if len(self._codes) > MOST_CODES:
                raise tokens.CodeRefused("Too many codes were tried. Wait a minute.")
            said = ingest.document(message.payload, MOST_BYTES["pair"])
            code = said.get("code") if isinstance(said, dict) else None
            camera = tokens.pair_by_name(str(code or "")[:40], name)
        except (tokens.CodeRefused, ValidationError) as refusal:
            self.leave_out(message, str(refusal))
            self._say(name, "paired", {"detail": str(refusal)})
            return
        audit.record_as(None, "paired client", camera, f"MQTT name {name}")
        self.taken += 1
        self._say(name, "paired", {"camera": camera.name})

    def _answer(self, camera: Camera, said: dict[str, Any]) -> None:
        self._say(str(camera.thing), "taken", said)

    def _say(self, name: str, what: str, said: dict[str, Any]) -> None:
        self._publish(f"sightline/{name}/{what}", json.dumps(said))
