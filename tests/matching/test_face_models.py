"""Which face model is picked, and that none is ever changed behind a gallery's back."""

import re
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from matching.faces import engines, face_models, images, packs
from matching.gallery import calibration
from matching.models import FaceModel
from tests import faces, listener, needs


@pytest.fixture
def said(settings, tmp_path):
    settings.MODELS_DIR = tmp_path / "models"
    return []


def prepare(said, accept=True) -> FaceModel:
    return face_models.prepare(said.append, lambda: accept)


def test_it_works(db, settings, said):
    settings.FACE_MODEL = "dlib"
    model = prepare(said)
    assert (model.name, model.is_fallback, face_models.active()) == ("dlib ResNet", True, model)
    assert "public domain" in model.licence


@needs.pack
def test_a_folder_is_taken(db, settings, said):
    settings.FACE_MODEL = str(faces.PACK)
    assert not prepare(said).is_fallback
    assert "non-commercial" in face_models.active().licence


def test_a_download_that_is_not_to_be_had_ends_soon_with_a_line_and_the_fallback(db, settings, said, monkeypatch):
    # An address of this machine where nothing listens, and one that takes the call and never answers.
    import socket

    with socket.create_server(("127.0.0.1", 0)) as mute:
        for url in ("http://127.0.0.1:9/", f"http://127.0.0.1:{mute.getsockname()[1]}/"):
            FaceModel.objects.all().delete()
            monkeypatch.setattr(packs, "addresses", lambda name, url=url: {f"{name}.zip": f"{url}{name}.zip"})
            started = time.monotonic()
            settings.FACE_MODEL = "auto"
            assert prepare(said).is_fallback
            assert time.monotonic() - started < 10
    assert any("could not be downloaded" in line for line in said)
    assert any("models install buffalo_l" in line for line in said)


def test_without_a_yes_nothing_is_downloaded(db, settings, said, monkeypatch):
    asked = []
    monkeypatch.setattr(packs, "addresses", lambda name: asked.append(name) or {"x.onnx": "http://127.0.0.1:9/x.onnx"})
    settings.FACE_MODEL = "buffalo_l"
    assert prepare(said, accept=False).is_fallback
    assert "licence was not accepted" in said[0]
    # What anybody may use is asked for instead, and dlib serves where that cannot be had either.
    assert set(asked) == {"retail"}
    assert "retail could not be downloaded" in said[2]


@needs.pack
def test_a_model_with_embeddings_is_kept_and_that_is_said(settings, said, use_model, make_case):
    use_model("dlib")
    make_case("MP1", faces.person(0))
    settings.FACE_MODEL = str(faces.PACK)
    assert prepare(said).name == "dlib ResNet"
    assert "models activate" in said[0]


@needs.pack
def test_a_model_without_embeddings_gives_way(db, settings, said, use_model):
    use_model("dlib")
    settings.FACE_MODEL = str(faces.PACK)
    assert not prepare(said).is_fallback


@needs.pack
def test_machines_have_a_model_in_folders_of_their_own(settings, said, use_model, make_case, tmp_path):
    """What one registers anew the other goes on with: it is the same by its weights."""
    model = use_model(str(faces.PACK))
    make_case("MP1", faces.person(1))
    first = face_models.engine(model)
    settings.FACE_MODEL = str(shutil.copytree(faces.PACK, tmp_path / "elsewhere" / "pack"))
    assert prepare(said) == model, "no gallery is embedded anew"
    model.refresh_from_db()
    assert model.source == settings.FACE_MODEL
    assert face_models.engine(model).fingerprint == first.fingerprint
    # The first machine has its own folder still, and not the other's.
    shutil.rmtree(settings.FACE_MODEL)
    engines.forget()
    with pytest.raises(engines.EngineUnavailable, match=r"is not on this machine: .* or name its folder in FACE_MODEL"):
        face_models.engine(model)
    settings.FACE_MODEL = str(faces.PACK)
    assert face_models.engine(model).fingerprint == first.fingerprint


@needs.pack
@needs.retail_pack
def test_other_weights_in_the_same_folder_are_not_taken_for_the_model(db, settings, said, use_model, tmp_path):
    own = tmp_path / "pack"
    model = use_model(str(shutil.copytree(faces.PACK, own)))
    shutil.rmtree(own)
    shutil.copytree(faces.retail(), own)
    engines.forget()
    settings.FACE_MODEL = "auto"
    with pytest.raises(engines.EngineUnavailable, match="is not on this machine"):
        face_models.engine(model)


def test_a_name_that_is_nothing_is_an_error_in_words(db, settings, said):
    settings.FACE_MODEL = "bufalo"
    with pytest.raises(engines.EngineUnavailable, match="buffalo_l"):
        prepare(said)


def test_a_folder_without_a_pack_is_an_error_in_words(db, settings, said, tmp_path):
    settings.FACE_MODEL = str(tmp_path)
    with pytest.raises(engines.EngineUnavailable, match="no usable pack"):
        prepare(said)


@needs.pack
def test_a_pack_is_installed_from_a_zip_listed_and_activated(db, said, tmp_path, use_model, capsys, make_case):
    use_model("dlib")
    make_case("MP1", faces.person(0))
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in faces.PACK.glob("*.onnx"):
            archive.write(file, f"folder/{file.name}")
    call_command("models", "install", str(path))
    call_command("models", "activate", "mine")
    call_command("models", "list")
    assert face_models.active().name == "mine"
    assert "installed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.write_bytes(b"no zip"), "not a zip"),
        (lambda p: zipfile.ZipFile(p, "w").close(), "no weights"),
        (lambda p: None, "no file"),
    ],
)
def test_a_bad_zip_is_refused_and_leaves_nothing(db, said, tmp_path, make, words):
    path = tmp_path / "mine.zip"
    make(path)
    with pytest.raises(CommandError, match=words):
        call_command("models", "install", str(path))
    assert packs.installed() == {}


def test_a_public_pack_with_changed_bytes_is_refused(db, said, tmp_path):
    path = tmp_path / "buffalo_s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("det_500m.onnx", b"changed")
        archive.writestr("w600k_mbf.onnx", b"changed")
    with pytest.raises(CommandError, match="damaged"):
        call_command("models", "install", str(path))
    assert packs.installed() == {}


def test_a_zip_cannot_write_outside_its_folder(db, said, tmp_path, settings):
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../outside.onnx", b"x")
    folder = packs.install_zip(path, "mine")
    assert [file.name for file in folder.iterdir()] == ["outside.onnx"]


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A web server of this machine with what is in a folder, and its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    with listener.serving(server):
        yield f"http://127.0.0.1:{server.server_port}/"


@pytest.fixture
def web(tmp_path):
    (tmp_path / "detector.onnx").write_bytes(b"finds faces")
    (tmp_path / "recogniser.onnx").write_bytes(b"tells faces apart")
    with serving(tmp_path) as address:
        yield address


def two_files(web: str, **changed: str) -> packs.KnownPack:
    from hashlib import sha256

    checksums = {
        "detector.onnx": sha256(b"finds faces").hexdigest(),
        "recogniser.onnx": sha256(b"tells faces apart").hexdigest(),
    }
    return packs.KnownPack(
        "two files", {**checksums, **changed}, "anything goes", {name: web + name for name in checksums}
    )


def test_a_pack_whose_files_lie_one_by_one_is_fetched_and_verified(settings, tmp_path_factory, web, monkeypatch):
    settings.MODELS_DIR = tmp_path_factory.mktemp("models")
    monkeypatch.setitem(packs.KNOWN, "two", two_files(web))
    folder = packs.download("two")
    assert {path.name for path in folder.iterdir()} == {"detector.onnx", "recogniser.onnx"}
    packs.verify("two", folder)
    with pytest.raises(packs.PackProblem, match="is there already"):
        packs.download("two")


def test_a_file_that_is_not_the_published_one_leaves_nothing_behind(settings, tmp_path_factory, web, monkeypatch):
    settings.MODELS_DIR = tmp_path_factory.mktemp("models")
    monkeypatch.setitem(packs.KNOWN, "two", two_files(web, **{"recogniser.onnx": "0" * 64}))
    with pytest.raises(packs.PackProblem, match="checksum differs"):
        packs.download("two")
    assert list(settings.MODELS_DIR.iterdir()) == []


def test_a_pack_for_any_use_is_listed_with_what_its_licence_leaves_open(db, capsys):
    from django.core.management import call_command

    call_command("models", "list")
    printed = capsys.readouterr().out
    assert "auraface" in printed
    assert "Apache-2.0" in printed
    assert "The detector that comes with it" in printed


@pytest.fixture
def served(tmp_path_factory, settings, monkeypatch):
    """The pack that anybody may use, with its licence, where a web server of this machine has it."""
    settings.MODELS_DIR = tmp_path_factory.mktemp("models")
    folder = tmp_path_factory.mktemp("web")
    for file in faces.RETAIL_FILES:
        (folder / file.name).symlink_to(file)
    (folder / "LICENSE").write_text("Apache License")
    with serving(folder) as web:
        files = {name: web + name for name in packs.KNOWN["retail"].files}
        known = replace(packs.KNOWN["retail"], files=files, beside=f"{web}LICENSE")
        monkeypatch.setitem(packs.KNOWN, "retail", known)
        yield folder


@needs.retail_pack
def test_without_a_licence_what_anybody_may_use_is_downloaded_checked_and_used(db, settings, said, served):
    settings.FACE_MODEL = "auto"
    model = prepare(said, accept=False)
    assert (model.name, model.dimensions, model.is_fallback) == ("retail", 256, False)
    assert "for any use" in model.licence
    assert (settings.MODELS_DIR / "retail" / "LICENSE").read_text() == "Apache License"
    packs.verify("retail", settings.MODELS_DIR / "retail")
    # Its curves and poor direction came with the product.
    assert model.poor_direction is not None
    assert calibration.of(model).measured_on
    assert prepare(said, accept=False) == model


@needs.retail_pack
def test_it_is_brought_to_a_machine_without_a_network_as_a_zip(db, settings, said, served, tmp_path):
    path = tmp_path / "retail.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in served.iterdir():
            archive.write(file, file.name)
    call_command("models", "install", str(path))
    settings.FACE_MODEL = "auto"
    assert prepare(said, accept=False).name == "retail"


def test_any_detector_stands_beside_any_recogniser_and_the_recipe_tells(tmp_path):
    assert engines.Recipe.parse("passes+mirror+yunet") == engines.Recipe(mirror=True, detector="yunet")
    assert str(engines.Recipe(detector="yunet")) == "passes+yunet"
    for recipe in ("passes", "library", "passes+mirror", "passes+mirror+yunet", "passes+yunet"):
        assert str(engines.Recipe.parse(recipe)) == recipe


@pytest.mark.django_db
@pytest.mark.parametrize("recipe", ["passes+mirror+flipped", "passes+mirror+flipped+yunet", "later"])
def test_a_gallery_that_a_later_version_embedded_is_compared_with_nothing_of_this_one(any_model, recipe):
    # While a newer version runs beside this one it may have changed over.
    any_model.recipe = recipe
    with pytest.raises(engines.EngineUnavailable, match=rf"embeds in another way \({re.escape(recipe)}\)"):
        face_models.engine(any_model)


@needs.pack
@needs.retail_pack
def test_yunet_finds_faces_for_a_recogniser_of_another_pack(tmp_path):
    (tmp_path / "rec.onnx").symlink_to(faces.PACK / "rec.onnx")
    (tmp_path / faces.RETAIL_FILES[0].name).symlink_to(faces.RETAIL_FILES[0])
    engine = engines.load(str(tmp_path))
    assert (engine.dimensions, str(engine.recipe)) == (128, "passes+mirror+yunet")
    people = engine.faces(faces.group())
    assert len(people) == 6
    again = engine.faces(images.open_image(faces.person(2)).rgb)[0]
    likest = max(people, key=lambda one: float(one.embedding @ again.embedding))
    assert likest.relative_box(faces.group())[0] == pytest.approx(faces.GROUP_MIDDLES[2] - 0.04, abs=0.03)
