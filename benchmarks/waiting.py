"""Captures that wait, matched one by one and together, beside a look of the bare engine, in turns."""

import statistics
import time
import uuid
from collections.abc import Callable

from benchmarks import gallery as made
from benchmarks.common import fresh_database, table
from cases.models import Case, Photo, add_photo
from matching.faces import face_models, images
from matching.indexing import single
from matching.models import Camera, Capture
from matching.watching import captures
from tests import faces

CASES, ROUNDS, HEAP = 5_000, 5, 64


def run() -> None:
    model = fresh_database()
    made.fill(model, CASES)
    engine = face_models.engine(model, threads=1)
    rgb = images.open_image(faces.person(0)).rgb
    sought = Case.objects.earliest("pk")
    single.index_photo(add_photo(sought, faces.person(1), "x.jpg").pk)
    assert Photo.objects.filter(case=sought, status=Photo.Status.INDEXED).exists()
    camera = Camera(name="bench")
    camera.issue_token()

    def look() -> None:
        for _ in range(HEAP):
            (face, *_) = engine.detect(rgb)
            engine.embed([face.chip])

    def match(content: bytes, how: Callable[[int], object]) -> float:
        heap = [captures.receive_capture(camera, content, uid=uuid.uuid4()).pk for _ in range(HEAP)]
        return timed(lambda: [how(pk) for pk in heap])

    ways = {"one by one": captures.match_capture, "together": captures.match_waiting}
    spent: dict[tuple[str, str], list[float]] = {}
    bare: list[float] = []
    for _ in range(ROUNDS):
        bare.append(timed(look))
        for name, how in ways.items():
            for kind, content in (("like nobody", faces.person(0)), ("join an open alert", faces.person(1))):
                spent.setdefault((kind, name), []).append(match(content, how))
    assert not Capture.objects.filter(status=Capture.Status.PENDING).exists()
    once = statistics.median(bare)
    table(
        ("captures that", "matched", "ms each", "looks of the bare engine"),
        *(
            (kind, name, f"{statistics.median(took):.1f}", f"{statistics.median(took) / once:.2f}")
            for (kind, name), took in spent.items()
        ),
    )
    print(f"\nOne look of the bare engine took {once:.1f} ms.")


def timed(what: Callable[[], object]) -> float:
    """Milliseconds for each of a heap."""
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1000 / HEAP
