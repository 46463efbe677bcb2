"""Pictures that come over MQTT: Frigate's snapshots of persons, or any topic on which a device publishes a picture."""

import hashlib
import logging
import queue
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from edge_client import streams
from edge_client.recordings import MOST_BYTES, Picture, decoded

logger = logging.getLogger(__name__)

# Pictures that wait while others are looked at; then the oldest goes.
MOST_WAITING = 50
KEEPALIVE = 30
# So long a look at the source alone waits for a picture, seconds.
ONCE_SECONDS = 10.0
IDLE_SECONDS = 5.0


def topic(source: str, once: bool, idle: Callable[[], None], say: Callable[[str], None]) -> Iterator[Picture]:
    """Pictures as they are published. source: mqtt://name:password@broker/topic, or mqtts://.

    once: one picture at most, the one that the broker kept if it kept one; else that one is left out, for it may be
    days old. say: as of `sources.frames`. Raises `SourceUnavailable` where the broker does not let it in at first.
    """
    from edge_client.sources import SourceUnavailable

    listening = _Listening(source, takes_kept=once)
    opened_once, said, until = False, "", time.monotonic() + ONCE_SECONDS
    try:
        while True:
            problem = listening.problem
            if problem and not opened_once and time.monotonic() >= until:
                raise SourceUnavailable(f"{streams.shown(source)} cannot be opened: {problem}")
            opened_once = opened_once or not problem
            if opened_once and problem != said:
                said = problem
                say(f"{streams.shown(source)}: {problem}" if problem else "")
            for content in listening.next():
                name = streams.shown(source)
                key = f"{name}:{hashlib.sha256(content).hexdigest()}"
                for picture in decoded(content, name, time.time(), key):
                    yield picture
                    if once:
                        return
            if once and opened_once and time.monotonic() >= until:
                return
            idle()
    finally:
        listening.close()


class _Listening:
    """A connection to the broker, made again whenever it breaks off. problem: why it is none, or nothing."""

    def __init__(self, source: str, *, takes_kept: bool) -> None:
        from edge_client.sources import SourceUnavailable

        try:
            import paho.mqtt.client as paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise SourceUnavailable("For mqtt:// install the extra: pip install sightline-edge[mqtt]") from error
        parts = urlsplit(source)
        self._topic = unquote(parts.path.lstrip("/"))
        if not parts.hostname or not self._topic:
            raise SourceUnavailable(
                f"{streams.shown(source)} names no topic: mqtt://broker/frigate/<camera>/person/snapshot"
            )
        self._takes_kept, self._pictures = takes_kept, queue.Queue[bytes](MOST_WAITING)
        self._context = ssl.create_default_context() if parts.scheme == "mqtts" else None
        self._where = parts.hostname, parts.port or (8883 if self._context else 1883)
        self.problem = "the broker has not answered yet"
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if self._context is not None:
            self._client.tls_set_context(self._context)
        self._client.reconnect_delay_set(1, 60)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._came
        self._client.on_connect_fail = lambda *_: self._is_away(streams.why_no_broker(*self._where, self._context))
        self._client.on_disconnect = self._lost
        self._client.connect_async(*self._where, KEEPALIVE)
        self._client.loop_start()

    def next(self) -> Iterator[bytes]:
        """What has come, after a pause where nothing has."""
        try:
            yield self._pictures.get(timeout=IDLE_SECONDS if not self.problem else 0.2)
            while True:
                yield self._pictures.get_nowait()
        except queue.Empty:
            return

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            self._is_away(f"the broker refuses this name and password ({reason})")
        else:
            client.subscribe(self._topic, 1)

    def _subscribed(self, client: Any, data: Any, mid: Any, reasons: Any, properties: Any) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        self.problem = f"the broker does not let this name read {self._topic}" if refused else ""

    def _came(self, client: Any, data: Any, message: Any) -> None:
        if message.retain and not self._takes_kept:
            return
        if not 0 < len(message.payload) <= MOST_BYTES:
            logger.error("a message of %d bytes on %s is no picture; left out", len(message.payload), message.topic)
            return
        while True:
            try:
                self._pictures.put_nowait(message.payload)
                return
            except queue.Full:
                logger.warning("more pictures come on %s than are looked at; the oldest is left out", self._topic)
                with suppress(queue.Empty):
                    self._pictures.get_nowait()

    def _lost(self, *said: Any) -> None:
        # A refusal ends the connection too, and says more.
        if not self.problem:
            self._is_away("the broker is away")

    def _is_away(self, problem: str) -> None:
        self.problem = problem
