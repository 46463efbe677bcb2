"""To a broker over MQTT: faces and reports on topics of the camera's own; what became of a face comes back so too.

`sightline/<name>/captures`, `reports`, `clips`, `status` and `pair` are the client's; `taken`, `settings`, `wanted` and
`paired` are the server's.
"""

import base64
import json
import logging
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from edge_client import streams
from edge_client.over_http import PairingFailed, Unreachable
from edge_client.queue import Waiting

logger = logging.getLogger(__name__)

PREFIX = "sightline"
KEEPALIVE = 30
ANSWER_SECONDS = 20.0
NO_BRIDGE = "the broker answers, but no Sightline behind it"


class Mqtt:
    """url: mqtt://broker/name or mqtts://user@broker:8883/name. token: the password at the broker.

    A face is done with when the server says so, not when the broker has it: a broker that is killed may lose it.
    """

    def __init__(
        self, url: str, token: str, ca: str | None, follow: Callable[[dict[str, Any]], Any], client: str = ""
    ) -> None:
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        parts = urlsplit(url)
        self.name = unquote(parts.path.strip("/"))
        if not parts.hostname or not self.name or "/" in self.name:
            raise ValueError(f"{streams.shown(url)} is no broker with a camera's name: mqtts://broker.example/gate-3")
        self._follow = follow
        self._answers: dict[str, str | None] = {}
        self._paired: dict[str, str] = {}
        self._changed = threading.Condition()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=f"sightline-{self.name}-{client or uuid.uuid4().hex}"[:64]
        )
        if token:
            self._client.username_pw_set(unquote(parts.username or self.name), token)
        context = None
        if parts.scheme == "mqtts":
            folder = ca if ca and Path(ca).is_dir() else None
            context = ssl.create_default_context(cafile=None if folder else ca, capath=folder)
            self._client.tls_set_context(context)
        # The broker says it for us when we are gone without a word.
        self._client.will_set(self._topic("status"), "offline", qos=1, retain=True)
        self._client.reconnect_delay_set(1, 60)
        self._client.on_connect = self._connected
        self._client.on_message = self._heard
        self._problem = "the broker has not answered yet"
        where = parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._client.connect_async(*where, KEEPALIVE)
        self._client.on_connect_fail = lambda *_: self._say_away(streams.why_no_broker(*where, context))
        self._client.on_disconnect = self._lost
        self._client.loop_start()

    def send(self, entries: Sequence[Waiting]) -> dict[str, str | None]:
        """By id None where it was taken, else why it was refused. Raises `Unreachable`."""
        self._check()
        wanted = {str(entry.details["id"]) for entry in entries}
        with self._changed:
            self._answers = {}
        for entry in entries:
            message = {**entry.details, "image": base64.b64encode(entry.jpeg).decode()}
            self._client.publish(self._topic("captures"), json.dumps(message), qos=1)
        with self._changed:
            self._changed.wait_for(lambda: wanted <= set(self._answers), ANSWER_SECONDS)
            answers = {one: why for one, why in self._answers.items() if one in wanted}
        if not answers:
            raise Unreachable(NO_BRIDGE)
        return answers

    def report(self, report: dict[str, Any]) -> dict[str, Any]:
        """What the server asks in turn comes by its own topic. Raises `Unreachable`."""
        self._publish("reports", report)
        return {}

    def clip(self, said: dict[str, Any]) -> None:
        """The frames around one face. Raises `Unreachable`."""
        self._publish("clips", said)

    def pair(self, code: str) -> str:
        """Spend a pairing code for the name under which this client speaks. Returns the camera's name. Raises
        `PairingFailed`."""
        if away := self.wait(ANSWER_SECONDS):
            raise PairingFailed(f"{away[:1].upper()}{away[1:]}.")
        try:
            self._publish("pair", {"code": code})
        except Unreachable as problem:
            raise PairingFailed(f"{problem}.") from problem
        with self._changed:
            self._changed.wait_for(lambda: self._paired, ANSWER_SECONDS)
            said = self._paired
        if "camera" in said:
            return str(said["camera"])
        raise PairingFailed(f"The code was refused: {said['detail']}" if said else NO_BRIDGE)

    def wait(self, seconds: float) -> str:
        """Until the broker lets the camera in. Returns what is wrong, or nothing."""
        until = time.monotonic() + seconds
        while not self._client.is_connected() and time.monotonic() < until:
            time.sleep(0.05)
        return "" if self._client.is_connected() else self._problem

    def close(self) -> None:
        if self._client.is_connected():
            self._client.publish(self._topic("status"), "offline", qos=1, retain=True).wait_for_publish(2)
        self._client.disconnect()
        self._client.loop_stop()

    def _publish(self, topic: str, said: dict[str, Any]) -> None:
        """Until the broker has it. Raises `Unreachable`."""
        self._check()
        sent = self._client.publish(self._topic(topic), json.dumps(said), qos=1)
        try:
            sent.wait_for_publish(ANSWER_SECONDS)
        except (RuntimeError, ValueError) as error:
            raise Unreachable(f"the broker does not take the {topic} ({error})") from error
        if not sent.is_published():
            raise Unreachable(f"the broker does not confirm the {topic}")

    def _check(self) -> None:
        if not self._client.is_connected():
            raise Unreachable(self._problem)

    def _connected(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._say_away(f"the broker refuses the camera: {reason}")
            return
        self._problem = ""
        client.subscribe([(self._topic(topic), 1) for topic in ("taken", "settings", "wanted", "paired")])
        client.publish(self._topic("status"), "online", qos=1, retain=True)

    def _heard(self, client: Any, data: Any, message: Any) -> None:
        try:
            said = json.loads(message.payload)
            if message.topic == self._topic("settings"):
                self._follow({"settings": said})
            elif message.topic == self._topic("wanted"):
                self._follow(said)
            elif message.topic == self._topic("paired"):
                with self._changed:
                    self._paired = {name: str(value) for name, value in said.items()}
                    self._changed.notify_all()
            else:
                with self._changed:
                    self._answers[str(said["id"])] = None if said["accepted"] else str(said.get("detail", "refused"))
                    self._changed.notify_all()
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("what came on %s is not understood (%s)", message.topic, error)

    def _lost(self, *said: Any) -> None:
        # A refusal ends the connection too, and says more.
        if not self._problem.startswith("the broker refuses"):
            self._say_away("the broker is away")

    def _say_away(self, problem: str) -> None:
        self._problem = problem

    def _topic(self, what: str) -> str:
        return f"{PREFIX}/{self.name}/{what}"
