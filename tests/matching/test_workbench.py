"""What the workbench shows first: the face and the candidates that are worth most."""

import numpy as np
import pytest

from matching.models import Face, Probe
from matching.searching import deciding, pictures
from matching.searching.workbench import workbench
from tests import faces


@pytest.fixture
def search(any_model, six_cases, user):
    return pictures.search_image(faces.GROUP.read_bytes(), "group.jpg", user=user, purpose="who is there")


def test_it_works(search):
    bench = workbench(search, search.user)
    best = [face.candidates.all()[0].worth for face in bench.faces]
    assert best == sorted(best, reverse=True)
    assert bench.face == bench.faces[0]
    assert bench.shown.candidate.rank == 1
    assert [one.candidate.rank for one in [*bench.better, *bench.weaker]] == [1, 2, 3, 4, 5, 6]
    assert all(one.strength.word == "weak" for one in bench.weaker)


def test_a_face_and_a_candidate_are_shown_as_asked_and_what_is_not_of_the_search_is_not(search):
    third = workbench(search, search.user).faces[2]
    fourth = third.candidates.all()[3]
    bench = workbench(search, search.user, third.pk, fourth.pk)
    assert (bench.face, bench.shown.candidate) == (third, fourth)
    assert workbench(search, search.user, 10**12, 10**12).face == bench.faces[0]


def test_of_a_group_each_face_stands_with_its_best_candidate_numbered_from_the_left(search, signed_in):
    bench = workbench(search, search.user)
    assert [one.probe for one in bench.met] == list(bench.faces)
    by_number = sorted(bench.met, key=lambda one: one.number)
    assert [one.number for one in by_number] == [1, 2, 3, 4, 5, 6]
    assert [one.best.candidate.case.number for one in by_number] == [f"MP{n}" for n in range(6)]
    assert workbench(search, search.user, by_number[3].probe.pk).number == 4
    page = signed_in.get(search.get_absolute_url()).content.decode()
    assert page.count('class="box strong"') + page.count('class="box fair"') == 6


@pytest.fixture
def stranger(any_model, make_case, user):
    make_case("MP1", faces.astronaut(), name="Rowan Blake")
    return pictures.search_image(faces.person(4), "x.jpg", user=user, purpose="x")


def test_nobody_who_looks_like_the_person_is_said_first_and_the_weak_ones_are_folded(stranger, signed_in, user):
    bench = workbench(stranger, user)
    assert (bench.shown, list(bench.better), len(bench.weaker)) == (None, [], 1)
    page = signed_in.get(stranger.get_absolute_url()).content.decode()
    assert "No case here looks like this person" in page
    assert "Rowan Blake is the most alike" in page
    assert 'value="possible"' not in page


def test_a_weak_one_is_compared_when_it_is_asked_for_and_stays_once_somebody_said_something(stranger, signed_in, user):
    candidate = stranger.probes.get().candidates.get()
    page = signed_in.get(f"{stranger.get_absolute_url()}?candidate={candidate.pk}").content.decode()
    assert '<button  name="decision" value="possible"' in page, "no blue button invites to it"
    deciding.say(candidate, "possible", user)
    assert workbench(stranger, user).shown.candidate == candidate


def test_too_poor_to_compare_stands_where_candidates_would(stranger, signed_in):
    Probe.objects.update(poorness=None, size=20)
    page = signed_in.get(stranger.get_absolute_url()).content.decode()
    assert "<h2>Too poor to compare</h2>" in page
    assert "No case here" not in page


def test_who_was_said_not_to_be_the_person_before_is_not_nobody(any_model, make_case, user):
    make_case("MP1", faces.person(4))
    first = pictures.search_image(faces.person(4), "x.jpg", user=user, purpose="x")
    deciding.say(first.probes.get().candidates.get(), "rejected", user)
    again = pictures.search_image(faces.person(4), "x.jpg", user=user, purpose="x")
    assert workbench(again, user).shown.candidate.was_rejected


def test_without_a_face_or_without_a_case_there_is_nothing_to_choose(any_model, user):
    from matching.faces import images

    blank = images.to_jpeg(np.full((300, 300, 3), 90, np.uint8))
    assert workbench(pictures.search_image(blank, "x.jpg", user=user, purpose="x"), user) is None
    assert workbench(pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="x"), user).shown is None


def test_every_photo_of_the_case_can_stand_beside_the_probe(any_model, make_case, user, signed_in):
    make_case("MP1", faces.person(4), faces.astronaut())
    search = pictures.search_image(faces.person(4), "x.jpg", user=user, purpose="x")
    bench = workbench(search, search.user)
    # One of them shows two faces to some engines.
    assert {face.photo_id for face in bench.photos} == set(
        bench.shown.candidate.case.photos.values_list("pk", flat=True)
    )
    assert bench.photo == bench.shown.candidate.face
    other = next(face for face in bench.photos if face != bench.photo)
    assert workbench(search, search.user, photo=other.pk).photo == other
    page = signed_in.get(f"/search/{search.pk}/?photo={other.pk}").content.decode()
    assert f'src="/faces/{other.pk}/" alt="Case photo' in page


def test_the_eyes_of_a_crop_lie_where_its_face_has_them(model, make_case):
    """Found again in the crop itself."""
    from matching.faces import engines, images

    make_case("MP1", faces.person(2))
    face = Face.objects.get(is_subject=True)
    with face.crop.open() as file:
        rgb = images.open_image(file.read()).rgb
    found = engines.load(model.source).faces(rgb)[0]
    height, width = rgb.shape[:2]
    again = [number for x, y in sorted(map(list, found.landmarks[:2])) for number in (x / width, y / height)]
    assert face.eyes == pytest.approx(again, abs=0.04)


@pytest.mark.parametrize("query", ["?face=x", "?face=²", "?candidate=99999999999999999999", "?face=-1"])
def test_an_address_that_makes_no_sense_shows_the_first(search, signed_in, query):
    page = signed_in.get(f"/search/{search.pk}/{query}")
    assert page.status_code == 200
    assert "Rank 1" in page.content.decode()
