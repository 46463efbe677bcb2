"""A gallery of any size made of real faces: each is moved a little, so that no two are alike."""

import uuid
from functools import lru_cache

import numpy as np

from cases.models import Case, Collection, Photo
from matching.faces import engines, images
from matching.gallery import templates
from matching.models import Face, FaceModel
from tests import faces


@lru_cache
def real_embeddings(source: str) -> np.ndarray:
    """(n, d) float32, unit length: every face of the labelled photos, or of the packages' samples without those."""
    paths = sorted((faces.EVAL / "people").glob("*/*")) if faces.EVAL.is_dir() else [faces.GROUP, faces.ASTRONAUT]
    engine = engines.load(source)
    found = [face.embedding for path in paths for face in engine.faces(images.open_image(path.read_bytes()).rgb)]
    return np.array(found, dtype=np.float32)


def fill(model: FaceModel, size: int, collection: Collection | None = None) -> None:
    """Write `size` cases with one face each, and have PostgreSQL look at what it has."""
    from django.db import connection

    random = np.random.default_rng(1)
    real = real_embeddings(model.source)
    spread = random.normal(size=(size, model.dimensions)).astype(np.float32)
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    embeddings = real[random.integers(len(real), size=size)] * 0.5 + spread * 0.85
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    collection = collection or Collection.objects.create(name="gallery")
    cases = Case.objects.bulk_create(
        [Case(collection=collection, number=f"G{i}", name=f"Person {i}", circumstances="x" * 300) for i in range(size)],
        batch_size=5000,
    )
    photos = Photo.objects.bulk_create(
        [Photo(case=case, sha256=uuid.uuid4().hex, status=Photo.Status.INDEXED) for case in cases], batch_size=5000
    )
    numbers = dict.fromkeys(("left", "top", "detection_score", "yaw", "pitch", "roll"), 0.1)
    numbers |= {"right": 0.9, "bottom": 0.9, "size": 120.0, "sharpness": 300.0}
    Face.objects.bulk_create(
        [
            Face(photo=photo, case=case, model=model, embedding=embedding, landmarks=[[0.5, 0.5]] * 5, position=0,
                 is_subject=True, chosen_by="only", crop="crops/none.jpg", **numbers)
            for photo, case, embedding in zip(photos, cases, embeddings, strict=True)
        ],
        batch_size=5000,
    )  # fmt: skip
    templates.rebuild_all(model)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
