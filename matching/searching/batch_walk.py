"""A batch's walk: what is left of its files looked at, step by step, each kept with the place that was reached.

So a batch that is paused or killed goes on where it was.
"""

import hashlib
import io
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, TypeVar

from django.conf import settings
from django.core.files.base import File
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from cases import sealed_files, work
from edge_client.tracking import Likeness, Tracker
from matching.faces import clips, face_models, images, looking
from matching.faces.engines import DetectedFace, Engine, EngineUnavailable
from matching.faces.rows import face_columns
from matching.gallery import calibration
from matching.models import Batch, BatchFile, BatchPicture, FaceModel, KnownHash, Search, Shot
from matching.searching import batch_persons, evidence, fetching, known_files, social, web, web_found
from matching.searching.evidence import EvidenceRefused, Frame, Picture
from matching.signals import batch_done

logger = logging.getLogger(__name__)

Status = Batch.Status
# Hours of work after which a batch ends with what it has.
MOST_HOURS = 24
# Pictures, and seconds of a clip, that are kept together.
STEP, STRETCH = 20, 10.0
AHEAD = 4
# A track's best shots, so many and so many seconds apart.
SHOTS, SPACING = 3, 0.4
# Of strangers the shares above whose likeness two faces of a clip are one person's, and below which they are two's.
SURELY_SAME, SURELY_OTHER = 1e-3, 0.15
# Problems that the page can show; more are only counted.
SHOWN = 500
SAME = "The same file as {}, which was looked at."

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
        own = Q(file__batch=batch) | (Q(file__batch__source=batch.source) if batch.source_id else Q())
        rows = BatchPicture.objects.filter(own).exclude(sha256="").order_by("-pk")
        self.seen = {(sha256, page): name for sha256, page, name in rows.values_list("sha256", "page", "name")}
        self.web = web.Web()
        self.has_lists = KnownHash.objects.exists()
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
        if not self.batch.total:
            self.batch.total = sum(map(self._amount, self.batch.files.all()))
        reached_file, reached_place = self.batch.reached or [0, -1]
        is_whole = reached_place > evidence.MOST_PICTURES
        for file in self._files(reached_file + is_whole):
            since = reached_place if file.pk == reached_file else -1
            if not self._look_at(file, since):
                if not self.is_out_of_time:
                    return
                break
        batch_persons.conclude(self.batch)
        web_found.settle(self.batch)
        if self.batch.move([Status.RUNNING], Status.DONE, finished_at=timezone.now()):
            Batch.objects.filter(pk=self.batch.pk).update(done=self.batch.total)
            batch_done.send(Batch, batch=self.batch)
        self.batch.refresh_from_db()
        self.progress(self.batch)

    def _files(self, since: int) -> Iterator[BatchFile]:
        """From one on, with those that others brought forth meanwhile."""
        files = self.batch.files.select_related("batch__source", "sent_by")
        while (file := files.filter(pk__gte=since).first()) is not None:
            yield file
            since = file.pk + 1

    def _amount(self, file: BatchFile) -> int:
        if file.is_to_fetch:
            return 1
        try:
            with sealed_files.on_disk(file.file) as path:
                return evidence.amount(path)
        except (EvidenceRefused, sealed_files.FileGone, OSError):
            return 1

    def _look_at(self, file: BatchFile, since: float) -> bool:
        """What is left of one file. Returns False where the batch is to rest."""
        try:
            if file.is_to_fetch:
                fetching.fetch(file, self.web)
                self.batch.total += self._amount(file) - 1
            with sealed_files.on_disk(file.file) as path:
                fetching.listed(file, path)
                if since < 0 and (refusal := self._known_file(path)):
                    row = BatchPicture(file=file, place=0, name=file.name, sha256=evidence.sha256(path), why=refusal)
                    return self._keep([], [file.pk, evidence.MOST_PICTURES + 1], evidence.amount(path), [row])
                if evidence.is_clip(path):
                    return self._clip(file, path, since)
                return self._pictures(file, path, int(since))
        except fetching.NotAPicture as named:
            return self._further(file, named)
        except (EvidenceRefused, sealed_files.FileGone, web.AddressRefused) as refusal:
            why = str(refusal)
        except Exception as error:
            # One file that breaks must not keep the others from being searched; the database's trouble is no file's.
            if work.is_the_machines(error) or isinstance(error, DatabaseError | EngineUnavailable):
                raise
            logger.warning("a file of batch %s broke off: %s", self.batch.pk, type(error).__name__)
            why = work.words(error)
        row = BatchPicture(
            file=file, place=evidence.MOST_PICTURES + 1, name=file.name, why=why, sha256=self._digest(file)
        )
        return self._keep([], [file.pk, evidence.MOST_PICTURES + 1], 1, [row])

    def _digest(self, file: BatchFile) -> str:
        """Of a file that nobody could look into; empty where it is not here either."""
        try:
            with sealed_files.on_disk(file.file) as path:
                return evidence.sha256(path)
        except (sealed_files.FileGone, OSError, ValueError):
            return ""

    def _further(self, file: BatchFile, named: fetching.NotAPicture) -> bool:
        """Keep the addresses that a page, feed or list names: they are looked at in their turn."""
        self.batch.total += len(named.rows)
        row = BatchPicture(file=file, place=0, name=file.name, why=str(named))
        return self._keep([], [file.pk, evidence.MOST_PICTURES + 1], 1, [row], named.rows)

    def _pictures(self, file: BatchFile, path: Path, after: int) -> bool:
        shots: list[Shot] = []
        rows: list[BatchPicture] = []
        clips: list[BatchFile] = []
        unpacked: dict[int, BatchFile] = {}
        posted = social.posted(path)
        pictures = self._told(evidence.pictures(path, file.name, after), file, unpacked)
        for picture, found in _ahead(pictures, lambda picture: _look(picture, self.engine, self.model)):
            if picture.place in unpacked:
                clips.append(unpacked.pop(picture.place))
            else:
                columns, turned, said, claims = ([], 0, found, {}) if isinstance(found, str) else found
                own = {"file": file, "name": picture.name, "place": picture.place, "sha256": picture.sha256}
                posted_at = posted.get(picture.name, file.posted_at)
                shots += [Shot(**own, turned=turned, posted_at=posted_at, **one) for one in columns]
                if not columns and not isinstance(found, str):
                    said = " ".join(filter(None, [said, "No face was found in it."]))
                rows.append(BatchPicture(**own, page=picture.page, faces=len(columns), why=said, **claims))
            if len(rows) + len(clips) == STEP:
                if not self._step(shots, [file.pk, picture.place], rows, clips):
                    return False
                shots, rows, clips = [], [], []
        return self._step(shots, [file.pk, evidence.MOST_PICTURES + 1], rows, clips)

    def _step(
        self, shots: Sequence[Shot], reached: list[float], rows: Sequence[BatchPicture], clips: Sequence[BatchFile]
    ) -> bool:
        self.batch.total += sum(map(self._amount, clips))
        return self._keep(shots, reached, len(rows) + len(clips), rows, clips)

    def _told(self, pictures: Iterable[Picture], file: BatchFile, unpacked: dict[int, BatchFile]) -> Iterator[Picture]:
        """Each with its hash; one that was in the batch before, or that a list knows, is not opened.

        unpacked: a clip that lies in the file becomes one of the batch by itself, by its place.
        """
        for picture in pictures:
            if picture.clip is not None:
                try:
                    unpacked[picture.place] = _unpacked(picture, file)
                except EvidenceRefused as broken:
                    picture = replace(picture, refusal=str(broken))
                else:
                    picture = replace(picture, refusal="A clip.")
            if picture.refusal:
                yield picture
                continue
            sha256 = hashlib.sha256(picture.content).hexdigest()
            first = self.seen.get((sha256, picture.page))
            self.seen.setdefault((sha256, picture.page), picture.name)
            refusal = self._known(io.BytesIO(picture.content))
            if not refusal and first is not None:
                refusal = SAME.format(first)
            yield replace(picture, sha256=sha256, refusal=refusal, content=b"" if refusal else picture.content)

    def _known(self, file: IO[bytes]) -> str:
        """Why a file is not opened that a list knows; "" for all others."""
        known = known_files.name_of(file) if self.has_lists else ""
        return f"The list {known} knows this file; it was not opened." if known else ""

    def _known_file(self, path: Path) -> str:
        with open(path, "rb") as file:
            return self._known(file)

    def _clip(self, file: BatchFile, path: Path, after: float) -> bool:
        """A clip in stretches; whoever is followed over the end of one is joined again by likeness."""
        length = evidence.amount(path)
        sha256 = evidence.sha256(path)
        first_sent = self.seen.get((sha256, None)) if after < 0 else None
        self.seen.setdefault((sha256, None), file.name)
        if first_sent is not None:
            row = BatchPicture(file=file, place=0, name=file.name, sha256=sha256, why=SAME.format(first_sent))
            return self._keep([], [file.pk, 1e9], length, [row])
        whole: list[bool] = []
        frames = evidence.frames(path, after, whole.append)
        second = after
        non_mates = calibration.of(self.model).non_mates
        likeness = Likeness(same=non_mates.similarity(SURELY_SAME), other=non_mates.similarity(SURELY_OTHER))
        first = next(frames, None)
        while first is not None:
            until = first.second + STRETCH
            rest: list[Frame] = []
            stretch = chain([first], _until(frames, until, rest))
            tracker, tracks = Tracker(likeness=likeness), dict[int, list[tuple[float, dict[str, Any]]]]()
            for frame, faces in _ahead(stretch, lambda frame: _found(frame, self.engine, self.model)):
                second = frame.second
                boxes = [(f["left"], f["top"], f["right"], f["bottom"]) for f in faces]
                embeddings = [columns["embedding"] for columns in faces]
                numbers = tracker.follow(boxes, second, embeddings.__getitem__)
                for number, columns in zip(numbers, faces, strict=True):
                    tracks.setdefault(number, []).append((second, columns))
            shots = [
                Shot(file=file, name=file.name, place=round(first.second * 1000), second=at, track=number,
                     posted_at=file.posted_at, sha256=sha256, since=seen[0][0], until=seen[-1][0], **columns)
                for number, seen in tracks.items() for at, columns in _best(seen)
            ]  # fmt: skip
            looked_at = min(round(second + 1 / clips.LOOKS), length) - min(round(first.second), length)
            if not self._keep(shots, [file.pk, second], looked_at):
                return False
            first = rest[0] if rest else None
        why = ""
        if whole == [False]:
            why = f"The clip ends after {second:.0f} of {length} seconds: it is cut short. What there is was searched."
        met = Shot.objects.filter(file=file).values("place", "track").distinct().count()
        row = BatchPicture(file=file, place=0, name=file.name, sha256=sha256, faces=met, why=why)
        return self._keep([], [file.pk, 1e9], 0, [row])

    def _keep(
        self,
        shots: Sequence[Shot],
        reached: list[float],
        looked_at: int,
        pictures: Sequence[BatchPicture] = (),
        further: Sequence[BatchFile] = (),
    ) -> bool:
        """Write a step. Returns False where the batch is to rest."""
        now = time.monotonic()
        problems = [[_shown(one), one.why] for one in pictures if one.why]
        with transaction.atomic():
            locked = Batch.objects.select_for_update().get(pk=self.batch.pk)
            Shot.objects.bulk_create(shots)
            BatchPicture.objects.bulk_create(pictures)
            BatchFile.objects.bulk_create(further)
            locked.total, locked.reached = self.batch.total, reached
            locked.done = min(locked.done + looked_at, locked.total)
            room = SHOWN - len(locked.problems)
            locked.problems += problems[: max(room, 0)]
            if 0 < room <= len(problems):
                locked.problems.append(["and more", "Only the first are listed here; All files (CSV) has all of them."])
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


Seen = tuple[list[dict[str, Any]], int, str, dict[str, Any]]


def _look(picture: Picture, engine: Engine, model: FaceModel) -> Seen | str:
    """A picture's faces as columns, by how many degrees it was turned for them, what is to be known of it, and what its
    own data says of when and where it was taken; or why it was refused."""
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
    return columns, looked.turned, looked.note, looked.opened.origin.columns


def _shown(picture: BatchPicture) -> str:
    """Which it is. Of what was fetched the address says so: pages name many pictures alike."""
    return (picture.name == picture.file.name and picture.file.address) or picture.name


def _unpacked(picture: Picture, file: BatchFile) -> BatchFile:
    """A clip's row, not yet kept, with its bytes on disk. Raises `EvidenceRefused`."""
    row = BatchFile(batch=file.batch, sent_by=file.sent_by, name=picture.name[-255:])
    row.address, row.found_on, row.fetched_at = file.address, file.found_on, file.fetched_at
    with picture.clip() as content:  # type: ignore[misc]
        row.file.save(Path(picture.name).name[-80:] or "clip", File(content), save=False)
    return row


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
