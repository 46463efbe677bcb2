"""Estimates of age and sex: off until an administrator says for what, shown as guesses, kept nowhere."""

import shutil

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command

from cases.models import AuditEvent
from matching.faces import estimates, face_models, images, packs
from matching.faces.estimates import Estimate
from matching.models import EstimatesPurpose, FaceModel
from matching.searching import pictures
from tests import faces

pytestmark = pytest.mark.django_db
FILES = [faces.SHARED / "models" / "retail" / f"age-gender-recognition-retail-0013.{kind}" for kind in ("xml", "bin")]
needs_weights = pytest.mark.skipif(not FILES[0].exists(), reason="the weights are not here")
PURPOSE = {"purpose": "order of tips"}


@pytest.fixture
def weights():
    folder = settings.MODELS_DIR / packs.AGE_AND_SEX
    folder.mkdir(parents=True)
    for file in FILES:
        shutil.copy(file, folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def search(any_model, six_cases, user):
    return pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus")


@needs_weights
def test_they_are_off_until_an_administrator_says_for_what(weights, search, signed_in, as_admin):
    guess = "A program&#x27;s guess"
    assert guess not in (page := signed_in.get(search.get_absolute_url()).content.decode()), page
    assert "for what purpose" in as_admin.post("/system/estimates/", {"purpose": " "}, follow=True).content.decode()
    assert not EstimatesPurpose.objects.exists()
    as_admin.post("/system/estimates/", PURPOSE)
    page = signed_in.get(search.get_absolute_url()).content.decode()
    assert "guess of the searched face" in page
    assert "fails on children" in page
    assert "order of tips" in signed_in.get("/system/model/").content.decode()
    as_admin.post("/system/estimates/", {"off": "1"})
    assert "guess of the searched face" not in signed_in.get(search.get_absolute_url()).content.decode()
    rows = AuditEvent.objects.filter(action__contains="estimates").order_by("at").values_list("action", "why")
    assert list(rows) == [("turned on estimates", "order of tips"), ("turned off estimates", "")]


def test_only_an_administrator_turns_them_on(signed_in, any_model):
    assert signed_in.post("/system/estimates/", PURPOSE).status_code == 403
    assert not EstimatesPurpose.objects.exists()


def test_without_a_network_nothing_is_turned_on(as_admin, any_model, monkeypatch):
    nowhere = {name: "http://127.0.0.1:9/" + name for name in packs.OTHERS[packs.AGE_AND_SEX].files}
    monkeypatch.setattr(packs, "addresses", lambda name: nowhere)
    page = as_admin.post("/system/estimates/", PURPOSE, follow=True).content.decode()
    assert "Nothing was turned on. age_and_sex could not be downloaded" in page
    assert "manage.py models install age_and_sex.zip" in page
    assert not EstimatesPurpose.objects.exists()


def test_the_checksums_are_those_of_its_maker(tmp_path):
    for name in packs.OTHERS[packs.AGE_AND_SEX].checksums:
        (tmp_path / name).write_bytes(b"another release")
    with pytest.raises(packs.PackProblem, match="damaged"):
        packs.verify(packs.AGE_AND_SEX, tmp_path)


@needs_weights
def test_a_picture_that_says_too_little_is_not_guessed_at(weights, search):
    EstimatesPurpose.objects.create(purpose="x")
    probe = search.probes.select_related("model").get()
    assert estimates.of(probe) is not None
    probe.poorness, probe.size = None, 20
    assert estimates.of(probe) is None


@needs_weights
def test_sex_is_told_right_of_those_who_are_plain(weights, any_model):
    engine = face_models.engine(any_model)
    told = 0
    for number, truth in enumerate(["a woman", "a woman", "a man", "a man", "a man", "a woman"]):
        rgb = images.open_image(faces.person(number)).rgb
        found = max(engine.detect(rgb), key=lambda face: face.quality.size)
        sex = estimates.estimate(rgb, found.relative_box(rgb), weights / FILES[0].name).sex
        assert sex in ("", truth)
        told += bool(sex)
    assert told >= 4


def test_a_young_face_may_be_a_childs():
    assert Estimate((3, 33), "").words == "up to 33 years, perhaps a child; sex not to be told"
    assert Estimate((25, 55), "a woman").words == "25 to 55 years; a woman"


def test_nothing_keeps_or_asks_for_an_estimate():
    """Where an estimate could be kept, a case, a face or a search would have a field for it."""
    said = {
        field.name
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if "estimate" in field.name or "guess" in field.name
    }
    assert said == set()


@needs_weights
def test_they_are_no_face_model(weights, any_model):
    with pytest.raises(CommandError, match="age_and_sex is no face model"):
        call_command("models", "activate", packs.AGE_AND_SEX)
    assert FaceModel.objects.get(is_active=True) == any_model
