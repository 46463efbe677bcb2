"""How many faces a second one MQTT bridge brings in, and two that share a broker; mosquitto must be installed."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.common import fresh_database, table
from matching.models import Camera, Capture
from tests import faces
from tests.broker import Broker, broker
from tests.product import ROOT

FACES = 2_000
TURNS = 3


def run() -> None:
    fresh_database()
    camera = Camera(name="Gate", thing="gate")
    camera.issue_token()
    rows = []
    with tempfile.TemporaryDirectory() as folder, broker(Path(folder), "max_queued_messages 0") as mosquitto:
        for _ in range(TURNS):
            alone = _taken_a_second(mosquitto, 1)
            two = _taken_a_second(mosquitto, 2)
            rows.append((f"{alone:.0f}", f"{two:.0f}", f"{two / alone:.2f}"))
    table(("faces a second, one bridge", "two", "ratio"), *rows)


def _taken_a_second(mosquitto: Broker, bridges: int) -> float:
    """Faces wait at the broker for bridges that have started; nothing looks at them, so all of it is the bridges'."""
    environment = {**os.environ, "MQTT_URL": mosquitto.url, "SIGHTLINE_PROCESS": "bridge"}
    said = subprocess.DEVNULL
    running = [
        subprocess.Popen(
            [sys.executable, "manage.py", "mqtt_bridge"], cwd=ROOT, env=environment, stdout=said, stderr=said
        )
        for _ in range(bridges)
    ]
    try:
        time.sleep(15)
        before = Capture.objects.count()
        began = time.monotonic()
        _publish(mosquitto)
        while Capture.objects.count() < before + FACES:
            time.sleep(0.1)
        return FACES / (time.monotonic() - began)
    finally:
        for one in running:
            one.terminate()
        for one in running:
            one.wait(30)


def _publish(mosquitto: Broker) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.max_inflight_messages_set(200)
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    image = base64.b64encode(faces.person(5)).decode()
    for _ in range(FACES):
        said = {"id": str(uuid.uuid4()), "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9}
        sent = client.publish("sightline/gate/captures", json.dumps({**said, "image": image}), qos=1)
    sent.wait_for_publish(120)
    client.disconnect()
    client.loop_stop()
