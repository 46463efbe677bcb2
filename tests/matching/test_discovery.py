"""Home Assistant learns of the cameras over a real broker: their state, their counts, their last alert, and no name."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import paho.mqtt.client as paho
import pytest
from django.utils import timezone
from paho.mqtt.enums import CallbackAPIVersion

from matching.bridge import Bridge
from matching.bridge import connection as bridges
from matching.models import Alert, Camera
from matching.watching import captures, fleet
from tests import faces, needs
from tests.broker import Broker, broker
from tests.matching.test_mqtt import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), needs.mosquitto]


class HomeAssistant:
    """What its MQTT integration holds: what is kept on each topic."""

    def __init__(self, mosquitto: Broker) -> None:
        self.kept: dict[str, str] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe([("homeassistant/#", 1), ("sightline/#", 1)])
        self._client.on_message = self._came
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", mosquitto.port)
        self._client.loop_start()

    def _came(self, client, data, message) -> None:
        if message.payload:
            self.kept[message.topic] = message.payload.decode()
        else:
            self.kept.pop(message.topic, None)

    def devices(self) -> list[dict]:
        return [json.loads(said) for topic, said in self.kept.items() if topic.startswith("homeassistant/device/")]

    def state(self, device: dict) -> dict:
        return json.loads(self.kept.get(device["state_topic"], "{}"))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(bridges, "TELL_SECONDS", 0.2)


@pytest.fixture
def mosquitto(tmp_path) -> Iterator[Broker]:
    with broker(tmp_path) as started:
        yield started


@pytest.fixture
def home(mosquitto) -> Iterator[HomeAssistant]:
    made = HomeAssistant(mosquitto)
    yield made
    made.close()


@pytest.fixture
def bridge(mosquitto) -> Iterator[Bridge]:
    with bridged(mosquitto) as made:
        yield made


@contextmanager
def bridged(mosquitto: Broker) -> Iterator[Bridge]:
    made = Bridge(mosquitto.url, discovery="homeassistant")
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        wait_until(made.is_listening)
        yield made
    finally:
        made.stop()
        thread.join(20)


def test_a_camera_is_a_device_with_its_state_its_count_and_its_last_alert(
    any_model, six_cases, camera, home, bridge, settings
):
    settings.PUBLIC_URL = "https://sightline.example"
    device = wait_until(home.devices)[0]
    assert device["device"]["name"] == camera.name
    assert device["origin"]["name"], "without an origin Home Assistant takes no device"
    assert set(device["components"]) == {"online", "people", "waiting", "alert"}
    assert len({part["unique_id"] for part in device["components"].values()}) == 4
    assert wait_until(lambda: home.state(device)) == {"state": "never", "people": None, "waiting": 0, "alert": None}
    assert home.kept[device["availability_topic"]] == "online"
    now = timezone.now()
    minute = {"minute": now, "frames": 9, "faces": 12, "most": 2, "tracks": 1, "score": 0.9}
    fleet.heard(camera, {"queue": 3}, now, [minute])
    wait_until(lambda: home.state(device).get("people") == 2)
    assert home.state(device) | {"state": "online", "waiting": 3} == home.state(device)
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=now)
    alert = Alert.objects.get()
    said = wait_until(lambda: home.state(device)["alert"])
    assert said["link"] == f"https://sightline.example/alerts/{alert.pk}/"
    assert said["likeness"] == alert.strength
    # Nobody's name, number or face goes over the broker.
    everything = " ".join(home.kept.values())
    assert alert.case.name not in everything
    assert alert.case.number not in everything


def test_one_that_is_gone_is_taken_back_though_the_bridge_was_not_there(camera, mosquitto, home):
    other = Camera(name="Yard")
    other.issue_token()
    with bridged(mosquitto):
        wait_until(lambda: len(home.devices()) == 2)
        other.revoke()
        wait_until(lambda: len(home.devices()) == 1)
    topic = next(topic for topic in home.kept if topic.endswith("/available"))
    assert home.kept[topic] == "offline"
    camera.delete()
    with bridged(mosquitto):
        wait_until(lambda: not home.devices())
    assert not [topic for topic in home.kept if topic.endswith("/state")]


def test_what_is_not_ours_stays(camera, mosquitto, home, bridge):
    foreign = "homeassistant/device/lamp_3/config"
    mosquitto.publish(foreign, "{}", retain=True)
    mosquitto.publish("homeassistant/device/sightline_0123abcd_7/config", "{}", retain=True)
    wait_until(lambda: len(home.devices()) == 3)
    camera.revoke()
    wait_until(lambda: len(home.devices()) == 2)
    assert foreign in home.kept


def test_a_broker_that_lost_all_is_told_again(camera, mosquitto, home, bridge):
    wait_until(home.devices)
    mosquitto.kill()
    home.kept.clear()
    mosquitto.start()
    wait_until(home.devices, 60)
    wait_until(lambda: home.state(home.devices()[0]))


def test_without_the_setting_nothing_is_told(camera, mosquitto, home):
    made = Bridge(mosquitto.url)
    thread = threading.Thread(target=made.run)
    thread.start()
    wait_until(made.is_listening)
    made.stop()
    thread.join(20)
    assert not home.kept
