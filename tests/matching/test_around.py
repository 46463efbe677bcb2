"""Around an alert: which cameras somebody can have passed, who was like them there, and where to look first."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import AuditEvent, Collection, Team
from matching.gallery import kept_faces
from matching.models import Alert, Camera, Capture
from matching.searching import around, going_on
from matching.watching import captures
from tests import faces
from tests.matching.test_looking_back import softer
from tests.matching.test_map import BERLIN, alert_at, at, camera_at

POTSDAM, HAMBURG = (52.40, 13.06), (53.55, 9.99)


@pytest.fixture
def alert(any_model, six_cases, camera) -> Alert:
    return alert_at(at(camera, BERLIN), 1)


def saw(camera, number: int, ago: timedelta = timedelta(), look=faces.person) -> None:
    capture = captures.receive_capture(camera, look(number), uid=uuid.uuid4(), captured_at=timezone.now() - ago)
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
    assert first.direction == "south-west"
    assert [way.name for way in first.ways] == ["by car"]
    assert first.ways[0].minutes == pytest.approx(36, abs=3)
    assert first.ways[0].at - alert.last_captured_at == timedelta(minutes=first.ways[0].minutes)
    assert first.best.strength.word in ("strong", "fair")
    assert [way.name for way in second.ways] == ["on foot", "by bicycle", "by car"]
    assert second.best is None
    assert around.rings()[-1] == ("60 min by car", 45)
    assert second.captures == 1
    assert all(visit.strength.word == "weak" for visit in second.visits)
    assert (last.kilometres, last.direction, last.ways) == (None, "", [])
    assert hamburg in {one.camera for one in around.around(alert, admin, 6).near}


def test_a_face_of_that_time_is_found_however_often_it_was_seen_on_other_days(alert, admin, monkeypatch):
    potsdam = camera_at("Potsdam", POTSDAM)
    for days in range(1, 5):
        saw(potsdam, 1, timedelta(days=days))
    saw(potsdam, 1, look=softer)
    monkeypatch.setattr(kept_faces, "MOST", 4)
    (near,) = around.around(alert, admin, 1).near
    assert near.best is not None
    assert near.best.times == 1


@pytest.fixture
def goes_on(alert, any_model):
    """Somebody whom nobody has named is seen at the alert's camera and then at another."""

    def goes_on(number: int, to: Camera, after: timedelta, ago: timedelta = timedelta(days=2)) -> None:
        for camera, at_ in ((alert.camera, ago), (to, ago - after)):
            saw(camera, number, at_)

    Collection.objects.update(unnamed_days=30)
    return goes_on


def test_then_where_people_went_next_though_others_are_nearer(alert, admin, goes_on):
    near, station, ring = (
        camera_at("Next door", (52.521, 13.406)),
        camera_at("Station", (52.53, 13.41)),
        camera_at("Ring", (52.54, 13.42)),
    )
    goes_on(2, station, timedelta(minutes=10))
    goes_on(3, station, timedelta(minutes=20))
    goes_on(4, ring, timedelta(minutes=30))
    # Who took longer than is asked for went elsewhere meanwhile.
    goes_on(5, near, timedelta(hours=5))
    found = around.around(alert, admin, 2)
    assert [one.camera for one in found.near] == [station, ring, near]
    assert found.left == 3
    assert (found.near[0].went_on.times, found.near[0].went_on.minutes) == (2, pytest.approx(15, abs=0.1))
    assert found.near[2].went_on is None
    # By a camera between, the next one is that and not the last.
    saw(near, 4, timedelta(days=2) - timedelta(minutes=20))
    assert {one.camera: one.went_on for one in around.around(alert, admin, 2).near}[ring] is None


def test_a_person_of_a_case_goes_on_by_their_alerts_unless_somebody_dismissed_one(alert, admin):
    station = camera_at("Station", (52.53, 13.41))
    saw(alert.camera, 2, timedelta(minutes=9))
    saw(station, 2)
    # Of the person whose way is asked for it says nothing new.
    saw(station, 1)
    found = going_on.from_camera(alert.camera, admin, timedelta(hours=1), but=alert.case)
    assert (found[station.pk].times, found[station.pk].minutes) == (1, pytest.approx(9, abs=0.1))
    assert around.around(alert, admin, 1).near[0].went_on == found[station.pk]
    Alert.objects.filter(camera=station).update(status=Alert.Status.DISMISSED)
    assert going_on.from_camera(alert.camera, admin, timedelta(hours=1)) == {}


def test_where_people_went_is_told_of_no_other_teams_camera(alert, user, admin, goes_on):
    hidden = camera_at("Hidden gate", POTSDAM)
    hidden.teams.add(Team.objects.create(name="Other agency"))
    goes_on(3, hidden, timedelta(minutes=30))
    assert going_on.from_camera(alert.camera, user, timedelta(hours=1)) == {}
    assert going_on.from_camera(alert.camera, admin, timedelta(hours=1))[hidden.pk].times == 1


def test_a_camera_that_was_taken_down_counts_where_it_saw_somebody_then(alert, admin):
    station = camera_at("Station", (52.53, 13.41))
    station.revoke()
    assert around.around(alert, admin, 2).near == []
    Capture.objects.create(camera=station, uid=uuid.uuid4(), captured_at=timezone.now())
    assert [one.camera for one in around.around(alert, admin, 2).near] == [station]


def test_more_cameras_than_anybody_goes_to_are_counted_and_not_listed(alert, as_admin, monkeypatch):
    monkeypatch.setattr(around, "MOST", 2)
    for number in range(5):
        camera_at(f"Post {number}", (52.53 + number * 0.01, 13.41))
    page = as_admin.get(f"/alerts/{alert.pk}/around/").content.decode()
    assert [f"Post {number}" in page for number in range(5)] == [True, True, False, False, False]
    assert "3 more cameras lie within reach" in page


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
    assert "south-west" in page
    assert AuditEvent.objects.filter(action="looked around", why__contains="1 h before").exists()


def test_programs_get_the_same_and_an_odd_span_is_refused(alert, as_admin):
    saw(camera_at("Potsdam", POTSDAM), 1)
    url = f"/api/v1/alerts/{alert.pk}/around/"
    said = as_admin.get(url, {"hours": 1}).json()
    (near,) = said["near"]
    assert (near["name"], near["direction"], near["ways"][0]["name"]) == ("Potsdam", "south-west", "by car")
    assert (near["went_on"], near["went_on_minutes"], said["left"], said["more"]) == (0, None, 0, 0)
    assert near["visits"][0]["strength"] in ("strong", "fair")
    assert as_admin.get(url).status_code == 200
    for odd in ("", "3", "x", "-1"):
        answer = as_admin.get(url, {"hours": odd})
        assert answer.status_code == 400, odd
    assert AuditEvent.objects.filter(action="looked around").count() == 2


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
