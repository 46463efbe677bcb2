"""Each photo of the labelled people enrolled as a case photo, each group photo searched, for every engine."""

import numpy as np

from benchmarks.common import fresh_database, table
from cases.models import Case, Collection, add_photo
from matching.faces import engines, poor
from matching.faces.engines import Recipe
from matching.indexing import single
from matching.models import Face, FaceModel
from matching.searching import pictures
from tests import faces, needs

# As version 0.2 used a pack, to compare with.
OLD = Recipe(passes=False)


def run() -> None:
    if not faces.EVAL.is_dir():
        print("The labelled photos are not here: nothing to measure.")
        return
    packs = [(str(faces.PACK), OLD), (str(faces.PACK), None)] if faces.PACK.is_dir() else []
    packs += [(str(faces.retail()), None)] if needs.HAS_RETAIL else []
    table(
        (
            "engine",
            "photos with a face",
            "rank-1",
            "TAR at FAR 0.1 %",
            "group photos, person first",
            "non-mates 90 %, 99.9 %",
        ),
        *(measure(fresh_database(name, recipe)) for name, recipe in [*packs, ("dlib", Recipe()), ("dlib", None)]),
    )


def measure(model: FaceModel) -> tuple[str, ...]:
    """One row of the table."""
    collection = Collection.objects.create(name="labelled")
    photos = 0
    for folder in sorted((faces.EVAL / "people").iterdir()):
        case = Case.objects.create(collection=collection, number=folder.name)
        for path in sorted(folder.iterdir()):
            photos += 1
            photo = add_photo(case, path.read_bytes(), path.name)
            single.index_photo(photo.pk)
    subjects = list(Face.objects.filter(is_subject=True).select_related("case"))
    raw = np.array([np.asarray(face.embedding, dtype=np.float32) for face in subjects])
    embeddings, _ = poor.without(raw, model.direction)
    people = np.array([face.case.number for face in subjects])
    similarities = embeddings @ embeddings.T
    rows, columns = np.triu_indices(len(people), 1)
    same = people[rows] == people[columns]
    mates, others = similarities[rows, columns][same], similarities[rows, columns][~same]
    np.fill_diagonal(similarities, -2)
    several = np.array([np.sum(people == person) > 1 for person in people])
    rank1 = np.mean((people[similarities.argmax(axis=1)] == people)[several])
    q90, q999 = np.quantile(others, [0.9, 0.999])
    first = 0
    groups = sorted((faces.EVAL / "group").glob("person*.jpg"))
    for path in groups:
        search = pictures.search_image(path.read_bytes(), path.name, user=None, purpose="accuracy")
        best = [probe.candidates.first() for probe in search.probes.all()]
        top = max((candidate for candidate in best if candidate), key=lambda c: c.similarity, default=None)
        first += top is not None and top.case.number == path.stem
    engines.forget()
    return (
        f"{model.name}, {model.recipe}",
        f"{len(subjects)} of {photos}",
        f"{rank1:.3f}",
        f"{np.mean(mates > q999):.2f}",
        f"{first} of {len(groups)}",
        f"{q90:.3f}, {q999:.3f}",
    )
