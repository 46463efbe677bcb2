"""Search among people who are mostly strangers, as NIST FRTE 1:N measures it, on LFW through the product's own walks.

Photos are enrolled by the bulk indexing and searched as uploads are. `dlib` takes long: `open_set dlib`
measures it, `open_set retail` that pack.
"""

import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import labelled
from benchmarks.common import fresh_database, table, wanted_models
from benchmarks.labelled import Labelled
from cases.models import Case, Collection, Photo, add_photo, replace_photo
from matching.faces import engines, images, poor
from matching.faces.engines import Recipe
from matching.gallery import search as gallery
from matching.gallery import templates
from matching.indexing import bulk, choosing, subject
from matching.models import Alert, Camera, Face, FaceModel
from matching.searching import pictures
from matching.watching import captures
from tests import faces

POOR_SHARE = 0.02  # of the enrolled cases whose photo is made poor


@dataclass
class Probe:
    person: str
    embedding: NDArray[np.float32]
    too_poor: bool


@dataclass
class Probes:
    """mates, strangers: the central face of each photo in which one was found. missed: photos in which none was."""

    mates: list[Probe]
    strangers: list[Probe]
    missed: int


def run() -> None:
    if not labelled.LFW.is_dir():
        print("LFW is not here: nothing to measure.")
        return
    if "dlib" in sys.argv or "retail" in sys.argv:
        _whole(fresh_database(wanted_models()[0]))
    elif faces.PACK.is_dir():
        _recipes()


def _recipes() -> None:
    print("Detection and embedding: how the pack is used\n")
    rows = []
    for recipe in (Recipe(passes=False), Recipe(mirror=False)):
        model = fresh_database(str(faces.PACK), recipe)
        enrol(labelled.lfw("enrol"))
        rows.append((str(recipe), *_figures(model, search_all())))
    model = fresh_database(str(faces.PACK))
    enrol(labelled.lfw("enrol"))
    found = search_all()
    rows.append((f"{model.recipe} (used)", *_figures(model, found)))
    table(HEAD, *rows)
    _subjects(model, found)
    _poor(model)
    _templates(model, found)


HEAD = ("", "photos searchable", "rank-1", "rank-20", "FNIR at FPIR 10 %", "at 1 %", "probes without a face")


def _whole(model: FaceModel) -> None:
    print(f"\n{model}\n")
    enrol(labelled.lfw("enrol"))
    found = search_all()
    one = ("one photo a case", *_figures(model, found))
    enrol(labelled.lfw("enrol_more"))
    table(HEAD, one, ("all photos", *_figures(model, found)))
    _poor_gallery(model)


def _subjects(model: FaceModel, found: Probes) -> None:
    print("\nWhich face of a photo is the person\n")
    rows = []
    for words, reach in (
        ("the largest", 1000.0),
        ("the most central", 0.05),
        ("central, weighed with size (used)", None),
    ):
        with _set(subject, REACH=reach or subject.REACH):
            # Nothing is confirmed here, so the choice is free to change.
            Face.objects.exclude(chosen_by="only").update(is_subject=False, chosen_by="")
            choosing.settle(model, Case.objects.values_list("pk", flat=True))
        rows.append((words, *_figures(model, found)))
    table(HEAD, *rows)
    several = Photo.objects.filter(faces__position=1).distinct().count()
    either = Face.objects.filter(chosen_by="either").values("photo").distinct().count()
    print(
        f"\n{several} photos show several faces; in {either} nothing tells which is the person, and each is searched."
    )


def _templates(model: FaceModel, found: Probes) -> None:
    print("\nHow photos of a case are folded: all photos\n")
    enrol(labelled.lfw("enrol_more"))
    rows = []
    for merged in (False, True):
        if merged:
            two_persons_a_case(200)
        for words, apart in (
            ("each photo alone", 1e-12),
            ("the mean", 0.999),
            ("the mean, unlike photos apart (used)", None),
        ):
            with _set(templates, APART=apart or templates.APART):
                templates.rebuild_all(model)
            rows.append((words + (", 200 cases of two people" if merged else ""), *_figures(model, found)))
    table(HEAD, *rows)


def two_persons_a_case(count: int) -> None:
    """Give so many cases whose person is probed the photo of another's, who is then no case any more."""
    probed = {photo.person for photo in labelled.lfw("mate")}
    cases = list(Case.objects.order_by("number"))
    takers = [case for case in cases if case.number in probed][:count]
    givers = [case for case in cases if case.number not in probed][:count]
    for taker, giver in zip(takers, givers, strict=True):
        Photo.objects.filter(case=giver).update(case=taker)
        Face.objects.filter(case=giver).update(case=taker)
        giver.delete()


def _poor(model: FaceModel) -> None:
    print("\nPoor pictures: probes 30 pixels wide, blurred, saved at JPEG 40\n")
    found = search_all(made_poor=True)
    rows = [("poor direction taken out (used)", *_figures(model, found))]
    direction = model.poor_direction
    model.poor_direction = None
    model.save()
    templates.rebuild_all(model)
    rows.insert(0, ("as the network gives them", *_figures(model, found)))
    model.poor_direction = direction
    model.save()
    templates.rebuild_all(model)
    table(HEAD, *rows)
    _poor_gallery(model)


def _poor_gallery(model: FaceModel) -> None:
    print(f"\n{POOR_SHARE:.0%} of the enrolled photos made as poor, searched with strangers as poor\n")
    before = {photo.pk: photo.image.read() for photo in Photo.objects.order_by("pk")[::50]}
    poor_cases = set()
    for photo in Photo.objects.filter(pk__in=before):
        face = photo.faces.filter(model=model).first()
        if face is not None:
            replace_photo(photo, worsened(before[photo.pk], face), "poor.jpg", view=photo.view)
            poor_cases.add(photo.case_id)
    bulk.index_waiting()
    strangers = search_all("stranger", made_poor=True).strangers
    compared = [probe for probe in strangers if not probe.too_poor]
    wins = {p.person for p in strangers if gallery.search(model, p.embedding, limit=1)[0].case_id in poor_cases}
    plain = _plain_wins(model, strangers, poor_cases)
    alerts = _alerts(poor_cases)
    table(
        ("what", "measured"),
        ("strangers in whom a face was found", len(strangers)),
        ("of them told to be too poor to compare", f"{1 - len(compared) / max(len(strangers), 1):.0%}"),
        ("a poor photo is the best candidate, as the network gives them", f"{plain / max(len(strangers), 1):.1%}"),
        (
            "the same now, of those compared at all",
            f"{sum(p.person in wins for p in compared) / max(len(compared), 1):.1%}",
        ),
        ("the same now, of all", f"{sum(p.person in wins for p in compared) / max(len(strangers), 1):.1%}"),
        ("alerts at the default level, of a poor photo and of all", f"{alerts[0]} and {alerts[1]}"),
    )
    for pk, content in before.items():
        replace_photo(Photo.objects.get(pk=pk), content, "back.jpg", view=Photo.View.FRONT)
    bulk.index_waiting()


def _plain_wins(model: FaceModel, strangers: Sequence[Probe], poor_cases: set[int]) -> int:
    """How often a poor photo would win without anything done about it."""
    direction, model.poor_direction = model.poor_direction, None
    model.save()
    templates.rebuild_all(model)
    wins = sum(gallery.search(model, probe.embedding, limit=1)[0].case_id in poor_cases for probe in strangers)
    model.poor_direction = direction
    model.save()
    templates.rebuild_all(model)
    return wins


def _alerts(poor_cases: set[int]) -> tuple[int, int]:
    """Alerts of poor strangers passing a camera: those that name a poor case, and all."""
    Collection.objects.update(alert_level=Collection.AlertLevel.STANDARD)
    camera = Camera(name="bench")
    camera.issue_token()
    for content in _contents(labelled.lfw("stranger"), made_poor=True):
        capture = captures.receive_capture(camera, content, uid=uuid.uuid4())
        captures.match_capture(capture.pk)
    raised = list(Alert.objects.values_list("case", flat=True))
    Alert.objects.all().delete()
    return sum(case in poor_cases for case in raised), len(raised)


def enrol(photos: Sequence[Labelled]) -> None:
    """Enrol photos as imports do, a case a person."""
    collection, _ = Collection.objects.get_or_create(name="LFW")
    for photo in photos:
        case, _ = Case.objects.get_or_create(collection=collection, number=photo.person)
        add_photo(case, photo.path.read_bytes(), photo.path.name, announce=False)
    bulk.index_waiting()


def search_all(*roles: str, made_poor: bool = False) -> Probes:
    """Search with every mate and stranger, as uploads are searched."""
    found: dict[str, list[Probe]] = {"mate": [], "stranger": []}
    missed = 0
    for role in roles or ("mate", "stranger"):
        photos = labelled.lfw(role)
        for photo, content in zip(photos, _contents(photos, made_poor), strict=True):
            search = pictures.search_image(content, photo.path.name, user=None, purpose="benchmark")
            probes = list(search.probes.all())
            if not probes:
                missed += 1
                continue
            meant = probes[subject.by_position([(p.left, p.top, p.right, p.bottom) for p in probes]).faces[0]]
            found[role].append(Probe(photo.person, np.asarray(meant.embedding, np.float32), meant.is_too_poor))
    return Probes(found["mate"], found["stranger"], missed)


def worsened(content: bytes, face: Any) -> bytes:
    """A picture as a far camera would send its face. face: anything with a box."""
    rgb = images.open_image(content).rgb
    return images.to_jpeg(poor.make_poor(rgb, (face.left, face.top, face.right, face.bottom)), quality=95)


def _contents(photos: Sequence[Labelled], made_poor: bool) -> Iterator[bytes]:
    engine = engines.load(FaceModel.objects.get(is_active=True).source)
    for photo in photos:
        content = photo.path.read_bytes()
        if made_poor:
            rgb = images.open_image(content).rgb
            boxes = [face.relative_box(rgb) for face in engine.detect(rgb)]
            if boxes:
                box = boxes[subject.by_position(boxes).faces[0]]
                content = images.to_jpeg(poor.make_poor(rgb, box), quality=95)
        yield content


def _figures(model: FaceModel, found: Probes) -> tuple[str, ...]:
    """One row of the tables."""
    cases = dict(Case.objects.values_list("pk", "number"))
    best = [gallery.search(model, probe.embedding, limit=1) for probe in found.strangers]
    strangers = np.array([hit[0].similarity - hit[0].allowance for hit in best])
    ranks, scores = [], []
    for probe in found.mates:
        hits = gallery.search(model, probe.embedding, limit=20)
        names = [cases[hit.case_id] for hit in hits]
        ranks.append(names.index(probe.person) if probe.person in names else 99)
        scores.append(hits[0].similarity - hits[0].allowance)
    first = np.array(ranks) == 0
    missed = [
        f"{1 - np.mean(first & (np.array(scores) >= np.quantile(strangers, 1 - rate))):.3f}" for rate in (0.1, 0.01)
    ]
    searchable = Photo.objects.filter(faces__model=model, faces__is_subject=True).distinct().count()
    return (
        f"{searchable:,} of {Photo.objects.count():,}",
        f"{first.mean():.3f}",
        f"{np.mean(np.array(ranks) < 20):.3f}",
        *missed,
        str(found.missed),
    )


@contextmanager
def _set(module: ModuleType, **values: Any) -> Iterator[None]:
    """A module's constants, other ones for a while."""
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)
