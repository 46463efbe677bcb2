"""Known people and strangers: who is greeted, who is none of them, and how often somebody came."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from cases.models import Collection, Team
from cases.visibility import searchable, visible
from matching.models import Alert, Camera, Capture, Delivery, Subscription
from matching.telling import notifying
from matching.watching import retention
from tests import at_once, faces, one_capture
from tests.people import person

# Local noon, so that an hour or two more is the same day.
NOON = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def staff(any_model, make_case) -> Collection:
    """Persons 0 and 1 of the group photo work here."""
    staff = Collection.objects.create(name="Staff", kind="known", reviewers=1)
    for number in (0, 1):
        make_case(f"ST{number}", faces.person(number), collection=staff)
    return staff


@pytest.fixture
def door(camera, staff) -> Camera:
    """A camera that tells of strangers."""
    camera.strangers = True
    camera.save()
    return camera


@pytest.fixture
def send(camera):
    def send(number: int, at=NOON, track=None, to=None, content=None) -> Capture:
        return one_capture.matched(to or camera, content or faces.person(number), at, track)

    return send


def test_somebody_known_raises_no_alert_and_is_nobody_looked_for(staff, camera, send):
    assert send(1).status == Capture.Status.NO_CANDIDATE
    assert not Alert.objects.exists()


def test_a_stranger_raises_an_alert_and_somebody_known_does_not(door, send):
    assert send(0).status == Capture.Status.KNOWN
    assert send(3).status == Capture.Status.MATCHED
    alert = Alert.objects.get()
    assert (alert.kind, alert.case, alert.status, alert.gallery_size) == ("stranger", None, "new", 2)
    assert (alert.title, alert.visits, alert.first_today) == ("A stranger", 1, True)


def test_a_stranger_who_stays_is_one_alert_and_two_strangers_are_two(door, send):
    for second in (0, 20, 40):
        send(3, NOON + timedelta(seconds=second))
    send(4, NOON + timedelta(seconds=30))
    assert sorted(Alert.objects.values_list("capture_count", flat=True)) == [1, 3]


@pytest.mark.django_db(transaction=True)
def test_ten_workers_at_once_make_one_alert_of_a_stranger(door):
    at_once.matched(door, faces.person(3), [NOON + timedelta(seconds=second) for second in range(10)])
    assert Alert.objects.get().capture_count == 10


def test_where_nobody_is_known_yet_nobody_is_a_stranger(any_model, camera, send):
    camera.strangers = True
    camera.save()
    Collection.objects.create(name="Staff", kind="known")
    assert send(3).status == Capture.Status.NO_CANDIDATE


def test_one_who_is_looked_for_is_their_own_alert_not_a_stranger_as_well(door, make_case, send):
    case = make_case("MP3", faces.person(3))
    track = uuid.uuid4()
    send(3, track=track)
    # Another face of the same track that resembles nobody says nothing new.
    send(4, NOON + timedelta(seconds=5), track=track)
    assert [alert.case for alert in Alert.objects.all()] == [case]


def test_a_track_that_turns_out_to_be_known_closes_the_strangers_alert(door, send):
    track = uuid.uuid4()
    send(3, track=track)
    send(0, NOON + timedelta(seconds=2), track=track)
    alert = Alert.objects.get()
    assert (alert.status, alert.get_status_display()) == ("closed", "Known after all")


def test_a_track_that_was_known_raises_no_stranger(door, send):
    track = uuid.uuid4()
    send(0, track=track)
    assert send(3, NOON + timedelta(seconds=2), track=track).status == Capture.Status.KNOWN
    assert not Alert.objects.exists()


def test_a_stranger_whom_people_call_known_wakes_nobody_again(door, send, user):
    send(3)
    alert = Alert.objects.get()
    notifying.review(alert, "dismissed", "the new gardener", user)
    assert alert.get_status_display() == "Known here"
    send(3, NOON + 3 * HOUR)
    alert.refresh_from_db()
    assert (Alert.objects.count(), alert.folded_count) == (1, 1)


def test_visits_are_counted_by_the_face(door, send):
    for hours in (-48, -24, -23.99, 0):
        send(3, NOON + hours * HOUR)
    first, second, third = Alert.objects.order_by("first_captured_at")
    assert [one.visits for one in (first, second, third)] == [1, 2, 3]
    assert third.first_today
    assert third.last_visit_at == NOON - 23.99 * HOUR
    send(3, NOON + HOUR)
    again = Alert.objects.latest("first_captured_at")
    assert (again.visits, again.first_today) == (4, False)


def test_a_camera_may_tell_only_of_those_who_come_again(door, send):
    door.visits_from = 3
    door.save()
    send(3, NOON - 2 * HOUR)
    send(3, NOON - HOUR)
    send(4, NOON)
    assert not Alert.objects.exists()
    send(3, NOON)
    assert Alert.objects.get().visits == 3


def test_visits_are_not_counted_by_cameras_that_others_may_not_see(door, send):
    other = Camera(name="Elsewhere", strangers=True)
    other.issue_token()
    other.teams.add(Team.objects.create(name="Others"))
    send(3, NOON - HOUR, to=other)
    send(3)
    assert Alert.objects.get(camera=door).visits == 1


def test_a_camera_greets_a_list(staff, camera, send, make_case):
    residents = Collection.objects.create(name="Residents", kind="known")
    make_case("RE2", faces.person(2), collection=residents)
    camera.greets.add(staff)
    send(2)
    assert not Alert.objects.exists()
    send(1)
    alert = Alert.objects.get()
    assert (alert.kind, alert.status, alert.case.number, alert.visits) == ("greeting", "greeted", "ST1", 1)
    # Nobody has to see to it, but a wrong one can be said to be wrong, and taken back.
    user = person("lea", "Reviewer")
    notifying.review(alert, "dismissed", "", user)
    assert alert.status == "dismissed"
    notifying.review(alert, "new", "", user)
    assert alert.status == "greeted"


def test_only_who_asks_is_told_of_strangers(door, user, send):
    Subscription.objects.create(user=user, name="the desk", address="json://localhost")
    guard = Subscription.objects.create(user=user, name="the guard", address="json://localhost", visitors=True)
    send(3)
    assert [one.subscription for one in Delivery.objects.all()] == [guard]


def test_a_strangers_alert_exists_for_those_who_see_its_camera(door, send):
    send(3)
    mine, theirs = Team.objects.create(name="Mine"), Team.objects.create(name="Theirs")
    door.teams.add(mine)
    sees, sees_not = person("ann", "Reviewer"), person("bob", "Reviewer")
    mine.members.add(sees)
    theirs.members.add(sees_not)
    assert visible(Alert, sees).count() == 1
    assert not visible(Alert, sees_not).exists()


def test_strangers_and_greetings_go_with_the_faces_that_raised_no_alert(door, staff, send, user):
    door.greets.add(staff)
    Collection.objects.update(look_back_days=2)
    send(0, NOON - timedelta(days=3))
    send(3, NOON - timedelta(days=3))
    send(4, NOON - timedelta(days=3))
    kept = Alert.objects.latest("pk")
    notifying.review(kept, "confirmed", "climbed the fence", user)
    send(5)
    retention.forget()
    assert set(Alert.objects.values_list("status", flat=True)) == {"confirmed", "new"}
    assert Capture.objects.filter(image="").count() == 2


def test_nobody_is_searched_for_among_known_people_unless_they_are_chosen(staff, collection, admin, user):
    assert searchable(admin) == searchable(user) == [collection]
    assert searchable(admin, [staff]) == searchable(user, [staff]) == [staff]


def test_the_pages_say_who_came(door, staff, send, as_admin, signed_in):
    door.greets.add(staff)
    send(3)
    send(1, NOON + HOUR)
    board = signed_in.get("/alerts/").content.decode()
    assert ">A stranger<" in board
    assert "First seen today" in board
    assert "Known here" in board
    assert "ST1" in signed_in.get("/alerts/?status=greeted").content.decode()
    assert ">A stranger<" not in signed_in.get("/alerts/?status=all&kind=greeting").content.decode()
    stranger = Alert.objects.get(kind="stranger")
    page = signed_in.get(stranger.get_absolute_url()).content.decode()
    assert "None of 2 known people" in page
    refused = signed_in.post(f"{stranger.get_absolute_url()}quiet/", {"hours": 8, "reason": "x"}, follow=True)
    assert "Say that they are known here instead" in refused.content.decode()
    assert "first seen today" in as_admin.get(f"/cameras/{door.pk}/").content.decode()
    said = signed_in.get("/api/v1/alerts/?kind=stranger").json()["results"][0]
    assert (said["case"], said["case_name"], said["visits"], said["strength"]) == (None, "A stranger", 1, "")


def test_telling_of_strangers_needs_somebody_known(any_model, camera, as_admin):
    answer = as_admin.post(f"/cameras/{camera.pk}/edit/", {"name": "Gate", "strangers": "on", "visits_from": 1})
    assert "make a collection of known people first" in answer.content.decode()
    camera.refresh_from_db()
    assert not camera.strangers
