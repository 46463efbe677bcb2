"""The gallery compared with itself: which cases may be one person, which photos may show another."""

import numpy as np
import pytest

from cases.models import Photo
from matching.faces import images, poor
from matching.gallery import calibration, comparing
from matching.indexing import bulk
from matching.models import CasePair, Face, FaceModel, OddPhoto
from tests import faces, needs

pytestmark = pytest.mark.django_db(transaction=True)


def another_picture(number: int) -> bytes:
    """The same person, but not the same picture: closer, mirrored, darker."""
    rgb = images.open_image(faces.person(number)).rgb
    height, width = rgb.shape[:2]
    rgb = rgb[height // 12 :, width // 12 : -width // 12]
    return images.to_jpeg((rgb[:, ::-1] * 0.8).astype(np.uint8))


def same_face(number: int) -> bytes:
    """Other bytes with the same face: both engines are sure of it."""
    return faces.person(number) + b"again"


def test_two_cases_of_one_person_are_found_and_nobody_else(any_model, make_case):
    for number in range(6):
        make_case(f"MP{number}", faces.person(number))
    make_case("UP1", same_face(2))
    pair = CasePair.objects.get()
    assert {pair.first.number, pair.second.number} == {"MP2", "UP1"}
    assert pair.similarity > calibration.shipped(any_model).non_mates.similarity(comparing.ONE_PERSON)
    assert {pair.first_face.case_id, pair.second_face.case_id} == {pair.first_id, pair.second_id}


def test_a_mislabelled_photo_is_found_with_whom_it_shows(any_model, make_case):
    make_case("MP1", faces.person(1), another_picture(1))
    make_case("MP2", faces.person(2), another_picture(2))
    make_case("MP3", faces.person(3), another_picture(3) + b" ", faces.person(2) + b"wrong")
    odd = OddPhoto.objects.order_by("own_similarity").get(photo__case__number="MP3", other_face__isnull=False)
    assert odd.photo.sha256 == Photo.objects.filter(case__number="MP3").last().sha256
    assert (odd.other_face.case.number, odd.other_similarity > odd.own_similarity) == ("MP2", True)
    assert not OddPhoto.objects.exclude(photo__case__number="MP3").exists()


def test_what_people_decided_stays_when_it_is_compared_again(any_model, make_case):
    make_case("MP1", faces.person(1), faces.person(2))
    make_case("MP2", same_face(2))
    CasePair.objects.update(decision="different")
    right = OddPhoto.objects.get()
    OddPhoto.objects.update(decision="right")
    FaceModel.objects.update(compared_to=0)
    comparing.compare_new(any_model)
    assert set(CasePair.objects.values_list("decision", flat=True)) == {"different"}
    right.refresh_from_db()
    assert right.decision == "right"


@needs.pack
def test_block_by_block_finds_what_an_exhaustive_comparison_finds(any_model, collection, monkeypatch):
    from benchmarks import gallery

    gallery.fill(any_model, 300, collection)
    monkeypatch.setattr(comparing, "BLOCK", 37)
    monkeypatch.setattr(comparing, "ONE_PERSON", 2e-2)
    comparing.compare_new(any_model)
    stored = list(Face.objects.order_by("pk").values_list("case_id", "embedding"))
    cases = [case for case, _ in stored]
    matrix = np.array([embedding for _, embedding in stored], dtype=np.float32)
    matrix, poorness = poor.without(matrix, any_model.direction)
    similarities = matrix @ matrix.T - calibration.allowance(poorness[:, None], poorness[None, :])
    np.fill_diagonal(similarities, -2)
    threshold = calibration.shipped(any_model).non_mates.similarity(2e-2)
    expected = {
        (min(cases[row], cases[column]), max(cases[row], cases[column]))
        for row in range(len(cases))
        for column in np.argsort(-similarities[row])[: comparing.CASES_A_FACE]
        if similarities[row, column] >= threshold
    }
    assert len(expected) > 5
    assert set(CasePair.objects.values_list("first", "second")) == expected


def test_comparing_goes_on_after_a_stop_and_costs_nothing_when_nothing_is_new(any_model, collection, monkeypatch):
    from benchmarks import gallery

    gallery.fill(any_model, 100, collection)
    monkeypatch.setattr(comparing, "BLOCK", 40)
    comparing.compare_new(any_model, lambda: True)
    any_model.refresh_from_db()
    assert any_model.compared_to == 0
    bulk.index_waiting()
    any_model.refresh_from_db()
    assert any_model.compared_to == Face.objects.order_by("pk").last().pk
