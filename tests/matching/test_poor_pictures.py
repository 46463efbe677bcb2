"""Poor pictures of different people look alike: they are told, allowed for, and raise no alarm."""

import uuid

import numpy as np
import pytest

from cases.models import Collection
from matching.faces import poor
from matching.gallery import search as gallery
from matching.gallery import templates
from matching.indexing import bulk, poor_pictures, worklists
from matching.models import Alert, Capture, Face, FaceModel, Template
from matching.searching import pictures
from matching.watching import captures
from tests import faces, needs
from tests.matching.test_gallery import fill, make_model, unit

RANDOM = np.random.default_rng(5)


@pytest.fixture
def pack(db, use_model) -> FaceModel:
    return use_model(str(faces.PACK))


def capture(camera, content: bytes) -> Capture:
    seen = captures.receive_capture(camera, content, uid=uuid.uuid4())
    captures.match_capture(seen.pk)
    seen.refresh_from_db()
    return seen


@needs.pack
def test_it_works(pack, make_case, camera, user):
    make_case("MP1", faces.person(1))
    good = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="x").probes.get()
    far = pictures.search_image(faces.made_poor(faces.person(1)), "x.jpg", user=user, purpose="x").probes.get()
    assert good.poorness < 0.2 < pack.poor_limit < far.poorness
    assert (good.is_too_poor, far.is_too_poor) == (False, True)


@needs.pack
def test_a_capture_too_poor_to_compare_says_so_and_raises_no_alert(pack, make_case, camera):
    Collection.objects.update(alert_level="sensitive")
    make_case("MP1", faces.made_poor(faces.person(1)))
    make_case("MP2", faces.person(1))
    assert capture(camera, faces.made_poor(faces.person(1))).status == Capture.Status.TOO_POOR
    assert not Alert.objects.exists()
    assert capture(camera, faces.person(1)).status == Capture.Status.MATCHED


@needs.pack
def test_a_case_of_which_all_is_too_poor_is_searched_raises_no_alert_and_is_on_a_list(pack, make_case, camera, user):
    case = make_case("MP1", faces.made_poor(faces.person(1), 26))
    Template.objects.update(poorness=pack.poor_limit + 0.01)
    found = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="x").probes.get().candidates.get()
    assert found.case == case
    Collection.objects.update(alert_level="sensitive")
    assert capture(camera, faces.person(1)).status == Capture.Status.NO_CANDIDATE
    assert list(worklists.too_poor_cases(pack)) == [case]
    make_case("MP2", faces.person(2))
    assert list(worklists.too_poor_cases(pack)) == [case]


def test_two_poor_faces_are_ranked_behind_a_clear_one_that_is_nearly_as_alike(collection):
    direction = np.eye(64, dtype=np.float32)[0]
    model = make_model(64, poor_direction=direction.tolist(), poor_limit=0.35)
    probe = unit(64).astype(np.float32)
    probe[0] = 0
    near, nearer = (probe / np.linalg.norm(probe) + amount * unit(64) for amount in (1.2, 1.1))
    both = np.stack([near, nearer])
    both[:, 0] = 0
    cases = fill(model, collection, both / np.linalg.norm(both, axis=1, keepdims=True))
    Template.objects.filter(case=cases[1]).update(poorness=0.6)
    ahead = probe / np.linalg.norm(probe)
    clear = gallery.search(model, ahead)
    far = gallery.search(model, (ahead * np.sqrt(1 - 0.36) + 0.6 * direction).astype(np.float32))
    assert {hit.allowance for hit in clear} == {0}
    allowances = {hit.case_id: hit.allowance for hit in far}
    assert (allowances[cases[0].pk], allowances[cases[1].pk]) == (0, pytest.approx(0.4 * 0.45, abs=1e-3))
    worth = [hit.similarity - hit.allowance for hit in far]
    assert worth == sorted(worth, reverse=True)
    assert [hit.case_id for hit in gallery.search(model, ahead, reliable=True)] == [cases[0].pk]


def test_what_poor_faces_share_is_found_and_taken_out_and_what_all_share_stays():
    common, shared = np.eye(64, dtype=np.float32)[:2]
    clean = RANDOM.normal(size=(400, 64)).astype(np.float32) * 0.1 + common
    clean /= np.linalg.norm(clean, axis=1, keepdims=True)
    made = clean + 0.8 * shared
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    direction, limit = poor.direction_and_limit(made, clean)
    assert direction @ shared > 0.95
    assert abs(direction @ clean.mean(axis=0)) < 0.01
    left, poorness = poor.without(made, direction)
    assert np.abs(left @ direction).max() < 1e-5
    assert np.linalg.norm(left, axis=1) == pytest.approx(1, abs=1e-5)
    assert poorness.mean() > limit > (clean @ direction).max() * 0.9
    assert poor.without(made, None)[0] is made


@needs.pack
def test_a_model_without_a_direction_makes_one_from_the_gallerys_own_photos(pack, make_case, monkeypatch):
    monkeypatch.setattr(poor, "ENOUGH", 5)
    pack.poor_direction = pack.poor_limit = None
    pack.save()
    for number in range(6):
        make_case(f"MP{number}", faces.person(number))
    assert Face.objects.filter(poorness=None).count() == 6
    before = {t.case_id: np.asarray(t.embedding) for t in Template.objects.all()}
    assert poor_pictures.is_due(pack)
    bulk.index_waiting()
    pack.refresh_from_db()
    assert np.linalg.norm(pack.direction) == pytest.approx(1, abs=1e-4)
    assert not Face.objects.filter(poorness=None).exists()
    for template in Template.objects.all():
        assert abs(np.asarray(template.embedding, np.float32) @ pack.direction) < 2e-3
        assert not np.allclose(np.asarray(template.embedding), before[template.case_id])
    assert not poor_pictures.is_due(pack)


@needs.pack
def test_where_no_face_made_poor_is_found_it_is_not_tried_again(pack, make_case, monkeypatch):
    monkeypatch.setattr(poor, "ENOUGH", 1)
    monkeypatch.setattr(poor, "WIDTH", 3)
    pack.poor_direction = pack.poor_limit = None
    pack.save()
    make_case("MP1", faces.person(1))
    Face.objects.update(left=0, right=0.01, top=0, bottom=0.01)
    assert not poor_pictures.find_direction(pack)
    assert not poor_pictures.is_due(pack)
    assert not pack.is_too_poor(None, 60)


def test_where_the_model_cannot_tell_the_size_does():
    cannot, can = FaceModel(), FaceModel(poor_limit=0.35)
    assert [cannot.is_too_poor(None, size) for size in (20, 50)] == [True, False]
    assert [can.is_too_poor(poorness, 20) for poorness in (0.2, 0.5)] == [False, True]


@needs.pack
def test_the_shipped_direction_is_that_of_the_pack(pack):
    assert np.linalg.norm(pack.direction) == pytest.approx(1, abs=1e-3)
    assert poor.shipped("unknown", "passes") == (None, None)
    templates.rebuild_all(pack)
