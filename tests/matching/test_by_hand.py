"""Faces of a search by hand: one added where the detector missed it, one left out."""

import cv2
import numpy as np
import pytest

from matching.faces import images
from matching.models import Probe
from matching.searching import by_hand, deciding, pictures
from tests import faces, needs

pytestmark = pytest.mark.django_db(transaction=True)


def far_away(number: int, side: int = 36) -> tuple[bytes, tuple[float, float, float, float]]:
    """A wide picture in which one person is so small that no look at the whole finds them, and where they are."""
    rgb = images.open_image(faces.person(number)).rgb
    small = cv2.resize(rgb, None, fx=side / rgb.shape[1], fy=side / rgb.shape[1], interpolation=cv2.INTER_AREA)
    whole = np.full((1500, 2300, 3), 120, np.uint8)
    height, width = small.shape[:2]
    whole[700 : 700 + height, 1500 : 1500 + width] = small
    box = (1500 + width * 0.2, 700 + height * 0.2, 1500 + width * 0.8, 700 + height * 0.8)
    return images.to_jpeg(whole, max_side=2300, quality=97), (
        box[0] / 2300, box[1] / 1500, box[2] / 2300, box[3] / 1500,
    )  # fmt: skip


@pytest.fixture
def missed(any_model, six_cases, user):
    content, box = far_away(3)
    search = pictures.search_image(content, "square.jpg", user=user, purpose="far away")
    assert search.probes.count() == 0
    return search, box


@needs.pack
def test_it_works(missed, six_cases):
    search, box = missed
    probe = by_hand.add_face(search, box, None)
    assert probe.candidates.get(rank=1).case == six_cases[3]
    assert by_hand.overlap((probe.left, probe.top, probe.right, probe.bottom), box) > 0.2
    assert probe.size < 40
    with probe.crop.open() as file:
        assert images.open_image(file.read()).rgb.shape[0] > 10


@needs.pack
def test_a_face_that_is_searched_already_is_not_added_again(missed):
    search, box = missed
    by_hand.add_face(search, box, None)
    with pytest.raises(by_hand.NotAFace, match="searched already"):
        by_hand.add_face(search, box, None)
    assert Probe.objects.count() == 1


@pytest.mark.parametrize(
    ("box", "words"),
    [((0.1, 0.1, 0.3, 0.4), "No face is seen there"), ((0.5, 0.5, 0.501, 0.501), "too small")],
)
def test_a_box_around_no_face_says_so_and_adds_none(missed, box, words):
    with pytest.raises(by_hand.NotAFace, match=words):
        by_hand.add_face(missed[0], box, None)
    assert not Probe.objects.exists()


@needs.pack
def test_the_page_adds_and_leaves_out(missed, signed_in, user):
    search, box = missed
    sent = dict(zip(("left", "top", "right", "bottom"), box, strict=True))
    address = f"/search/{search.pk}/faces/"
    assert signed_in.post(address, {**sent, "right": "2"}).status_code == 400
    assert signed_in.post(address, {**sent, "right": sent["left"]}).status_code == 400
    assert (
        "No face"
        in signed_in.post(address, {**sent, "left": 0, "top": 0, "right": 0.2, "bottom": 0.2}).content.decode()
    )
    answer = signed_in.post(address, sent)
    probe = Probe.objects.get()
    assert answer["HX-Redirect"] == f"/search/{search.pk}/?face={probe.pk}"
    assert "Person MP3" in signed_in.get(answer["HX-Redirect"]).content.decode()
    deciding.say(probe.candidates.get(rank=1), "possible", user)
    refused = signed_in.post(f"/probes/{probe.pk}/leave-out/")
    assert (refused.status_code, "Undo that first" in refused.content.decode()) == (409, True)
    deciding.say(probe.candidates.get(rank=1), "", user)
    assert signed_in.post(f"/probes/{probe.pk}/leave-out/").status_code == 200
    assert not Probe.objects.exists()


def test_a_search_made_with_another_model_says_to_search_again(missed):
    from matching.models import FaceModel

    search, box = missed
    FaceModel.objects.update(is_active=False)
    FaceModel.objects.create(name="other", source="dlib", fingerprint="x", dimensions=128, licence="", is_active=True)
    with pytest.raises(by_hand.NotAFace, match="Search again"):
        by_hand.add_face(search, box, None)
