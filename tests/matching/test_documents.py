"""Documents and files of several pages: a search takes the first picture and says so, a batch takes them all."""

import io
import zipfile

import numpy as np
import pytest
from fpdf import FPDF
from PIL import Image

from matching.faces import images
from matching.models import Batch
from matching.searching import pictures
from tests import faces
from tests.compound_files import compound_file, outlook_mail
from tests.matching.test_batches import batch, zipped  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)


def pdf(*contents: bytes, password: str = "") -> bytes:
    document = FPDF()
    for content in contents:
        document.add_page()
        document.image(io.BytesIO(content), x=60, y=40, w=90)
    if password:
        document.set_encryption(owner_password=password, user_password=password)
    return bytes(document.output())


def docx(*contents: bytes, folder: str = "word/media") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("word/document.xml", "<w:document/>")
        for number, content in enumerate(contents):
            packed.writestr(f"{folder}/image{number}.jpeg", content)
    return out.getvalue()


def tiff(*contents: bytes) -> bytes:
    first, *others = (Image.open(io.BytesIO(content)).convert("RGB") for content in contents)
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=others)
    return out.getvalue()


def logo() -> bytes:
    return images.to_jpeg(np.full((60, 60, 3), 200, np.uint8))


def doc(*contents: bytes) -> bytes:
    """As Word wrote until 2003: each picture a record of a stream, behind its checksum."""
    records = b"".join(
        b"\xa0\x46\x1d\xf0" + (17 + len(content)).to_bytes(4, "little") + bytes(16) + b"\xff" + content
        for content in contents
    )
    return compound_file({"WordDocument": b"\xec\xa5", "Data": b"before" + records + b"behind"})


MAKE = {"pdf": pdf, "docx": docx, "tiff": tiff, "doc": doc}


@pytest.mark.parametrize("kind", MAKE)
def test_the_picture_in_it_is_searched(any_model, six_cases, user, kind):
    content = MAKE[kind](faces.person(2))
    search = pictures.search_image(content, f"poster.{kind}", user=user, purpose="poster")
    assert search.probes.get().candidates.get(rank=1).case == six_cases[2]
    assert "was used" not in search.file_note


@pytest.mark.parametrize(
    ("kind", "words"),
    [("pdf", "The PDF has 2 pages; the first was used"), ("tiff", "The file holds 2 pictures; the first was used"),
     ("docx", "The document holds 2 pictures; the largest was used"),
     ("doc", "The document holds 2 pictures; the largest was used")],
)  # fmt: skip
def test_of_several_one_is_used_and_the_page_says_how_to_have_all(any_model, six_cases, user, kind, words):
    content = MAKE[kind](faces.person(2), faces.person(4) if kind not in ("docx", "doc") else logo())
    search = pictures.search_image(content, f"poster.{kind}", user=user, purpose="poster")
    assert search.probes.get().candidates.get(rank=1).case == six_cases[2]
    assert search.file_note.startswith(words)
    assert "Send the file under Many or a clip" in search.file_note


@pytest.mark.parametrize("kind", MAKE)
def test_a_batch_searches_every_page_and_names_it(any_model, six_cases, batch, kind):  # noqa: F811
    made = batch((f"all.{kind}", MAKE[kind](faces.person(1), faces.person(4), faces.person(5))))
    assert (made.status, made.total, made.problems) == (Batch.Status.DONE, 3, [])
    found = {probe.candidates.get(rank=1).case for probe in made.search.probes.all()}
    assert found == {six_cases[1], six_cases[4], six_cases[5]}
    assert sorted(shot.name for file in made.files.all() for shot in file.shots.all()) == [
        f"all.{kind}, page {number}" for number in (1, 2, 3)
    ]


REFUSED = {
    "locked": (lambda: pdf(faces.person(1), password="x"), "locked by a password"),
    "cut": (lambda: pdf(faces.person(1))[:900], "damaged or cut short"),
    "no picture": (lambda: docx(), "holds no picture"),
    "elsewhere": (lambda: docx(faces.person(1), folder="word/theme"), "holds no picture"),
    "no picture inside": (lambda: docx(b"not a picture at all"), "not an image"),
    "a bomb inside": (lambda: docx(docx(faces.person(1))), "picture is no picture"),
    "a zip": (lambda: zipped(a__b=faces.person(1)), "Many or a clip"),
    "old, broken": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "damaged or locked"),
    "old, without one": (lambda: doc(), "holds no picture"),
    "old, no picture inside": (lambda: doc(b"\xff\xd8\xff not a picture at all"), "not an image"),
    "locked, new": (lambda: compound_file({"EncryptedPackage": b"x"}), "locked by a password"),
    "a mail": (lambda: compound_file(outlook_mail(("a.jpg", faces.person(1)))), "is a mail"),
}


@pytest.mark.parametrize(("make", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_holds_no_picture_that_can_be_had_says_what_to_send(make, why):
    with pytest.raises(images.ImageRefused, match=why):
        images.open_image(make())
