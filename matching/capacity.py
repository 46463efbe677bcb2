"""What cameras, cases and searches need, and cost a month: by rates measured here, with the arithmetic."""

import math
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from statistics import fmean
from typing import TypeVar

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from cases.models import Case, Photo
from matching.faces import face_models
from matching.gallery import search as gallery
from matching.indexing import bulk, single
from matching.models import Camera, Capture, Face, FaceModel, Probe, Rates, Search
from matching.searching import pictures
from matching.watching import captures

# Of the machine that docs/performance.md tells of, by `benchmarks rates`.
REFERENCE = Rates(
    cores=2, cases=2_551, capture_seconds=0.089, search_seconds=0.091, photo_seconds=0.023,
    capture_bytes=16_000, case_bytes=245_000,
    assumed=["capture_seconds", "search_seconds", "photo_seconds", "capture_bytes", "case_bytes"],
)  # fmt: skip
# Seconds of one core that looking through the gallery takes for each case more, in memory and in PostgreSQL, by its
# tables of captures that wait and of vectors (300,000 against 5,000 and 15,000).
SCAN, SCAN_IN_DATABASE = 0.07e-6, 0.3e-6
# Bytes of a case in each process that holds the gallery in memory, and how many a machine has.
HELD, HOLDERS = 150, 3
# Bytes of a case's bits, which PostgreSQL reads for each search; of memory for them four times as many.
BITS, BITS_IN_MEMORY = 200, 4
# Of each machine's memory for everything else, in GB.
PROCESSES = 1
# Cores are busy for so much of their time at most, so that a burst does not wait.
BUSY = 0.6
DAYS, WEEK = 30, timedelta(days=7)
# So many captures, photos and searches are tried; fewer rows than FEW say nothing of how large one is.
TRIED, FEW = 12, 100
OF_CAPTURES = ("matching_capture", "matching_probe", "matching_probebits")
OF_CASES = ("cases_case", "cases_photo", "matching_face", "matching_template", "matching_gallerybits")

T = TypeVar("T")


class NothingToMeasure(Exception):
    """The text says what is missing."""


@dataclass(frozen=True)
class Load:
    """cameras: how many, each with so many captures a day that are kept for `days`. cases: in the gallery. searches: a
    day. peak: how many times the mean the busiest minute has."""

    cameras: int
    captures: int
    cases: int
    searches: int
    days: int = 30
    peak: float = 4.0


@dataclass(frozen=True)
class Prices:
    """A month's, in whatever money; None: not said. images: what a cloud service asks for 1,000 images."""

    core: float | None = None
    gigabyte: float | None = None
    images: float = 1.0


@dataclass(frozen=True)
class Line:
    """how: the arithmetic, or where the figure comes from."""

    what: str
    figure: str
    how: str


def rates() -> Rates:
    """Those measured here last, or the reference's."""
    return Rates.objects.first() or REFERENCE


def present() -> dict[str, int]:
    """The load as it is now, of the last week, under the names of `Load`."""
    since = timezone.now() - WEEK
    cameras = Camera.objects.filter(revoked_at=None).count()
    model = FaceModel.objects.filter(is_active=True).first()
    return {
        "cameras": cameras,
        "captures": round(Capture.objects.filter(received_at__gte=since).count() / WEEK.days / max(1, cameras)),
        "cases": gallery.size(model) if model else 0,
        "searches": round(Search.objects.filter(created_at__gte=since).count() / WEEK.days),
    }


def where_from(rate: Rates) -> str:
    """In words, whose rates these are."""
    if rate is REFERENCE:
        return "rates of another machine, which docs/performance.md tells of: nothing was measured here yet."
    words = {"capture_bytes": "the size of a capture", "case_bytes": "the size of a case"}
    assumed = " and ".join(words[name] for name in rate.assumed)
    note = f"; {assumed} of another, until there are {FEW} here" if assumed else ""
    return f"rates of this machine, measured {timezone.localtime(rate.measured_at):%-d %b %Y %H:%M}{note}."


def need(load: Load, prices: Prices, rate: Rates, cores_each: int = 0) -> list[Line]:
    """What a load needs, and costs. cores_each: of a machine; those of this one if 0."""
    each = cores_each or settings.CORES
    captures_day = load.cameras * load.captures
    is_held = load.cases <= gallery.HELD_TO
    more = max(0, load.cases - rate.cases) * (SCAN if is_held else SCAN_IN_DATABASE)
    captures_second = captures_day / 86_400 * load.peak
    searches_second = load.searches / 86_400 * load.peak
    busy = captures_second * (rate.capture_seconds + more) + searches_second * (rate.search_seconds + more)
    cores = max(2, math.ceil(busy / BUSY))
    machines = math.ceil(cores / each)
    database = load.cases * BITS * BITS_IN_MEMORY / 1e9
    processes = PROCESSES + (load.cases * HELD * HOLDERS / 1e9 if is_held else 0)
    kept = captures_day * load.days * rate.capture_bytes / 1e9
    held = load.cases * rate.case_bytes / 1e9
    hours = load.cases * rate.photo_seconds / cores / 3600
    images = (captures_day + load.searches) * DAYS
    more_words = f", {more * 1000:,.0f} ms of each for {load.cases - rate.cases:,} cases more than were measured with"
    held_words = f" ({PROCESSES} GB, and {HOLDERS} of them hold {HELD} bytes a case)"
    found = [
        ("Captures at the busiest", f"{captures_second:,.2f} a second",
         f"{load.cameras:,} cameras × {load.captures:,} a day = {captures_day:,} a day, × {load.peak:g} / 86,400 s"),
        ("Searches at the busiest", f"{searches_second:,.3f} a second",
         f"{load.searches:,} a day × {load.peak:g} / 86,400 s"),
        ("Work at the busiest", f"{busy:,.2f} cores",
         f"captures × {rate.capture_seconds + more:.3f} s + searches × {rate.search_seconds + more:.3f} s"
         f"{more_words if more else ''}"),
        ("Cores", f"{cores:,}", f"{busy:,.2f} / {BUSY:g}: cores that are always busy make people wait; 2 at least"),
        ("Machines", f"{machines:,}", f"of {each} cores each"),
        ("Memory", f"{machines * processes + database:,.1f} GB",
         f"{machines:,} × {processes:,.1f} GB for processes{held_words if is_held else ''} + {load.cases:,} cases × "
         f"{BITS} bytes × {BITS_IN_MEMORY} for PostgreSQL"),
        ("Captures on disk", f"{kept:,.1f} GB",
         f"{captures_day:,} a day × {load.days} days × {rate.capture_bytes / 1000:,.0f} kB"),
        ("Gallery on disk", f"{held:,.1f} GB", f"{load.cases:,} cases × {rate.case_bytes / 1000:,.0f} kB"),
        ("First indexing", f"{hours:,.1f} hours", f"{load.cases:,} × {rate.photo_seconds:.3f} s / {cores} cores"),
    ]  # fmt: skip
    return [*(Line(*one) for one in found), *_money(cores, kept + held, images, load.cases, prices)]


def _money(cores: int, gigabytes: float, images: int, cases: int, prices: Prices) -> Iterator[Line]:
    parts = []
    if prices.core is not None:
        parts.append((cores * prices.core, f"{cores:,} cores × {prices.core:g}"))
    if prices.gigabyte is not None:
        parts.append((gigabytes * prices.gigabyte, f"{gigabytes:,.1f} GB × {prices.gigabyte:g}"))
    if parts:
        yield Line("A month here", f"{sum(part for part, _ in parts):,.2f}", " + ".join(how for _, how in parts))
    else:
        yield Line("A month here", "not known", "say what a core and a gigabyte cost you a month")
    once = f"{cases / 1000 * prices.images:,.2f} for {cases:,} case photos"
    yield Line(
        "A month at a cloud service",
        f"{images / 1000 * prices.images:,.2f}",
        f"{images:,} images in {DAYS} days / 1,000 × {prices.images:g}, and once {once}; Amazon asked 1 dollar for "
        "1,000 images in 2018",
    )


def measure() -> Rates:
    """Try what captures, searches and photos cost here, by the walks that they go, and keep the rates. Nothing of what
    is tried stays. Raises `NothingToMeasure`, `NoFaceModel`, `EngineUnavailable`."""
    model = face_models.active()
    face_models.engine(model)
    photos = list(Photo.objects.filter(status=Photo.Status.INDEXED).order_by("-pk")[:TRIED])
    seen = [_read(one.image) for one in Capture.objects.order_by("-pk")[:TRIED]]
    crops = [_read(one.crop) for one in Face.objects.filter(model=model).order_by("-pk")[:TRIED]]
    sent = [content for content in (seen or crops) if content]
    uploads = [content for content in (_read(photo.image) for photo in photos) if content]
    if not sent or not uploads:
        raise NothingToMeasure("There is no case photo to measure with. Add a case with a photo first.")
    assumed: list[str] = []
    measured = Rates(
        cores=settings.CORES,
        cases=gallery.size(model),
        capture_seconds=_mean(_capture, sent),
        search_seconds=_mean(_search, uploads),
        photo_seconds=_mean(_index, [photos, photos]) / len(photos),
        assumed=assumed,
    )
    sizes: dict[str, tuple[int, Sequence[str], Callable[[], list[float]]]] = {
        "capture_bytes": (Capture.objects.count(), OF_CAPTURES, _capture_files),
        "case_bytes": (Case.objects.count(), OF_CASES, _case_files),
    }
    for name, (count, tables, files) in sizes.items():
        if count < FEW:
            setattr(measured, name, getattr(REFERENCE, name))
            assumed.append(name)
        else:
            setattr(measured, name, fmean(files()) + _table_bytes(tables) / count)
    measured.save()
    return measured


def _mean(work: Callable[[T], None], items: Sequence[T]) -> float:
    """Seconds; the first is not counted, which loads what the others find loaded."""
    work(items[0])
    took = []
    for item in items:
        wall, busy = time.perf_counter(), time.process_time()
        work(item)
        # An engine that takes several cores is done sooner, and has taken no less.
        took.append(max(time.perf_counter() - wall, time.process_time() - busy))
    return fmean(took)


@contextmanager
def _undone() -> Iterator[None]:
    """Nothing that is written within is kept, and nobody is told of it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _capture(content: bytes) -> None:
    with _undone():
        camera = Camera(name="Measured", strangers=False)
        camera.issue_token()
        capture = captures.receive_capture(camera, content, uid=uuid.uuid4())
        captures.match_capture(capture.pk)
        made = [capture.image.name, *Probe.objects.filter(capture=capture).values_list("crop", flat=True)]
    _remove(made)


def _search(content: bytes) -> None:
    with _undone():
        search = pictures.search_image(content, "measured.jpg", user=None, purpose="What a search takes here")
        made = [search.image.name, search.display.name, *search.probes.values_list("crop", flat=True)]
    _remove(made)


def _index(photos: Sequence[Photo]) -> None:
    """Together, as many are."""
    model, ids = face_models.active(), [photo.pk for photo in photos]
    before = _made_of(ids)
    with _undone():
        Photo.objects.filter(pk__in=ids).update(status=Photo.Status.PENDING)
        for batch in bulk.prepared(ids, model):
            single.keep(batch, model)
        made = _made_of(ids) - before
    _remove(made)


def _made_of(photos: Sequence[int]) -> set[str]:
    crops = set(Face.objects.filter(photo__in=photos).values_list("crop", flat=True))
    return crops | set(Photo.objects.filter(pk__in=photos).values_list("display", flat=True))


def _remove(names: Iterable[str | None]) -> None:
    for name in filter(None, names):
        default_storage.delete(name)


def _read(file: FieldFile) -> bytes:
    """Empty where it is gone."""
    try:
        with file.open() as opened:
            content: bytes = opened.read()
    except (FileNotFoundError, ValueError):
        return b""
    return content


def _capture_files() -> list[float]:
    latest = Capture.objects.exclude(image="").order_by("-pk")[:FEW]
    crops = dict(Probe.objects.filter(capture__in=[one.pk for one in latest]).values_list("capture", "crop"))
    return [float(_size(one.image.name) + _size(crops.get(one.pk, ""))) for one in latest]


def _case_files() -> list[float]:
    found = []
    for case in Case.objects.order_by("-pk")[:FEW]:
        names = [name for photo in case.photos.all() for name in (photo.image.name, photo.display.name)]
        names += Face.objects.filter(case=case).values_list("crop", flat=True)
        found.append(float(sum(_size(name) for name in names)))
    return found


def _size(name: str | None) -> int:
    try:
        return default_storage.size(name) if name else 0
    except FileNotFoundError:
        return 0


def _table_bytes(tables: Sequence[str]) -> int:
    """With their indexes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name", [list(tables)]
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0
