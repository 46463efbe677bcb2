"""An evaluation's walk: labelled photos looked at, searched among each other, counted; its worst errors kept to see.

Nothing of it touches a case: faces and templates live in memory and go with it.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from cases import locks, work
from matching.evaluating import ages, comparing, figures, labelled
from matching.evaluating.comparing import Pairs, Search, Seen
from matching.evaluating.labelled import Labelled, NothingToEvaluate
from matching.faces import face_models, images
from matching.faces.engines import Engine, EngineUnavailable
from matching.faces.rows import jpeg_file
from matching.models import Evaluation, EvaluationPair, FaceModel

Status = Evaluation.Status
# Photos between two looks at whether somebody stopped it.
STEP = 50
AHEAD = 100
WORST = 12
# Problems that the page can show; more are only counted.
SHOWN = 200


class EvaluationBusy(Exception):
    """Another process is at this evaluation."""


def begin(folder: Path, model: FaceModel, *, user: User | None = None, note: str = "") -> Evaluation:
    """An evaluation to be run. Raises `NothingToEvaluate` for a folder that can't be used; then nothing is kept."""
    labels = labelled.read(folder)
    return Evaluation.objects.create(
        folder=str(folder), model=model, user=user, note=note[:300], total=len(labels.photos)
    )


def run(
    evaluation: Evaluation,
    *,
    must_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[Evaluation], None] = lambda evaluation: None,
) -> None:
    """Do it, from the beginning where it was killed. must_stop: leave it to be run again.

    A folder that can't be used or a model that can't be loaded ends it as failed, which says why. Raises
    `EvaluationBusy`.
    """
    with locks.held(_lock(evaluation)) as mine:
        if not mine:
            raise EvaluationBusy
        problem = ""
        with work.attempt("evaluation", evaluation.pk, evaluation.folder) as tried:
            try:
                _run(evaluation, must_stop, progress)
            except (NothingToEvaluate, EngineUnavailable) as cannot:
                problem = str(cannot)
        if problem or tried.is_set_aside:
            _end(evaluation, Status.FAILED, error=problem or tried.error)


def stop(evaluation: Evaluation) -> bool:
    """End it early, without figures; returns False where it had ended."""
    return _end(evaluation, Status.STOPPED)


def abandoned() -> list[Evaluation]:
    """Those that should be running and that nobody is at."""
    running = Evaluation.objects.filter(status=Status.RUNNING).exclude(pk__in=work.not_now("evaluation"))
    return [one for one in running if locks.is_free(_lock(one))]


def again(evaluation: Evaluation) -> None:
    """Run one that failed from its beginning."""
    failed = Evaluation.objects.filter(pk=evaluation.pk, status=Status.FAILED)
    failed.update(status=Status.RUNNING, error="", finished_at=None)


def remove(evaluation: Evaluation) -> None:
    """Forget it, with the faces that it kept."""
    pictures = [file for pair in evaluation.pairs.all() for file in (pair.crop, pair.other_crop, pair.own_crop) if file]
    evaluation.delete()
    for picture in pictures:
        picture.delete(save=False)


def before(evaluation: Evaluation) -> Evaluation | None:
    """The last one that was done with the same folder: the one to compare with."""
    done = Evaluation.objects.filter(status=Status.DONE, folder=evaluation.folder, pk__lt=evaluation.pk)
    return done.select_related("model").first()


def _lock(evaluation: Evaluation) -> str:
    return f"evaluation {evaluation.pk}"


def _end(evaluation: Evaluation, status: str, **fields: object) -> bool:
    running = Evaluation.objects.filter(pk=evaluation.pk, status=Status.RUNNING)
    ended = running.update(status=status, finished_at=timezone.now(), **fields)
    evaluation.refresh_from_db()
    return bool(ended)


def _run(evaluation: Evaluation, must_stop: Callable[[], bool], progress: Callable[[Evaluation], None]) -> None:
    labels = labelled.read(Path(evaluation.folder))
    engine = face_models.engine(evaluation.model, threads=1)
    evaluation.total, evaluation.done, evaluation.no_face = len(labels.photos), 0, 0
    problems, seen = labels.problems, list[Seen]()
    for photo, found in _looked_at(labels.photos, engine):
        evaluation.done += 1
        if isinstance(found, Seen):
            seen.append(found)
        elif found:
            problems.append((photo.name, found))
        else:
            evaluation.no_face += 1
            problems.append((photo.name, "No face was found in it."))
        if evaluation.done % STEP == 0 or evaluation.done == evaluation.total:
            evaluation.save(update_fields=["total", "done", "no_face"])
            progress(evaluation)
            if must_stop() or not Evaluation.objects.filter(pk=evaluation.pk, status=Status.RUNNING).exists():
                return
    _check(seen, problems)
    searches, pairs = comparing.search_all(evaluation.model, seen)
    strangers = [search for search in searches if search.own is None or not search.seen.photo.role]
    with transaction.atomic():
        kept = _end(
            evaluation,
            Status.DONE,
            people=len({one.photo.person for one in seen}),
            problems=[*problems[:SHOWN], *_more(problems)],
            notes=labels.notes,
            figures=_figures(searches, pairs, strangers, seen),
        )
        if kept:
            _keep_worst(evaluation, searches, strangers, seen)


def _figures(
    searches: Sequence[Search], pairs: Pairs, strangers: Sequence[Search], seen: Sequence[Seen]
) -> dict[str, Any]:
    found = figures.of(searches, pairs, strangers)
    threshold = next((row["threshold"] for row in found["fnir"]), None)
    return found | ages.of(searches, seen, threshold)


def _looked_at(photos: Sequence[Labelled], engine: Engine) -> Iterator[tuple[Labelled, Seen | str]]:
    """Each photo with its faces, or why it can't be read, or an empty text where it shows no face; on every core."""
    with ThreadPoolExecutor(settings.CORES, thread_name_prefix="evaluate") as pool:
        coming = iter(photos)
        waiting: deque[tuple[Labelled, Future[Seen | str]]] = deque()
        try:
            waiting.extend((photo, pool.submit(_look, photo, engine)) for photo in islice(coming, AHEAD))
            while waiting:
                photo, future = waiting.popleft()
                yield photo, future.result()
                waiting.extend((photo, pool.submit(_look, photo, engine)) for photo in islice(coming, 1))
        finally:
            for _, future in waiting:
                future.cancel()


def _look(photo: Labelled, engine: Engine) -> Seen | str:
    try:
        rgb = images.open_image(photo.path.read_bytes()).rgb
        found = face_models.find_faces(engine, rgb)
    except images.ImageRefused as refusal:
        return str(refusal)
    except OSError as error:
        return f"It cannot be read: {error.strerror}."
    except Exception as error:
        if work.is_the_machines(error) or isinstance(error, EngineUnavailable):
            raise
        return work.words(error)
    if not found:
        return ""
    return Seen(photo, [face.relative_box(rgb) for face in found], np.array([face.embedding for face in found]))


def _check(seen: Sequence[Seen], problems: Sequence[tuple[str, str]]) -> None:
    people = {one.photo.person for one in seen}
    roles = {one.photo.role for one in seen}
    if len(people) < 2 or ("" not in roles and not {labelled.ENROL, labelled.STRANGER} <= roles):
        raise NothingToEvaluate(
            f"Only {len(seen)} photo{'' if len(seen) == 1 else 's'} of {len(people)} "
            f"{'person' if len(people) == 1 else 'people'} could be used, too few to compare."
            + "".join(f" {what}: {why}" for what, why in problems[:5])
        )


def _more(problems: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    more = len(problems) - SHOWN
    return [("and", f"{more:,} more")] if more > 0 else []


def _keep_worst(
    evaluation: Evaluation, searches: Sequence[Search], strangers: Sequence[Search], seen: Sequence[Seen]
) -> None:
    """The mates that others outdid by most, and the strangers most like somebody."""
    enrolled: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        if one.photo.role in ("", labelled.ENROL):
            enrolled[one.photo.person].append(one)
    misses = [search for search in searches if search.rank is not None and search.rank > 1]
    misses.sort(key=lambda s: (s.own or 0) - s.other_similarity)
    alike = sorted(strangers, key=lambda s: -s.other_similarity)
    for kind, worst in ((EvaluationPair.Kind.MISS, misses), (EvaluationPair.Kind.LOOKALIKE, alike)):
        for position, search in enumerate(worst[:WORST], start=1):
            own = [one for one in enrolled[search.seen.photo.person] if one is not search.seen]
            EvaluationPair.objects.create(
                evaluation=evaluation,
                kind=kind,
                position=position,
                photo=search.seen.photo.name[:500],
                person=search.seen.photo.person[:300],
                other=search.other[:300],
                similarity=search.other_similarity,
                own_similarity=search.own,
                rank=search.rank,
                crop=_crop(search.seen),
                other_crop=_crop(enrolled[search.other][0]),
                own_crop=_crop(own[0]) if kind == EvaluationPair.Kind.MISS else "",
            )


def _crop(seen: Seen) -> ContentFile[bytes]:
    rgb = images.open_image(seen.photo.path.read_bytes()).rgb
    return jpeg_file(images.crop(rgb, seen.boxes[seen.meant]), max_side=300)
