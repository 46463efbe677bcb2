"""People whom nobody has named: grouped by the face, looked through, put right by hand, kept for their days."""

import io
import re
import uuid
import zipfile
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from cases.models import AuditEvent, Case, Collection, FailedWork, Team
from matching import keeping
from matching.models import Alert, Camera, Capture, Probe, UnnamedFace, UnnamedLoss, UnnamedPerson
from matching.unnamed import by_hand, grouping, seen
from matching.watching import newcomers, retention
from matching.watching.tasks import regroup
from tests import at_once, faces, one_capture
from tests.people import person as somebody

NOON = timezone.localtime().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def send(any_model, camera):
    def send(number: int, at=NOON, track=None, to=None, content=None) -> Capture:
        return one_capture.matched(to or camera, content or faces.person(number), at, track)

    return send


@pytest.fixture
def api(signed_in):
    signed_in.force_login(somebody("ivy", "Investigator"))
    return signed_in


def other_camera(name: str = "Gate 4") -> Camera:
    camera = Camera(name=name)
    camera.issue_token()
    return camera


def whose(capture: Capture) -> UnnamedPerson | None:
    face = UnnamedFace.objects.filter(probe__capture=capture).first()
    return face and face.person


def who_is_where() -> list[list[int]]:
    """The captures of each person, in their order."""
    return sorted(sorted(one.faces.values_list("probe__capture", flat=True)) for one in UnnamedPerson.objects.all())


def test_it_works(kept, camera, send, user, signed_in):
    for day in (3, 2, 2, 1):
        send(3, NOON - day * DAY)
    send(3, NOON, to=other_camera())
    send(4)
    often, once = seen.people(user).order_by("-times")
    assert (often.times, often.places, often.first, often.last) == (4, 2, NOON - 3 * DAY, NOON)
    assert (once.times, once.places) == (1, 1)
    page = signed_in.get("/unnamed/").content.decode()
    assert "Seen 4 times" in page
    assert "at 2 cameras" in page
    one = signed_in.get(often.get_absolute_url()).content.decode()
    assert "Seen 4 times at 2 cameras" in one
    assert one.count("visit-row") == 4


def test_the_page_asks_for_what_is_new_and_is_given_nothing_else(kept, camera, send, signed_in):
    send(3)
    page = signed_in.get(UnnamedPerson.objects.get().get_absolute_url()).content.decode()
    address = re.search(r'hx-get="(/unnamed/\d+/seen/\?last=[\d-]+)"', page)[1]
    assert signed_in.get(address).status_code == 204
    send(3, NOON + MINUTE)
    news = signed_in.get(address)
    assert news.content.decode().count("<img") == 2
    assert 'id="times" hx-swap-oob="true"' in news.content.decode()
    assert re.search(r"last=[\d-]+", news.content.decode())[0] not in address


def test_nobody_is_grouped_where_no_collection_asks_for_it(collection, send, signed_in):
    send(3)
    assert not UnnamedPerson.objects.exists()
    assert "Unnamed people are not kept" in signed_in.get("/unnamed/").content.decode()


def test_faces_are_kept_for_it_where_none_is_kept_to_look_back(kept, send):
    Collection.objects.update(look_back_days=0)
    assert whose(send(3))


def test_another_teams_collection_does_not_ask_for_everybodys_camera(kept, camera, send):
    theirs, ours = Team.objects.create(name="Theirs"), Team.objects.create(name="Ours")
    kept.teams.add(theirs)
    camera.teams.add(ours)
    assert whose(send(3)) is None


def test_who_is_looked_for_or_known_is_nobody_unnamed(kept, make_case, camera, send):
    make_case("MP1", faces.person(3))
    staff = Collection.objects.create(name="Staff", kind="known")
    make_case("ST1", faces.person(4), collection=staff)
    camera.strangers = True
    camera.save()
    assert (whose(send(3)), whose(send(4))) == (None, None)
    stranger = send(5)
    assert Alert.objects.get(kind="stranger").best_capture == stranger
    assert whose(stranger), "a stranger of whom a camera tells has no name either"


def test_a_face_too_poor_to_compare_joins_nobody(kept, send):
    assert whose(send(3, content=faces.made_poor(faces.person(3)))) is None


def test_a_track_is_one_person_and_two_followed_at_one_moment_are_two(kept, send):
    one, two = uuid.uuid4(), uuid.uuid4()
    first = send(3, track=one)
    assert whose(send(4, NOON + MINUTE, track=one)) == whose(first), "the camera followed them"
    twin = send(3, track=two)
    assert whose(twin) != whose(first), "the same face twice in one picture is two people"


def test_captures_that_follow_each_other_are_one_visit(kept, send, user):
    for minutes in (0, 4, 8, 20):
        send(3, NOON + minutes * MINUTE)
    person = seen.people(user).get()
    assert person.times == 2
    assert [len(visit.faces) for visit in seen.visits(person, user)] == [1, 3]


@pytest.mark.django_db(transaction=True)
def test_ten_workers_at_once_make_one_person(kept, camera, any_model):
    at_once.matched(camera, faces.person(3), [NOON + minute * MINUTE for minute in range(10)])
    assert UnnamedPerson.objects.get().faces.count() == 10


def test_the_night_groups_what_came_before_anybody_asked(collection, send):
    earlier = [send(3, NOON - DAY), send(3), send(4)]
    Collection.objects.update(unnamed_days=10)
    regroup()
    assert who_is_where() == [[earlier[0].pk, earlier[1].pk], [earlier[2].pk]]
    before = {one.pk for one in UnnamedPerson.objects.all()}
    regroup()
    assert {one.pk for one in UnnamedPerson.objects.all()} == before, "who stays the same keeps their number"


def test_the_night_and_the_day_say_the_same(kept, send):
    for number in (3, 4, 3, 5, 0, 4):
        send(number, NOON + number * HOUR)
    grouped = who_is_where()
    numbers = list(UnnamedPerson.objects.order_by("pk").values_list("weight", "poorness"))
    grouping.regroup()
    assert who_is_where() == grouped
    grouping.renew(UnnamedPerson.objects.values_list("pk", flat=True))
    again = list(UnnamedPerson.objects.order_by("pk").values_list("weight", "poorness"))
    assert [round(n, 2) for row in again for n in row] == [round(n, 2) for row in numbers for n in row]


def test_what_people_said_holds_through_the_night(kept, send):
    one, two, twice, three = send(3, NOON - DAY), send(3), send(3, NOON + HOUR), send(4)
    person = whose(one)
    other = by_hand.split(person, person.faces.filter(probe__capture__in=[two, twice]))
    by_hand.merge(other, whose(three))
    grouping.regroup()
    assert (whose(one), whose(two), whose(twice), whose(three)) == (person, other, other, other)


def test_a_mark_stays_through_the_night_with_whom_it_was_said_of(kept, send):
    other, larger = whose(send(4)), None
    for day in (3, 2, 1):
        larger = whose(send(3, NOON - day * DAY))
    by_hand.merge(other, larger)
    staff = by_hand.split(other, other.faces.order_by("pk")[1:2])
    by_hand.say(staff, "staff", "The night guard")
    UnnamedPerson.objects.filter(pk=other.pk).update(is_settled=False)
    grouping.regroup()
    staff.refresh_from_db()
    assert (staff.mark, staff.note, staff.faces.count()) == ("staff", "The night guard", 3)


def test_a_merge_is_taken_apart_again(kept, send, user, signed_in):
    one, two = send(3), send(4)
    into, other = whose(one), whose(two)
    assert signed_in.post(f"/unnamed/{into.pk}/merge/", {"other": other.pk}).status_code == 302
    assert whose(two) == into
    page = signed_in.get(f"/unnamed/{into.pk}/").content.decode()
    assert f"1 face came from unnamed {other.pk}" in page
    signed_in.post(f"/unnamed/{into.pk}/split/", {"joined_from": other.pk})
    assert whose(two) != into
    said = AuditEvent.objects.filter(action__in=["merged", "split"]).order_by("pk")
    assert list(said.values_list("action", flat=True)) == ["merged", "split"]


@pytest.mark.parametrize(
    ("path", "said", "words"),
    [
        ("merge", {"other": "self"}, "this is the same"),
        ("merge", {"other": "999999"}, "no such person any more"),
        ("merge", {}, "Choose who is the same person"),
        ("split", {}, "Choose the faces"),
        ("split", {"faces": "all"}, "Leave one face"),
        ("split", {"faces": "999999"}, "open the page anew"),
        ("split", {"joined_from": "x"}, "whole number"),
        ("mark", {"mark": "enemy"}, "enemy"),
        ("mark", {"mark": "staff", "note": "x" * 301}, "300"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(kept, send, signed_in, path, said, words):
    person = whose(send(3))
    send(3, NOON + HOUR)
    all_faces = [str(pk) for pk in person.faces.values_list("pk", flat=True)]
    said = {name: {"self": person.pk, "all": all_faces}.get(value, value) for name, value in said.items()}
    answer = signed_in.post(f"/unnamed/{person.pk}/{path}/", said, follow=True)
    assert words in answer.content.decode()
    person.refresh_from_db()
    assert (person.mark, person.faces.count(), UnnamedPerson.objects.count()) == ("", 2, 1)


def test_staff_are_marked_and_leave_the_list(kept, send, signed_in):
    person = whose(send(3))
    signed_in.post(f"/unnamed/{person.pk}/mark/", {"mark": "staff", "note": "The night guard"})
    assert "Nobody yet" in signed_in.get("/unnamed/").content.decode()
    assert "The night guard" in signed_in.get("/unnamed/?who=staff").content.decode()
    assert "Nobody like that" in signed_in.get("/unnamed/?who=interest").content.decode()
    assert signed_in.get("/unnamed/?who=nonsense").status_code == 422


def test_a_case_is_made_of_one_and_a_known_person_too(kept, send, user, signed_in):
    send(3, NOON - DAY)
    person = whose(send(3))
    refused = signed_in.post(f"/unnamed/{person.pk}/case/", {"collection": kept.pk})
    assert refused.status_code == 403, "a reviewer makes no case"
    signed_in.force_login(somebody("ivy", "Investigator"))
    answer = signed_in.post(f"/unnamed/{person.pk}/case/", {"collection": kept.pk})
    case = Case.objects.get()
    assert answer.url == f"/cases/{case.pk}/edit/"
    assert case.photos.count() == 1, "the same picture twice is one photo"
    assert case.number in signed_in.get(f"/unnamed/{person.pk}/").content.decode()
    again = signed_in.post(f"/unnamed/{person.pk}/case/", {"collection": kept.pk}, follow=True)
    assert "was made of this person already" in again.content.decode()
    assert Case.objects.count() == 1


def test_with_the_case_that_was_made_of_one_goes_what_was_said_of_them(kept, send, user):
    person = whose(send(3))
    by_hand.say(person, "interest", "Asked for the time")
    case = by_hand.begin_case(person, kept, user)
    with zipfile.ZipFile(io.BytesIO(keeping.export(case))) as packed:
        assert "Asked for the time" in packed.read("person.json").decode()
    remains = keeping.erase(case)
    assert not UnnamedPerson.objects.exists()
    assert any("unnamed people" in one for one in remains)
    assert Capture.objects.exists()


def test_a_case_without_a_picture_left_is_not_made(kept, send, user):
    person = whose(send(3))
    capture = Capture.objects.get()
    capture.image.storage.delete(capture.image.name)
    with pytest.raises(by_hand.HandRefused, match="None of the pictures"):
        by_hand.begin_case(person, kept, user)
    assert not Case.objects.exists()


def test_a_visit_is_one_whichever_of_its_captures_is_matched_first(kept, send, user):
    for minutes in (8, 4, 0, 30, 4):
        send(3, NOON + minutes * MINUTE)
    person = seen.people(user).get()
    assert (person.times, len(seen.visits(person, user))) == (2, 2)
    begin = person.faces.filter(begins_visit=True).values_list("probe__capture__captured_at", flat=True)
    assert sorted(begin) == [NOON, NOON + 30 * MINUTE]


def test_a_visit_whose_first_face_is_gone_is_a_visit_still(kept, send, user):
    captures = [send(3, NOON + minutes * MINUTE) for minutes in (0, 4, 8)]
    retention.forget_one(captures[0])
    retention.forget()
    assert (seen.people(user).get().times, UnnamedFace.objects.count()) == (1, 2)


def test_of_a_person_nothing_that_is_gone_is_left(kept, send):
    send(3, NOON - 8 * DAY, content=faces.person(3))
    late = send(3, NOON)
    before = UnnamedPerson.objects.get().weight
    Collection.objects.update(unnamed_days=5)
    retention.forget()
    person = UnnamedPerson.objects.get()
    assert (person.faces.count(), person.faces.get().begins_visit) == (1, True)
    assert person.weight < before
    assert person.faces.get().probe.capture == late


def with_sql(capture: Capture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM matching_unnamedface WHERE probe_id IN"
                       " (SELECT id FROM matching_probe WHERE capture_id = %s)", [capture.pk])  # fmt: skip


@pytest.mark.parametrize("remove", [retention.forget_one, Capture.delete, with_sql])
def test_whichever_way_a_face_goes_its_person_is_said_without_it(kept, send, remove):
    first, _ = send(3, NOON - 8 * MINUTE), send(3, NOON)
    assert UnnamedPerson.objects.get().weight > 1.5
    remove(first)
    retention.forget()
    assert UnnamedPerson.objects.get().weight == pytest.approx(1.0, abs=0.01)
    assert not UnnamedLoss.objects.exists()


def test_days_end_and_with_the_last_face_the_person_goes(kept, send):
    send(3, NOON - 8 * DAY)
    person = whose(send(3))
    send(4, NOON - 8 * DAY)
    assert UnnamedPerson.objects.count() == 2
    Collection.objects.update(unnamed_days=5)
    retention.forget()
    assert who_is_where() == [[person.faces.get().probe.capture_id]]
    Collection.objects.update(unnamed_days=0)
    retention.forget()
    assert not UnnamedPerson.objects.exists()
    assert Probe.objects.exists(), "faces stay for looking back"


def test_somebody_whose_last_face_is_gone_is_shown_no_more(kept, send, as_admin):
    person = whose(send(3))
    retention.forget_one(Capture.objects.get())
    assert "Nobody yet" in as_admin.get("/unnamed/").content.decode()
    assert as_admin.get(f"/unnamed/{person.pk}/").status_code == 404
    retention.forget()
    assert not UnnamedPerson.objects.exists()


def test_a_case_that_comes_later_is_shown_beside_its_unnamed_person(kept, send, make_case, signed_in):
    person = whose(send(3))
    make_case("MP9", faces.person(3))
    newcomers.look_back()
    assert "Person MP9" in signed_in.get(f"/unnamed/{person.pk}/").content.decode()
    grouping.regroup()
    assert UnnamedPerson.objects.get() == person


def test_each_sees_what_their_cameras_saw(kept, camera, send):
    theirs = other_camera("Their gate")
    team, member = Team.objects.create(name="Other"), somebody("mia", "Reviewer")
    outsider = somebody("lee", "Reviewer")
    team.members.add(member)
    theirs.teams.add(team)
    kept.teams.clear()
    send(3, NOON - DAY)
    send(3, to=theirs)
    hidden = whose(send(4, to=theirs))
    assert [one.times for one in seen.people(member).order_by("pk")] == [2, 1]
    assert [(one.times, one.places) for one in seen.people(outsider)] == [(1, 1)]
    visit = seen.visits(seen.people(outsider).get(), outsider)
    assert [one.camera for one in visit] == [camera]
    assert hidden not in seen.people(outsider)


def test_who_comes_together_more_often_than_chance(kept, send, user):
    for day in range(4):
        send(3, NOON - day * DAY)
        send(4, NOON - day * DAY + timedelta(seconds=30))
        send(5, NOON - day * DAY + 3 * HOUR)
    person = whose(Capture.objects.order_by("pk").first())
    (companion,) = seen.companions(person, user)
    assert companion.person == whose(Capture.objects.order_by("pk")[1])
    assert companion.together == 4
    assert companion.expected < 0.1
    assert companion.chance < 0.001


def test_somebody_who_stands_there_all_day_comes_with_nobody(kept, send, user):
    for hour in range(8):
        send(4, NOON - hour * HOUR)
    send(3, NOON - 4 * HOUR)
    for minutes in range(0, 60, 4):
        send(5, NOON - 4 * HOUR - minutes * MINUTE)
    person = whose(Capture.objects.filter(captured_at=NOON - 4 * HOUR).order_by("pk")[1])
    assert all(one.chance < seen.CHANCE for one in seen.companions(person, user))


def test_visits_by_day_tell_new_from_returning(kept, send, user, signed_in):
    send(3, NOON - 2 * DAY)
    send(3)
    send(3, NOON + 30 * MINUTE)
    send(4)
    staff = whose(send(5))
    by_hand.say(staff, "staff", "")
    days = seen.by_day(user, Camera.objects.all(), 7)
    assert [(day.new, day.returning, day.stay) for day in days] == [(1, 1, 30.0), (1, 0, None)]
    assert days[0].hours[12] == 2
    assert "By hour of arrival" in signed_in.get("/unnamed/visits/").content.decode()
    assert signed_in.get("/unnamed/visits/?days=8").status_code == 422
    assert (
        "No visit in that time" in signed_in.get(f"/unnamed/visits/?camera={other_camera('Empty').pk}").content.decode()
    )


def test_a_night_that_breaks_is_told(kept, send, monkeypatch):
    send(3)
    monkeypatch.setattr(grouping, "_latest", lambda model: 1 / 0)
    regroup()
    assert FailedWork.objects.get().kind == "unnamed people"


def test_an_installation_without_a_face_model_has_a_night_too(db):
    call_command("check")
    assert grouping.regroup() == 0


def test_the_same_over_http(kept, camera, send, api):
    send(3, NOON - DAY)
    one, two = send(3), send(4, NOON + timedelta(seconds=20))
    person, other = whose(one), whose(two)
    listed = api.get("/api/v1/unnamed/", {"order": "often"}).json()["results"]
    assert [(row["id"], row["times"], row["places"]) for row in listed] == [(person.pk, 2, 1), (other.pk, 1, 1)]
    assert api.get(listed[0]["face_url"]).status_code == 200
    about = api.get(f"/api/v1/unnamed/{person.pk}/").json()
    assert [visit["camera"] for visit in about["visits"]] == [camera.pk] * 2
    said = api.patch(f"/api/v1/unnamed/{person.pk}/", {"mark": "interest"}, content_type="application/json").json()
    assert said["mark"] == "interest"
    assert [row["id"] for row in api.get("/api/v1/unnamed/?who=interest").json()["results"]] == [person.pk]
    merged = api.post(f"/api/v1/unnamed/{person.pk}/merge/", {"other": other.pk}, content_type="application/json")
    assert merged.json()["times"] == 2, "twenty seconds later is the same visit"
    apart = api.post(f"/api/v1/unnamed/{person.pk}/split/", {"joined_from": other.pk}, content_type="application/json")
    assert apart.status_code == 201
    assert apart.json()["times"] == 1
    days = api.get("/api/v1/unnamed/visits/").json()
    assert [(day["new"], day["returning"]) for day in days] == [(1, 1), (1, 0)]
    made = api.post(f"/api/v1/unnamed/{person.pk}/case/", {"collection": kept.pk}, content_type="application/json")
    assert made.json()["number"] == Case.objects.get().number
    assert api.get(f"/api/v1/unnamed/{person.pk}/").json()["case"] == Case.objects.get().pk


@pytest.mark.parametrize(
    ("path", "said", "field"),
    [
        ("merge/", {"other": 999999}, "other"),
        ("merge/", {}, "other"),
        ("split/", {"faces": [999999]}, "faces"),
        ("split/", {"faces": "x"}, "faces"),
        ("case/", {"collection": 999999}, "collection"),
    ],
)
def test_calls_that_cannot_be_done_say_which_field(kept, send, api, path, said, field):
    person = whose(send(3))
    answer = api.post(f"/api/v1/unnamed/{person.pk}/{path}", said, content_type="application/json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert api.get("/api/v1/unnamed/?who=nonsense").status_code == 400
    assert api.get("/api/v1/unnamed/visits/?days=8").status_code == 400


def test_another_teams_case_is_not_told(kept, send, signed_in, user):
    person = whose(send(3))
    hidden = Collection.objects.create(name="Sealed")
    hidden.teams.add(Team.objects.create(name="Theirs"))
    by_hand.begin_case(person, hidden, user)
    page = signed_in.get(f"/unnamed/{person.pk}/").content.decode()
    assert Case.objects.get().number not in page
    assert "A case of another team" in page
    assert signed_in.get(f"/api/v1/unnamed/{person.pk}/").json()["case"] is None


@pytest.mark.parametrize(
    "body", ["[]", "[1, 2]", '"x"', "7", "null", '{"faces": {"a": 1}, "other": [1], "mark": ["x"]}']
)
def test_a_call_that_is_no_object_or_has_no_values_is_refused(kept, send, api, body):
    person = whose(send(3))
    for path in ("merge/", "split/", "case/"):
        answer = api.post(f"/api/v1/unnamed/{person.pk}/{path}", body, content_type="application/json")
        assert answer.status_code == 400, (path, answer.content)
    answer = api.patch(f"/api/v1/unnamed/{person.pk}/", body, content_type="application/json")
    assert answer.status_code in (200, 400)
    assert UnnamedPerson.objects.get().mark == ""
