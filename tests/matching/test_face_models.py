"""Which face model is picked, and that none is ever changed behind a gallery's back."""

import time
import zipfile

import pytest
from django.core.management import CommandError, call_command

from matching.faces import engines, face_models, packs
from matching.models import FaceModel
from tests import faces, needs


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
    monkeypatch.setattr(packs, "addresses", lambda name: pytest.fail("asked the net"))
    settings.FACE_MODEL = "buffalo_l"
    assert prepare(said, accept=False).is_fallback
    assert "licence was not accepted" in said[0]


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


def test_a_name_that_is_nothing_is_an_error_in_words(db, settings, said):
    settings.FACE_MODEL = "bufalo"
    with pytest.raises(engines.EngineUnavailable, match="buffalo_l"):
        prepare(said)


def test_a_folder_without_a_pack_is_an_error_in_words(db, settings, said, tmp_path):
    settings.FACE_MODEL = str(tmp_path)
    with pytest.raises(engines.EngineUnavailable, match="no usable InsightFace pack"):
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
        (lambda p: zipfile.ZipFile(p, "w").close(), "no .onnx"),
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


@pytest.fixture
def web(tmp_path):
    """A web server of this machine with two files, and its address."""
    import threading
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args) -> None:
            pass

    (tmp_path / "detector.onnx").write_bytes(b"finds faces")
    (tmp_path / "recogniser.onnx").write_bytes(b"tells faces apart")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def two_files(web: str, **changed: str) -> packs.KnownPack:
    from hashlib import sha256

    checksums = {
        "detector.onnx": sha256(b"finds faces").hexdigest(),
        "recogniser.onnx": sha256(b"tells faces apart").hexdigest(),
    }
    return packs.KnownPack("two files", {**checksums, **changed}, "anything goes", web)


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
