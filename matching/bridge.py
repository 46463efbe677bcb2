"""MQTT beside HTTP: a broker's messages brought into the same walks, each once.

`sightline/<name>/captures`, `reports`, `clips`, `status`, `pair` of the edge client, `$aws/things/<thing>/infer` of the
DeepLens devices of 2018 and 2019. A camera is told by its MQTT name; who may publish under it the broker's rules say.
"""

import json
import logging
import ssl
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from paho.mqtt.enums import CallbackAPIVersion
from rest_framework.exceptions import Throttled, ValidationError

from cases import audit, locks
from matching import ingest
from matching.discovery import Discovery
from matching.models import Camera
from matching.watching import alert_clips, fleet, live, tokens

logger = logging.getLogger(__name__)

TOPICS = [
    "sightline/+/captures",
    "sightline/+/reports",
    "sightline/+/clips",
    "sightline/+/pair",
    "sightline/+/status",
    "$aws/things/+/infer",
]
# A face with its margin as base64, and a report; what is larger is not unpacked.
MOST_BYTES = {
    "captures": 8 * 2**20, "infer": 8 * 2**20, "reports": ingest.MAX_REPORT_BYTES, "clips": ingest.MAX_CLIP_BYTES,
    "pair": 1024,
}  # fmt: skip
KEEPALIVE = 30
# Pauses while the database is away; the broker keeps what is not confirmed.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
# A message that breaks its walk so often while database and disk are well is left out.
MOST_ATTEMPTS = 5
# Codes that are tried in a minute, by whomever, as over HTTP.
MOST_CODES = 20
# How often Home Assistant is told what changed of the cameras, and the bridge asks whether it is still the one.
TELL_SECONDS = 2.0
# How often one that stands by asks whether it is its turn.
STAND_BY_SECONDS = 5.0
# How often one and the same complaint is written down.
COMPLAIN_SECONDS = 60.0


class BridgeRefused(Exception):
    """The broker cannot be used as it is named; the text says why."""


class Bridge:
    """url: mqtt://user:password@broker or mqtts://…; ca: certificates to trust beside the usual ones.

    The broker keeps a session for it, and a message is confirmed when its walk is done: what comes meanwhile waits.
    discovery: Home Assistant's prefix, where it is to learn of the cameras.
    """

    def __init__(self, url: str, ca: str = "", name: str = "sightline-bridge", discovery: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BridgeRefused(f"MQTT_URL must be mqtt://broker or mqtts://broker, not {parts.scheme}://…")
        self._where = parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._lock = f"{name} at {parts.hostname}:{self._where[1]}"
        self._url, self._ca, self._name = parts, ca, name
        self._discovery = Discovery(self._keep, discovery) if discovery else None
        self._client = self._new_client()
        self._subscribed = threading.Event()
        self._stopping = threading.Event()
        self._complained: dict[str, float] = {}
        self._codes: deque[float] = deque()
        # Messages that were brought in, and those that were left out.
        self.taken = self.left_out = 0

    def _new_client(self) -> paho.Client:
        """One that has not connected: paho's own are not begun twice. Raises `OSError` without the certificates."""
        parts = self._url
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=self._name, clean_session=False, manual_ack=True)
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            folder = self._ca if self._ca and Path(self._ca).is_dir() else None
            client.tls_set_context(
                ssl.create_default_context(cafile=None if folder else self._ca or None, capath=folder)
            )
        client.reconnect_delay_set(1, 15)
        client.on_connect = self._connected
        client.on_message = self._came
        client.on_subscribe = lambda *_: self._subscribed.set()
        client.on_connect_fail = lambda *_: self._complain("the broker is away, or its certificate is not trusted")
        client.on_disconnect = self._left
        if self._discovery is not None:
            client.will_set(self._discovery.available, "offline", qos=1, retain=True)
        return client

    def run(self) -> None:
        """Until `stop`. With the broker away it tries again and again.

        Of several, on as many machines, one listens: a broker ends the connection of whoever has the same session. The
        next one goes on with that session when it is gone, so that what the broker kept is not lost.
        """
        stands_by = False
        while not self._stopping.is_set():
            try:
                with locks.held(self._lock) as mine:
                    if mine:
                        self._listen(mine)
                    elif not stands_by:
                        logger.warning("another bridge listens at %s:%s; this one stands by", *self._where)
                    stands_by = not mine
            except DatabaseError as error:
                self._complain(f"nothing is brought in, for the database is away ({type(error).__name__})")
            self._stopping.wait(STAND_BY_SECONDS)

    def _listen(self, mine: locks.Held) -> None:
        self._client.connect_async(*self._where, KEEPALIVE)
        self._client.loop_start()
        while not self._stopping.wait(TELL_SECONDS) and mine.lasts():
            self._tell()
        if self._discovery is not None and self._client.is_connected():
            self._keep(self._discovery.available, "offline").wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()
        self._client = self._new_client()
        self._subscribed.clear()

    def is_listening(self) -> bool:
        return self._subscribed.is_set()

    def stop(self) -> None:
        self._stopping.set()

    def _connected(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._complain(f"the broker refuses the bridge: {reason}")
            return
        logger.info("the bridge listens at %s:%s", *self._where)
        topics = TOPICS
        if self._discovery is not None:
            self._discovery.forget()
            self._keep(self._discovery.available, "online")
            topics = [*TOPICS, self._discovery.topics]
        client.subscribe([(topic, 1) for topic in topics])

    def _left(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._complain("the broker is away")

    def _tell(self) -> None:
        """Home Assistant, of the cameras."""
        if self._discovery is None or not self._client.is_connected():
            return
        try:
            self._discovery.tell()
        except DatabaseError as error:
            connection.close()
            self._complain(f"Home Assistant is told nothing, for the database is away ({type(error).__name__})")
        finally:
            close_old_connections()

    def _keep(self, topic: str, payload: str) -> paho.MQTTMessageInfo:
        """The broker keeps it, for whoever comes later."""
        return self._client.publish(topic, payload, qos=1, retain=True)

    def _came(self, client: Any, data: Any, message: Any) -> None:
        if self._discovery is not None and paho.topic_matches_sub(self._discovery.topics, message.topic):
            self._discovery.heard(message.topic, message.payload)
            client.ack(message.mid, message.qos)
            return
        pause, attempts = FIRST_PAUSE, 0
        while not self._stopping.is_set():
            try:
                self._take(message)
                break
            except (DatabaseError, OSError) as error:
                connection.close()
                attempts += _is_well()
                if attempts >= MOST_ATTEMPTS:
                    self._leave_out(message, f"it could not be kept ({type(error).__name__})")
                    break
                # Unconfirmed it would only come again with the next connection.
                self._complain(f"a message waits, for the database or the disk is away ({type(error).__name__})")
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except Exception:
                # One message that breaks us must not end the bridge, nor come again for ever.
                logger.exception("a message on %s could not be taken", message.topic[:100])
                self._leave_out(message, "it broke the bridge; the lines above say how")
                break
            finally:
                close_old_connections()
        else:
            return
        client.ack(message.mid, message.qos)

    def _take(self, message: Any) -> None:
        name, what = message.topic.rsplit("/", 2)[1:]
        if what == "pair":
            self._pair(name, message)
            return
        camera = Camera.objects.filter(thing=name, revoked_at=None).first()
        if camera is None:
            self._leave_out(message, f"no camera has the MQTT name {name}, or it was revoked")
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
            self._leave_out(message, str(limit.detail))
            return
        except ValidationError as refusal:
            self._leave_out(message, json.dumps(refusal.detail))
            if what == "captures" and isinstance(said, dict):
                self._answer(
                    camera, {"id": str(said.get("id", ""))[:40], "accepted": False, "detail": str(refusal.detail)}
                )
            return
        self.taken += 1

    def _capture(self, camera: Camera, said: Any) -> None:
        self._answer(camera, {"id": str(ingest.capture(camera, said)), "accepted": True})

    def _report(self, camera: Camera, said: Any) -> None:
        ingest.report(camera, said)
        self._publish(camera, "settings", live.settings_of(camera))
        if asked := alert_clips.asked_of(camera):
            self._publish(camera, "wanted", {"clips": asked})

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
            self._leave_out(message, str(refusal))
            self._say(name, "paired", {"detail": str(refusal)})
            return
        audit.record_as(None, "paired client", camera, f"MQTT name {name}")
        self.taken += 1
        self._say(name, "paired", {"camera": camera.name})

    def _answer(self, camera: Camera, said: dict[str, Any]) -> None:
        self._publish(camera, "taken", said)

    def _publish(self, camera: Camera, what: str, said: dict[str, Any]) -> None:
        self._say(str(camera.thing), what, said)

    def _say(self, name: str, what: str, said: dict[str, Any]) -> None:
        self._client.publish(f"sightline/{name}/{what}", json.dumps(said), qos=1)

    def _leave_out(self, message: Any, why: str) -> None:
        self.left_out += 1
        self._complain(f"a message on {message.topic[:100]} was left out: {why[:300]}")

    def _complain(self, text: str) -> None:
        """Once a minute each: a device that is wrong is wrong a thousand times."""
        now = time.monotonic()
        self._complained = {one: at for one, at in self._complained.items() if now - at < COMPLAIN_SECONDS}
        if text not in self._complained:
            self._complained[text] = now
            logger.warning("%s", text)


def _is_well() -> bool:
    """Whether database and disk answer: then what broke a message's walk is the message's own."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            file.write(b"x")
    except (DatabaseError, OSError):
        return False
    return True
