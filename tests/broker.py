"""A real mosquitto on this machine, which a test may kill and start again."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.product import free_port

# Debian puts it where not every user's PATH leads.
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


class Broker:
    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        # Who subscribes to what is all that it writes down.
        own = ["user root", f"log_dest file {self._log}", "log_type subscribe"]
        self._config.write_text(
            "\n".join([f"listener {self.port} 127.0.0.1", "allow_anonymous true", *own, *lines, ""])
        )
        self.start()

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        assert MOSQUITTO is not None
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def wait_for_listener(self, topic: str, times: int = 1) -> None:
        """Until somebody has subscribed to it so often; what is published before is heard by nobody."""
        deadline = time.monotonic() + 60
        while not self._log.exists() or self._log.read_text().count(topic) < times:
            assert time.monotonic() < deadline, f"nobody listens to {topic}"
            time.sleep(0.02)

    def publish(self, topic: str, *payloads: str | bytes, retain: bool = False) -> None:
        """As a device does that is none of ours."""
        client = paho.Client(CallbackAPIVersion.VERSION2)
        deadline = time.monotonic() + 10
        while True:
            with suppress(OSError):
                client.connect("127.0.0.1", self.port)
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client.loop_start()
        for payload in payloads:
            client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(20)
        client.disconnect()
        client.loop_stop()


@contextmanager
def broker(folder: Path, *lines: str) -> Iterator[Broker]:
    started = Broker(folder, *lines)
    try:
        yield started
    finally:
        started.kill()


CONNECT = 0x10
# "Unacceptable protocol version", as a broker of MQTT 3.1.1 says it.
REFUSED = b"\x20\x02\x00\x01"


@contextmanager
def relay(to: int) -> Iterator[int]:
    """The port of a broker that lets in only who speaks MQTT 3.1.1, before the one at that port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_let_in, args=(server, to), daemon=True).start()
        yield server.getsockname()[1]


def _let_in(server: socket.socket, to: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            first = client.recv(4096)
            # The first byte after the packet's length (one or two bytes) and the protocol's name is its level.
            if first[0] == CONNECT and first[first.index(b"MQTT") + len(b"MQTT")] == 5:
                client.sendall(REFUSED)
                client.close()
                continue
            broker = socket.create_connection(("127.0.0.1", to))
            broker.sendall(first)
            for source, target in ((client, broker), (broker, client)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while said := source.recv(65536):
            target.sendall(said)
    for one in (source, target):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
