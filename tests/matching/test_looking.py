"""Pictures as they come: on their head, with a crowd of small faces, or so large that they are looked at in parts."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from skimage import data

from cases.models import Photo, add_photo, replace_photo
from matching.faces import engines, images, looking
from matching.indexing import single
from matching.models import Face
from matching.searching import pictures
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


def jpeg(rgb: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=92)
    return out.getvalue()


def engine(model) -> engines.Engine:
    return engines.load(model.source, engines.Recipe.parse(model.recipe))


def crowd(width: int, height: int) -> tuple[bytes, int]:
    """A large picture with the group photo six times in it, small: its faces have some 60 pixels."""
    rgb = np.full((height, width, 3), 96, np.uint8)
    group = np.asarray(Image.fromarray(faces.group()).resize((800, 554)))
    places = [(x, y) for x in (150, width // 2 - 400, width - 950) for y in (100, height - 700)]
    for x, y in places:
        rgb[y : y + group.shape[0], x : x + group.shape[1]] = group
    return jpeg(rgb), len(places) * 6


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_picture_on_its_head_is_turned_searched_and_said_to_be(any_model, six_cases, user, degrees):
    rgb = images.open_image(faces.person(2)).rgb
    turned = jpeg(np.ascontiguousarray(np.rot90(rgb, degrees // 90)))
    search = pictures.search_image(turned, "turned.jpg", user=user, purpose="tip")
    # A face on its side may be seen as it lies; one on its head never is.
    assert search.turned in ({degrees} if degrees == 180 else {0, degrees})
    assert (f"turned by {degrees}" in search.file_note) == bool(search.turned)
    assert search.probes.get().candidates.first().case.number == "MP2"
    # Whatever opens it again sees it as it was searched.
    assert pictures.open_again(search).rgb.shape == (rgb if search.turned else np.rot90(rgb, degrees // 90)).shape


def test_an_upright_picture_stays_as_it_is(model):
    for content in (faces.person(1), faces.astronaut(), faces.GROUP.read_bytes()):
        looked = looking.look(engine(model), content)
        assert (looked.turned, looked.note) == (0, "")


def test_small_faces_of_a_large_picture_are_found_each_once(any_model, monkeypatch):
    # However busy the machine is.
    monkeypatch.setattr(looking, "SECONDS", 600.0)
    content, count = crowd(6000, 4000)
    looked = looking.look(engine(any_model), content)
    found = [face for face in looked.faces if face.detection_score > 0.5]
    # dlib sees faces of 80 pixels and more, so only the largest of these.
    assert (1 if any_model.is_fallback else count * 0.9) <= len(found) <= count
    assert max(looked.opened.rgb.shape) == images.MAX_SIDE
    for face in found:
        left, top, right, bottom = face.box
        assert 0 <= left < right <= 2400
        assert face.quality.size == pytest.approx(min(right - left, bottom - top), abs=2)


def test_a_portrait_is_not_looked_at_in_tiles(any_model, monkeypatch):
    monkeypatch.setattr(looking, "_in_tiles", lambda *a: pytest.fail("looked at in tiles"))
    large = np.asarray(Image.open(faces.ASTRONAUT).convert("RGB").resize((4000, 4000)))
    assert looking.look(engine(any_model), jpeg(large)).faces


def test_what_time_did_not_suffice_for_is_said(any_model, monkeypatch):
    monkeypatch.setattr(looking, "SECONDS", 0.0)
    content, _ = crowd(6000, 4000)
    assert "not all of it" in looking.look(engine(any_model), content).note


def test_more_faces_than_are_searched_are_said(any_model, monkeypatch):
    monkeypatch.setattr(looking, "MOST_FACES", 4)
    looked = looking.look(engine(any_model), faces.GROUP.read_bytes())
    assert len(looked.faces) == 4
    assert "4 best seen" in looked.note


@pytest.mark.parametrize(("width", "parts"), [(1280, [0]), (2400, [0, 560, 1120]), (2800, [0, 760, 1520]), (14000, 14)])
def test_tiles_cover_a_picture_and_overlap(width, parts):
    starts = list(looking._starts(width))
    assert starts == parts if isinstance(parts, list) else len(starts) == parts
    assert starts[-1] + looking.TILE >= width
    assert all(b - a <= looking.TILE - looking.OVERLAP for a, b in pairwise(starts))


def test_a_photo_of_a_case_says_that_its_file_is_cut_short(any_model, six_cases, signed_in):
    whole = faces.person(1)
    photo = add_photo(six_cases[0], whole[: int(len(whole) * 0.97)], "cut.jpg")
    single.index_photo(photo.pk)
    photo.refresh_from_db()
    assert "cut short" in photo.file_note
    assert "cut short" in signed_in.get(f"/cases/{six_cases[0].pk}/photos/shown/").content.decode()


def test_a_photo_of_a_case_on_its_head_is_turned_shown_so_and_found(any_model, make_case, user):
    rgb = images.open_image(faces.person(2)).rgb
    photo = make_case("MP1", jpeg(np.ascontiguousarray(rgb[::-1, ::-1]))).photos.get()
    assert (photo.status, photo.turned) == ("indexed", 180)
    assert "turned by 180" in photo.file_note
    with photo.display.open() as file:
        shown = images.open_image(file.read()).rgb
    assert np.abs(shown.astype(float) - rgb).mean() < 12
    search = pictures.search_image(faces.person(2), "x.jpg", user=user, purpose="tip")
    assert search.probes.get().candidates.get().similarity > 0.9
    # Indexed again it stays so; with another picture in its place it begins anew.
    Photo.objects.update(status="pending")
    single.index_photo(photo.pk)
    photo.refresh_from_db()
    assert (photo.status, photo.turned) == ("indexed", 180)
    replace_photo(photo, faces.person(3), "other.jpg", view=photo.view)
    single.index_photo(photo.pk)
    photo.refresh_from_db()
    assert (photo.status, photo.turned) == ("indexed", 0)


def far_away(position: int) -> tuple[bytes, tuple[float, float, float, float]]:
    """Somebody in a wide picture, their face some 110 pixels of 6,000, and where the portrait lies in it."""
    portrait = Image.fromarray(images.open_image(faces.person(position)).rgb)
    face = engines.load("dlib").detect(np.asarray(portrait))[0].quality.size
    small = portrait.resize((round(portrait.width * 110 / face), round(portrait.height * 110 / face)), Image.LANCZOS)
    wide = Image.new("RGB", (6000, 4000), (96, 104, 96))
    wide.paste(small, (4200, 1500))
    return jpeg(np.asarray(wide)), (4200, 1500, 4200 + small.width, 1500 + small.height)


def test_in_a_photo_of_a_case_somebody_far_away_is_found(any_model, make_case, user, monkeypatch):
    monkeypatch.setattr(looking, "SECONDS", 600.0)
    content, place = far_away(2)
    photo = make_case("MP1", content).photos.get()
    assert photo.status == "indexed"
    face = Face.objects.get(photo=photo)
    assert place[0] <= face.left * 6000 < face.right * 6000 <= place[2]
    assert place[1] <= face.top * 4000 < face.bottom * 4000 <= place[3]
    search = pictures.search_image(faces.person(2), "x.jpg", user=user, purpose="tip")
    assert search.probes.get().candidates.get().similarity > 0.5
    # Indexed again, as with another face model, it is the same.
    Photo.objects.update(status="pending")
    single.index_photo(photo.pk)
    assert Face.objects.get(photo=photo).left == pytest.approx(face.left, abs=0.001)


def test_of_a_photo_of_a_case_too_it_is_said_what_time_did_not_suffice_for(any_model, make_case, monkeypatch):
    monkeypatch.setattr(looking, "SECONDS", 0.0)
    photo = make_case("MP1", far_away(2)[0]).photos.get()
    assert photo.status == "no_face"
    assert "not all of it" in photo.file_note


def test_a_wide_photo_without_anybody_has_no_face(any_model, make_case):
    landscape = Image.fromarray(data.coffee()).resize((6000, 4000))
    assert make_case("MP1", jpeg(np.asarray(landscape))).photos.get().status == "no_face"
