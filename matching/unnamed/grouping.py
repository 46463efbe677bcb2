"""Faces that resemble nobody, grouped by whom they show: each as it comes, and all of them anew each night.

Both ways go by the rule for the persons of a batch. What people said of a group stays: the night leaves its faces
together, and only adds to them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Avg, Exists, F, Max, OuterRef, Q
from django.utils import timezone
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.django import MaxInnerProduct

from cases import locks
from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.gallery import calibration, commonness, templates
from matching.models import Camera, Capture, FaceModel, Probe, UnnamedFace, UnnamedLoss, UnnamedPerson
from matching.searching import persons
from matching.searching.batch_persons import goodness
from matching.searching.looking_back import VISIT

# Who writes groups holds this lock: two faces of one moment cannot both begin a person.
LOCK = "unnamed people"
# So many of the most alike people tell how much a face is like everybody.
LOOKED_AT = 30
# So many faces, the latest, are grouped anew in a night: they need some 500 MB for that. Older groups stay as they are.
MOST = 50_000
# So many people are written at a time.
TOGETHER = 500


def days_at(camera: Camera) -> int:
    """For how many days a camera's unnamed people are kept together: the longest that a collection asks with which it
    compares; 0: they are not."""
    return int(camera.compares_with().aggregate(days=Max("unnamed_days"))["days"] or 0)


def join(capture: Capture, probe: Probe) -> UnnamedPerson | None:
    """Put a capture's face with whom it shows, or begin somebody. None where its camera's collections ask for none, or
    the face is too poor. Runs inside the caller's transaction, at its end: others wait for it."""
    days = days_at(capture.camera)
    if not days or probe.is_too_poor or capture.captured_at < timezone.now() - timedelta(days=days):
        return None
    locks.wait_for(LOCK)
    model = probe.model
    cleaned, poorness = poor.without(np.asarray(probe.embedding, np.float32)[None], model.direction)
    face, how_poor = cleaned[0], float(poorness[0])
    same_track = UnnamedPerson.objects.filter(faces__probe__capture__camera=capture.camera, model=model)
    person = same_track.filter(faces__probe__capture__track=capture.track).first() if capture.track else None
    found, common = _most_alike(model, face, how_poor, capture)
    person = person or found
    if person is None:
        person = UnnamedPerson.objects.create(model=model, embedding=face, poorness=how_poor, commonness=common)
        began = True
    else:
        _add(person, face, how_poor, common)
        began = _begins_visit(person, capture)
    UnnamedFace.objects.create(probe=probe, person=person, begins_visit=began, commonness=common)
    return person


def regroup(must_stop: Callable[[], bool] = lambda: False) -> int:
    """Group all faces anew, the latest `MOST` of them, also those that came before anybody asked for it. Returns how
    many people there are."""
    forget()
    model = FaceModel.objects.filter(is_active=True).first()
    faces = _faces(model) if model else []
    if model is None or not faces or must_stop():
        return UnnamedPerson.objects.count()
    cleaned, poorness = poor.without(templates.numbers(face["wire"] for face in faces), model.direction)
    tracks, appearances = _appearances(faces, cleaned, poorness)
    settled: dict[int, list[int]] = defaultdict(list)
    for place, track in enumerate(tracks):
        if owners := Counter(faces[index]["person"] for index in track if faces[index]["is_settled"]):
            settled[owners.most_common(1)[0][0]].append(place)
    calibrated = calibration.of(model)
    common = persons.common_among(np.array([one.embedding for one in appearances]), calibrated)
    groups = persons.persons(appearances, calibrated, list(settled.values()), common)
    of_face = {index: float(common[place]) for place, track in enumerate(tracks) for index in track}
    whole = [[faces[index] | {"commonness": of_face[index]} for place in group for index in tracks[place]]
             for group in groups]  # fmt: skip
    with transaction.atomic():
        locks.wait_for(LOCK)
        renew(_write(model, whole))
        UnnamedPerson.objects.filter(faces=None).delete()
    return UnnamedPerson.objects.count()


def forget() -> int:
    """Take out faces whose days are over, and people of whom none is left. Returns how many faces.

    What is left of a person no longer holds what is gone, whichever way it went, and a visit whose first face is gone
    begins with its next.
    """
    gone = 0
    with transaction.atomic():
        locks.wait_for(LOCK)
        for camera in Camera.objects.filter(captures__probe__unnamed__isnull=False).distinct():
            until = timezone.now() - timedelta(days=days_at(camera))
            over = UnnamedFace.objects.filter(probe__capture__camera=camera, probe__capture__captured_at__lt=until)
            gone += over.delete()[0]
        UnnamedPerson.objects.filter(faces=None).delete()
        lost = dict(UnnamedLoss.objects.values_list("pk", "person"))
        renew(set(lost.values()))
        UnnamedLoss.objects.filter(pk__in=lost).delete()
        # Captures go in other ways, too, and take their faces with them.
        at = "probe__capture__captured_at"
        earlier = UnnamedFace.objects.filter(
            person=OuterRef("person"), probe__capture__camera=OuterRef("probe__capture__camera")
        ).filter(**{f"{at}__gte": OuterRef(at) - VISIT, f"{at}__lt": OuterRef(at)})
        UnnamedFace.objects.filter(~Exists(earlier), begins_visit=False).update(begins_visit=True)
    return gone


def renew(people: Iterable[int]) -> None:
    """Say anew what people's faces come to: their mean, and where visits begin. Runs inside a transaction."""
    wanted = list(people)
    for start in range(0, len(wanted), TOGETHER):
        chosen = UnnamedPerson.objects.select_related("model").in_bulk(wanted[start : start + TOGETHER])
        rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in _rows(UnnamedFace.objects.filter(person__in=chosen)):
            rows[row["person"]].append(row)
        begin = [pk for own in rows.values() for pk in _beginnings(own)]
        for person_id, own in rows.items():
            person = chosen[person_id]
            cleaned, poorness = poor.without(templates.numbers(row["wire"] for row in own), person.model.direction)
            total = cleaned.sum(axis=0)
            person.weight = float(np.linalg.norm(total)) or 1.0
            person.embedding = total / person.weight
            person.poorness = float(poorness.mean())
            person.commonness = float(np.mean([row["commonness"] for row in own]))
        UnnamedPerson.objects.bulk_update(
            [chosen[pk] for pk in rows], ["weight", "embedding", "poorness", "commonness"], batch_size=TOGETHER
        )
        UnnamedFace.objects.filter(person__in=chosen, begins_visit=True).exclude(pk__in=begin).update(
            begins_visit=False
        )
        UnnamedFace.objects.filter(pk__in=begin, begins_visit=False).update(begins_visit=True)


def _most_alike(
    model: FaceModel, face: Embeddings, poorness: float, capture: Capture
) -> tuple[UnnamedPerson | None, float]:
    """Who a face is, for sure, and how much it is like everybody. face: (d,) float32, unit length."""
    distance = MaxInnerProduct("embedding", HalfVector(face))
    people = UnnamedPerson.objects.filter(model=model)
    rows = people.annotate(distance=distance).order_by("distance")
    first = list(rows.values_list("pk", "distance", "poorness", "commonness")[:LOOKED_AT])
    if not first:
        return None, 0.0
    calibrated, known = calibration.of(model), people.count()
    mean = people.order_by("-pk")[: persons.SAMPLE].aggregate(mean=Avg(distance))["mean"]
    faces = UnnamedFace.objects.filter(person__model=model)[: persons.FEW].count()
    threshold = calibrated.threshold(persons.WRONG, max(known, faces))
    alike = -np.array([row[1] for row in first], np.float32)
    others = alike[alike < threshold][: commonness.LOOKED_AT]
    by_mean = np.array(-mean - calibrated.non_mates.mean)
    by_following = np.array(commonness.beyond_expected(calibrated, others.tolist(), known))
    common = float(commonness.together(calibrated, known, by_mean, by_following, persons.EVEN))
    numbers = np.array([row[2:4] for row in first], np.float32)
    worth = alike - calibration.allowance(numbers[:, 0], np.array(poorness, np.float32)) - (numbers[:, 1] + common) / 2
    for place in np.argsort(-worth):
        if worth[place] < threshold:
            break
        person = UnnamedPerson.objects.get(pk=first[place][0])
        if not _is_beside(person, capture):
            return person, common
    return None, common


def _is_beside(person: UnnamedPerson, capture: Capture) -> bool:
    """Whether the camera followed somebody else with this face at the very moment, so that they are two."""
    if capture.track is None:
        return False
    then = person.faces.filter(probe__capture__camera=capture.camera, probe__capture__captured_at=capture.captured_at)
    return then.exclude(probe__capture__track=None).exclude(probe__capture__track=capture.track).exists()


def _add(person: UnnamedPerson, face: Embeddings, poorness: float, common: float) -> None:
    count = person.faces.count()
    total = np.asarray(person.embedding, np.float32) * person.weight + face
    person.weight = float(np.linalg.norm(total))
    person.embedding = total / person.weight
    person.poorness += (poorness - person.poorness) / (count + 1)
    person.commonness += (common - person.commonness) / (count + 1)
    person.save(update_fields=["weight", "embedding", "poorness", "commonness"])


def _begins_visit(person: UnnamedPerson, capture: Capture) -> bool:
    """Whether a visit begins with this capture. A visit that a later capture began, and that came first, is one with
    it: captures are matched in any order."""
    at, here = capture.captured_at, person.faces.filter(probe__capture__camera=capture.camera)
    after = here.filter(probe__capture__captured_at__gt=at, probe__capture__captured_at__lte=at + VISIT)
    after.filter(begins_visit=True).update(begins_visit=False)
    return not here.filter(probe__capture__captured_at__range=(at - VISIT, at)).exists()


def _rows(faces: Any) -> Any:
    return faces.annotate(wire=templates.wire("probe__embedding")).values(
        "pk", "person", "wire", "commonness", camera=F("probe__capture__camera"), at=F("probe__capture__captured_at")
    )


def _beginnings(rows: Sequence[dict[str, Any]]) -> list[int]:
    """With which of somebody's faces a visit begins."""
    found: list[int] = []
    last: dict[int, datetime] = {}
    for row in sorted(rows, key=lambda row: row["at"]):
        if row["camera"] not in last or row["at"] - last[row["camera"]] > VISIT:
            found.append(row["pk"])
        last[row["camera"]] = row["at"]
    return found


def _faces(model: FaceModel) -> list[dict[str, Any]]:
    """The latest faces that may be grouped: those of nobody known, and of nobody who is looked for."""
    found: list[Any] = []
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
        probes = probes.filter(model=model, probebits__isnull=False)
        found += probes.annotate(wire=templates.wire()).values(
            "pk", "wire", "detection_score", "size", "sharpness", "yaw",
            camera=F("capture__camera"), at=F("capture__captured_at"), track=F("capture__track"),
            row=F("unnamed"), person=F("unnamed__person"), is_settled=F("unnamed__person__is_settled"),
        )  # fmt: skip
    latest = sorted(found, key=_at, reverse=True)[:MOST]
    for face in latest:
        face["goodness"] = goodness(*(face.pop(name) for name in ("detection_score", "size", "sharpness", "yaw")))
    return latest


def _at(row: dict[str, Any]) -> datetime:
    at: datetime = row["at"]
    return at


def _appearances(
    faces: Sequence[dict[str, Any]], cleaned: Embeddings, poorness: NDArray[np.float32]
) -> tuple[list[list[int]], list[persons.Appearance]]:
    """One of each track, which shows one person, and of each face without; with the faces of each by their index."""
    tracks: dict[Any, list[int]] = defaultdict(list)
    for index, face in enumerate(faces):
        tracks[(face["camera"], face["track"]) if face["track"] else index].append(index)
    found = []
    for own in tracks.values():
        total = cleaned[own].sum(axis=0)
        found.append(
            persons.Appearance(
                total / np.linalg.norm(total),
                float(poorness[own].mean()),
                frozenset((faces[index]["camera"], faces[index]["at"]) for index in own if faces[index]["track"]),
                goodness=max(faces[index]["goodness"] for index in own),
            )
        )
    return list(tracks.values()), found


def _write(model: FaceModel, groups: Sequence[Sequence[dict[str, Any]]]) -> set[int]:
    """Give each group its person: of those that its faces had the one that most had. Returns whose faces changed.

    A face that people have put somewhere else meanwhile, or that is gone, is left alone.
    """
    faces = [face["pk"] for group in groups for face in group]
    rows = UnnamedFace.objects.filter(probe__in=faces).select_related("person")
    now = {one.probe_id: one for one in rows.only("probe", "person__is_settled")}
    there = set(Probe.objects.filter(pk__in=faces).values_list("pk", flat=True))
    overlaps = []
    free: list[list[dict[str, Any]]] = []
    for number, group in enumerate(groups):
        own = [f for f in group if f["pk"] in there and (f["pk"] not in now or now[f["pk"]].person_id == f["person"])]
        free.append(own)
        for person, count in Counter(f["person"] for f in own if f["person"]).items():
            settled = next(f["is_settled"] for f in own if f["person"] == person)
            overlaps.append((bool(settled), count, number, person))
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, number, person in sorted(overlaps, reverse=True):
        if number not in chosen and person not in taken:
            chosen[number] = person
            taken.add(person)
    new = [number for number, group in enumerate(free) if group and number not in chosen]
    blank = [0.0] * model.dimensions
    made = UnnamedPerson.objects.bulk_create([UnnamedPerson(model=model, embedding=blank) for _ in new], TOGETHER)
    chosen |= {number: one.pk for number, one in zip(new, made, strict=True)}
    changed, fresh, touched = [], [], set()
    for number, group in enumerate(free):
        for face in group:
            person, row = chosen[number], now.get(face["pk"])
            if row is None:
                fresh.append(UnnamedFace(probe_id=face["pk"], person_id=person, commonness=face["commonness"]))
                touched.add(person)
            elif row.person_id != person and not row.person.is_settled:
                touched |= {row.person_id, person}
                row.person_id, row.commonness = person, face["commonness"]
                changed.append(row)
    UnnamedFace.objects.bulk_update(changed, ["person", "commonness"], batch_size=TOGETHER)
    UnnamedFace.objects.bulk_create(fresh, TOGETHER)
    return touched
