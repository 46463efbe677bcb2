"""MQTT beside HTTP, with a real mosquitto: the same walks, each message once, whoever is killed in between."""

import base64
import json
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from types import SimpleNamespace

import paho.mqtt.client as paho
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone
from paho.mqtt.enums import CallbackAPIVersion

from cases.models import AuditEvent, ProcessBeat
from edge_client import pairing
from edge_client.home import Home
from edge_client.over_http import PairingFailed, Unreachable
from edge_client.over_mqtt import Mqtt
from edge_client.queue import DiskQueue
from edge_client.sender import Sender
from matching.bridge import Bridge, BridgeRefused
from matching.models import Alert, Camera, CameraMinute, Capture
from matching.watching import fleet, tokens
from tests import faces, needs
from tests.broker import Broker, broker, relay
from tests.product import free_port

pytestmark = [pytest.mark.django_db(transaction=True), needs.mosquitto]


@pytest.fixture
def gate(camera) -> Camera:
    camera.thing = "gate-3"
    camera.save()
    return camera


@pytest.fixture
def mosquitto(tmp_path) -> Iterator[Broker]:
    with broker(tmp_path) as started:
        yield started


@pytest.fixture
def bridge(mosquitto) -> Iterator[Bridge]:
    yield from bridged(mosquitto)


def bridged(mosquitto: Broker) -> Iterator[Bridge]:
    made = Bridge(mosquitto.url)
    thread = threading.Thread(target=made.run)
    thread.start()
    wait_until(made.is_listening)
    yield made
    made.stop()
    thread.join(20)


@pytest.fixture
def device(mosquitto) -> Iterator[Mqtt]:
    made = Mqtt(f"{mosquitto.url}/gate-3", "", None, lambda asked: device_heard.append(asked))
    device_heard.clear()
    yield made
    made.close()


device_heard: list[dict] = []


def wait_until(true, seconds: float = 20):
    deadline = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return value


def capture(number: int = 0, **said) -> dict:
    return {
        "id": str(uuid.uuid4()), "captured_at": timezone.now().isoformat(), "detection_score": 0.9,
        "image": base64.b64encode(faces.person(number)).decode(), **said,
    }  # fmt: skip


def put(queue: DiskQueue, number: int) -> None:
    details = capture()
    image = base64.b64decode(details.pop("image"))
    for _ in range(number):
        queue.put(image, {**details, "id": str(uuid.uuid4())})


def test_it_works(any_model, six_cases, gate, bridge, device, tmp_path):
    queue = DiskQueue(tmp_path / "queue")
    put(queue, 3)
    sender = Sender(queue, device)
    sender.start()
    assert sender.finish(30)
    assert Capture.objects.filter(camera=gate).count() == 3
    assert Alert.objects.get().capture_count == 3
    queue.close()


def test_reports_and_counts_come_and_settings_go_back(gate, bridge, device):
    fleet.change_settings(gate, {"fps": 4.0})
    minute = {"minute": timezone.now().isoformat(), "frames": 9, "faces": 3, "most": 2, "tracks": 1, "score": 0.9}
    device.wait(10)
    device.report({"sent_at": timezone.now().isoformat(), "version": "0.6.0", "queue": 7, "minutes": [minute]})
    wait_until(lambda: device_heard)
    assert device_heard[-1]["settings"]["fps"] == 4
    gate.refresh_from_db()
    assert (gate.state, gate.report["queue"], CameraMinute.objects.get().faces) == ("online", 7, 3)


@pytest.fixture
def pair(mosquitto, tmp_path):
    def pair(code: str, name: str = "gate-9", password: str = "") -> str:
        home = Home(tmp_path / name)
        pairing.run(home, f"{mosquitto.url}/{name}", code, None, None, password)
        return str(home.token)

    return pair


def test_a_client_is_paired_by_its_code_and_its_name_on_the_broker_becomes_the_cameras(camera, bridge, pair):
    before = camera.token
    assert pair(tokens.begin_pairing(camera), password="of the broker") == "of the broker"
    camera.refresh_from_db()
    assert camera.thing == "gate-9"
    with pytest.raises(tokens.TokenRefused):
        tokens.camera_of(before)
    assert "gate-9" in AuditEvent.objects.get(action="paired client").why


def test_a_code_that_is_wrong_spent_or_for_a_name_that_is_taken(camera, bridge, pair):
    other = Camera(name="Other", thing="gate-3")
    other.issue_token()
    for code in ("WRONG-123", ""):
        with pytest.raises(PairingFailed, match=r"No camera waits for this code|Give the code"):
            pair(code)
    code = tokens.begin_pairing(camera)
    with pytest.raises(PairingFailed, match="Choose another MQTT name"):
        pair(code, "gate-3")
    with pytest.raises(PairingFailed, match="cannot be used"):
        pair(code, "$gate")
    pair(code)
    with pytest.raises(PairingFailed, match="works once"):
        pair(code)


def test_codes_are_not_guessed_over_a_broker(camera, bridge, mosquitto, pair):
    code = tokens.begin_pairing(camera)
    mosquitto.publish("sightline/x/pair", *[json.dumps({"code": f"GUESS-{n}"}) for n in range(25)])
    wait_until(lambda: bridge.left_out == 25)
    with pytest.raises(PairingFailed, match="Too many codes"):
        pair(code)


@pytest.mark.parametrize("odd", [b"", b"[]", b"{}", b'{"code": {"a": 1}}', b"x" * 5000, b'{"code": null}'])
def test_what_is_no_code_ends_no_bridge(camera, bridge, mosquitto, odd):
    mosquitto.publish("sightline/x/pair", odd)
    wait_until(lambda: bridge.left_out == 1)
    mosquitto.publish("sightline/y/pair", json.dumps({"code": tokens.begin_pairing(camera)}))
    wait_until(lambda: bridge.taken == 1)


def test_a_client_that_is_gone_without_a_word_is_offline_at_once(gate, bridge, mosquitto):
    device = Mqtt(f"{mosquitto.url}/gate-3", "", None, lambda asked: None)
    wait_until(lambda: Camera.objects.get().state == "online")
    # The socket is torn off, as by a power cut: the broker says the last will.
    device._client.loop_stop()
    device._client.socket().close()
    wait_until(lambda: Camera.objects.get().state == "offline")


def test_a_message_replayed_a_thousand_times_is_one_capture(gate, bridge, mosquitto):
    mosquitto.publish("sightline/gate-3/captures", *[json.dumps(capture())] * 1000)
    wait_until(lambda: bridge.taken == 1000, seconds=60)
    assert Capture.objects.count() == 1


def test_the_forms_of_the_deeplens(gate, bridge, mosquitto):
    face = json.dumps({"face": base64.b64encode(faces.person(0)).decode(), "confidence": 0.87})
    topic = "$aws/things/gate-3/infer"
    mosquitto.publish(topic, face, face, json.dumps({"faces": 3}), json.dumps({"face_count": 1}), "2")
    wait_until(lambda: bridge.taken == 5)
    assert Capture.objects.get().detection_score == 0.87
    counted = CameraMinute.objects.get()
    assert (counted.frames, counted.faces, counted.most) == (3, 6, 3)


@pytest.mark.parametrize(
    ("topic", "payload", "words"),
    [
        ("sightline/gate-3/captures", "{broken", "no JSON"),
        ("sightline/gate-3/captures", "[1]", "Expected a dictionary"),
        ("sightline/gate-3/captures", b"\xff\xfe", "no JSON"),
        ("sightline/gate-3/captures", json.dumps({"image": "%%"}), "not base64"),
        ("sightline/gate-3/captures", json.dumps({"image": "AAAA", "id": "7"}), "Must be a valid UUID"),
        ("sightline/gate-3/captures", b"x" * 10_000_000, "the limit is 8,388,608"),
        ("sightline/gate-3/reports", "{}", "This field is required"),
        ("sightline/elsewhere/captures", "{}", "no camera has the MQTT name elsewhere"),
        ("$aws/things/gate-3/infer", json.dumps({"birds": 3}), "Neither a face with its confidence nor a number"),
        ("$aws/things/gate-3/infer", "true", "Neither a face"),
    ],
)
def test_what_is_wrong_is_left_out_said_once_and_stops_nothing(gate, bridge, mosquitto, caplog, topic, payload, words):
    mosquitto.publish(topic, payload, payload)
    mosquitto.publish("sightline/gate-3/captures", json.dumps(capture()))
    wait_until(lambda: bridge.taken)
    assert (bridge.left_out, Capture.objects.count()) == (2, 1)
    assert caplog.text.count("was left out") == 1
    assert words in caplog.text


def test_what_the_server_refuses_is_set_aside_by_the_client_with_the_reason(gate, bridge, device, tmp_path):
    queue = DiskQueue(tmp_path / "queue")
    queue.put(b"no picture", {key: value for key, value in capture().items() if key != "image"})
    sender = Sender(queue, device)
    sender.start()
    assert sender.finish(20)
    assert "image" in queue.refused[0]
    queue.close()


def test_a_revoked_camera_brings_nothing_in(gate, bridge, mosquitto):
    gate.revoke()
    mosquitto.publish("sightline/gate-3/captures", json.dumps(capture()))
    wait_until(lambda: bridge.left_out)
    assert not Capture.objects.exists()


def test_while_the_bridge_is_away_the_client_keeps_its_faces(gate, mosquitto, device, tmp_path, monkeypatch):
    monkeypatch.setattr("edge_client.over_mqtt.ANSWER_SECONDS", 1.0)
    queue = DiskQueue(tmp_path / "queue")
    put(queue, 2)
    device.wait(10)
    with pytest.raises(Unreachable, match="no Sightline behind it"):
        device.send(queue.first(2))
    sender = Sender(queue, device)
    sender.start()
    for _ in bridged(mosquitto):
        assert sender.finish(30)
    assert Capture.objects.count() == 2
    queue.close()


def test_a_broker_that_is_killed_again_and_again_loses_nothing(gate, bridge, mosquitto, device, tmp_path, monkeypatch):
    monkeypatch.setattr("edge_client.over_mqtt.ANSWER_SECONDS", 2.0)
    queue = DiskQueue(tmp_path / "queue")
    put(queue, 200)
    sender = Sender(queue, device)
    sender.start()
    for wait in (0.3, 0.7, 1.1):
        time.sleep(wait)
        mosquitto.kill()
        time.sleep(0.3)
        mosquitto.start()
    assert sender.finish(60)
    assert Capture.objects.filter(camera=gate).count() == 200
    queue.close()


def test_what_came_while_the_database_was_away_is_taken_when_it_is_back(gate, bridge, mosquitto, monkeypatch):
    from django.db import OperationalError

    from matching.bridge import messages as module

    kept, left = module.ingest.capture, iter([True, True])

    def away_twice(*said):
        if next(left, None):
            raise OperationalError("away")
        return kept(*said)

    monkeypatch.setattr(module.ingest, "capture", away_twice)
    mosquitto.publish("sightline/gate-3/captures", json.dumps(capture()))
    wait_until(lambda: bridge.taken == 1)
    assert Capture.objects.count() == 1


def test_a_message_that_breaks_the_bridge_ends_it_not(gate, bridge, mosquitto, monkeypatch, caplog):
    from matching.bridge import messages as module

    kept = module.ingest.capture
    broken = iter([True])

    def breaks_once(*said):
        if next(broken, None):
            raise RuntimeError("broken")
        return kept(*said)

    monkeypatch.setattr(module.ingest, "capture", breaks_once)
    mosquitto.publish("sightline/gate-3/captures", json.dumps(capture()), json.dumps(capture()))
    wait_until(lambda: (bridge.taken, bridge.left_out) == (1, 1))
    assert Capture.objects.count() == 1
    assert "it broke the bridge" in caplog.text


def certificates(folder) -> None:
    """A CA of one's own, and a certificate of the broker's."""
    for command in (
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=test-ca",
        "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=127.0.0.1",
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 -extfile names",
    ):
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


# The library leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_over_tls_a_certificate_counts_only_where_it_is_trusted(gate, tmp_path):
    certificates(tmp_path)
    lines = [f"certfile {tmp_path}/server.crt", f"keyfile {tmp_path}/server.key"]
    with broker(tmp_path, *lines) as mosquitto:
        url = mosquitto.url.replace("mqtt:", "mqtts:")
        stranger = Mqtt(f"{url}/gate-3", "", None, lambda asked: None)
        assert "certificate of 127.0.0.1 is not trusted" in stranger.wait(3)
        stranger.close()
        trusting = Mqtt(f"{url}/gate-3", "", str(tmp_path / "ca.crt"), lambda asked: None)
        assert trusting.wait(10) == ""
        trusting.close()
        made = Bridge(url, str(tmp_path / "ca.crt"))
        thread = threading.Thread(target=made.run)
        thread.start()
        wait_until(made.is_listening)
        made.stop()
        thread.join(10)


def test_a_broker_that_lets_nobody_in_says_so(tmp_path):
    (tmp_path / "passwords").touch()
    with broker(tmp_path, "allow_anonymous false", f"password_file {tmp_path}/passwords") as mosquitto:
        device = Mqtt(f"{mosquitto.url}/gate-3", "wrong", None, lambda asked: None)
        assert "refuses the camera" in device.wait(5)
        device.close()


@pytest.mark.parametrize("url", ["mqtt://127.0.0.1", "mqtt:///gate-3", "mqtt://127.0.0.1/a/b"])
def test_a_broker_without_a_name_is_refused_in_words(url):
    with pytest.raises(ValueError, match="no broker with a camera's name"):
        Mqtt(url, "", None, lambda asked: None)


def test_the_command_says_what_it_misses(settings):
    settings.MQTT_URL = ""
    with pytest.raises(CommandError, match="names no broker"):
        call_command("mqtt_bridge")
    with pytest.raises(BridgeRefused, match="must be mqtt://broker"):
        Bridge("http://x")


@pytest.fixture
def two(mosquitto, monkeypatch) -> Iterator[tuple[Bridge, Bridge]]:
    """One that leads, and one that helps it."""
    monkeypatch.setattr("matching.bridge.connection.STAND_BY_SECONDS", 0.1)
    monkeypatch.setattr("matching.bridge.connection.TELL_SECONDS", 0.1)
    leading, helping = bridged(mosquitto), bridged(mosquitto)
    yield next(leading), next(helping)
    next(helping, None)
    next(leading, None)


def test_two_bridges_share_what_comes_and_neither_throws_the_other_out(gate, mosquitto, two, caplog):
    mosquitto.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(20)))
    wait_until(lambda: sum(one.taken for one in two) == 20)
    assert Capture.objects.count() == 20
    assert min(one.taken for one in two) >= 5
    assert "the broker is away" not in caplog.text


def test_whichever_of_two_took_a_face_its_client_hears_of_it_once(gate, mosquitto, two, device, tmp_path):
    queue = DiskQueue(tmp_path / "queue")
    put(queue, 30)
    sender = Sender(queue, device)
    sender.start()
    assert sender.finish(30)
    wait_until(lambda: sum(one.taken for one in two) >= 30)
    assert Capture.objects.count() == 30
    queue.close()


def test_what_the_broker_keeps_of_a_camera_is_the_leading_bridges(gate, mosquitto, two):
    mosquitto.publish("sightline/gate-3/status", "online")
    wait_until(lambda: Camera.objects.get().state == "online")
    mosquitto.publish("sightline/x/pair", *["{}"] * 6)
    wait_until(lambda: sum(one.left_out for one in two) == 6)
    assert (two[0].left_out, two[1].left_out) == (6, 0)


def test_a_helper_leads_when_the_one_that_led_is_gone_and_nothing_is_lost_meanwhile(gate, mosquitto, two):
    leading, helping = two
    leading.stop()
    mosquitto.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(20)))
    # What the one that led took without a word to the broker comes once more, and is known.
    wait_until(lambda: Capture.objects.count() == 20)
    mosquitto.publish("sightline/gate-3/status", "online")
    wait_until(lambda: Camera.objects.get().state == "online")
    wait_until(lambda: helping.taken)


def test_a_helper_that_is_stopped_takes_what_it_was_given_and_leaves_the_rest_to_the_other(gate, mosquitto, two):
    leading, helping = two
    mosquitto.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(60)))
    helping.stop()
    mosquitto.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(20)))
    wait_until(lambda: Capture.objects.count() == 80)
    wait_until(lambda: not helping.is_listening())
    mosquitto.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(5)))
    wait_until(lambda: Capture.objects.count() == 85)
    wait_until(lambda: leading.taken)


def test_what_a_helper_was_given_waits_with_it_while_the_database_is_away(gate, mosquitto, two, monkeypatch):
    from django.db import OperationalError

    from matching.bridge import connection as module
    from matching.bridge import messages

    kept, asked = messages.ingest.capture, module.locks.is_free
    away = threading.Event()
    away.set()

    def while_away(work):
        def asked_now(*said):
            if away.is_set():
                raise OperationalError("away")
            return work(*said)

        return asked_now

    monkeypatch.setattr(messages.ingest, "capture", while_away(kept))
    monkeypatch.setattr(module.locks, "is_free", while_away(asked))
    mosquitto.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(6)))
    time.sleep(1)
    assert all(one.is_listening() for one in two)
    away.clear()
    wait_until(lambda: sum(one.taken for one in two) == 6)


def test_while_an_older_bridge_is_at_work_one_listens_and_the_others_stand_by(gate, mosquitto, bridge, caplog):
    ProcessBeat.objects.create(kind="bridge", host="basement", at=timezone.now(), version="0.0.1")
    second = Bridge(mosquitto.url)
    thread = threading.Thread(target=second.run)
    thread.start()
    wait_until(lambda: "stands by" in caplog.text)
    mosquitto.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(5)))
    wait_until(lambda: bridge.taken == 5)
    assert (second.is_listening(), second.taken) == (False, 0)
    second.stop()
    thread.join(20)


def test_a_session_of_a_bridge_that_took_all_by_itself_is_taken_over(gate, mosquitto):
    """As one of 0.18 leaves it; what came meanwhile is in it."""
    older = paho.Client(CallbackAPIVersion.VERSION2, client_id="sightline-bridge", clean_session=False)
    subscribed = threading.Event()
    older.on_connect = lambda client, *_: client.subscribe("sightline/+/captures", 1)
    older.on_subscribe = lambda *_: subscribed.set()
    older.connect("127.0.0.1", mosquitto.port)
    older.loop_start()
    assert subscribed.wait(10)
    older.disconnect()
    older.loop_stop()
    mosquitto.publish("sightline/gate-3/captures", json.dumps(capture()))
    for bridge in bridged(mosquitto):
        wait_until(lambda: bridge.taken == 1)  # noqa: B023 (asked for at once)
        mosquitto.publish("sightline/gate-3/captures", json.dumps(capture()))
        wait_until(lambda: bridge.taken == 2)  # noqa: B023 (asked for at once)
        time.sleep(0.5)
        assert bridge.taken == 2


@pytest.fixture
def old_broker(mosquitto) -> Iterator[Broker]:
    """One that speaks MQTT 3.1.1 alone: a relay that refuses newer clients as such brokers do."""
    with relay(mosquitto.port) as port:
        yield SimpleNamespace(url=f"mqtt://127.0.0.1:{port}", publish=mosquitto.publish)


def test_at_a_broker_without_mqtt_5_one_listens_and_the_other_goes_on_when_it_is_gone(
    gate, old_broker, caplog, monkeypatch
):
    monkeypatch.setattr("matching.bridge.connection.STAND_BY_SECONDS", 0.1)
    monkeypatch.setattr("matching.bridge.connection.TELL_SECONDS", 0.1)
    first, second = bridged(old_broker), Bridge(old_broker.url)
    listening = next(first)
    thread = threading.Thread(target=second.run)
    thread.start()
    wait_until(lambda: "stands by" in caplog.text)
    old_broker.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(5)))
    wait_until(lambda: listening.taken == 5)
    assert "the broker is away" not in caplog.text
    assert (second.is_listening(), second.taken) == (False, 0)
    next(first, None)
    # What comes before the other has noticed waits at the broker.
    old_broker.publish("sightline/gate-3/captures", *(json.dumps(capture()) for _ in range(3)))
    wait_until(lambda: Capture.objects.count() == 8)
    wait_until(lambda: second.taken >= 3)
    second.stop()
    thread.join(20)


def test_a_bridge_whose_database_was_started_anew_is_again_one_of_many(gate, bridge, mosquitto, caplog, monkeypatch):
    monkeypatch.setattr("matching.bridge.connection.STAND_BY_SECONDS", 0.1)
    with connection.cursor() as cursor:
        # As a restart does: the connection that holds the lock is gone.
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
            " AND pid <> pg_backend_pid()"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert cursor.fetchone() == (1,)
    wait_until(lambda: "the bridge listens" in caplog.text)
    wait_until(bridge.is_listening)
    mosquitto.publish("sightline/gate-3/captures", json.dumps(capture()))
    wait_until(lambda: bridge.taken)


def test_a_broker_that_is_not_there_is_tried_again(caplog):
    made = Bridge(f"mqtt://127.0.0.1:{free_port()}")
    thread = threading.Thread(target=made.run)
    thread.start()
    wait_until(lambda: "the broker is away" in caplog.text)
    made.stop()
    thread.join(10)
