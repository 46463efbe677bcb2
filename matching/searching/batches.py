"""A batch's walk: pictures, zips and clips looked at, the persons in them told apart, and each searched once.

What was looked at is kept step by step, so that a batch that is paused or killed goes on where it was.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone

from cases import locks
from cases.filters import SearchedCases
from cases.models import Collection
from edge_client.tracking import Tracker
from matching.faces import face_models, images
from matching.faces.engines import DetectedFace, Engine, EngineUnavailable
from matching.faces.rows import face_columns
from matching.models import Batch, BatchFile, Candidate, FaceModel, Search, Shot
from matching.searching import evidence, meeting
from matching.searching.evidence import EvidenceRefused, Frame, Picture

Status = Batch.Status
MOST_FILES = evidence.MOST_PICTURES
MOST_OF_ONE_PERSON = 20
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


class BatchBusy(Exception):
    """Another process is at this batch."""


class BatchRefused(Exception):
    """What was asked of a batch cannot be done; the text says why."""


def begin(
    *,
    user: User | None,
    purpose: str,
    reference: str = "",
    collections: Sequence[Collection] = (),
    narrowed: SearchedCases | None = None,
    one_person: bool = False,
) -> Batch:
    """A batch that takes files. Raises `NoFaceModel`."""
    with transaction.atomic():
        search = Search.objects.create(
            user=user,
            purpose=purpose,
            reference=reference,
            filters=narrowed.asked() if narrowed else {},
            model=face_models.active(),
            gallery_size=0,
            milliseconds=0,
        )
        search.collections.set(collections)
        return Batch.objects.create(search=search, one_person=one_person)


def add(batch: Batch, content: File, name: str, user: User | None) -> BatchFile:  # type: ignore[type-arg]
    """Keep a file of a batch that has not begun. Raises `BatchRefused`."""
    most = MOST_OF_ONE_PERSON if batch.one_person else MOST_FILES
    if batch.status != Status.COLLECTING:
        raise BatchRefused("This batch has begun; send further files in another one.")
    if batch.files.count() >= most:
        raise BatchRefused(f"{name}: a batch takes {most:,} files. Send the rest in another one.")
    if not content.size:
        raise BatchRefused(f"{name}: the file is empty. Send it again.")
    if content.size > evidence.MOST_BYTES:
        raise BatchRefused(
            f"{name} has {content.size / 2**30:.1f} GB; the limit is {evidence.MOST_BYTES // 2**30} GB. "
            "Cut it into parts."
        )
    row = BatchFile(batch=batch, name=name[-255:], sent_by=user)
    row.file.save(Path(name).name[-80:] or "file", content, save=False)
    row.save()
    return row


def start(batch: Batch) -> None:
    """No more files come. Raises `BatchRefused` for a batch without any."""
    if not batch.files.exists():
        raise BatchRefused("Add at least one picture, zip or clip.")
    _move(batch, [Status.COLLECTING], Status.RUNNING)


def pause(batch: Batch) -> bool:
    return _move(batch, [Status.RUNNING], Status.PAUSED)


def resume(batch: Batch) -> bool:
    return _move(batch, [Status.PAUSED], Status.RUNNING)


def cancel(batch: Batch) -> bool:
    """End it without searching; what was looked at is forgotten with it."""
    open_ = [Status.COLLECTING, Status.RUNNING, Status.PAUSED]
    return _move(batch, open_, Status.CANCELLED, finished_at=timezone.now())


def abandoned() -> list[Batch]:
    """Those that should be running and that nobody is at."""
    return [one for one in Batch.objects.filter(status=Status.RUNNING) if locks.is_free(_lock(one))]


def remove(batch: Batch) -> None:
    """Forget a batch, its files and faces. Raises `BatchRefused` while it runs, or where somebody has decided."""
    if batch.status == Status.RUNNING:
        raise BatchRefused("It is running; cancel it first.")
    if Candidate.objects.filter(probe__search=batch.search).exclude(decision="").exists():
        raise BatchRefused("Somebody has decided on one of its candidates, so it is kept.")
    files = [one.file for one in batch.files.all()]
    files += [shot.crop for shot in Shot.objects.filter(file__batch=batch).only("crop")]
    batch.search.delete()
    for file in files:
        file.delete(save=False)


def run(
    batch: Batch,
    *,
    must_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Batch], None] = lambda batch: None,
) -> None:
    """Look at what is left, then tell persons apart and search them. must_stop: leave it to be gone on with.

    Raises `BatchBusy`.
    """
    with locks.held(_lock(batch)) as mine:
        if not mine:
            raise BatchBusy
        batch.refresh_from_db()
        if batch.status != Status.RUNNING:
            return
        try:
            _Walk(batch, must_stop, progress).go()
        except (face_models.NoFaceModel, EngineUnavailable, BatchRefused, OSError) as problem:
            _move(batch, [Status.RUNNING], Status.FAILED, error=str(problem), finished_at=timezone.now())
        batch.refresh_from_db()


def _lock(batch: Batch) -> str:
    return f"batch {batch.pk}"


def _move(batch: Batch, old: Sequence[str], new: str, **fields: object) -> bool:
    moved = Batch.objects.filter(pk=batch.pk, status__in=old).update(status=new, **fields)
    batch.refresh_from_db()
    return bool(moved)


class _Walk:
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
                raise BatchRefused("Another face model came into use meanwhile. Begin the batch again.")
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
        meeting.conclude(self.batch)
        if _move(self.batch, [Status.RUNNING], Status.DONE, finished_at=timezone.now()):
            Batch.objects.filter(pk=self.batch.pk).update(done=self.batch.total)
        self.batch.refresh_from_db()
        self.progress(self.batch)

    def _amount(self, file: BatchFile) -> int:
        try:
            return evidence.amount(Path(file.file.path))
        except EvidenceRefused:
            return 1

    def _look_at(self, file: BatchFile, since: float) -> bool:
        """What is left of one file. Returns False where the batch is to rest."""
        path = Path(file.file.path)
        try:
            if evidence.is_clip(path):
                return self._clip(file, path, since)
            return self._pictures(file, path, int(since))
        except EvidenceRefused as refusal:
            return self._keep([], [file.pk, MOST_FILES + 1], 1, [[file.name, str(refusal)]])

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
                shots += [Shot(file=file, name=picture.name, place=picture.place, **columns) for columns in found]
                if not found:
                    problems.append([picture.name, "No face was found in it."])
            if looked_at == STEP:
                if not self._keep(shots, [file.pk, picture.place], looked_at, problems):
                    return False
                shots, problems, looked_at = [], [], 0
        return self._keep(shots, [file.pk, MOST_FILES + 1], looked_at, problems)

    def _clip(self, file: BatchFile, path: Path, after: float) -> bool:
        """A clip in stretches; whoever is followed over the end of one is joined again by likeness."""
        length = evidence.amount(path)
        frames = evidence.frames(path, after)
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
            looked_at = min(round(second + 1 / evidence.LOOKS), length) - min(round(first.second), length)
            if not self._keep(shots, [file.pk, second], looked_at, []):
                return False
            first = rest[0] if rest else None
        problems = []
        if not evidence.is_whole(path, second):
            whole = evidence.amount(path)
            why = f"The clip ends after {second:.0f} of {whole} seconds: it is cut short. What there is was searched."
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
    with ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="batch") as pool:
        coming = iter(given)
        waiting: deque[tuple[Given, Future[Found]]] = deque()
        try:
            waiting.extend((one, pool.submit(look, one)) for one in islice(coming, AHEAD + (os.cpu_count() or 1)))
            while waiting:
                one, future = waiting.popleft()
                yield one, future.result()
                waiting.extend((other, pool.submit(look, other)) for other in islice(coming, 1))
        finally:
            for _, future in waiting:
                future.cancel()


def _look(picture: Picture, engine: Engine, model: FaceModel) -> list[dict[str, Any]] | str:
    """A picture's faces as columns, or why it was refused."""
    if picture.refusal:
        return picture.refusal
    try:
        opened = images.open_image(picture.content)
        # Each face counts: a bystander may be the one who is missing.
        faces = face_models.find_faces(engine, opened.rgb, thorough=True)
    except images.ImageRefused as refusal:
        return str(refusal)
    return [face_columns(model, opened.rgb, face, opened.scale) for face in faces]


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
    for at, columns in sorted(seen, key=lambda one: -meeting.goodness(**_of_picture(one[1]))):
        if len(chosen) < SHOTS and all(abs(at - other) >= SPACING for other, _ in chosen):
            chosen.append((at, columns))
    return chosen


def _of_picture(columns: dict[str, Any]) -> dict[str, float]:
    return {name: columns[name] for name in ("detection_score", "size", "sharpness", "yaw")}
