"""Walk 1: a case's photo becomes faces in the gallery, and says how that ended."""

import pytest

from cases.models import Photo, PhotoAlreadyThere, add_photo, remove_photo
from matching.faces import face_models, images
from matching.gallery import search as gallery
from matching.indexing import choosing, single
from tests import faces


def index(case, content: bytes, **fields) -> Photo:
    photo = add_photo(case, content, "photo.jpg", **fields)
    single.index_photo(photo.pk)
    photo.refresh_from_db()
    return photo


def test_it_works(model, make_case):
    case = make_case("MP1", faces.person(2))
    photo = case.photos.get()
    face = photo.faces.get()
    assert photo.status == Photo.Status.INDEXED
    assert face.is_subject
    assert face.case == case
    assert 0 <= face.left < face.right <= 1.2
    assert face.crop.size > 500
    assert photo.display.size > 500
    assert gallery.size(model) == 1


@pytest.mark.django_db(transaction=True)
def test_a_new_photo_is_indexed_without_being_asked(any_model, make_case):
    case = make_case("MP1", faces.person(1), index=False)
    assert case.photos.get().status == Photo.Status.INDEXED


def test_a_photo_without_a_face_says_so(model, make_case):
    import numpy as np

    photo = index(make_case(), images.to_jpeg(np.full((300, 300, 3), 90, dtype=np.uint8)))
    assert photo.status == Photo.Status.NO_FACE
    assert "larger" in photo.status_note


def test_another_face_can_be_chosen_later(any_model, make_case):
    photo = index(make_case(), faces.GROUP.read_bytes())
    first, second = photo.faces.order_by("left")[:2]
    choosing.choose_subject(first)
    choosing.choose_subject(second)
    assert list(photo.faces.filter(is_subject=True)) == [second]


def test_a_file_that_is_no_picture_is_kept_and_says_why(any_model, make_case):
    photo = index(make_case(), b"not a picture")
    assert photo.status == Photo.Status.UNREADABLE
    assert "not an image" in photo.status_note


def test_indexing_twice_leaves_the_same_rows(any_model, make_case):
    photo = make_case("MP1", faces.person(3)).photos.get()
    before = list(photo.faces.values_list("position", "left", "is_subject"))
    Photo.objects.update(status=Photo.Status.PENDING)
    single.index_photo(photo.pk)
    assert list(photo.faces.values_list("position", "left", "is_subject")) == before


@pytest.mark.parametrize("view", ["side", "other", "withdrawn"])
def test_only_front_views_are_searched(any_model, make_case, view):
    photo = index(make_case(), faces.person(0), view=view)
    assert (photo.status, photo.faces.count(), bool(photo.display)) == (Photo.Status.NOT_SEARCHED, 0, True)
    assert gallery.size(any_model) == 0


def test_a_face_of_a_photo_that_is_no_longer_searched_cannot_be_chosen(any_model, make_case):
    photo = make_case("MP1", faces.person(0)).photos.get()
    Photo.objects.update(view="other")
    with pytest.raises(choosing.NotAFaceOfThePhoto):
        choosing.choose_subject(photo.faces.get())


def test_the_same_picture_saved_anew_is_searched_once_and_takes_over_when_the_first_goes(any_model, make_case):
    case = make_case("MP1", faces.person(0))
    first = case.photos.get()
    again = index(case, resaved(faces.person(0)))
    assert (again.status, again.duplicate_of, again.faces.count()) == (Photo.Status.DUPLICATE, first, 0)
    assert gallery.searched(any_model).count() == 1
    remove_photo(first)
    single.index_photo(again.pk)
    again.refresh_from_db()
    assert (again.status, again.faces.filter(is_subject=True).count()) == (Photo.Status.INDEXED, 1)


def test_another_picture_and_another_case_are_no_duplicates(any_model, make_case):
    case = make_case("MP1", faces.person(0))
    assert index(case, faces.person(1)).status == Photo.Status.INDEXED
    assert make_case("MP2", resaved(faces.person(0))).photos.get().status == Photo.Status.INDEXED


def resaved(content: bytes) -> bytes:
    """The same picture, smaller and of poorer quality."""
    rgb = images.open_image(content).rgb
    return images.to_jpeg(rgb, max_side=round(max(rgb.shape) * 0.8), quality=70)


def test_the_same_photo_of_a_case_is_kept_once(any_model, make_case):
    case = make_case("MP1", faces.person(0))
    with pytest.raises(PhotoAlreadyThere, match="MP1"):
        add_photo(case, faces.person(0), "again.jpg")
    assert case.photos.count() == 1


def test_a_photo_the_engine_itself_breaks_on_is_said_so_and_not_tried_for_ever(
    any_model, make_case, monkeypatch, caplog
):
    class Broken:
        def faces(self, rgb, thorough):
            raise RuntimeError("out of range")

    monkeypatch.setattr(face_models, "engine", lambda model: Broken())
    photo = index(make_case(), faces.person(0))
    assert photo.status == Photo.Status.UNREADABLE
    assert "face model failed" in photo.status_note
    assert "out of range" in caplog.text


def test_a_photo_that_is_gone_is_no_error(any_model):
    assert single.index_photo(123456) is None
