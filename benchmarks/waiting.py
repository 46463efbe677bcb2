"""Captures that wait, matched one by one and together, beside a look of the bare engine, in turns.

CASES=300000 for a large gallery, looked through in memory and, in turns with it, by PostgreSQL.
"""

import os
import statistics
import time
import uuid
from collections.abc import Callable

from django.db import connection

from benchmarks import gallery as made
from benchmarks.common import bare_engine, fresh_database, table
from benchmarks.vectors import BLOCK, _like, _write
from cases.models import Case, Collection, Photo, add_photo
from matching.faces import images
from matching.gallery import search as gallery
from matching.indexing import single
from matching.models import Camera, Capture, FaceModel, Template
from matching.watching import captures
from tests import faces

CASES = int(os.environ.get("CASES", "5000"))
ROUNDS, HEAP = 5, 64


def run() -> None:
    model = fresh_database()
    made.fill(model, min(CASES, 5_000))
    _more(model, CASES)
    engine = bare_engine(model)
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

    def match(content: bytes, how: Callable[[list[int]], object]) -> float:
        heap = [captures.receive_capture(camera, content, uid=uuid.uuid4()).pk for _ in range(HEAP)]
        return timed(lambda: how(heap))

    def one_by_one(heap: list[int]) -> None:
        for pk in heap:
            captures.match_capture(pk)

    def together(heap: list[int]) -> None:
        waiting = Capture.objects.filter(status=Capture.Status.PENDING).order_by("pk")
        while (first := waiting.first()) is not None:
            captures.match_waiting(first.pk)

    def in_database(heap: list[int]) -> None:
        kept, gallery.HELD_TO = gallery.HELD_TO, 0
        try:
            together(heap)
        finally:
            gallery.HELD_TO = kept

    ways: dict[str, Callable[[list[int]], object]] = {"one by one": one_by_one, "together": together}
    if CASES * model.dimensions > gallery.EXACT_TO:
        ways["together, the gallery not in memory"] = in_database
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


def _more(model: FaceModel, cases: int) -> None:
    """Made-up templates alone, up to so many: a large gallery's photos would take minutes and change nothing here."""
    like, collection = _like(made.real_embeddings(model.source)), Collection.objects.get()
    with connection.cursor() as cursor:
        while (there := Case.objects.count()) < cases:
            last = max(Case.objects.latest("pk").pk, Template.objects.latest("pk").pk)
            _write(model, like(min(BLOCK, cases - there)), last, [collection, collection])
            for table_ in (Case._meta.db_table, Template._meta.db_table):
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table_}', 'id'), max(id)) FROM {table_}")
        cursor.execute("VACUUM ANALYZE")


def timed(what: Callable[[], object]) -> float:
    """Milliseconds for each of a heap."""
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1000 / HEAP
