"""Around an alert: which cameras somebody can have passed, how long it takes, and who was like them there."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import AuditEvent, Team
from matching.models import Alert
from matching.searching import around
from matching.watching import captures
from tests import faces
from tests.matching.test_map import BERLIN, alert_at, at, camera_at

POTSDAM, HAMBURG = (52.40, 13.06), (53.55, 9.99)


@pytest.fixture
def alert(any_model, six_cases, camera) -> Alert:
    return alert_at(at(camera, BERLIN), 1)


def saw(camera, number: int, ago: timedelta = timedelta()) -> None:
    capture = captures.receive_capture(camera, faces.person(number), uid=uuid.uuid4(), captured_at=timezone.now() - ago)
    captures.match_capture(capture.pk)


def test_cameras_within_reach_the_most_alike_first(alert, admin):
    potsdam, hamburg, unplaced = (
        camera_at("Potsdam", POTSDAM),
        camera_at("Hamburg", HAMBURG),
        camera_at("Attic", BERLIN),
    )
    unplaced.latitude = unplaced.longitude = None
    unplaced.save()
    near = camera_at("Next door", (52.521, 13.406))
    saw(potsdam, 1)
    saw(near, 4)
    found = around.around(alert, admin, 1)
    assert [one.camera.name for one in found.near] == ["Potsdam", "Next door", "Attic"]
    assert found.far == 1
    first, second, last = found.near
    assert first.kilometres == pytest.approx(27, abs=2)
    assert dict(first.ways) == {"by car": pytest.approx(36, abs=3)}
    assert first.visits[0].strength.word in ("strong", "fair")
    assert set(dict(second.ways)) == {"on foot", "by bicycle", "by car"}
    assert second.captures == 1
    assert all(visit.strength.word == "weak" for visit in second.visits)
    assert (last.kilometres, last.ways) == (None, [])
    assert hamburg in {one.camera for one in around.around(alert, admin, 6).near}


def test_only_the_time_that_is_asked_for(alert, admin):
    potsdam = camera_at("Potsdam", POTSDAM)
    saw(potsdam, 1, timedelta(hours=5))
    assert around.around(alert, admin, 1).near[0].captures == 0
    later = around.around(alert, admin, 6).near[0]
    assert later.captures == 1
    assert later.visits


def test_the_page_says_it_and_the_trail_who_looked(alert, as_admin):
    saw(camera_at("Potsdam", POTSDAM), 1)
    assert f"/alerts/{alert.pk}/around/" in as_admin.get(alert.get_absolute_url()).content.decode()
    page = as_admin.get(f"/alerts/{alert.pk}/around/?hours=1").content.decode()
    assert "Potsdam" in page
    assert "by car" in page
    assert AuditEvent.objects.filter(action="looked around", why__contains="1 h before").exists()


@pytest.mark.parametrize("hours", ["", "0", "-1", "x", "999999999999", "3"])
def test_an_odd_span_is_two_hours(alert, as_admin, hours):
    page = as_admin.get(f"/alerts/{alert.pk}/around/", {"hours": hours}).content.decode()
    assert 'href="?hours=2" aria-current="page"' in page


def test_without_other_cameras_or_places_it_says_so(alert, as_admin):
    assert "No other camera" in as_admin.get(f"/alerts/{alert.pk}/around/").content.decode()
    alert.camera.latitude = None
    alert.camera.save()
    assert "Nobody knows where" in as_admin.get(f"/alerts/{alert.pk}/around/").content.decode()


def test_another_teams_camera_is_none(alert, signed_in, user):
    hidden = camera_at("Hidden gate", POTSDAM)
    hidden.teams.add(Team.objects.create(name="Other agency"))
    saw(hidden, 1)
    assert "Hidden gate" not in signed_in.get(f"/alerts/{alert.pk}/around/").content.decode()


def test_it_is_a_search_under_a_searchs_rules(alert, signed_in, user):
    from cases.models import Training

    Training.objects.create(user=user, good_until=timezone.localdate() - timedelta(days=1))
    answer = signed_in.get(f"/alerts/{alert.pk}/around/", follow=True)
    assert "Your training counted until" in answer.content.decode()
    assert answer.redirect_chain[-1][0] == alert.get_absolute_url()
