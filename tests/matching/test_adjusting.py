"""A picture too dark, turned or small is adjusted and searched again; marks and dates go with what is compared."""

from datetime import date, timedelta

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from matching.faces import images
from matching.models import Candidate, Face, Mark, Search
from matching.searching import adjusting, deciding, pictures
from matching.searching.adjusting import Adjustment
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)
WHOLE = {"turn": 0, "light": 1, "left": 0, "top": 0, "right": 1, "bottom": 1}


def picture(how: Adjustment) -> bytes:
    return images.to_jpeg(adjusting.adjust(images.open_image(faces.person(3)).rgb, how), quality=95)


def searched(content: bytes, user: User) -> Search:
    return pictures.search_image(content, "night.jpg", user=user, purpose="the night bus", reference="T-9")


def first(search: Search) -> str:
    return search.probes.get().candidates.get(rank=1).case.number


def test_a_picture_on_its_side_is_turned_and_found(any_model, six_cases, user, signed_in):
    old = searched(picture(Adjustment(turn=90)), user)
    answer = signed_in.post(f"/search/{old.pk}/adjust/", {**WHOLE, "turn": -90})
    new = Search.objects.exclude(pk=old.pk).get()
    assert answer.url == new.get_absolute_url()
    assert first(new) == "MP3"
    assert (new.purpose, new.reference, new.adjusted_from) == ("the night bus", "T-9", old)
    page = signed_in.get(answer.url).content.decode()
    assert "turned by -90°" in page
    assert f"/search/{old.pk}/image/" in page
    with old.image.open() as file:
        assert file.read() == picture(Adjustment(turn=90))


def test_a_dark_picture_is_lightened_and_a_small_face_cut_out(any_model, six_cases, user, signed_in):
    dark = searched(picture(Adjustment(light=0.2)), user)
    signed_in.post(f"/search/{dark.pk}/adjust/", {**WHOLE, "light": 4})
    lightened = Search.objects.get(adjusted_from=dark)
    assert first(lightened) == "MP3"
    with lightened.image.open() as file:
        assert images.open_image(file.read()).rgb.mean() > 2 * picture_mean(dark)
    group = searched(faces.GROUP.read_bytes(), user)
    middle = faces.GROUP_MIDDLES[3]
    signed_in.post(f"/search/{group.pk}/adjust/", {**WHOLE, "left": middle - 0.09, "right": middle + 0.07})
    cut = Search.objects.get(adjusted_from=group)
    assert first(cut) == "MP3"
    assert adjusting.of(cut).words == "cut to 16% by 100%"


def picture_mean(search: Search) -> float:
    with search.image.open() as file:
        return float(images.open_image(file.read()).rgb.mean())


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (WHOLE, "Nothing was adjusted"),
        ({**WHOLE, "right": 0}, "Nothing is left of the picture"),
        ({**WHOLE, "turn": "x"}, "Enter a number"),
        ({**WHOLE, "light": 99}, "less than or equal to 8"),
    ],
)
def test_what_cannot_be_adjusted_is_said(any_model, user, signed_in, form, why):
    old = searched(faces.person(3), user)
    assert why in signed_in.post(f"/search/{old.pk}/adjust/", form, follow=True).content.decode()
    assert Search.objects.count() == 1


def test_turning_keeps_the_whole_picture():
    rgb = np.zeros((100, 300, 3), np.uint8)
    assert adjusting.adjust(rgb, Adjustment(turn=90)).shape == (300, 100, 3)
    assert adjusting.adjust(rgb, Adjustment(turn=180)).shape == (100, 300, 3)
    turned = adjusting.adjust(rgb, Adjustment(turn=45))
    assert turned.shape[0] == pytest.approx(283, abs=2)
    assert turned.shape[1] == pytest.approx(283, abs=2)
    corner = np.zeros((40, 40, 3), np.uint8)
    corner[0, -1] = 255
    assert adjusting.adjust(corner, Adjustment(turn=90))[-1, -1, 0] == 255


@pytest.fixture
def candidate(any_model, six_cases, user) -> Candidate:
    return searched(faces.person(3), user).probes.get().candidates.get(rank=1)


def mark(client: Client, candidate: Candidate, **said: object) -> str:
    form = {"x": 0.4, "y": 0.6, "text": "scar", "photo": "", "shown": candidate.face_id, **said}
    answer = client.post(f"/candidates/{candidate.pk}/marks/", form)
    return answer.content.decode() if answer.status_code == 200 else f"{answer.status_code} {answer.content.decode()}"


def test_marks_are_drawn_on_both_pictures_with_words_and_taken_back(candidate, signed_in, user):
    assert "scar" in mark(signed_in, candidate)
    page = mark(signed_in, candidate, text="the same scar", photo=candidate.face_id)
    assert 'data-on="probe"' in page
    assert 'data-on="face"' in page
    first, second = Mark.objects.all()
    assert (first.face, second.face, second.user) == (None, candidate.face, user)
    assert "the same scar" not in signed_in.post(f"/marks/{second.pk}/remove/").content.decode()
    assert Mark.objects.get() == first


def test_a_mark_needs_words_a_place_and_a_photo_of_the_case(candidate, six_cases, signed_in):
    assert "Say what is there" in mark(signed_in, candidate, text="")
    assert "400" in mark(signed_in, candidate, x=1.2)
    other = Face.objects.get(case=six_cases[1])
    assert "404" in mark(signed_in, candidate, photo=other.pk)
    assert not Mark.objects.exists()


def test_marks_are_hidden_with_the_note_from_a_second_reviewer(candidate, collection, signed_in, as_admin, user):
    collection.reviewers = 2
    collection.save()
    mark(signed_in, candidate, text="mole")
    deciding.say(candidate, "possible", user)
    seen = as_admin.get(candidate.get_absolute_url()).content.decode()
    assert "mole" not in seen
    said = as_admin.post(f"/candidates/{candidate.pk}/decide/", {"decision": "rejected"}).content.decode()
    assert "mole" in said
    # Another person's is not one's own to remove.
    assert as_admin.post(f"/marks/{Mark.objects.get().pk}/remove/").status_code == 404


def test_a_case_photo_says_its_date_and_the_age_at_the_time(candidate, as_admin):
    case, photo = candidate.case, candidate.face.photo
    case.age_from, case.age_to, case.last_seen_on = 30, 32, date(2020, 6, 1)
    case.save()
    assert as_admin.post(f"/photos/{photo.pk}/taken/", {"taken_on": "2015-06-01"}).status_code == 204
    page = as_admin.get(candidate.get_absolute_url()).content.decode()
    assert "Case photo of 1 Jun 2015, aged 25–27" in page
    tomorrow = timezone.localdate() + timedelta(days=2)
    refused = as_admin.post(f"/photos/{photo.pk}/taken/", {"taken_on": tomorrow.isoformat()})
    assert (refused.status_code, b"still to come" in refused.content) == (400, True)
    assert as_admin.post(f"/photos/{photo.pk}/taken/", {"taken_on": "soon"}).status_code == 400
    assert as_admin.post(f"/photos/{photo.pk}/taken/", {"taken_on": ""}).status_code == 204
    photo.refresh_from_db()
    assert photo.taken_on is None
