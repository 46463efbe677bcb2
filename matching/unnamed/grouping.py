"""Faces that resemble nobody, grouped by whom they show: each as it comes, and all of them anew each night.

Both ways go by the rule for the persons of a batch. What people said of a group stays: the night leaves its faces
together, and only adds to them.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Avg, Exists, F, OuterRef
from django.utils import timezone
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.django import MaxInnerProduct

from cases import locks
from matching.faces import poor
from matching.faces.engines import Embeddings
from matching.gallery import calibration, commonness, templates
from matching.models import Batch, FaceModel, Probe, Shot, UnnamedFace, UnnamedLoss, UnnamedPerson
from matching.searching import persons
from matching.searching.batch_persons import goodness
from matching.searching.looking_back import VISIT
from matching.unnamed import sources

# Who writes groups holds this lock: two faces of one moment cannot both begin a person.
LOCK = "unnamed people"
# So many of the most alike people tell how much a face is like everybody.
LOOKED_AT = 30
# So many faces, the latest, are grouped anew in a night: they need some 500 MB for that. Older groups stay as they are.
MOST = 50_000
# So many people are written at a time.
TOGETHER = 500


def join(probe: Probe) -> UnnamedPerson | None:
    """Put a face with whom it shows, or begin somebody. None where no collection asks for it, or the face is too poor.
    Runs inside the caller's transaction, at its end: others wait for it."""
    if probe.is_too_poor or (seen := sources.sight(probe)).is_over:
        return None
    locks.wait_for(LOCK)
    model = probe.model
    cleaned, poorness = poor.without(np.asarray(probe.embedding, np.float32)[None], model.direction)
    face, how_poor = cleaned[0], float(poorness[0])
    found, common = _most_alike(model, face, how_poor, probe, seen)
    person = _followed(probe) or found
    if person is None:
        person = UnnamedPerson.objects.create(model=model, embedding=face, poorness=how_poor, commonness=common)
        began = True
    else:
        _add(person, face, how_poor, common)
        began = _begins_visit(person, seen)
    UnnamedFace.objects.create(
        probe=probe, person=person, at=seen.at, dated_by=seen.dated_by, begins_visit=began, commonness=common
    )
    return person


def join_batch(batch: Batch, must_stop: Callable[[], bool] = lambda: False) -> int:
    """Put each person of a batch who resembles nobody with whom they are. Returns how many.

    One at a time, for captures join meanwhile; whom it leaves when it has to stop the night puts there.
    """
    if sources.is_another_version_here() or not sources.days_of(batch.search):
        return 0
    joined = 0
    for probe in sources.met(batch).filter(unnamed=None).select_related("model", "search"):
        if must_stop():
            break
        with transaction.atomic():
            joined += join(probe) is not None
    return joined


def regroup(must_stop: Callable[[], bool] = lambda: False) -> int:
    """Group all faces anew, the latest `MOST` of them, also those that came before anybody asked for it. Returns how
    many people there are."""
    forget()
    model = FaceModel.objects.filter(is_active=True).first()
    faces = _latest(model) if model else []
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
        for faces in sources.over(timezone.now()):
            gone += faces.delete()[0]
        UnnamedPerson.objects.filter(faces=None).delete()
        lost = dict(UnnamedLoss.objects.values_list("pk", "person"))
        renew(set(lost.values()))
        UnnamedLoss.objects.filter(pk__in=lost).delete()
        # Captures go in other ways, too, and take their faces with them.
        earlier = UnnamedFace.objects.filter(
            person=OuterRef("person"),
            probe__capture__camera=OuterRef("probe__capture__camera"),
            at__gte=OuterRef("at") - VISIT,
            at__lt=OuterRef("at"),
        )
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


def _followed(probe: Probe) -> UnnamedPerson | None:
    """Whom a camera followed when it took a face's capture."""
    if probe.capture is None or not probe.capture.track:
        return None
    own = UnnamedPerson.objects.filter(faces__probe__capture__camera=probe.capture.camera, model=probe.model)
    return own.filter(faces__probe__capture__track=probe.capture.track).first()


def _most_alike(
    model: FaceModel, face: Embeddings, poorness: float, probe: Probe, seen: sources.Sight
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
        if not _is_beside(person, probe, seen):
            return person, common
    return None, common


def _is_beside(person: UnnamedPerson, probe: Probe, seen: sources.Sight) -> bool:
    """Whether somebody else with this face was seen at the very moment, so that they are two: by the camera that
    followed both, or in the same picture."""
    if probe.capture is None:
        theirs = Shot.objects.filter(file__batch=probe.search_id, probe__unnamed__person=person).defer("embedding")
        return bool(seen.apart & sources.moments(theirs))
    if probe.capture.track is None:
        return False
    then = person.faces.filter(probe__capture__camera=seen.camera, at=seen.at)
    return then.exclude(probe__capture__track=None).exclude(probe__capture__track=probe.capture.track).exists()


def _add(person: UnnamedPerson, face: Embeddings, poorness: float, common: float) -> None:
    count = person.faces.count()
    total = np.asarray(person.embedding, np.float32) * person.weight + face
    person.weight = float(np.linalg.norm(total))
    person.embedding = total / person.weight
    person.poorness += (poorness - person.poorness) / (count + 1)
    person.commonness += (common - person.commonness) / (count + 1)
    person.save(update_fields=["weight", "embedding", "poorness", "commonness"])


def _begins_visit(person: UnnamedPerson, seen: sources.Sight) -> bool:
    """Whether a visit begins with this face. A visit that a later capture began, and that came first, is one with it:
    captures are matched in any order."""
    if seen.camera is None:
        return True
    here = person.faces.filter(probe__capture__camera=seen.camera)
    after = here.filter(at__gt=seen.at, at__lte=seen.at + VISIT)
    after.filter(begins_visit=True).update(begins_visit=False)
    return not here.filter(at__range=(seen.at - VISIT, seen.at)).exists()


def _rows(faces: Any) -> Any:
    return faces.annotate(wire=templates.wire("probe__embedding")).values(
        "pk", "person", "wire", "commonness", "at", camera=F("probe__capture__camera")
    )


def _beginnings(rows: Sequence[dict[str, Any]]) -> list[int]:
    """With which of somebody's faces a visit begins: in a batch with each."""
    found: list[int] = []
    last: dict[int | None, datetime] = {}
    for row in sorted(rows, key=_at):
        if row["camera"] is None or row["camera"] not in last or row["at"] - last[row["camera"]] > VISIT:
            found.append(row["pk"])
        last[row["camera"]] = row["at"]
    return found


def _latest(model: FaceModel) -> list[dict[str, Any]]:
    latest = sorted(sources.faces(model), key=_at, reverse=True)[:MOST]
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
        tracks[face["track"] or index].append(index)
    found = []
    for own in tracks.values():
        total = cleaned[own].sum(axis=0)
        found.append(
            persons.Appearance(
                total / np.linalg.norm(total),
                float(poorness[own].mean()),
                frozenset[Hashable]().union(*(faces[index]["apart"] for index in own)),
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
                seen = {name: face[name] for name in ("at", "dated_by", "commonness")}
                fresh.append(UnnamedFace(probe_id=face["pk"], person_id=person, **seen))
                touched.add(person)
            elif row.person_id != person and not row.person.is_settled:
                touched |= {row.person_id, person}
                row.person_id, row.commonness = person, face["commonness"]
                changed.append(row)
    UnnamedFace.objects.bulk_update(changed, ["person", "commonness"], batch_size=TOGETHER)
    UnnamedFace.objects.bulk_create(fresh, TOGETHER)
    return touched
