"""Where the faces of unnamed people come from: what cameras sent, and persons of batches; when and for how long."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cases.models import Collection, ProcessBeat
from matching.gallery import calibration, templates
from matching.models import (
    Batch,
    BatchFile,
    BatchPicture,
    Camera,
    Candidate,
    Capture,
    FaceModel,
    Probe,
    Search,
    Shot,
    UnnamedFace,
)
from matching.searching import batch_persons

# A candidate that is worth so much is somebody who is looked for, or known, until people say that it is not.
NAMED = ["strong", calibration.UNMEASURED]
DatedBy = UnnamedFace.DatedBy
# Time lines begin with that year.
EARLIEST = 1900


@dataclass(frozen=True)
class Sight:
    """When a probe's face was seen, by what says so. camera: None in a batch. since: from when on its days are counted.
    apart: marks that whoever was seen at the same moment shares."""

    at: datetime
    dated_by: str
    camera: Camera | None
    days: int
    since: datetime
    apart: frozenset[Hashable]

    @property
    def is_over(self) -> bool:
        """Whether it is no more to be kept, or never was."""
        return not self.days or self.since < timezone.now() - timedelta(days=self.days)


def days_at(camera: Camera) -> int:
    """For how many days a camera's unnamed people are kept together: the longest that a collection asks with which it
    compares; 0: they are not."""
    return _longest(camera.compares_with())


def days_of(search: Search) -> int:
    """The same of a batch's: the longest that a collection asks which it was searched among."""
    return _longest(search.collections.all() if search.collections.exists() else Collection.objects.all())


def _longest(collections: QuerySet[Collection]) -> int:
    return int(collections.aggregate(days=Max("unnamed_days"))["days"] or 0)


def is_another_version_here() -> bool:
    """Whether a version of Sightline runs beside this one: the one before cannot show faces of batches. The night
    groups them once it is gone."""
    return ProcessBeat.of_other_version("worker")


def sight(probe: Probe) -> Sight:
    """Of a capture's probe, or of one of a batch."""
    if (capture := probe.capture) is not None:
        at, camera = capture.captured_at, capture.camera
        apart = frozenset([(camera.pk, at)] if capture.track else [])
        return Sight(at, DatedBy.CLOCK, camera, days_at(camera), at, apart)
    search, shots = probe.searched, list(probe.shots.select_related("file").defer("embedding"))
    pictures = BatchPicture.objects.filter(
        file__in={shot.file_id for shot in shots}, place__in={shot.place for shot in shots}
    )
    at, dated_by = _dated(shots, search, _claims(pictures))
    return Sight(at, dated_by, None, days_of(search), search.created_at, moments(shots))


def moments(shots: Iterable[Shot]) -> frozenset[Hashable]:
    """Marks that whoever stands in the same picture, or is in the same moment of a clip, shares."""
    return frozenset(mark for shot in shots for mark in batch_persons.at_one_time(shot))


def _claims(pictures: QuerySet[BatchPicture]) -> dict[tuple[int, int], str]:
    """When pictures were taken as their own files say, by file and place."""
    dated = pictures.exclude(own_time="").values_list("file", "place", "own_time")
    return {(file, place): own_time for file, place, own_time in dated}


def _dated(shots: Iterable[Shot], search: Search, claims: Mapping[tuple[int, int], str]) -> tuple[datetime, str]:
    """When somebody of a batch was seen last: as somebody said when the clip began, as a feed or an export says, or as
    the picture's own file does; else when the batch was searched. shots: with their files."""
    found: list[tuple[datetime, str]] = []
    for shot in shots:
        if at := shot.file.at(shot.second):
            found.append((at, DatedBy.CLOCK))
        elif shot.posted_at:
            found.append((shot.posted_at, DatedBy.POSTED))
        elif (at := _claimed(claims.get((shot.file_id, shot.place), ""))) and at <= search.created_at:
            found.append((at, DatedBy.FILE))
    return max(found, default=(search.created_at, DatedBy.SEARCHED))


def _claimed(own_time: str) -> datetime | None:
    """What a picture's own data says, by this machine's zone where it names none; None where that is no time."""
    try:
        at = parse_datetime(own_time)
    except ValueError:
        return None
    # A file may claim the year 1, which is none in every zone.
    if at is None or at.year < EARLIEST:
        return None
    return timezone.make_aware(at) if timezone.is_naive(at) else at


def date_anew(file: BatchFile) -> None:
    """Somebody said when a clip truly began, or took it back."""
    faces = UnnamedFace.objects.filter(probe__shots__file=file).select_related("probe__search").distinct()
    for face in faces:
        seen = sight(face.probe)
        face.at, face.dated_by = seen.at, seen.dated_by
        face.save(update_fields=["at", "dated_by"])


def met(batch: Batch) -> QuerySet[Probe]:
    """A batch's persons who resemble nobody that is looked for or known, as their candidates and what people said of
    them go."""
    return batch.search.probes.filter(~_is_named(), probebits__isnull=False)


def _is_named() -> Exists:
    alike = Candidate.objects.filter(probe=OuterRef("pk")).exclude(decision=Candidate.Decision.REJECTED)
    return Exists(alike.filter(Q(strength__in=NAMED) | Q(decision=Candidate.Decision.CONFIRMED)))


def over(now: datetime) -> list[QuerySet[UnnamedFace]]:
    """Faces whose days are over, by camera and batch."""
    cameras = Camera.objects.filter(captures__probe__unnamed__isnull=False).distinct()
    searches = Search.objects.filter(probes__unnamed__isnull=False).distinct()
    ends = [(search, now - timedelta(days=days_of(search))) for search in searches]
    return [
        *(
            UnnamedFace.objects.filter(
                probe__capture__camera=camera,
                probe__capture__captured_at__lt=now - timedelta(days=days_at(camera)),
            )
            for camera in cameras
        ),
        *(UnnamedFace.objects.filter(probe__search=search) for search, end in ends if search.created_at < end),
    ]


def faces(model: FaceModel) -> list[dict[str, Any]]:
    """All that may be grouped: those of nobody known, and of nobody who is looked for.

    As rows: track: what one person's faces share, None of a face by itself; apart: marks that whoever was seen at the
    same moment shares; row, person, is_settled: of the face's group, None where it is in none.
    """
    return [*_of_cameras(model), *_of_batches(model)]


def _of_cameras(model: FaceModel) -> list[dict[str, Any]]:
    found = []
    for camera in Camera.objects.all():
        if not (days := days_at(camera)):
            continue
        since = timezone.now() - timedelta(days=days)
        captures = Capture.objects.filter(camera=camera, captured_at__gte=since)
        nobody = captures.exclude(alerts__case__isnull=False).filter(
            status__in=[Capture.Status.NO_CANDIDATE, Capture.Status.MATCHED]
        )
        # A case that came later may be like somebody who is grouped already.
        probes = Probe.objects.filter(Q(capture__in=nobody) | Q(capture__in=captures, unnamed__isnull=False))
        for row in _rows(probes, model).annotate(at=F("capture__captured_at"), track=F("capture__track")):
            row |= {"dated_by": DatedBy.CLOCK, "apart": frozenset()}
            if row["track"]:
                row |= {"track": (camera.pk, row["track"]), "apart": frozenset([(camera.pk, row["at"])])}
            found.append(row)
    return found


def _of_batches(model: FaceModel) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if is_another_version_here():
        return found
    for batch in Batch.objects.filter(status=Batch.Status.DONE, search__model=model).select_related("search"):
        search = batch.search
        if not (days := days_of(search)) or search.created_at < timezone.now() - timedelta(days=days):
            continue
        shots: dict[int, list[Shot]] = defaultdict(list)
        for shot in (
            Shot.objects.filter(file__batch=batch, probe__isnull=False).select_related("file").defer("embedding")
        ):
            shots[shot.probe_id or 0].append(shot)
        claims = _claims(BatchPicture.objects.filter(file__batch=batch))
        probes = Probe.objects.filter(Q(pk__in=met(batch)) | Q(search=search, unnamed__isnull=False))
        for row in _rows(probes, model):
            own = shots[row["pk"]]
            at, dated_by = _dated(own, search, claims)
            found.append(row | {"at": at, "dated_by": dated_by, "track": None, "apart": moments(own)})
    return found


def _rows(probes: QuerySet[Probe], model: FaceModel) -> Any:
    own = probes.filter(model=model, probebits__isnull=False).annotate(wire=templates.wire())
    return own.values(
        "pk", "wire", "detection_score", "size", "sharpness", "yaw",
        row=F("unnamed"), person=F("unnamed__person"), is_settled=F("unnamed__person__is_settled"),
    )  # fmt: skip
