"""Among people who are alike: how often what a likeness is said to be worth happens to strangers, and to mates.

`people/` (most of them young women of one country) searched as the product searches; groups of LFW made by clustering
the faces; women alone and men alone, where the weights for estimates of sex are here; random small galleries. `dlib`
and `retail` measure those models. By the product's search, with the cases narrowed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks import labelled, open_set
from benchmarks.common import fresh_database, table, wanted_models
from cases.models import Case, Collection, add_photo
from matching.faces import estimates, images, poor
from matching.gallery import calibration, templates
from matching.gallery import search as gallery
from matching.indexing import single
from matching.models import Face, FaceModel, Template
from matching.searching.persons import Appearance, persons
from tests import faces

GROUPS = 5
SAID = (0.1, 0.01)
HEAD = (
    "who is searched among", "said 1 in 10: happens", "said 1 in 100: happens", "mates called strong", "fair or better",
)  # fmt: skip


def run() -> None:
    if not labelled.LFW.is_dir():
        print("The labelled photos are not here: nothing to measure.")
        return
    name = next(iter(wanted_models()), None)
    model = fresh_database(name)
    rows = [("`people/`: each photo, its person left out or in", *_people(model))]
    print()
    _batch(model)
    model = fresh_database(name)
    open_set.enrol(labelled.lfw("enrol"))
    rows.append((f"{GROUPS} groups of LFW that are alike, each searched in its own", *_groups(model)))
    rows += _by_sex(model)
    strangers = open_set.search_all("stranger").strangers
    for size in (10, 30, 100, 1950):
        rows.append((f"LFW, {size:,} of its cases", *_random(model, strangers, size)))
    print(f"\n{model}, {model.recipe}\n")
    table(HEAD, *rows)


def _people(model: FaceModel) -> tuple[str, ...]:
    collection = Collection.objects.create(name="people")
    for folder in sorted((faces.EVAL / "people").iterdir()):
        case = Case.objects.create(collection=collection, number=folder.name)
        for path in sorted(folder.iterdir()):
            single.index_photo(add_photo(case, path.read_bytes(), path.name).pk)
    subjects = list(Face.objects.filter(is_subject=True, model=model).select_related("case"))
    strangers, mates = [], []
    for face in subjects:
        embedding = np.asarray(face.embedding, np.float32)
        others = Case.objects.exclude(pk=face.case_id)
        strangers.append(_fpir(model, gallery.search(model, embedding, cases=others, limit=1), others.count()))
        if Face.objects.filter(case=face.case, is_subject=True).count() > 1:
            with _left_out(face):
                hits = gallery.search(model, embedding, limit=1)
            mates.append(_fpir(model, hits, Case.objects.count()) if hits[0].case_id == face.case_id else 1.0)
    return _row(strangers, mates)


@contextmanager
def _left_out(face: Face) -> Iterator[None]:
    """A face that does not count in its case's template for a while."""
    for is_subject, chosen_by in ((False, ""), (True, face.chosen_by)):
        Face.objects.filter(pk=face.pk).update(is_subject=is_subject, chosen_by=chosen_by)
        templates.rebuild(face.model, [face.case_id])
        if not is_subject:
            yield


def _batch(model: FaceModel) -> None:
    """All photos of `people/` as one batch."""
    rows = list(Face.objects.filter(is_subject=True, model=model).select_related("case").order_by("pk"))
    cleaned, poorness = poor.without(np.array([np.asarray(f.embedding, np.float32) for f in rows]), model.direction)
    found = persons(
        [
            Appearance(one, float(poorest), frozenset([face.pk]), face.detection_score * min(face.size, 112))
            for face, one, poorest in zip(rows, cleaned, poorness, strict=True)
        ],
        calibration.of(model),
    )
    mixed = sum(len({rows[i].case_id for i in members}) > 1 for members in found)
    print(f"{len(rows)} photos of {Case.objects.count()} persons as a batch: {len(found)} persons, {mixed} mixed")


def _groups(model: FaceModel) -> tuple[str, ...]:
    """Each case's face, searched among the others of its group."""
    rows = list(Template.objects.filter(model=model, is_main=True).values_list("case_id", "embedding"))
    embeddings = np.array([np.asarray(embedding, np.float32) for _, embedding in rows])
    means = faiss.Kmeans(embeddings.shape[1], GROUPS, niter=40, nredo=5, seed=0, spherical=True)
    means.train(embeddings)
    group = means.index.search(embeddings, 1)[1][:, 0]
    ids = np.array([case for case, _ in rows])
    return _row([fpir for number in range(GROUPS) for fpir in _within(model, ids[group == number].tolist())], [])


def _within(model: FaceModel, ids: Sequence[int]) -> list[float]:
    """What the best likeness of each case's face among the others' is said to be worth."""
    found = []
    for case, embedding in Template.objects.filter(model=model, is_main=True, case__in=ids).values_list(
        "case_id", "embedding"
    ):
        among = Case.objects.filter(pk__in=ids).exclude(pk=case)
        hits = gallery.search(model, np.asarray(embedding, np.float32), cases=among, limit=1)
        found.append(_fpir(model, hits, len(ids) - 1))
    return found


def _by_sex(model: FaceModel) -> Iterator[tuple[str, ...]]:
    """LFW says nobody's sex; of whom the estimate is sure, it is right for most."""
    xml = faces.SHARED / "models" / "retail" / "age-gender-recognition-retail-0013.xml"
    if not xml.exists():
        return
    by_sex: dict[str, list[int]] = {"a woman": [], "a man": []}
    for face in Face.objects.filter(model=model, is_subject=True):
        with face.crop.open() as file:
            guess = estimates.estimate(images.open_image(file.read()).rgb, face.box_in_crop, xml)
        if guess.sex:
            by_sex[guess.sex].append(face.case_id)
    for label, ids in (("women", by_sex["a woman"]), ("men", by_sex["a man"])):
        yield f"LFW, {len(ids):,} {label} (estimated), each searched among the others", *_row(_within(model, ids), [])


def _random(model: FaceModel, strangers: Sequence[open_set.Probe], size: int) -> tuple[str, ...]:
    choose: Callable[..., NDArray[np.int64]] = np.random.default_rng(size).choice
    ids = np.array(Case.objects.values_list("pk", flat=True))
    found = []
    for _ in range(1 if size >= len(ids) else 4):
        among = Case.objects.filter(pk__in=choose(ids, min(size, len(ids)), replace=False).tolist())
        found += [_fpir(model, gallery.search(model, p.embedding, cases=among, limit=1), size) for p in strangers]
    return _row(found, [])


def _fpir(model: FaceModel, hits: Sequence[gallery.Hit], cases: int) -> float:
    return calibration.of(model).fpir(hits[0].worth, cases)


def _row(strangers: Sequence[float], mates: Sequence[float]) -> tuple[str, ...]:
    happens = [float(np.mean(np.array(strangers) < said)) for said in SAID]
    words = [f"{np.mean(np.array(mates) < said):.0%}" for said in reversed(SAID)] if mates else ["", ""]
    return (*(f"1 in {1 / share:.0f}" if share else f"0 of {len(strangers):,}" for share in happens), *words)
