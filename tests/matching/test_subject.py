"""Which face of a photo is the case's person: every photo with a face is searched from its first minute."""

import numpy as np
import pytest

from cases.models import Photo, add_photo, replace_photo
from matching.faces import face_models
from matching.gallery import search as gallery
from matching.indexing import choosing, single, subject
from matching.models import Face, Template
from tests import faces

By = Face.ChosenBy


def index(case, content: bytes) -> Photo:
    photo = add_photo(case, content, "photo.jpg")
    single.index_photo(photo.pk)
    photo.refresh_from_db()
    return photo


def subjects(photo: Photo) -> list[Face]:
    return list(photo.faces.filter(is_subject=True).order_by("left"))


def person(number: int, photo: Photo) -> Face:
    """The face in the group photo of one of its six persons."""
    middle = faces.GROUP_MIDDLES[number]
    return min(photo.faces.all(), key=lambda face: abs((face.left + face.right) / 2 - middle))


def test_it_works(model, make_case):
    photo = make_case("MP1", faces.person(2)).photos.get()
    (face,) = subjects(photo)
    assert (face.chosen_by, face.doubt, photo.status_note) == (By.ONLY, 0, "")
    assert not face.is_unconfirmed


def test_of_several_faces_the_central_one_is_searched_at_once_and_says_so(any_model, make_case):
    photo = index(make_case(), faces.GROUP.read_bytes())
    assert photo.status == Photo.Status.INDEXED
    assert photo.faces.count() == 6
    chosen = subjects(photo)
    assert all(0.3 < (face.left + face.right) / 2 < 0.7 for face in chosen)
    assert all(face.is_unconfirmed for face in chosen)
    assert "6 faces" in photo.status_note
    found = gallery.search(any_model, np.asarray(chosen[0].embedding))[0]
    assert (found.case_id, found.face_id) == (photo.case_id, chosen[0].pk)


def test_two_faces_that_nothing_tells_apart_are_both_searched_until_somebody_says(any_model, make_case):
    photo = index(make_case(), faces.two())
    both = subjects(photo)
    assert [face.chosen_by for face in both] == [By.EITHER, By.EITHER]
    assert "nothing tells" in photo.status_note
    for face in both:
        hit = gallery.search(any_model, np.asarray(face.embedding))[0]
        assert (hit.face_id, round(hit.similarity, 2)) == (face.pk, 1.0)
    assert gallery.size(any_model) == 1
    choosing.choose_subject(both[1])
    photo.refresh_from_db()
    assert ([face.pk for face in subjects(photo)], photo.status_note) == ([both[1].pk], "")
    assert Template.objects.count() == 1
    assert gallery.search(any_model, np.asarray(both[0].embedding))[0].similarity < 0.9


def test_the_face_that_is_like_the_cases_other_photos_is_taken_wherever_it_stands(any_model, make_case):
    case = make_case("MP1", faces.person(5))
    photo = index(case, faces.GROUP.read_bytes())
    assert [(face.pk, face.chosen_by) for face in subjects(photo)] == [(person(5, photo).pk, By.AGREEMENT)]


def test_a_later_photo_corrects_an_earlier_choice_by_position(any_model, make_case):
    case = make_case()
    photo = index(case, faces.GROUP.read_bytes())
    assert person(0, photo) not in subjects(photo)
    index(case, faces.person(0))
    assert [(face.pk, face.chosen_by) for face in subjects(photo)] == [(person(0, photo).pk, By.AGREEMENT)]


def test_what_a_person_said_stands_against_the_other_photos_and_can_be_taken_back(any_model, make_case):
    case = make_case("MP1", faces.person(5))
    photo = index(case, faces.GROUP.read_bytes())
    choosing.choose_subject(person(1, photo))
    index(case, faces.person(5) + b" ")
    assert [(face.pk, face.chosen_by) for face in subjects(photo)] == [(person(1, photo).pk, By.PERSON)]
    choosing.take_back(photo, any_model)
    assert [(face.pk, face.chosen_by) for face in subjects(photo)] == [(person(5, photo).pk, By.AGREEMENT)]


def test_what_a_person_said_stands_when_the_photo_is_indexed_anew(any_model, make_case):
    photo = index(make_case(), faces.GROUP.read_bytes())
    choosing.choose_subject(person(4, photo))
    Photo.objects.update(status=Photo.Status.PENDING)
    single.index_photo(photo.pk)
    assert [(face.pk, face.chosen_by) for face in subjects(photo)] == [(person(4, photo).pk, By.PERSON)]


def test_what_a_person_said_of_a_picture_does_not_outlive_it(any_model, make_case):
    photo = index(make_case(), faces.two())
    choosing.choose_subject(subjects(photo)[0])
    assert replace_photo(photo, faces.two() + b" ", "other.jpg", view="front")
    single.index_photo(photo.pk)
    assert [face.chosen_by for face in subjects(photo)] == [By.EITHER, By.EITHER]


def test_a_picture_that_is_replaced_while_it_is_looked_at_is_looked_at_again(any_model, make_case):
    photo = add_photo(make_case(), faces.person(1), "photo.jpg")
    looked_at = single.prepare(Photo.objects.get(pk=photo.pk), face_models.engine(any_model))
    assert replace_photo(photo, faces.person(2), "other.jpg", view="front")
    assert single.keep([looked_at], any_model) == []
    photo.refresh_from_db()
    assert (photo.status, photo.faces.count()) == (Photo.Status.PENDING, 0)


BESIDE, MIDDLE, LARGE = (0.05, 0.4, 0.15, 0.5), (0.45, 0.4, 0.55, 0.5), (0.1, 0.2, 0.5, 0.7)


@pytest.mark.parametrize(
    ("boxes", "chosen", "by"),
    [
        ([BESIDE, MIDDLE], (1,), By.POSITION),
        ([LARGE, (0.46, 0.4, 0.52, 0.46)], (0,), By.POSITION),
        ([(0.3, 0.4, 0.4, 0.5), (0.6, 0.4, 0.7, 0.5)], (0, 1), By.EITHER),
        ([MIDDLE], (0,), By.POSITION),
    ],
)
def test_the_middle_counts_and_so_does_size(boxes, chosen, by):
    choice = subject.by_position(boxes)
    assert (tuple(sorted(choice.faces)), choice.by) == (chosen, by)


def test_the_nearer_another_face_comes_the_more_doubtful_the_choice():
    far, near = (subject.by_position([MIDDLE, other]) for other in (BESIDE, (0.2, 0.4, 0.3, 0.5)))
    assert 0 < far.doubt < near.doubt < 1
