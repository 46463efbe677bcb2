"""A second face model is kept beside the first, and asked only when somebody asks it."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from cases.models import add_photo, change_photos
from matching.faces import face_models
from matching.gallery import search as gallery
from matching.indexing import second_model, single
from matching.models import Candidate, Face, FaceModel, Template
from matching.searching import pictures, second_opinion
from matching.searching.workbench import workbench
from tests import faces, needs

pytestmark = [pytest.mark.django_db(transaction=True), needs.pack]


def models(*words: str) -> str:
    said = StringIO()
    call_command("models", *words, stdout=said)
    return said.getvalue()


@pytest.fixture
def pack(use_model, six_cases_of_pack) -> FaceModel:
    return face_models.active()


@pytest.fixture
def six_cases_of_pack(use_model, make_case):
    use_model(str(faces.PACK))
    return [make_case(f"MP{number}", faces.person(number)) for number in range(6)]


@pytest.fixture
def second(pack) -> FaceModel:
    models("second", "dlib")
    return FaceModel.objects.get(is_second=True)


def test_it_works(pack, second, signed_in, user):
    assert Face.objects.filter(model=second).count() >= 5
    search = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus")
    assert Candidate.objects.filter(second_similarity__isnull=False).count() == 0
    page = signed_in.get(search.get_absolute_url()).content.decode()
    assert "Second opinion" in page
    page = signed_in.post(f"/search/{search.pk}/second/", follow=True).content.decode()
    assert "dlib ResNet:" in page
    search.refresh_from_db()
    first = search.probes.get().candidates.get(rank=1)
    assert (first.case.number, first.second_rank) == ("MP3", 1)
    said = second_opinion.of(first, search, workbench(search, search.user).shown.strength)
    assert not said.differs
    assert search.second_size == gallery.size(second)


@pytest.fixture
def confused(pack, second) -> None:
    """In the first model's gallery the fourth person has the first one's face."""
    wrong = Template.objects.get(model=pack, case__number="MP3")
    other = Template.objects.get(model=pack, case__number="MP0")
    Template.objects.filter(pk=wrong.pk).delete()
    wrong.pk, wrong.embedding, wrong.bits = None, other.embedding, other.bits
    wrong.save()


def test_where_they_disagree_it_is_said(confused, signed_in, user):
    search = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus")
    second_opinion.ask(search, None)
    candidate = search.probes.get().candidates.get(case__number="MP3")
    assert candidate.second_rank == 1
    assert "The two models disagree" in signed_in.get(candidate.get_absolute_url()).content.decode()


def test_whom_only_the_second_proposes_becomes_a_candidate(confused, user, monkeypatch):
    monkeypatch.setattr(pictures, "CANDIDATES", 1)
    search = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus")
    assert not search.probes.get().candidates.filter(case__number="MP3").exists()
    second_opinion.ask(search, None)
    added = search.probes.get().candidates.get(case__number="MP3")
    assert (added.second_rank, added.rank) == (1, 2)
    assert added.second_similarity > added.similarity


def test_new_and_changed_photos_are_filled_in_and_nothing_is_compared_across(second, make_case):
    assert not second_model.waits()
    case = make_case("MP9", faces.astronaut())
    assert second_model.waits()
    second_model.fill(second)
    assert Template.objects.filter(model=second, case=case).exists()
    photo = case.photos.get()
    change_photos([photo], view="side")
    change_photos([photo], view="front")
    assert photo.faces.filter(model__is_active=True).exists()
    assert not photo.faces.filter(model=second).exists()
    second_model.fill(second, again=True)
    assert photo.faces.filter(model=second).exists()


def test_a_photo_removed_is_gone_under_both(second, make_case):
    case = make_case("MP9", faces.astronaut())
    second_model.fill(second)
    case.photos.get().delete()
    assert not Template.objects.filter(case=case).exists()


def test_a_change_over_leaves_the_second_in_place_or_makes_it_the_first(second, make_case):
    models("activate", "dlib")
    second.refresh_from_db()
    assert (second.is_active, second.is_second) == (True, False)
    assert Template.objects.filter(model=second).exists()


def test_what_cannot_be_is_said(pack, signed_in, user):
    with pytest.raises(CommandError, match="is the model in use"):
        models("second", str(faces.PACK))
    with pytest.raises(CommandError, match="neither an installed pack"):
        models("second", "nothing")
    search = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus")
    assert "No second face model" in signed_in.post(f"/search/{search.pk}/second/", follow=True).content.decode()


def test_it_is_left_off_and_forgotten(second, as_admin, make_case):
    assert "dlib ResNet, 6 of 6 photos" in as_admin.get("/system/model/").content.decode()
    models("second", "none")
    assert not Face.objects.filter(model=second).exists()
    assert not Template.objects.filter(model=second).exists()
    photo = add_photo(make_case("MP9"), faces.astronaut(), "a.jpg")
    single.index_photo(photo.pk)
    assert not second_model.waits()


def test_it_is_asked_over_http_too(pack, second, signed_in, user):
    search = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus")
    answer = signed_in.post(f"/api/v1/searches/{search.pk}/second/").json()
    assert answer["second"] == "dlib ResNet"
    assert answer["probes"][0]["candidates"][0]["second_rank"] == 1
    models("second", "none")
    assert "No second face model" in str(signed_in.post(f"/api/v1/searches/{search.pk}/second/").json())
