"""Time lines from years to seconds: of a case, a camera, a place, an unnamed person, each as its reader may see it."""

import uuid
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from cases.models import AuditEvent, Case, Collection, Photo, Team
from matching import over_time, timeline
from matching.models import Alert, Camera, Capture, UnnamedPerson
from matching.watching import captures
from tests import faces
from tests.people import person

NOON = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
URL = "/api/v1/time/"


def seen(camera: Camera, *moments: datetime) -> None:
    """Faces that were seen and of which nothing is kept."""
    Capture.objects.bulk_create(
        Capture(camera=camera, uid=uuid.uuid4(), captured_at=at, status=Capture.Status.NO_CANDIDATE) for at in moments
    )


def sent(camera: Camera, number: int, at: datetime) -> None:
    capture = captures.receive_capture(camera, faces.person(number), uid=uuid.uuid4(), captured_at=at)
    captures.match_capture(capture.pk)


def numbers(found: over_time.OverTime) -> list[int]:
    return [sum(bar.counts.values()) for bar in found.bars]


def test_from_years_to_seconds_by_pressing_the_fullest_bar(camera, admin):
    seen(camera, *(NOON - timedelta(days=365 * years) for years in range(1, 9)))
    seen(camera, *(NOON + timedelta(seconds=second) for second in range(0, 40, 2)))
    found = over_time.look(camera, admin)
    steps = [found.step.words]
    while found.step is not over_time.STEPS[0]:
        assert sum(found.totals.values()) == sum(numbers(found))
        bar = max(found.bars, key=lambda one: sum(one.counts.values()))
        found = over_time.look(camera, admin, bar.window.since, bar.window.until)
        steps.append(found.step.words)
    assert steps[0] in ("a month", "a year")
    assert len(steps) <= 6
    assert found.totals == {"faces": 20, "alerts": 0}
    assert numbers(found) == [1] * 20
    assert [event.at for event in found.events][:2] == [NOON + timedelta(seconds=38), NOON + timedelta(seconds=36)]


def test_out_earlier_and_later_lead_everywhere(camera, admin):
    seen(camera, NOON, NOON + timedelta(hours=10), NOON + timedelta(hours=20))
    whole = over_time.look(camera, admin)
    assert (whole.out, whole.earlier, whole.later) == (None, None, None)
    found = over_time.look(camera, admin, NOON + timedelta(hours=9), NOON + timedelta(hours=11))
    assert numbers(found) == [1]
    assert found.out.length == 4 * found.window.length
    earlier = over_time.look(camera, admin, found.earlier.since, found.earlier.until)
    assert earlier.window.until == found.window.since
    assert earlier.events == []
    window = found
    for _ in range(3):
        window = over_time.look(camera, admin, window.out.since, window.out.until)
        if window.out is None:
            break
    assert sum(numbers(window)) == 3


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe"])
def test_days_and_months_are_the_calendars_though_the_clock_is_put_forward(camera, admin, zone):
    with timezone.override(zone):
        here = timezone.get_current_timezone()
        days = [datetime(2026, 3, day, 23, 30, tzinfo=here) for day in (6, 7, 8, 9)]
        seen(camera, *days, datetime(2026, 5, 20, 12, tzinfo=here))
        found = over_time.look(camera, admin)
        assert found.step.words == "a day"
        assert [timezone.localtime(bar.window.since).date() for bar in found.bars[1:4]] == [
            date(2026, 3, day) for day in (7, 8, 9)
        ]
        for bar in found.bars[1:4]:
            assert timezone.localtime(bar.window.until).hour == 0


def test_a_case_has_its_sightings_and_its_photos_by_the_day_they_were_taken(any_model, six_cases, camera, admin):
    sent(camera, 1, NOON)
    case = Case.objects.get(number="MP1")
    Photo.objects.filter(case=case).update(taken_on=date(2019, 6, 1))
    found = over_time.look(case, admin)
    assert found.totals == {"faces": 1, "photos": 1}
    photo = found.events[-1]
    assert (photo.kind, timezone.localtime(photo.at).date()) == ("photos", date(2019, 6, 1))
    assert found.events[0].title == "Seen by Gate 3"
    assert found.events[0].link == Alert.objects.get(case=case).get_absolute_url()
    Alert.objects.update(status=Alert.Status.DISMISSED)
    assert over_time.look(case, admin).totals == {"faces": 0, "photos": 1}


def test_an_unnamed_person_and_a_place(any_model, collection, camera, admin, as_admin):
    Collection.objects.update(unnamed_days=3000)
    camera.place = "Main Station"
    camera.save()
    sent(camera, 3, timezone.now() - timedelta(hours=3))
    sent(camera, 3, timezone.now() - timedelta(hours=1))
    unnamed = UnnamedPerson.objects.get()
    assert over_time.look(unnamed, admin).totals == {"faces": 2}
    assert over_time.look(over_time.Place("main station"), admin).totals == {"faces": 2, "alerts": 0}
    assert over_time.places(admin) == [("Main Station", 1)]
    assert "Main Station" in as_admin.get("/places/time/").content.decode()
    for path in ("/places/time/?place=main+station", f"/unnamed/{unnamed.pk}/time/", f"/cameras/{camera.pk}/time/"):
        page = as_admin.get(path).content.decode()
        assert "2 in this time" in page, path
        assert page.count('class="face"') == 2


def test_each_page_leads_to_its_time_line(any_model, six_cases, camera, as_admin):
    case = six_cases[0]
    assert f"/cases/{case.pk}/time/" in as_admin.get(case.get_absolute_url()).content.decode()
    assert f"/cameras/{camera.pk}/time/" in as_admin.get(f"/cameras/{camera.pk}/").content.decode()
    assert "/places/time/?place=Main%20station" in as_admin.get(f"/cameras/{camera.pk}/").content.decode()


def test_where_nothing_was_seen_it_says_so(camera, make_case, as_admin):
    case = make_case()
    for path in (f"/cameras/{camera.pk}/time/", f"/cases/{case.pk}/time/", "/places/time/?place=Main+station"):
        assert "Nothing was seen yet" in as_admin.get(path).content.decode()
    Camera.objects.update(place="")
    assert "No place yet" in as_admin.get("/places/time/").content.decode()
    assert as_admin.get("/places/time/?place=Nowhere").status_code == 404


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"since": "9999-01-01T00:00"}, "A time from 1900 to 2199"),
        ({"since": "0001-01-01T00:00"}, "A time from 1900 to 2199"),
        ({"until": "yesterday"}, "Enter a valid date/time"),
        ({"since": "2026-05-04T00:00", "until": "2026-05-03T00:00"}, "It ends before it begins"),
        ({"since": "2026-05-04T24:99"}, "Enter a valid date/time"),
    ],
)
def test_an_odd_window_is_refused_in_words_and_all_is_shown(camera, as_admin, asked, words):
    seen(camera, NOON)
    answer = as_admin.get(f"/cameras/{camera.pk}/time/", asked)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert "1 in this time" in answer.content.decode()
    assert as_admin.get(URL, {"camera": camera.pk, **asked}).status_code == 400


def test_the_ends_of_time_lead_nowhere_further(camera, as_admin):
    seen(camera, NOON)
    for asked in ({"since": "1900-01-01T00:00:00Z"}, {"until": "2199-12-31T23:59:59Z"}):
        assert as_admin.get(f"/cameras/{camera.pk}/time/", asked).status_code == 200
    both = as_admin.get(URL, {"camera": camera.pk, "since": "1900-01-01T00:00:00Z", "until": "2199-12-31T23:59:59Z"})
    assert len(both.json()["bars"]) == 1


def test_programs_get_the_same(camera, as_admin):
    seen(camera, *(NOON + timedelta(minutes=minute) for minute in range(3)))
    said = as_admin.get(URL, {"camera": camera.pk}).json()
    assert (said["totals"], said["step"], len(said["bars"])) == ({"faces": 3, "alerts": 0}, "5 seconds", 3)
    nearer = as_admin.get(URL, {"camera": camera.pk, **said["bars"][0]["window"]}).json()
    assert nearer["totals"]["faces"] == 1
    for asked in ({}, {"camera": camera.pk, "place": "x"}, {"camera": 999}, {"case": "x"}):
        answer = as_admin.get(URL, asked)
        assert answer.status_code == 400, asked


def test_nothing_of_another_teams_camera_is_counted(any_model, six_cases, camera, admin, user):
    hidden = Camera(name="Hidden gate", place="Main station")
    hidden.issue_token()
    hidden.teams.add(Team.objects.create(name="Other agency"))
    seen(camera, NOON)
    seen(hidden, NOON, NOON)
    place = over_time.Place("Main station")
    assert over_time.look(place, user).totals["faces"] == 1
    assert over_time.look(place, admin).totals["faces"] == 3
    sent(hidden, 1, NOON)
    case = Case.objects.get(number="MP1")
    assert over_time.look(case, user).totals["faces"] == 0
    assert over_time.look(case, admin).totals["faces"] == 1


def test_each_kind_is_counted_for_whom_its_own_pages_are_shown(any_model, six_cases, camera):
    sent(camera, 1, NOON)
    case = Case.objects.get(number="MP1")
    Photo.objects.filter(case=case).update(taken_on=date(2019, 6, 1))
    # A camera manager sees cases and alerts, and no photos of cases.
    manager = person("cam", "Camera manager")
    assert over_time.look(case, manager).totals == {"faces": 1}
    assert "Photo added" not in [one.what for one in timeline.of(case, manager)]
    assert "Photo added" in [one.what for one in timeline.of(case, person("kim", "Viewer"))]
    manager.groups.clear()
    manager.user_permissions.add(Permission.objects.get(codename="view_case"))
    nobody_more = User.objects.get(pk=manager.pk)
    assert over_time.look(case, nobody_more).totals == {}
    assert not [one for one in timeline.of(case, nobody_more) if one.kind == "cameras"]


def test_whoever_looks_stands_in_the_trail_once_for_all_windows(camera, as_admin):
    seen(camera, NOON)
    for asked in ({}, {"since": "2026-05-03T11:00"}, {"since": "2026-05-03T11:30"}):
        as_admin.get(f"/cameras/{camera.pk}/time/", asked)
    assert AuditEvent.objects.filter(action="viewed", target_type="camera-time").count() == 1


def test_an_address_keeps_its_window(camera, admin):
    seen(camera, NOON)
    window = over_time.look(camera, admin).window
    said = {name: value[0] for name, value in parse_qs(window.query).items()}
    again = {name: datetime.fromisoformat(value) for name, value in said.items()}
    assert over_time.look(camera, admin, **again).window == window
