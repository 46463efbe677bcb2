"""What a camera's page says of its sight: how near people must be, what its count is worth, what it cannot see."""

import pytest

from cases.models import Town
from matching.watching import seeing
from tests.matching.test_fleet import report

SEES = {
    "frame": [1920, 1080], "smallest_face": 54, "follows_by": "face", "still": [[0.1, 0.2, 0.15, 0.3]],
    "unseen": "", "unseen_seconds": 0,
}  # fmt: skip
MINUTE = {"minute": "2026-01-01T12:00:00Z", "frames": 60, "faces": 30, "most": 2, "tracks": 5, "score": 0.9}


def page(signed_in, camera, span: str = "month") -> str:
    return signed_in.get(f"/cameras/{camera.pk}/?span={span}").content.decode()


def test_how_near_people_must_be_and_which_faces_do_not_move_are_said(camera, signed_in):
    report(camera, sees=SEES)
    said = page(signed_in, camera)
    assert "54 pixels wide of 1920" in said
    assert "about 3 m away" in said
    assert "1 face here does not move" in said
    assert 'x="10.0%" y="20.0%" width="5' in said
    assert "Nothing can be seen" not in said


def test_that_nothing_can_be_seen_is_said_first_and_since_when(camera, signed_in):
    report(camera, sees={**SEES, "unseen": "too dark", "unseen_seconds": 3600})
    assert "too dark" in page(signed_in, camera)
    found = seeing.of(camera)
    assert (camera.heartbeat_at - found.unseen_since).total_seconds() == 3600


@pytest.mark.parametrize(
    ("sees", "said"), [(SEES, "by their faces"), ({**SEES, "follows_by": "colours"}, "colours"), (None, "places alone")]
)
def test_what_a_count_is_worth_is_said_beside_it(camera, signed_in, sees, said):
    from datetime import timedelta

    from django.utils import timezone

    minute = (timezone.now() - timedelta(minutes=5)).isoformat()
    report(camera, sees=sees, minutes=[{**MINUTE, "minute": minute}])
    assert said in page(signed_in, camera, "hour")


def test_a_client_that_says_nothing_of_it_has_its_page_all_the_same(camera, signed_in):
    report(camera)
    assert seeing.of(camera) is None
    assert "Smallest face" not in page(signed_in, camera).split("Settings")[0]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"frame": [1920]}, "frame"),
        ({"frame": [0, 0]}, "frame"),
        ({"still": [[0, 0, 7, 1]]}, "still"),
        ({"still": [[0, 0, 1, 1]] * 21}, "still"),
        ({"smallest_face": -1}, "smallest_face"),
        ({"unseen_seconds": 1e30}, "unseen_seconds"),
        ({"unseen": "x" * 101}, "unseen"),
    ],
)
def test_what_no_camera_can_see_is_refused_with_its_name(camera, wrong, named):
    assert named in report(camera, status=400, sees={**SEES, **wrong}).json()["sees"]


def test_where_it_stands_is_said_in_words_too(camera, signed_in):
    Town.objects.create(
        id=1, name="Bend", region="Oregon", region_code="OR", country="United States", country_code="US",
        population=99_178, latitude=44.06, longitude=-121.31, names=["bend"],
    )  # fmt: skip
    assert "Bend, Oregon" not in page(signed_in, camera)
    camera.latitude, camera.longitude = 44.05, -121.30
    camera.save()
    assert "Bend, Oregon, United States" in page(signed_in, camera)
