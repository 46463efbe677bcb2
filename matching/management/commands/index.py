"""`manage.py index`: every waiting photo indexed, with progress in the terminal; Ctrl-C pauses."""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from cases.models import Photo
from matching.faces.engines import EngineUnavailable
from matching.faces.face_models import NoFaceModel
from matching.indexing import bulk
from matching.models import IndexRun


class Command(BaseCommand):
    help = "Index every waiting photo with all cores. A running Sightline does so by itself."

    def handle(self, *args: Any, **options: Any) -> None:
        interrupted: list[int] = []

        def interrupt(number: int, frame: FrameType | None) -> None:
            interrupted.append(number)

        before = signal.signal(signal.SIGINT, interrupt)
        try:
            run = bulk.resume() if Photo.objects.filter(status=Photo.Status.PENDING).exists() else None
            with tqdm(unit=" photos", mininterval=1, file=self.stderr) as bar:
                run = bulk.index_waiting(must_stop=lambda: bool(interrupted), progress=lambda run: _show(bar, run))
        except (bulk.IndexBusy, NoFaceModel, EngineUnavailable) as problem:
            raise CommandError(str(problem)) from problem
        finally:
            signal.signal(signal.SIGINT, before)
        if run is None:
            self.stdout.write("No photo waits to be indexed.")
            return
        if interrupted and bulk.pause(run):
            self.stdout.write("Paused. The same command, or the Imports page, goes on from here.")
        labels = dict(Photo.Status.choices)
        self.stdout.write(f"{run.done:,} photos, {run.rate:.1f} a second:")
        for status, count in sorted(run.counts.items()):
            self.stdout.write(f"  {labels[status]}: {count:,}")


def _show(bar: Any, run: IndexRun) -> None:
    bar.total = run.total
    bar.update(run.done - bar.n)
