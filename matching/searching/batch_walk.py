"""A batch's walk: what is left of its files looked at, step by step, each kept with the place that was reached.

So a batch that is paused or killed goes on where it was.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from cases import sealed_files, work
from edge_client.tracking import Tracker
from matching.faces import clips, face_models, images, looking
from matching.faces.engines import DetectedFace, Engine, EngineUnavailable
from matching.faces.rows import face_columns
from matching.models import Batch, BatchFile, FaceModel, Search, Shot
from matching.searching import batch_persons, evidence
from matching.searching.evidence import EvidenceRefused, Frame, Picture

logger = logging.getLogger(__name__)

Status = Batch.Status
# Hours of work after which a batch ends with what it has.
MOST_HOURS = 24
# Pictures, and seconds of a clip, that are kept together.
STEP, STRETCH = 20, 10.0
AHEAD = 4
# A track's best shots, so many and so many seconds apart.
SHOTS, SPACING = 3, 0.4
# Problems that the page can show; more are only counted.
SHOWN = 500

Given = TypeVar("Given", Picture, Frame)


class ModelChanged(Exception):
    def __init__(self) -> None:
        super().__init__("Another face model came into use meanwhile. Begin the batch again.")


class Walk:
    """One process's work on one batch."""

    def __init__(self, batch: Batch, must_stop: Callable[[], bool], progress: Callable[[Batch], None]) -> None:
        self.batch, self.must_stop, self.progress = batch, must_stop, progress
        self.model = self._model()
        self.engine = face_models.engine(self.model, threads=1)
        self.clock = time.monotonic()
        self.is_out_of_time = False

    def _model(self) -> FaceModel:
        """The batch's model; another one that came into use before anything was looked at takes its place."""
        search, active = self.batch.search, face_models.active()
        if search.model != active:
            if Shot.objects.filter(file__batch=self.batch).exists():
                raise ModelChanged
            Search.objects.filter(pk=search.pk).update(model=active)
            search.refresh_from_db()
        return active

    def go(self) -> None:
        files = list(self.batch.files.all())
        if not self.batch.total:
            self.batch.total = sum(map(self._amount, files))
        reached_file, reached_place = self.batch.reached or [0, -1]
        for file in files:
            if file.pk < reached_file:
                continue
            since = reached_place if file.pk == reached_file else -1
            if not self._look_at(file, since):
                if not self.is_out_of_time:
                    return
                break
        batch_persons.conclude(self.batch)
        if self.batch.move([Status.RUNNING], Status.DONE, finished_at=timezone.now()):
            Batch.objects.filter(pk=self.batch.pk).update(done=self.batch.total)
        self.batch.refresh_from_db()
        self.progress(self.batch)

    def _amount(self, file: BatchFile) -> int:
        try:
            with sealed_files.on_disk(file.file) as path:
                return evidence.amount(path)
        except (EvidenceRefused, sealed_files.FileGone, OSError):
            return 1

    def _look_at(self, file: BatchFile, since: float) -> bool:
        """What is left of one file. Returns False where the batch is to rest."""
        try:
            with sealed_files.on_disk(file.file) as path:
                if evidence.is_clip(path):
                    return self._clip(file, path, since)
                return self._pictures(file, path, int(since))
        except (EvidenceRefused, sealed_files.FileGone) as refusal:
            why = str(refusal)
        except Exception as error:
            # One file that breaks must not keep the others from being searched; the database's trouble is no file's.
            if work.is_the_machines(error) or isinstance(error, DatabaseError | EngineUnavailable):
                raise
            logger.warning("a file of batch %s broke off: %s", self.batch.pk, type(error).__name__)
            why = work.words(error)
        return self._keep([], [file.pk, evidence.MOST_PICTURES + 1], 1, [[file.name, why]])

    def _pictures(self, file: BatchFile, path: Path, after: int) -> bool:
        shots: list[Shot] = []
        problems: list[list[str]] = []
        looked_at = 0
        pictures = evidence.pictures(path, file.name, after)
        for picture, found in _ahead(pictures, lambda picture: _look(picture, self.engine, self.model)):
            looked_at += 1
            if isinstance(found, str):
                problems.append([picture.name, found])
            else:
                columns, turned, note = found
                own = {"file": file, "name": picture.name, "place": picture.place, "turned": turned}
                shots += [Shot(**own, **one) for one in columns]
                said = " ".join(filter(None, [note, "" if columns else "No face was found in it."]))
                problems += [[picture.name, said]] if said else []
            if looked_at == STEP:
                if not self._keep(shots, [file.pk, picture.place], looked_at, problems):
                    return False
                shots, problems, looked_at = [], [], 0
        return self._keep(shots, [file.pk, evidence.MOST_PICTURES + 1], looked_at, problems)

    def _clip(self, file: BatchFile, path: Path, after: float) -> bool:
        """A clip in stretches; whoever is followed over the end of one is joined again by likeness."""
        length = evidence.amount(path)
        whole: list[bool] = []
        frames = evidence.frames(path, after, whole.append)
        second = after
        first = next(frames, None)
        while first is not None:
            until = first.second + STRETCH
            rest: list[Frame] = []
            stretch = chain([first], _until(frames, until, rest))
            tracker, tracks = Tracker(), dict[int, list[tuple[float, dict[str, Any]]]]()
            for frame, faces in _ahead(stretch, lambda frame: _found(frame, self.engine, self.model)):
                second = frame.second
                boxes = [(f["left"], f["top"], f["right"], f["bottom"]) for f in faces]
                for number, columns in zip(tracker.follow(boxes, second), faces, strict=True):
                    tracks.setdefault(number, []).append((second, columns))
            shots = [
                Shot(file=file, name=file.name, place=round(first.second * 1000), second=at, track=number,
                     since=seen[0][0], until=seen[-1][0], **columns)
                for number, seen in tracks.items() for at, columns in _best(seen)
            ]  # fmt: skip
            looked_at = min(round(second + 1 / clips.LOOKS), length) - min(round(first.second), length)
            if not self._keep(shots, [file.pk, second], looked_at, []):
                return False
            first = rest[0] if rest else None
        problems = []
        if whole == [False]:
            why = f"The clip ends after {second:.0f} of {length} seconds: it is cut short. What there is was searched."
            problems.append([file.name, why])
        return self._keep([], [file.pk, 1e9], 0, problems)

    def _keep(self, shots: Sequence[Shot], reached: list[float], looked_at: int, problems: list[list[str]]) -> bool:
        """Write a step. Returns False where the batch is to rest."""
        now = time.monotonic()
        with transaction.atomic():
            locked = Batch.objects.select_for_update().get(pk=self.batch.pk)
            Shot.objects.bulk_create(shots)
            locked.total, locked.reached = self.batch.total, reached
            locked.done = min(locked.done + looked_at, locked.total)
            room = SHOWN - len(locked.problems)
            locked.problems += problems[: max(room, 0)]
            if 0 < room <= len(problems):
                locked.problems.append(["and more", "Only the first are listed."])
            locked.active_seconds += now - self.clock
            locked.save(update_fields=["total", "reached", "done", "problems", "active_seconds"])
        self.batch, self.clock = locked, now
        self.progress(locked)
        if locked.active_seconds > MOST_HOURS * 3600:
            why = f"It took {MOST_HOURS} hours, the limit. What was looked at until then is searched, the rest is not."
            locked.problems.append(["The batch", why])
            locked.save(update_fields=["problems"])
            self.is_out_of_time = True
        return locked.status == Status.RUNNING and not self.is_out_of_time and not self.must_stop()


Found = TypeVar("Found")


def _ahead(given: Iterable[Given], look: Callable[[Given], Found]) -> Iterator[tuple[Given, Found]]:
    """Each with what was found in it, in order, looked at on every core; a few wait, so that memory stays flat."""
    with ThreadPoolExecutor(settings.CORES, thread_name_prefix="batch") as pool:
        coming = iter(given)
        waiting: deque[tuple[Given, Future[Found]]] = deque()
        try:
            waiting.extend((one, pool.submit(look, one)) for one in islice(coming, AHEAD + settings.CORES))
            while waiting:
                one, future = waiting.popleft()
                yield one, future.result()
                waiting.extend((other, pool.submit(look, other)) for other in islice(coming, 1))
        finally:
            for _, future in waiting:
                future.cancel()


def _look(picture: Picture, engine: Engine, model: FaceModel) -> tuple[list[dict[str, Any]], int, str] | str:
    """A picture's faces as columns, by how many degrees it was turned for them and what is to be known of it; or why it
    was refused."""
    if picture.refusal:
        return picture.refusal
    try:
        # Each face counts: a bystander may be the one who is missing.
        looked = looking.look(engine, picture.content, page=picture.page)
    except images.ImageRefused as refusal:
        return str(refusal)
    except Exception as error:
        if work.is_the_machines(error) or isinstance(error, EngineUnavailable):
            raise
        return work.words(error)
    columns = [face_columns(model, looked.opened.rgb, face, looked.opened.scale) for face in looked.faces]
    return columns, looked.turned, looked.note


def _found(frame: Frame, engine: Engine, model: FaceModel) -> list[dict[str, Any]]:
    try:
        faces: Sequence[DetectedFace] = face_models.find_faces(engine, frame.rgb, thorough=True)
    except images.ImageRefused:
        # One frame that the face model breaks on is not missed among its neighbours.
        return []
    return [face_columns(model, frame.rgb, face) for face in faces]


def _until(frames: Iterator[Frame], until: float, rest: list[Frame]) -> Iterator[Frame]:
    """Frames before one second; the first behind it is put into `rest`."""
    for frame in frames:
        if frame.second >= until:
            rest.append(frame)
            return
        yield frame


def _best(seen: Sequence[tuple[float, dict[str, Any]]]) -> list[tuple[float, dict[str, Any]]]:
    """The best few shots of somebody followed, some time apart."""
    chosen: list[tuple[float, dict[str, Any]]] = []
    for at, columns in sorted(seen, key=lambda one: -batch_persons.goodness(**_of_picture(one[1]))):
        if len(chosen) < SHOTS and all(abs(at - other) >= SPACING for other, _ in chosen):
            chosen.append((at, columns))
    return chosen


def _of_picture(columns: dict[str, Any]) -> dict[str, float]:
    return {name: columns[name] for name in ("detection_score", "size", "sharpness", "yaw")}
