"""Faces that a picture's file marks (XMP, the Metadata Working Group's regions): read for who is the person, written
beside pictures that leave."""

import io
import zipfile

import pytest
from PIL import ExifTags, Image, ImageOps

from cases.models import add_photo
from matching.faces import images, regions
from matching.indexing import choosing, single, subject
from matching.models import Candidate, Face
from matching.searching import deciding, lead_file, pictures
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)
By = Face.ChosenBy


def group(*marked: tuple[str, int], orientation: int = 1, packet: bytes | None = None) -> bytes:
    """The group photo, stored as a camera of this orientation would, whose file marks some of its six people."""
    with Image.open(faces.GROUP) as opened:
        upright = opened.convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    back = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    turn = Image.Exif()
    turn[ExifTags.Base.Orientation] = back
    carried = io.BytesIO()
    upright.save(carried, "JPEG", quality=95, exif=turn)
    stored = ImageOps.exif_transpose(Image.open(carried))
    boxes = [
        (name, regions.stored((faces.GROUP_MIDDLES[who] - 0.05, *faces_top(who)), orientation)) for name, who in marked
    ]
    packet = packet if packet is not None else regions.sidecar(boxes, *stored.size)
    written = io.BytesIO()
    stored.save(written, "JPEG", quality=95, exif=exif, xmp=packet)
    return written.getvalue()


def faces_top(who: int) -> tuple[float, float, float]:
    """Top, right and bottom of where one of the six faces lies."""
    top, bottom = TOPS[who]
    return top, faces.GROUP_MIDDLES[who] + 0.05, bottom


# Where the six faces stand, from the group photo as anybody sees it.
TOPS = [(0.4, 0.6), (0.3, 0.5), (0.45, 0.7), (0.5, 0.75), (0.4, 0.65), (0.1, 0.3)]


@pytest.fixture
def places(any_model, make_case):
    """Where this model finds the six faces, by their order from the left."""
    photo = add_photo(make_case("P0"), faces.GROUP.read_bytes(), "group.jpg")
    single.index_photo(photo.pk)
    found = sorted(photo.faces.all(), key=lambda face: face.left)
    assert len(found) == 6
    for who, face in enumerate(found):
        TOPS[who] = (face.top, face.bottom)
    return found


def indexed(case, content: bytes):
    photo = add_photo(case, content, "photo.jpg")
    single.index_photo(photo.pk)
    photo.refresh_from_db()
    return photo, list(photo.faces.filter(is_subject=True))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_face_that_is_named_is_the_person_however_the_picture_is_stored(places, make_case, orientation):
    content = group(("Lena Ortiz", 0), ("Ana Müller", 4), orientation=orientation)
    case = make_case("P1", name="MULLER, Ana")
    photo, chosen = indexed(case, content)
    assert [one.chosen_by for one in chosen] == [By.FILE]
    assert chosen[0].left == pytest.approx(places[4].left, abs=0.05)
    assert not chosen[0].is_unconfirmed
    assert "the picture's file names" in photo.status_note


def test_other_names_count_and_the_only_marked_face_needs_none(places, make_case):
    for number, (name, others, marked) in enumerate(
        [("Ana Roe", "Annie; Ana Müller", "ana muller"), ("Somebody", "", "")]
    ):
        _, chosen = indexed(make_case(f"P{number + 1}", name=name, other_names=others), group((marked, 5)))
        assert chosen[0].chosen_by == By.FILE
        assert chosen[0].left == pytest.approx(places[5].left, abs=0.05)


def test_who_is_not_named_is_chosen_as_ever_and_a_person_has_the_last_word(places, make_case):
    _, chosen = indexed(make_case("P1", name="Ana"), group(("Lena", 0), ("Tom", 4)))
    assert By.FILE not in {one.chosen_by for one in chosen}
    photo, chosen = indexed(make_case("P2", name="Lena"), group(("Lena", 0)))
    other = photo.faces.exclude(pk=chosen[0].pk).first()
    choosing.choose_subject(other)
    assert [(one.pk, one.chosen_by) for one in photo.faces.filter(is_subject=True)] == [(other.pk, By.PERSON)]


ENTITIES = (
    b"<!DOCTYPE a [<!ENTITY b 'x'>]><x:xmpmeta xmlns:x='adobe:ns:meta/' "
    b"a='http://www.metadataworkinggroup.com/schemas/regions/'>&b;</x:xmpmeta>"
)


@pytest.mark.parametrize(
    "packet",
    [
        b"<x:xmpmeta http://www.metadataworkinggroup.com/schemas/regions/ broken</x:xmpmeta>",
        ENTITIES,
        regions.sidecar([("Ana", (0.1, 0.1, 0.2, 0.2))], 10, 10).replace(b"stArea:x='0.15000'", b"stArea:x='nan'"),
        regions.sidecar([("Ana", (0.1, 0.1, 0.2, 0.2))], 10, 10).replace(b"stArea:w='0.10000'", b"stArea:w='9'"),
        regions.sidecar([("Ana", (0.1, 0.1, 0.2, 0.2))], 10, 10).replace(b"Type='Face'", b"Type='Pet'"),
        regions.sidecar([("Ana", (0.1, 0.1, 0.2, 0.2))], 10, 10).replace(b"normalized", b"pixel"),
        b"",
    ],
)
def test_what_is_broken_or_no_face_marks_nothing(packet):
    assert images.open_image(group(packet=packet)).marked == []


def test_a_file_that_marks_a_thousand_faces_is_read_as_far_as_a_hundred():
    many = regions.sidecar([(f"n{n}", (0.1, 0.1, 0.2, 0.2)) for n in range(1000)], 10, 10)
    assert len(regions.of(b"\xff\xd8" + many, 1)) == regions.MOST


def test_a_name_with_signs_of_xml_comes_back_as_it_was():
    box = (0.1, 0.2, 0.3, 0.4)
    [(name, back)] = regions.of(regions.sidecar([("O'Neil <\"&> Müller", box)], 10, 10), 1)
    assert name == "O'Neil <\"&> Müller"
    assert back == pytest.approx(box, abs=1e-4)


def test_the_only_nameless_region_of_several_is_nobodys():
    box = (0.1, 0.2, 0.3, 0.4)
    assert subject.named([("", box), ("", box)], ["Ana"]) is None
    assert subject.named([("Ana", box), ("Ana", box)], ["Ana"]) is None
    assert subject.named([("Lena", box)], ["Ana"]) is None


def test_a_lead_takes_along_where_the_faces_lie_in_the_pictures_as_they_are_stored(places, make_case, user):
    case = make_case("P1", name="Ana Roe")
    indexed(case, group(("Ana Roe", 4), orientation=6))
    search = pictures.search_image(faces.person(4), "tip.jpg", purpose="tip 7", user=user)
    candidate = Candidate.objects.filter(probe__search=search, case=case).get()
    deciding.say(candidate, "possible", user, "")
    packed = lead_file.packed(Candidate.objects.get(pk=candidate.pk), user, "1")
    with zipfile.ZipFile(io.BytesIO(packed)) as folder:
        [path] = [one for one in folder.namelist() if one.startswith("case-photos/") and one.endswith(".xmp")]
        # Another program reads it as the picture's own: from the stored picture to the upright one.
        [(name, box)] = regions.of(folder.read(path), 6)
        assert any(one.startswith("searched-picture") and one.endswith(".xmp") for one in folder.namelist())
    assert name == "Ana Roe"
    assert box[0] == pytest.approx(places[4].left, abs=0.03)
    assert box[3] == pytest.approx(places[4].bottom, abs=0.03)
