from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cases import importing
from cases.models import Collection, ImportRun, ImportSource
from cases.sources import KINDS
from tests.registries import Registries, serving


@pytest.fixture
def registries(settings) -> Iterator[Registries]:
    """Every registry on one local server, asked without pauses."""
    with serving() as server:
        settings.NAMUS_URL = settings.INTERPOL_URL = settings.FBI_URL = server.url
        settings.IMPORT_RATE, settings.IMPORT_BACKOFF = 10_000, 0.001
        yield server


@pytest.fixture
def make_source(db) -> Callable[..., ImportSource]:
    def make(kind: str, **options) -> ImportSource:
        collection, _ = Collection.objects.get_or_create(name="Missing")
        return ImportSource.objects.create(name=KINDS[kind].label, kind=kind, collection=collection, options=options)

    return make


@pytest.fixture
def run() -> Callable[..., ImportRun]:
    """Import a source from its beginning to its end, or as far as it goes."""

    def run_(source: ImportSource, **changes) -> ImportRun:
        check_photos = changes.pop("check_photos", False)
        if changes:
            source.options = {**source.options, **changes}
            source.save()
        return importing.work(importing.start(source, check_photos=check_photos))

    return run_


@pytest.fixture
def imported(make_source, run):
    """Import a table; returns the run. photos: a folder or zip."""

    def do(path: Path, photos: Path | None = None, **options) -> ImportRun:
        where = {"photos": str(photos)} if photos and photos.exists() else {}
        done = run(make_source("spreadsheet", file=str(path), **where, **options))
        assert done.status == ImportRun.Status.DONE, done.note
        return done

    return do
