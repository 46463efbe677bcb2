"""Walk 2, search: an uploaded picture becomes probes, and each probe its candidates."""

import time
import uuid
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction

from cases.fair_use import may_search
from cases.filters import SearchedCases
from cases.models import Collection
from matching.faces import face_models, images, looking
from matching.faces.rows import face_columns, jpeg_file
from matching.gallery import calibration, kept_faces, strengths
from matching.gallery import search as gallery
from matching.models import Candidate, Probe, Search
from matching.searching import remembering

CANDIDATES = 20


def search_image(
    content: bytes,
    filename: str,
    *,
    user: User | None,
    purpose: str,
    reference: str = "",
    collections: Sequence[Collection] = (),
    narrowed: SearchedCases | None = None,
) -> Search:
    """Search the gallery for every face of a picture, and keep the search as it will be shown.

    collections: where to search; all that the user sees if empty. narrowed: filters, valid, that leave out cases
    known not to fit.
    A picture without a face gives a search without probes; of a crowd the `MOST_FACES` best detected are searched.
    Raises `ImageRefused`, `NoFaceModel`, `EngineUnavailable`, `SearchRefused`; then nothing is kept.
    """
    started = time.perf_counter()
    collections = may_search(user, collections, purpose=purpose, reference=reference)
    model = face_models.active()
    # Each face counts: a bystander here may be the one who is missing.
    looked = looking.look(face_models.engine(model), content)
    opened, faces = looked.opened, looked.faces
    among = [collection.pk for collection in collections] or None
    filters = narrowed.asked() if narrowed else {}
    cases = narrowed.qs if narrowed and filters else None
    embeddings = np.array([face.embedding for face in faces], np.float32)
    hits = gallery.search_all(model, embeddings, collections=among, cases=cases, limit=CANDIDATES)
    with transaction.atomic():
        search = Search.objects.create(
            user=user,
            purpose=purpose,
            reference=reference,
            filename=filename[-255:],
            image=ContentFile(content, name=f"{uuid.uuid4()}{PurePath(filename).suffix.lower()[:10]}"),
            display=jpeg_file(opened.rgb, max_side=1600),
            turned=looked.turned,
            file_note=looked.note[:500],
            **opened.origin.columns,
            filters=filters,
            model=model,
            measurement=calibration.latest(model),
            gallery_size=gallery.size(model, among, cases),
            milliseconds=round((time.perf_counter() - started) * 1000),
        )
        search.collections.set(collections)
        probes = [
            Probe(search=search, position=position, **face_columns(model, opened.rgb, face, opened.scale))
            for position, face in enumerate(faces)
        ]
        Probe.objects.bulk_create(probes)
        kept_faces.keep_all(probes)
        keep_all_candidates(list(zip(probes, hits, strict=True)))
    return search


def open_again(search: Search) -> images.OpenedImage:
    """A search's picture as it was searched. Raises `FileNotFoundError`, `ImageRefused`."""
    with search.image.open() as file:
        return images.turned(images.open_image(file.read()), search.turned)


def keep_candidates(probe: Probe, hits: Sequence[gallery.Hit], first: int = 1) -> None:
    """Write a probe's candidates in the order they were found, with what was said of the same face before.

    first: the rank of the first.
    """
    keep_all_candidates([(probe, hits)], first)


def keep_all_candidates(found: Sequence[tuple[Probe, Sequence[gallery.Hit]]], first: int = 1) -> None:
    """The same for several probes of one search, or for a capture's."""
    searched = [(probe, hits) for probe, hits in found if probe.search_id]
    before = remembering.decided_before(searched) if searched else {}
    kept = [
        Candidate(
            probe=probe,
            case_id=hit.case_id,
            face_id=hit.face_id,
            rank=rank,
            similarity=hit.similarity,
            allowance=hit.allowance,
            commonness=hit.commonness,
            found_by=hit.found_by,
            remembered_id=before.get((probe.pk, hit.case_id)),
        )
        for probe, hits in found
        for rank, hit in enumerate(hits, start=first)
    ]
    # A capture's are shown through their alert, which has its own.
    search = searched[0][0].search if searched else None
    if search is not None:
        calibrated = calibration.by(search.model, search.measurement)
        for candidate in kept:
            strengths.judge(candidate, calibrated, search.gallery_size)
    Candidate.objects.bulk_create(kept)
    # The persons of a batch may be one who was met twice.
    if search is not None and search.image:
        strengths.one_face_a_case(search)
