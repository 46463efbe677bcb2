"""One more notification way, registry, face engine and camera protocol: each by a file of its own and one line."""

import base64
import sys
import types
import uuid
from collections.abc import Iterator

import numpy as np
import pytest
from django.utils import timezone

from cases import importing, sources
from cases.models import Case, ImportSource
from cases.sources import CaseRecord, Kind, Step
from matching import ingest
from matching.faces import engines, face_models
from matching.faces.engines import Detection, Engine, Quality, Recipe
from matching.models import Alert, Capture, Delivery, Subscription
from matching.searching import pictures
from matching.telling import notifying, outward
from matching.telling.ways import Message, NotTaken, Way
from matching.watching import captures
from mpsite import quickstart
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_way_to_tell_somebody(any_model, make_case, camera, user, signed_in, monkeypatch):
    """A pager, say."""
    paged: list[tuple[str, str]] = []

    def send(subscription: Subscription, address: str, message: Message) -> None:
        if address.endswith("off"):
            raise NotTaken("The pager is off.")
        paged.append((address, message.title))

    monkeypatch.setattr(outward, "WAYS", [Way(lambda a: a.startswith("pager:"), str.strip, send), *outward.WAYS])
    for number in ("4711", "off"):
        form = {"name": "Pager", "address": f"pager:{number}", "strength": "weak", "wait_minutes": 0}
        signed_in.post("/subscriptions/new/", {**form, "digest_minutes": 0, "is_active": "on"})
    make_case("MP1", faces.person(1))
    captures.match_capture(captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4()).pk)
    assert Alert.objects.exists()
    for delivery in Delivery.objects.filter(status="waiting"):
        notifying.deliver(delivery.pk)
    assert [address for address, _ in paged] == ["pager:4711"]
    assert Delivery.objects.get(subscription__address__isnull=False, status="waiting").error == "The pager is off."


class OneLine:
    """A registry of one person."""

    is_complete = True

    def __init__(self, options: dict) -> None:
        self.options = options

    def size(self) -> int:
        return 1

    def steps(self, after, validators) -> Iterator[Step]:
        if after is None:
            yield Step(self.item("7"), 1)

    def item(self, key: str) -> CaseRecord:
        return CaseRecord(key=key, fields={"number": key, "name": "Ann"}, photos=())

    def photo(self, photo, validators):
        raise AssertionError

    def close(self) -> None:
        pass


def test_a_registry(collection, as_admin, monkeypatch):
    monkeypatch.setitem(sources.KINDS, "one-line", Kind("One line", "Missing", OneLine))
    assert "One line" in as_admin.get("/imports/").content.decode()
    as_admin.post("/imports/new/?kind=one-line", {"name": "One", "collection": "Missing", "schedule": ""})
    source = ImportSource.objects.get()
    assert importing.work(importing.start(source)).status == "done"
    assert Case.objects.get().name == "Ann"


class Average(Engine):
    """Takes the whole picture for a face, and its colours for an embedding."""

    dimensions = 48
    fingerprint = "a" * 64

    def __init__(self, recipe: Recipe | None, threads: int | None) -> None:
        self.recipe = recipe or Recipe()

    def detect(self, rgb, thorough: bool = False) -> list[Detection]:
        height, width = rgb.shape[:2]
        points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.3, 0.8], [0.7, 0.8]], np.float32)
        quality = Quality(size=float(min(height, width)), sharpness=100.0, yaw=0.0, pitch=0.0, roll=0.0)
        return [Detection((0.0, 0.0, float(width), float(height)), points * [width, height], 0.99, quality, rgb)]

    def embed(self, chips) -> np.ndarray:
        raw = np.array([_blocks(chip) for chip in chips], np.float32)
        raw -= raw.mean(axis=1, keepdims=True)
        return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def _blocks(chip: np.ndarray) -> np.ndarray:
    rows = [part.mean(axis=(0, 1)) for row in np.array_split(chip, 4) for part in np.array_split(row, 4, axis=1)]
    return np.concatenate(rows)


def test_a_face_engine(make_case, user, monkeypatch):
    module = types.ModuleType("average_engine")
    module.Average = Average
    monkeypatch.setitem(sys.modules, "average_engine", module)
    monkeypatch.setitem(engines.NAMED, "average", engines.Named("Average", "nobody's", "average_engine.Average"))
    model = face_models.register("average")
    face_models.activate(model)
    assert (model.dimensions, model.is_fallback, model.licence) == (48, False, "nobody's")
    for number in range(3):
        make_case(f"MP{number}", faces.person(number))
    search = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="x")
    assert search.probes.get().candidates.first().case.number == "MP1"
    engines.forget()


def test_a_protocol_of_cameras(any_model, make_case, camera, monkeypatch):
    """One line of text: the time, and the face."""
    make_case("MP1", faces.person(1))

    def heard(line: str) -> uuid.UUID:
        at, image = line.split(" ")
        return ingest.capture(
            camera, {"id": str(uuid.uuid4()), "captured_at": at, "detection_score": 0.9, "image": image}
        )

    heard(f"{timezone.now().isoformat()} {base64.b64encode(faces.person(1)).decode()}")
    captures.match_capture(Capture.objects.get().pk)
    assert Alert.objects.exists()
    with pytest.raises(ingest.ValidationError):
        heard("9999-12-31T23:59:59Z AAAA")
    spawned: list[str] = []
    monkeypatch.setitem(quickstart.BRIDGES, "LINES_URL", ("lines", "lines_bridge"))
    monkeypatch.setattr(quickstart, "_spawn", lambda name, command: spawned.append(name))
    monkeypatch.setenv("LINES_URL", "lines://host")
    quickstart._start({}, "127.0.0.1", 1)
    assert "lines" in spawned
