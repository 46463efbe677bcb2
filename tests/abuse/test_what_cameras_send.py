"""Captures, reports and counts that no honest camera sends.

Over HTTP and MQTT alike each is refused in words and settled, and the next one is taken."""

import base64
import json
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from matching import ingest
from matching.bridge import Bridge
from matching.faces import images
from matching.models import Camera, CameraMinute, Capture, Trouble
from matching.watching import captures, fleet
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


def report(**said) -> dict:
    return {"sent_at": timezone.now().isoformat(), "version": "0.8", "queue": 0, "runs": {}, **said}


def minute(**said) -> dict:
    now = timezone.now().isoformat()
    return {"minute": now, "frames": 1, "faces": 1, "most": 1, "tracks": 1, "score": 0.5, **said}


def nested(depth: int) -> object:
    return {"a": nested(depth - 1)} if depth else 1


REPORTS = {
    "a NUL in a setting": json.dumps(report(runs={"a": "\0"})),
    "a NUL in a setting's name": json.dumps(report(runs={"\0": 1})),
    "a NUL in its version": json.dumps(report(version="\0")),
    "a NUL in a detector": json.dumps(report(detectors=["\0"])),
    "half a character": json.dumps(report(runs={"a": "\ud800"})),
    "half a character in its source": json.dumps(report(looks_at="\udfff")),
    "frames beyond every column": json.dumps(report(minutes=[minute(frames=99999999999)])),
    "faces beyond every number": json.dumps(report(minutes=[minute(faces=10**400)])),
    "a queue beyond every number": json.dumps(report(queue=10**400)),
    "a temperature that is none": json.dumps(report(temperature=float("nan"))),
    "a setting without an end": json.dumps(report(runs={"fps": float("inf")})),
    "a number with 400 digits among settings": json.dumps(report(runs={"fps": 10**400})),
    "the year 9999": json.dumps(report(minutes=[minute(minute="9999-12-31T23:59:59Z")])),
    "the year 1": json.dumps(report(sent_at="0001-01-01T00:00:00+14:00")),
    "72,000 minutes": json.dumps(report(minutes=[{**minute(), "score": None}] * 72_000)),
    "2,000 minutes": json.dumps(report(minutes=[{"minute": "2026-01-01T00:00:00Z", "frames": 1}] * 2_000)),
    "20 MB of settings": json.dumps(report(runs={"a": "x" * 20_000_000})),
    "20 KB of settings": json.dumps(report(runs={"a": "x" * 20_000})),
    "settings as deep as a well": json.dumps(report(runs=nested(500))),
    "brackets without end": '{"runs": ' + "[" * 100_000,
    "no JSON": "\xff\xfe",
    "a list": "[1, 2]",
    "nothing": "null",
}  # fmt: skip


@pytest.fixture
def gate(camera) -> Camera:
    camera.thing = "gate-3"
    # A clock that is far off must not carry a time beyond what a time can be.
    camera.clock_offset = 3e9
    camera.save()
    return camera


@pytest.fixture
def bridge() -> Bridge:
    """One that has no broker: messages are handed to it."""
    return Bridge("mqtt://127.0.0.1")


def by_mqtt(bridge: Bridge, what: str, body: str | bytes) -> bool:
    """Whether it was taken. It is settled either way: this returns."""
    before = bridge.taken
    payload = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    topic = "$aws/things/gate-3/infer" if what == "infer" else f"sightline/gate-3/{what}"
    message = SimpleNamespace(topic=topic, payload=payload, mid=1, qos=1)
    bridge._came(SimpleNamespace(ack=lambda *said: None), None, message)
    return bridge.taken > before


def by_http(camera: Camera, path: str, body: str | bytes):
    device = Client(headers={"authorization": f"Bearer {camera.token}"})
    return device.generic("POST", f"/api/v1/{path}/", body, content_type="application/json")


@pytest.mark.parametrize("what", REPORTS)
def test_a_report_that_no_client_makes_is_refused_both_ways_and_the_next_one_is_taken(gate, bridge, what):
    assert by_http(gate, "heartbeats", REPORTS[what]).status_code == 400
    assert not by_mqtt(bridge, "reports", REPORTS[what])
    assert bridge.left_out == 1
    gate.refresh_from_db()
    assert (gate.report, gate.heartbeat_at) == ({}, None)
    assert not CameraMinute.objects.exists()
    good = json.dumps(report(minutes=[minute()]))
    assert by_mqtt(bridge, "reports", good)
    assert by_http(gate, "heartbeats", good).status_code == 200


CAPTURES = {
    "the year 9999": {"captured_at": "9999-12-31T23:59:59Z"},
    "the year 1": {"captured_at": "0001-01-01T00:00:00+14:00"},
    "a box without an end": {"box": [0, 0, float("inf"), 1]},
    "a box that is no number": {"box": [0, 0, float("nan"), 1]},
    "a box beyond all pictures": {"box": [0, 0, 1e300, 1]},
    "a score that is none": {"detection_score": float("nan")},
    "a track that is none": {"track": "\0"},
    "an id that is none": {"id": "\ud800"},
    "a word more, with a NUL": {"more": "\0"},
    "no picture": {"image": ""},
    "no base64": {"image": "!!"},
    "ten megabytes": {"image": "A" * 10_000_000},
    "half a picture": {"image": base64.b64encode(faces.person(1)[:300]).decode()},
}


@pytest.mark.parametrize("what", CAPTURES)
def test_a_capture_that_no_camera_makes_is_refused_both_ways(any_model, gate, bridge, what):
    said = {
        "id": str(uuid.uuid4()), "captured_at": timezone.now().isoformat(), "detection_score": 0.9,
        "image": base64.b64encode(faces.person(1)).decode(), **CAPTURES[what],
    }  # fmt: skip
    assert not by_mqtt(bridge, "captures", json.dumps(said))
    assert bridge.left_out == 1
    form = {**said, "box": json.dumps(said["box"])} if "box" in said else said
    form["image"] = SimpleUploadedFile("face.jpg", said["image"].encode())
    form = {name: value for name, value in form.items() if name != "id" or what != "an id that is none"}
    device = Client(headers={"authorization": f"Bearer {gate.token}"})
    assert device.post("/api/v1/captures/", form).status_code == 400
    assert not Capture.objects.exists()


@pytest.mark.parametrize("said", [
    -1, 10_000, 10**400, True, "7", None, [], {"faces": -1}, {"faces": 1e9}, {"faces": "\0"}, {"face": 1},
    {"face": "!!", "confidence": 1}, {"face": "QQ==", "confidence": float("nan")}, {"face": "QQ==", "confidence": 2},
])  # fmt: skip
def test_a_count_that_no_device_makes_is_left_out(any_model, gate, bridge, said):
    assert not by_mqtt(bridge, "infer", json.dumps(said))
    assert bridge.left_out == 1
    assert by_mqtt(bridge, "infer", '{"faces": 3}')
    assert CameraMinute.objects.get().faces == 3


def test_what_the_database_will_not_keep_is_left_out_after_a_few_attempts(gate, bridge, monkeypatch):
    """Should a value get past the rules, its message is the one that ends, not the bridge."""
    monkeypatch.setattr("matching.bridge.connection.FIRST_PAUSE", 0.01)
    monkeypatch.setattr(ingest, "plain", lambda said: said)
    assert not by_mqtt(bridge, "reports", REPORTS["a NUL in a setting"])
    assert bridge.left_out == 1
    assert by_mqtt(bridge, "reports", json.dumps(report()))


def test_a_picture_among_good_ones_in_a_batch_is_refused_by_itself(any_model, gate):
    good, bad = str(uuid.uuid4()), str(uuid.uuid4())
    said = {"captured_at": timezone.now().isoformat(), "detection_score": 0.9}
    listed = [{**said, "id": good}, {**said, "id": bad, "captured_at": "9999-12-31T23:59:59Z"}]
    form = {"captures": json.dumps(listed)}
    form |= {uid: SimpleUploadedFile("f.jpg", faces.person(1)) for uid in (good, bad)}
    device = Client(headers={"authorization": f"Bearer {gate.token}"})
    answer = device.post("/api/v1/captures/batch/", form)
    assert [one["accepted"] for one in answer.json()["results"]] == [True, False]


@pytest.mark.parametrize("way", ["http", "mqtt"])
def test_a_camera_that_sends_more_than_it_may_is_turned_away_until_the_next_hour_and_the_fleet_says_so(
    any_model, gate, bridge, settings, as_admin, way
):
    """As a thief of its token would; another camera is left alone."""
    settings.CAMERA_LIMITS = {"captures": 3, "bytes": 10**9, "minutes": 5}
    said = {"captured_at": timezone.now().isoformat(), "detection_score": 0.9}
    image = base64.b64encode(faces.person(1)).decode()

    def send() -> bool:
        if way == "mqtt":
            return by_mqtt(bridge, "captures", json.dumps({**said, "id": str(uuid.uuid4()), "image": image}))
        form = {**said, "id": str(uuid.uuid4()), "image": SimpleUploadedFile("f.jpg", faces.person(1))}
        device = Client(headers={"authorization": f"Bearer {gate.token}"})
        answer = device.post("/api/v1/captures/", form)
        assert answer.status_code in (202, 429)
        assert answer.status_code == 202 or 0 < int(answer["Retry-After"]) <= 3600
        return answer.status_code == 202

    assert [send() for _ in range(5)] == [True, True, True, False, False]
    assert Capture.objects.count() == 3
    fleet.look_after()
    assert Trouble.objects.get(ended_at=None).kind == "limited"
    assert "sends more than it may in an hour" in as_admin.get("/cameras/").content.decode()
    other = Camera(name="Other")
    token = other.issue_token()
    form = {**said, "id": str(uuid.uuid4()), "image": SimpleUploadedFile("f.jpg", faces.person(1))}
    device = Client(headers={"authorization": f"Bearer {token}"})
    assert device.post("/api/v1/captures/", form).status_code == 202
    Camera.objects.update(limited_at=timezone.now() - timedelta(hours=2))
    fleet.look_after()
    assert not Trouble.objects.filter(ended_at=None).exists()


def test_bytes_and_minutes_are_limited_as_well(any_model, gate, settings):
    settings.CAMERA_LIMITS = {"captures": 100, "bytes": 2 * len(faces.person(1)), "minutes": 5}
    said = {"captured_at": timezone.now().isoformat(), "detection_score": 0.9}
    device = Client(headers={"authorization": f"Bearer {gate.token}"})

    def send() -> int:
        form = {**said, "id": str(uuid.uuid4()), "image": SimpleUploadedFile("f.jpg", faces.person(1))}
        return device.post("/api/v1/captures/", form).status_code

    assert [send() for _ in range(3)] == [202, 202, 429]
    assert by_http(gate, "heartbeats", json.dumps(report(minutes=[minute()] * 4))).status_code == 200
    assert by_http(gate, "heartbeats", json.dumps(report(minutes=[minute()] * 4))).status_code == 429


def test_with_redis_away_nobody_is_turned_away(any_model, gate, no_redis, settings):
    settings.CAMERA_LIMITS = {"captures": 0, "bytes": 0, "minutes": 0}
    assert by_http(gate, "heartbeats", json.dumps(report(minutes=[minute()]))).status_code == 200


def jpeg(**options) -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    with Image.open(io.BytesIO(faces.person(1))) as picture:
        picture.save(out, "JPEG", **options)
    return out.getvalue()


@pytest.mark.parametrize("picture", ["plain", "progressive", "with a thumbnail's end in its data"])
def test_what_stands_behind_a_picture_is_not_kept(any_model, collection, gate, picture):
    content = {
        "plain": lambda: jpeg(),
        "progressive": lambda: jpeg(progressive=True),
        "with a thumbnail's end in its data": lambda: jpeg(
            exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00" + b"\xff\xd9" * 20
        ),
    }[picture]()
    for padding in (b"", b"x" * 3_000_000, b"\xff\xd9" * 1000, content):
        uid = uuid.uuid4()
        capture = captures.receive_capture(gate, content + padding, uid=uid)
        with capture.image.open() as file:
            assert file.read() == content


def test_a_png_ends_where_it_ends_and_a_picture_that_is_mostly_wrapping_is_refused(any_model, collection, gate):
    import io

    from PIL import Image, PngImagePlugin

    out = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(out, "PNG")
    capture = captures.receive_capture(gate, out.getvalue() + b"x" * 100_000, uid=uuid.uuid4())
    with capture.image.open() as file:
        assert file.read() == out.getvalue()
    wrapped, text = io.BytesIO(), PngImagePlugin.PngInfo()
    text.add_text("padding", "x" * 1_000_000)
    Image.new("RGB", (64, 64), "red").save(wrapped, "PNG", pnginfo=text)
    for content in (wrapped.getvalue(), jpeg(comment=b"")[:-2] + b"\xff\xfe\xff\xff" + b"x" * 65533 + b"\xff\xd9"):
        if content.startswith(b"\xff\xd8"):
            content = content[:-2] + (b"\xff\xfe\xff\xff" + b"x" * 65533) * 40 + b"\xff\xd9"
        with pytest.raises(images.ImageRefused, match="larger than its picture"):
            captures.receive_capture(gate, content, uid=uuid.uuid4())
