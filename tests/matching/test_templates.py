"""What a case is searched by, kept true as its photos come, go, change and are found odd."""

import threading

import numpy as np
import pytest
from django.db import connections

from cases.models import Photo, add_photo, remove_photo, replace_photo
from matching.faces import images
from matching.gallery import search as gallery
from matching.gallery import templates
from matching.indexing import choosing, single, worklists
from matching.models import Face, OddPhoto, Template
from tests import faces


def mirrored(number: int) -> bytes:
    """Another picture of the same person."""
    return images.to_jpeg(images.open_image(faces.person(number)).rgb[:, ::-1])


def templates_of(case) -> list[tuple[bool, int]]:
    return list(Template.objects.filter(case=case).order_by("-is_main", "pk").values_list("is_main", "faces"))


def test_it_works(model, make_case):
    case = make_case("MP1", faces.person(1), mirrored(1))
    (template,) = Template.objects.filter(case=case)
    assert (template.is_main, template.faces, template.model) == (True, 2, model)
    assert np.linalg.norm(np.asarray(template.embedding)) == pytest.approx(1, abs=1e-2)
    alike = [gallery.search(model, np.asarray(face.embedding))[0].similarity for face in case.faces.all()]
    assert min(alike) > 0.9


def test_it_follows_photos_that_come_go_and_change(any_model, make_case):
    case = make_case("MP1", faces.person(1))
    first = case.photos.get()
    second = add_photo(case, mirrored(1), "second.jpg")
    single.index_photo(second.pk)
    assert templates_of(case) == [(True, 2)]
    remove_photo(first)
    assert templates_of(case) == [(True, 1)]
    assert replace_photo(second, faces.person(2), "other.jpg", view="front")
    single.index_photo(second.pk)
    hit = gallery.search(any_model, np.asarray(Face.objects.get().embedding))[0]
    assert (hit.face_id, round(hit.similarity, 2)) == (Face.objects.get().pk, 1.0)
    Photo.objects.all().delete()
    assert templates_of(case) == []
    assert gallery.size(any_model) == 0


def test_photos_of_two_people_are_each_found_as_by_their_own(any_model, make_case, user):
    case = make_case("MP1", faces.person(1), mirrored(1), faces.person(3))
    assert templates_of(case) == [(True, 2), (False, 1)]
    for face in case.faces.all():
        hit = gallery.search(any_model, np.asarray(face.embedding))[0]
        assert hit.similarity > 0.9
    assert gallery.size(any_model) == 1
    assert len(gallery.search(any_model, np.asarray(face.embedding))) == 1


def test_an_odd_photo_does_not_count_until_somebody_decides(any_model, make_case, user):
    case = make_case("MP1", faces.person(1), mirrored(1))
    photo = case.photos.last()
    odd = OddPhoto.objects.create(
        photo=photo, face=photo.faces.get(), own_face=case.faces.first(), own_similarity=0.3, other_similarity=0.5
    )
    templates.rebuild(any_model, [case.pk])
    assert templates_of(case) == [(True, 1), (False, 1)]
    worklists.decide_odd(odd, "right", user)
    assert templates_of(case) == [(True, 2)]
    worklists.decide_odd(odd, "", user)
    assert templates_of(case) == [(True, 1), (False, 1)]


def test_another_face_chosen_is_searched_and_the_first_no_more(any_model, make_case):
    case = make_case("MP1", faces.GROUP.read_bytes())
    first, second = case.faces.order_by("left")[:2]
    choosing.choose_subject(first)
    choosing.choose_subject(second)
    assert gallery.search(any_model, np.asarray(second.embedding))[0].similarity == pytest.approx(1, abs=0.01)
    assert gallery.search(any_model, np.asarray(first.embedding))[0].similarity < 0.9


@pytest.mark.django_db(transaction=True)
def test_photos_of_a_case_that_are_indexed_at_once_all_count(any_model, make_case):
    from mpsite.celery import app

    app.conf.task_always_eager = False
    case = make_case()
    photos = [
        add_photo(case, content, f"{number}.jpg", announce=False)
        for number, content in enumerate([faces.person(1), mirrored(1)])
    ]
    start = threading.Barrier(len(photos))

    def work(pk: int) -> None:
        start.wait()
        single.index_photo(pk)
        connections.close_all()

    threads = [threading.Thread(target=work, args=(photo.pk,)) for photo in photos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert templates_of(case) == [(True, 2)]


def unit(*rows: list[float]) -> np.ndarray:
    vectors = np.array(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_faces_are_folded_with_those_that_are_like_them():
    close, far = [[1, 0, 0], [1, 0.2, 0], [1, 0, 0.3]], [0, 1, 1]
    fold = templates.fold
    assert fold(unit(*close), [False] * 3, 0.3) == [[0, 1, 2]]
    assert fold(unit(*close, far), [False] * 4, 0.3) == [[0, 1, 2], [3]]
    assert fold(unit(*close), [False, True, False], 0.3) == [[0, 2], [1]]
    assert fold(unit(close[0], far), [False] * 2, 0.3) == [[0], [1]]
    assert fold(unit(close[0]), [True], 0.3) == [[0]]
