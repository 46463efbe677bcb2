"""The order of candidates, checked against numpy, and who is in the gallery at all."""

import uuid

import numpy as np
import pytest

from cases.models import Case, Collection, Photo
from matching.gallery import search as gallery
from matching.gallery import templates
from matching.models import Face, FaceModel

RANDOM = np.random.default_rng(3)


def make_model(dimensions: int, **fields) -> FaceModel:
    return FaceModel.objects.create(
        name="test", source="dlib", fingerprint=uuid.uuid4().hex, dimensions=dimensions, licence="", **fields
    )


def unit(*shape: int) -> np.ndarray:
    vectors = RANDOM.normal(size=shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def fill(model: FaceModel, collection: Collection, embeddings: np.ndarray, photos_a_case: int = 1) -> list[Case]:
    cases = Case.objects.bulk_create(
        Case(collection=collection, number=uuid.uuid4().hex) for _ in range(len(embeddings) // photos_a_case)
    )
    photos = Photo.objects.bulk_create(
        Photo(case=cases[i // photos_a_case], sha256=uuid.uuid4().hex) for i in range(len(embeddings))
    )
    numbers = dict.fromkeys(
        ("left", "top", "right", "bottom", "detection_score", "size", "sharpness", "yaw", "pitch", "roll"), 0.5
    )
    Face.objects.bulk_create(
        Face(
            photo=p,
            case=p.case,
            model=model,
            embedding=e,
            landmarks=[],
            position=0,
            is_subject=True,
            chosen_by="only",
            **numbers,
        )
        for p, e in zip(photos, embeddings, strict=True)
    )
    templates.rebuild_all(model)
    return cases


def test_the_order_is_that_of_the_exact_cosine(collection):
    model, embeddings = make_model(512), unit(500, 512)
    cases = fill(model, collection, embeddings)
    probe = unit(512)
    hits = gallery.search(model, probe, limit=25)
    expected = np.argsort(-(embeddings.astype(np.float16).astype(float) @ probe))[:25]
    similarities = [embeddings[i] @ probe for i in expected]
    assert [hit.similarity for hit in hits] == pytest.approx(similarities, abs=2e-3)
    assert hits[0].case_id == cases[expected[0]].pk
    assert {hit.case_id for hit in hits} >= {cases[i].pk for i in expected[:20]}


def test_a_case_with_many_photos_is_one_candidate_by_their_mean(collection):
    model, probe = make_model(64), unit(64)
    many = probe + 0.02 * RANDOM.normal(size=(200, 64))
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    fill(model, collection, many, photos_a_case=200)
    others = fill(model, collection, unit(30, 64))
    hits = gallery.search(model, probe, limit=10)
    assert len({hit.case_id for hit in hits}) == 10
    mean = many.mean(axis=0)
    assert hits[0].similarity == pytest.approx(mean @ probe / np.linalg.norm(mean), abs=2e-3)
    shown = np.asarray(Face.objects.get(pk=hits[0].face_id).embedding, np.float32)
    assert shown @ probe == pytest.approx((many @ probe).max(), abs=2e-3)
    assert {hit.case_id for hit in hits[1:]} <= {case.pk for case in others}


def test_a_closed_case_leaves_at_once_and_a_reopened_one_is_back(collection):
    model, embeddings = make_model(64), unit(5, 64)
    cases = fill(model, collection, embeddings)
    assert cases[2].close("found")
    assert cases[2].pk not in {hit.case_id for hit in gallery.search(model, embeddings[2])}
    assert gallery.size(model) == 4
    assert cases[2].reopen()
    assert gallery.search(model, embeddings[2])[0].case_id == cases[2].pk


def test_only_the_collections_asked_for_are_searched(collection):
    model, embeddings = make_model(64), unit(6, 64)
    fill(model, collection, embeddings[:3])
    wanted = Collection.objects.create(name="Wanted")
    other = fill(model, wanted, embeddings[3:])
    hits = gallery.search(model, embeddings[0], collections=[wanted.pk])
    assert {hit.case_id for hit in hits} == {case.pk for case in other}


def test_embeddings_of_another_model_and_length_are_not_searched(collection):
    model, old = make_model(128), make_model(512)
    fill(old, collection, unit(5, 512))
    mine = fill(model, collection, unit(5, 128))
    assert {hit.case_id for hit in gallery.search(model, unit(128))} == {case.pk for case in mine}


def test_an_empty_gallery_has_no_candidates(db):
    assert gallery.search(make_model(128), unit(128)) == []
