"""Walk 2: an uploaded picture becomes probes, and each probe its candidates."""

import pytest

from cases.models import Case, Collection
from matching.faces import face_models, images
from matching.models import Search
from matching.searching import pictures
from tests import faces, needs


def test_it_works(model, six_cases, user):
    search = pictures.search_image(faces.person(4), "tip.jpg", user=user, purpose="tip 12")
    probe = search.probes.get()
    best = probe.candidates.first()
    assert best.case == six_cases[4]
    assert best.rank == 1
    assert best.similarity > 0.8
    assert search.gallery_size == 6
    assert [c.similarity for c in probe.candidates.all()] == sorted(
        (c.similarity for c in probe.candidates.all()), reverse=True
    )


def test_every_face_of_a_picture_finds_its_own_person(model, six_cases, user):
    search = pictures.search_image(faces.GROUP.read_bytes(), "group.jpg", user=user, purpose="who is there")
    found = [probe.candidates.first().case for probe in search.probes.order_by("left")]
    assert found == six_cases


def test_the_search_is_kept_with_who_why_and_the_picture(any_model, six_cases, user):
    kept = Search.objects.get(pk=pictures.search_image(faces.person(0), "tip.jpg", user=user, purpose="tip 12").pk)
    assert (kept.user, kept.purpose, kept.filename) == (user, "tip 12", "tip.jpg")
    with kept.image.open() as file:
        assert file.read() == faces.person(0)


def test_a_picture_without_a_face_is_a_search_without_probes(any_model, user):
    import numpy as np

    blank = images.to_jpeg(np.full((300, 300, 3), 90, dtype=np.uint8))
    assert pictures.search_image(blank, "wall.jpg", user=user, purpose="x").probes.count() == 0


def test_a_refused_picture_leaves_nothing(any_model, user):
    with pytest.raises(images.ImageRefused):
        pictures.search_image(b"nothing", "x.jpg", user=user, purpose="x")
    assert not Search.objects.exists()


def test_only_the_chosen_collections_are_searched(any_model, six_cases, user):
    wanted = Collection.objects.create(name="Wanted")
    Case.objects.filter(pk=six_cases[5].pk).update(collection=wanted)
    search = pictures.search_image(faces.person(0), "x.jpg", user=user, purpose="x", collections=[wanted])
    assert [c.case for c in search.probes.get().candidates.all()] == [six_cases[5]]
    assert search.gallery_size == 1


def test_without_a_face_model_it_says_what_to_do(db, user):
    with pytest.raises(face_models.NoFaceModel, match="models prepare"):
        pictures.search_image(faces.person(0), "x.jpg", user=user, purpose="x")


@needs.eval_
@needs.pack
def test_persons_are_found_in_group_photos_among_all_others(db, use_model, make_case, user):
    use_model(str(faces.PACK))
    for folder in sorted((faces.EVAL / "people").iterdir()):
        make_case(folder.name, *[path.read_bytes() for path in sorted(folder.iterdir())])
    first = 0
    for path in sorted((faces.EVAL / "group").glob("person*.jpg")):
        search = pictures.search_image(path.read_bytes(), path.name, user=user, purpose="x")
        best = max((c for p in search.probes.all() for c in p.candidates.all()[:1]), key=lambda c: c.similarity)
        first += best.case.number == path.stem
    assert first >= 18
