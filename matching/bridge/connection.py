"""To the broker: which bridge leads and which help, and each message confirmed when its walk is done.

One of all bridges at a broker leads: it takes what must be in order or what the broker keeps, and tells Home Assistant.
The broker gives each other message to any one of them, by a shared subscription of MQTT 5; where it knows none, the
others stand by.
"""

import logging
import ssl
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cases import locks
from cases.models import ProcessBeat
from matching.bridge.messages import LEADING, SHARED, Messages
from matching.discovery import Discovery

logger = logging.getLogger(__name__)

KEEPALIVE = 30
# Pauses while the database is away; the broker keeps what is not confirmed.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
# A message that breaks its walk so often while database and disk are well is left out.
MOST_ATTEMPTS = 5
# How often Home Assistant is told what changed of the cameras, and a bridge asks whether it still leads, or helps.
TELL_SECONDS = 2.0
# How often one that stands by asks whether it is its turn.
STAND_BY_SECONDS = 5.0
# A helper that leaves takes what the broker gave it before, until nothing came for so long; at most so long.
QUIET_SECONDS, LEAVING_SECONDS = 0.5, 10.0
# The leader's session stays, for the next one; a helper's ends with it, or the broker would give to nobody.
FOR_EVER, AT_ONCE = 0xFFFFFFFF, 0


class BridgeRefused(Exception):
    """The broker cannot be used as it is named; the text says why."""


class Bridge:
    """url: mqtt://user:password@broker or mqtts://…; ca: certificates to trust beside the usual ones.

    The broker keeps a session for the one that leads, and a message is confirmed when its walk is done: what comes
    meanwhile waits. discovery: Home Assistant's prefix, where it is to learn of the cameras.
    """

    def __init__(self, url: str, ca: str = "", name: str = "sightline-bridge", discovery: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BridgeRefused(f"MQTT_URL must be mqtt://broker or mqtts://broker, not {parts.scheme}://…")
        self._where = parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._lock = f"{name} at {parts.hostname}:{self._where[1]}"
        self._url, self._ca, self._name = parts, ca, name
        self._messages = Messages(lambda topic, said: self._client.publish(topic, said, qos=1))
        self._discovery = Discovery(self._keep, discovery) if discovery else None
        # What the broker is taken for until it says otherwise.
        self._protocol, self._shares = MQTTProtocolVersion.MQTTv5, True
        self._client, self._leads = self._new_client(leads=True), True
        self._subscribed, self._unsubscribed = threading.Event(), threading.Event()
        self._stopping, self._left_off, self._outdated = threading.Event(), threading.Event(), threading.Event()
        self._came_at = 0.0

    @property
    def taken(self) -> int:
        """Messages that were brought in."""
        return self._messages.taken

    @property
    def left_out(self) -> int:
        """Messages that were not, for a reason that was said."""
        return self._messages.left_out

    def run(self) -> None:
        """Until `stop`. With the broker away it tries again and again.

        A broker ends the connection of whoever has the same session, so one has the leader's. The next one goes on with
        that session when it is gone, so that what the broker kept is not lost.
        """
        stands_by = False
        while not self._stopping.is_set():
            try:
                if self._led() or self._helped():
                    stands_by = False
                    continue
                if not stands_by:
                    logger.warning("another bridge listens at %s:%s; this one stands by", *self._where)
                stands_by = True
            except DatabaseError as error:
                self._messages.complain(f"nothing is brought in, for the database is away ({type(error).__name__})")
            self._stopping.wait(STAND_BY_SECONDS)

    def is_listening(self) -> bool:
        return self._subscribed.is_set()

    def stop(self) -> None:
        self._stopping.set()

    def _led(self) -> bool:
        """False at once where another one leads."""
        with locks.held(self._lock) as mine:
            if mine:
                self._listen(mine.lasts, leads=True)
        return bool(mine)

    def _helped(self) -> bool:
        """False at once where there is nothing to help with."""
        if not self._may_help():
            return False
        self._listen(self._still_helps, leads=False)
        return True

    def _may_help(self) -> bool:
        """While another one leads, at a broker that shares out. One of another version may take everything itself."""
        try:
            return self._shares and not locks.is_free(self._lock) and not ProcessBeat.of_other_version("bridge")
        finally:
            close_old_connections()

    def _still_helps(self) -> bool:
        """What a helper was given waits with it for a database that is away: its session is not kept."""
        try:
            return self._may_help()
        except DatabaseError:
            return True

    def _listen(self, lasts: Callable[[], bool], *, leads: bool) -> None:
        """For as long as that is its part, and the broker is what it was taken for."""
        self._leads, self._client = leads, self._new_client(leads)
        for event in (self._subscribed, self._unsubscribed, self._left_off, self._outdated):
            event.clear()
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            lasting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            lasting.SessionExpiryInterval = FOR_EVER if leads else AT_ONCE
            self._client.connect_async(*self._where, KEEPALIVE, clean_start=not leads, properties=lasting)
        else:
            self._client.connect_async(*self._where, KEEPALIVE)
        self._client.loop_start()
        try:
            while not self._stopping.wait(TELL_SECONDS) and not self._outdated.is_set() and lasts():
                self._tell()
            self._leave()
        finally:
            self._left_off.set()
            self._client.disconnect()
            self._client.loop_stop()
            self._subscribed.clear()

    def _leave(self) -> None:
        if not self._client.is_connected():
            return
        if self._leads:
            if self._discovery is not None:
                self._keep(self._discovery.available, "offline").wait_for_publish(2)
            return
        self._client.unsubscribe(self._shared())
        until = time.monotonic() + LEAVING_SECONDS
        if self._unsubscribed.wait(LEAVING_SECONDS):
            while time.monotonic() < min(until, self._came_at + QUIET_SECONDS):
                time.sleep(QUIET_SECONDS / 10)

    def _new_client(self, leads: bool) -> paho.Client:
        """One that has not connected: paho's own are not begun twice. Raises `OSError` without the certificates."""
        parts = self._url
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._name if leads else f"{self._name}-{uuid.uuid4().hex}",
            clean_session=None if self._protocol == MQTTProtocolVersion.MQTTv5 else False,
            protocol=self._protocol,
            manual_ack=True,
        )
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
        client.on_unsubscribe = lambda *_: self._unsubscribed.set()
        client.on_connect_fail = lambda *_: self._messages.complain(
            "the broker is away, or its certificate is not trusted"
        )
        client.on_disconnect = self._lost
        if self._discovery is not None and leads:
            client.will_set(self._discovery.available, "offline", qos=1, retain=True)
        return client

    def _connected(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            if str(reason) == "Unsupported protocol version" and self._protocol == MQTTProtocolVersion.MQTTv5:
                self._take_for_old()
            else:
                self._messages.complain(f"the broker refuses the bridge: {reason}")
            return
        if not getattr(properties, "SharedSubscriptionAvailable", self._shares):
            self._shares = False
        logger.info("the bridge listens at %s:%s", *self._where)
        if not self._leads:
            if self._shares:
                client.subscribe([(topic, 1) for topic in self._shared()])
            else:
                self._outdated.set()
            return
        topics = [*LEADING, *(self._shared() if self._shares else SHARED)]
        if self._shares:
            # The session may be of a bridge that took all by itself.
            client.unsubscribe(SHARED)
        if self._discovery is not None:
            self._discovery.forget()
            self._keep(self._discovery.available, "online")
            topics.append(self._discovery.topics)
        client.subscribe([(topic, 1) for topic in topics])

    def _take_for_old(self) -> None:
        """The broker speaks no MQTT 5, so it shares nothing out."""
        self._protocol, self._shares = MQTTProtocolVersion.MQTTv311, False
        self._outdated.set()

    def _shared(self) -> list[str]:
        return [f"$share/{self._name}/{topic}" for topic in SHARED]

    def _lost(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure and not self._outdated.is_set():
            self._messages.complain("the broker is away")

    def _tell(self) -> None:
        """Home Assistant, of the cameras."""
        if self._discovery is None or not self._leads or not self._client.is_connected():
            return
        try:
            self._discovery.tell()
        except DatabaseError as error:
            connection.close()
            self._messages.complain(
                f"Home Assistant is told nothing, for the database is away ({type(error).__name__})"
            )
        finally:
            close_old_connections()

    def _keep(self, topic: str, payload: str) -> paho.MQTTMessageInfo:
        """The broker keeps it, for whoever comes later."""
        return self._client.publish(topic, payload, qos=1, retain=True)

    def _came(self, client: Any, data: Any, message: Any) -> None:
        self._came_at = time.monotonic()
        if self._discovery is not None and paho.topic_matches_sub(self._discovery.topics, message.topic):
            self._discovery.heard(message.topic, message.payload)
            client.ack(message.mid, message.qos)
            return
        pause, attempts = FIRST_PAUSE, 0
        while not self._is_over():
            try:
                self._messages.take(message)
                break
            except (DatabaseError, OSError) as error:
                connection.close()
                attempts += _is_well()
                if attempts >= MOST_ATTEMPTS:
                    self._messages.leave_out(message, f"it could not be kept ({type(error).__name__})")
                    break
                # Unconfirmed it would only come again with the next connection.
                self._messages.complain(
                    f"a message waits, for the database or the disk is away ({type(error).__name__})"
                )
                self._left_off.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except Exception:
                # One message that breaks us must not end the bridge, nor come again for ever.
                logger.exception("a message on %s could not be taken", message.topic[:100])
                self._messages.leave_out(message, "it broke the bridge; the lines above say how")
                break
            finally:
                close_old_connections()
        else:
            return
        client.ack(message.mid, message.qos)

    def _is_over(self) -> bool:
        """Whether what comes is for the next one: the leader's session is kept, a helper's is not."""
        return self._left_off.is_set() or (self._leads and self._stopping.is_set())


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
