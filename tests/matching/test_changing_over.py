"""From one model to another, and from one way of embedding to a better: beside each other, never mixed, resumable."""

import numpy as np
import pytest
from django.core.management import call_command

from cases.models import Photo, add_photo
from matching import tasks
from matching.faces import engines, face_models, images
from matching.gallery import search as gallery
from matching.indexing import bulk, changing_over, choosing, single
from matching.models import Face, FaceModel, Template
from tests import faces, needs, versions

OLD_WAY = engines.Recipe(passes=False)


@needs.pack
def test_changing_the_model_embeds_anew_and_keeps_the_chosen_face(db, use_model, make_case):
    old = use_model("dlib")
    case = make_case("MP1", faces.GROUP.read_bytes())
    make_case("MP2", faces.person(0))
    chosen = case.photos.get().faces.order_by("left")[3]
    choosing.choose_subject(chosen)
    new = face_models.register(str(faces.PACK))
    face_models.embed_next(new)
    seen = []

    def look(done: int, total: int) -> None:
        seen.append((done, total))
        assert face_models.active() == old
        assert gallery.size(old) == 2

    assert changing_over.change_over(new, progress=look)
    assert (face_models.active(), gallery.size(new)) == (new, 2)
    assert seen[-1] == (2, 2)
    kept = Face.objects.get(model=new, case=case, is_subject=True)
    assert (kept.left, kept.chosen_by) == (pytest.approx(chosen.left, abs=0.05), "person")
    assert set(Photo.objects.values_list("status", "status_note")) == {(Photo.Status.INDEXED, "")}


def the_old_way(use_model) -> FaceModel:
    """The model in use, as version 0.2 used it."""
    model = use_model(str(faces.PACK))
    model.recipe, model.poor_direction, model.poor_limit = str(OLD_WAY), None, None
    model.save()
    return model


@needs.pack
def test_a_gallery_embedded_the_old_way_is_embedded_anew_in_the_background(db, use_model, make_case, settings):
    old = the_old_way(use_model)
    case = make_case("MP1", faces.person(1))
    settings.FACE_MODEL = str(faces.PACK)
    assert face_models.prepare(lambda line: None, lambda: True) == old
    new = FaceModel.objects.get(is_next=True)
    assert (new.fingerprint, new.recipe) == (old.fingerprint, "passes+mirror")
    # Until then all goes on the old way: nothing is compared across.
    photo = add_photo(case, faces.person(2), "new.jpg")
    single.index_photo(photo.pk)
    assert set(Face.objects.values_list("model", flat=True)) == {old.pk}
    tasks.sweep()
    assert face_models.active() == new
    assert Face.objects.filter(model=new).count() == 2
    assert gallery.size(new) == 1
    assert not FaceModel.objects.filter(is_next=True).exists()
    assert face_models.prepare(lambda line: None, lambda: True) == new


@needs.pack
def test_a_change_over_that_was_stopped_goes_on_where_it_was(db, use_model, make_case, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 2)
    old = use_model("dlib")
    for number in range(5):
        make_case(f"MP{number}", faces.person(number))
    new = face_models.register(str(faces.PACK))
    face_models.embed_next(new)
    assert not changing_over.change_over(new, must_stop=lambda: True)
    assert (face_models.active(), changing_over.progress(new)) == (old, (2, 5))
    first = set(Face.objects.filter(model=new).values_list("pk", flat=True))
    # Meanwhile a photo that was done is indexed anew, and another comes.
    Photo.objects.filter(case__number="MP0").update(status=Photo.Status.PENDING)
    single.index_photo(Photo.objects.get(case__number="MP0").pk)
    make_case("MP5", faces.person(5))
    assert changing_over.change_over(new)
    assert Face.objects.filter(model=new, pk__in=first).count() == 1
    assert Template.objects.filter(model=new).count() == 6
    assert {case.number for case in collection_cases()} == {f"MP{n}" for n in range(6)}


def collection_cases():
    from cases.models import Case

    return Case.objects.filter(templates__model__is_active=True)


@needs.pack
def test_what_a_person_says_during_a_change_over_is_said_of_both_models(db, use_model, make_case, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    old = use_model("dlib")
    case = make_case("MP1", faces.two())
    make_case("MP2", faces.person(1))
    new = face_models.register(str(faces.PACK))
    face_models.embed_next(new)
    assert not changing_over.change_over(new, must_stop=lambda: True)
    assert Face.objects.filter(model=new, case=case, is_subject=True).count() == 2
    choosing.choose_subject(Face.objects.filter(model=old, case=case).order_by("left").first())
    assert changing_over.change_over(new)
    kept = Face.objects.get(model=new, case=case, is_subject=True)
    assert (kept.chosen_by, kept.left < 0.5) == ("person", True)


@needs.pack
def test_a_photo_looked_at_under_the_old_model_waits_for_the_new_one(db, use_model, make_case):
    old = use_model("dlib")
    case = make_case("MP1", faces.person(1))
    photo = add_photo(case, faces.person(2), "late.jpg")
    looked_at = single.prepare(photo, face_models.engine(old))
    new = face_models.register(str(faces.PACK))
    face_models.embed_next(new)
    changing_over.change_over(new)
    assert single.keep([looked_at], old) == []
    photo.refresh_from_db()
    assert photo.status == Photo.Status.PENDING
    bulk.index_waiting()
    assert Face.objects.filter(photo=photo).values_list("model", flat=True).get() == new.pk


@needs.pack
def test_a_photo_indexed_under_the_old_model_at_the_last_moment_is_not_lost(db, use_model, make_case, monkeypatch):
    old = use_model("dlib")
    case = make_case("MP1", faces.person(1))
    new = face_models.register(str(faces.PACK))
    face_models.embed_next(new)
    embed, late = changing_over.embed, []

    def embed_while_one_comes(*arguments):
        done = embed(*arguments)
        if not late:
            first = Photo.objects.get()
            late.append(add_photo(case, faces.person(2), "late.jpg"))
            single.index_photo(late[0].pk)
            Photo.objects.filter(pk=first.pk).update(status=Photo.Status.PENDING)
            single.index_photo(first.pk)
        return done

    monkeypatch.setattr(changing_over, "embed", embed_while_one_comes)
    changing_over.change_over(new)
    assert set(Face.objects.filter(photo=late[0]).values_list("model", flat=True)) == {old.pk, new.pk}
    assert Face.objects.filter(model=new).count() == 2


@needs.pack
def test_a_model_that_was_in_use_before_is_embedded_anew(db, use_model, make_case):
    old = use_model("dlib")
    case = make_case("MP1", faces.person(1))
    new = face_models.register(str(faces.PACK))
    face_models.embed_next(new)
    changing_over.change_over(new)
    assert set(Template.objects.values_list("model", flat=True)) == {new.pk}
    photo = add_photo(case, faces.two(), "two.jpg")
    single.index_photo(photo.pk)
    choosing.choose_subject(photo.faces.order_by("left").first())
    face_models.embed_next(old)
    changing_over.change_over(old)
    assert (face_models.active(), gallery.size(old)) == (old, 1)
    kept = Face.objects.get(model=old, photo=photo, is_subject=True)
    assert (kept.chosen_by, kept.left < 0.5) == ("person", True)
    choosing.take_back(photo, old)
    assert not Face.objects.filter(photo=photo, chosen_by="person").exists()
    assert Face.objects.filter(photo=photo, model=new, is_subject=True).exists()


@needs.pack
def test_models_are_activated_by_any_name_that_the_list_shows(db, use_model, make_case, capsys):
    use_model("dlib")
    make_case("MP1", faces.person(1))
    face_models.register(str(faces.PACK))
    for name in (faces.PACK.name, "dlib ResNet"):
        call_command("models", "activate", name)
        assert face_models.active().name == name
    call_command("models", "list")
    assert faces.PACK.name in capsys.readouterr().out


@pytest.fixture
def as_it_was():
    """The database at version 0.2."""
    yield versions.become([("cases", "0003_side_views_wait"), ("matching", "0002_worklists")])
    versions.become()


@pytest.mark.django_db(transaction=True)
@needs.pack
def test_a_database_of_version_0_2_is_upgraded_searched_at_once_and_brought_up_to_date(as_it_was, settings):
    engine = engines.load(str(faces.PACK), OLD_WAY)
    old = as_it_was.get_model("matching", "FaceModel").objects.create(
        name="mine", source=str(faces.PACK), fingerprint=engine.fingerprint, dimensions=128, licence="", is_active=True
    )
    collection = as_it_was.get_model("cases", "Collection").objects.create(name="Missing")
    numbers = {"detection_score": 0.9, "size": 80, "sharpness": 200, "yaw": 0, "pitch": 0, "roll": 0, "landmarks": []}

    def enrol(number: str, content: bytes, status: str, subject: int | None) -> None:
        from django.core.files.base import ContentFile

        case = as_it_was.get_model("cases", "Case").objects.create(collection=collection, number=number)
        photo = as_it_was.get_model("cases", "Photo").objects.create(
            case=case, image=ContentFile(content, name="x.jpg"), sha256=number, status=status
        )
        rgb = images.open_image(content).rgb
        for position, face in enumerate(engine.faces(rgb)):
            box = dict(zip(("left", "top", "right", "bottom"), face.relative_box(rgb), strict=True))
            as_it_was.get_model("matching", "Face").objects.create(
                photo=photo, case=case, model=old, embedding=face.embedding, position=position,
                is_subject=position == subject, **box, **numbers,
            )  # fmt: skip

    enrol("MP1", faces.person(1), "indexed", 0)
    enrol("MP2", faces.GROUP.read_bytes(), "indexed", 2)
    enrol("MP3", faces.two(), "several_faces", None)

    versions.become()
    model = face_models.active()
    assert (model.name, model.recipe) == ("mine", "library")
    for face in Face.objects.filter(is_subject=True):
        hit = gallery.search(model, np.asarray(face.embedding))[0]
        assert (hit.face_id, round(hit.similarity, 2)) == (face.pk, 1.0)
    chosen = dict(Face.objects.filter(is_subject=True).values_list("case__number", "chosen_by"))
    assert chosen == {"MP1": "only", "MP2": "person"}
    assert Photo.objects.get(case__number="MP3").status == Photo.Status.PENDING
    bulk.index_waiting()
    assert gallery.size(model) == 3

    settings.FACE_MODEL = str(faces.PACK)
    face_models.prepare(lambda line: None, lambda: True)
    tasks.sweep()
    model = face_models.active()
    assert (model.recipe, gallery.size(model)) == ("passes+mirror", 3)
    kept = Face.objects.get(model=model, case__number="MP2", is_subject=True)
    assert kept.chosen_by == "person"
