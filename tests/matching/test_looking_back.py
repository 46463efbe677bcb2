"""Retrospective search: what cameras and searches saw before, for a face, a case, and by itself for a new case."""

import io
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image, ImageFilter

from cases.models import AuditEvent, Collection, Team, add_photo
from matching.gallery import kept_faces
from matching.indexing import single
from matching.models import Alert, Camera, Capture, Delivery, Probe, ProbeBits, Subscription, Template
from matching.searching import looking_back, pictures
from matching.telling import messages
from matching.watching import captures, newcomers, retention
from tests import faces, needs, people

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


def send(camera: Camera, number: int, days: float = 0) -> Capture:
    return captures.receive_capture(
        camera, faces.person(number), uid=uuid.uuid4(), captured_at=NOW - timedelta(days=days, seconds=1)
    )


@pytest.fixture(params=[newcomers.TOGETHER, 1], ids=["each by itself", "all at once"])
def however_many(request, monkeypatch) -> None:
    """A few new cases are looked for one by one, many in one go."""
    monkeypatch.setattr(newcomers, "TOGETHER", request.param)


@pytest.fixture
def gate(any_model, camera, collection) -> Camera:
    """A camera that saw the fourth person on three days, twice on one of them, and three others."""
    for days in (9, 3, 3.001, 1):
        send(camera, 3, days)
    for number in (0, 1, 2):
        send(camera, number, 2)
    return camera


def test_it_works(gate, user, signed_in):
    search = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus")
    probe = search.probes.get()
    found = looking_back.for_probe(probe, probe.search.user)
    visits = [one for one in found.visits if one.strength.word != "weak"]
    assert found.faces == 8
    assert [(one.camera, one.times) for one in visits] == [(gate, 1), (gate, 2), (gate, 1)]
    assert visits[0].last > visits[1].last > visits[2].last
    assert "among 8 faces" in visits[0].strength.why
    page = signed_in.get(f"/probes/{probe.pk}/seen/?purpose=x").content.decode()
    assert page.count("Gate 3") >= 3
    assert "Main station" in page
    assert AuditEvent.objects.filter(action="looked back", why="the bus").exists()


def test_an_earlier_search_of_the_same_face_is_found_too(any_model, collection, user):
    first = pictures.search_image(faces.person(3), "a.jpg", user=user, purpose="first")
    second = pictures.search_image(faces.person(3), "b.jpg", user=user, purpose="second")
    (visit,) = (one for one in looking_back.for_probe(second.probes.get(), user).visits if one.strength.word != "weak")
    assert (visit.search, visit.camera) == (first, None)


def test_a_case_is_looked_for_as_well(gate, make_case, signed_in):
    case = make_case("MP3", faces.person(3))
    page = signed_in.get(f"/cases/{case.pk}/seen/?purpose=x").content.decode()
    assert page.count("Gate 3") >= 3
    other = make_case("MP9", faces.astronaut())
    page = signed_in.get(f"/cases/{other.pk}/seen/?purpose=x").content.decode()
    assert "Nobody who was seen" in page or "None of 7 faces" in page


def test_a_case_without_a_photo_and_an_installation_without_captures_say_so(any_model, make_case, signed_in):
    case = make_case("MP3")
    assert "No face is kept" in signed_in.get(f"/cases/{case.pk}/seen/?purpose=x").content.decode()


def test_a_new_case_raises_one_alert_a_camera_for_what_was_seen_before(gate, make_case, user, however_many):
    Subscription.objects.create(user=user, address="json://127.0.0.1:9/")
    case = make_case("MP3", faces.person(3))
    assert newcomers.waits()
    newcomers.look_back()
    assert not newcomers.waits()
    alert = Alert.objects.get()
    assert (alert.case, alert.camera, alert.seen_before, alert.capture_count) == (case, gate, True, 4)
    assert (alert.last_captured_at - alert.first_captured_at).days == 8
    assert Delivery.objects.count() == 1
    _, body, _ = messages.of(Delivery.objects.get())
    assert body.startswith("Seen before: a face like Person MP3")
    newcomers.look_back()
    assert Alert.objects.get().capture_count == 4


def test_it_is_shown_on_the_board(gate, make_case, signed_in):
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    page = signed_in.get("/alerts/").content.decode()
    assert "Seen before" in page
    assert "among 7 captures" in page


def test_a_new_photo_of_a_case_is_compared_as_well(gate, make_case, however_many):
    case = make_case("MP3", faces.astronaut())
    newcomers.look_back()
    assert not Alert.objects.exists()
    photo = add_photo(case, faces.person(3), "new.jpg")
    single.index_photo(photo.pk)
    newcomers.look_back()
    assert Alert.objects.get().case == case


def test_a_capture_that_comes_later_begins_an_alert_of_its_own(gate, make_case):
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    send(gate, 3)
    assert sorted(Alert.objects.values_list("seen_before", "capture_count")) == [(False, 1), (True, 4)]


@pytest.mark.parametrize(
    ("setting", "value", "expected"), [("look_back_days", 2, 1), ("look_back_days", 0, 0), ("alert_level", "off", 0)]
)
def test_how_far_back_is_the_collections_to_say(gate, make_case, collection, setting, value, expected, however_many):
    setattr(collection, setting, value)
    collection.save()
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    assert sum(Alert.objects.values_list("capture_count", flat=True)) == expected


def test_faces_without_an_alert_are_forgotten_after_the_longest_of_all_collections_days(gate, collection, make_case):
    make_case("MP0", faces.person(0))
    newcomers.look_back()
    pictures_before = {capture.pk: capture.image.path for capture in Capture.objects.all()}
    collection.look_back_days = 2
    collection.save()
    assert retention.forget() == 5
    kept = Capture.objects.exclude(image="")
    assert {capture.pk for capture in kept} == {
        *Capture.objects.filter(captured_at__gt=NOW - timedelta(days=2)).values_list("pk", flat=True),
        *Alert.objects.get().captures.values_list("pk", flat=True),
    }
    assert Probe.objects.count() == kept.count()
    from pathlib import Path

    assert {pk for pk, path in pictures_before.items() if Path(path).exists()} == {one.pk for one in kept}
    # Sent again, it is still the same capture.
    gone = Capture.objects.filter(image="").first()
    assert captures.receive_capture(gate, faces.person(3), uid=gone.uid) == gone


def test_off_means_off(any_model, camera, collection):
    collection.look_back_days = 0
    collection.save()
    capture = send(camera, 3)
    capture.refresh_from_db()
    assert (capture.status, capture.image.name) == ("no_candidate", "")
    assert not Probe.objects.exists()


def test_a_face_too_poor_to_compare_is_not_looked_back_at(any_model, camera, collection):
    captures.receive_capture(camera, faces.made_poor(faces.person(3)), uid=uuid.uuid4())
    assert not ProbeBits.objects.exists() or any_model.poor_limit is None


def test_of_many_faces_the_most_alike_are_found(gate, user, monkeypatch):
    """Only so many are compared exactly."""
    monkeypatch.setattr(kept_faces, "MOST", 4)
    probe = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus").probes.get()
    visits = looking_back.for_probe(probe, probe.search.user).visits
    # The probe itself may be one of the four.
    assert sum(one.times for one in visits if one.strength.word != "weak") in (3, 4)


def softer(number: int) -> bytes:
    """A picture that says a little less of the face."""
    picture = Image.open(io.BytesIO(faces.person(number))).filter(ImageFilter.GaussianBlur(1))
    content = io.BytesIO()
    picture.save(content, "JPEG")
    return content.getvalue()


def test_who_sees_one_camera_finds_its_faces_however_often_others_saw_the_person(gate, collection, monkeypatch):
    ours, theirs = Team.objects.create(name="Ours"), Team.objects.create(name="Theirs")
    lee = people.person("lee", "Investigator")
    ours.members.add(lee)
    gate.teams.add(theirs)
    door = Camera(name="Door")
    door.issue_token()
    door.teams.add(ours)
    captures.receive_capture(door, softer(3), uid=uuid.uuid4(), captured_at=NOW - timedelta(days=1))
    # The other team's four are the most alike.
    monkeypatch.setattr(kept_faces, "MOST", 4)
    probe = pictures.search_image(faces.person(3), "bus.jpg", user=lee, purpose="the bus").probes.get()
    found = [one for one in looking_back.for_probe(probe, lee).visits if one.strength.word != "weak"]
    assert [(one.camera, one.times) for one in found] == [(door, 1)]


def test_where_enough_are_found_no_more_are_looked_for(gate, collection, monkeypatch):
    ours = Team.objects.create(name="Ours")
    lee = people.person("lee", "Investigator")
    ours.members.add(lee)
    gate.teams.add(ours)
    monkeypatch.setattr(kept_faces, "MOST", 2)
    probe = pictures.search_image(faces.person(3), "bus.jpg", user=lee, purpose="the bus").probes.get()
    with CaptureQueriesContext(connection) as asked:
        looking_back.for_probe(probe, lee)
    assert sum('"matching_probebits"."bits" <~>' in one["sql"] for one in asked.captured_queries) == 1


def test_a_new_case_is_compared_with_its_days_however_often_the_person_was_seen_before(
    gate, collection, make_case, monkeypatch, however_many
):
    captures.receive_capture(gate, softer(3), uid=uuid.uuid4(), captured_at=NOW - timedelta(hours=1))
    # All but that one are older.
    collection.look_back_days = 1
    collection.save()
    Capture.objects.filter(captured_at__lt=NOW - timedelta(hours=2)).update(captured_at=NOW - timedelta(days=5))
    monkeypatch.setattr(kept_faces, "MOST", 4)
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    assert Alert.objects.get(seen_before=True).capture_count == 1


def test_many_new_cases_are_each_compared_as_far_back_as_they_ask(gate, collection, make_case):
    short = Collection.objects.create(name="Short", look_back_days=2)
    for number in range(newcomers.TOGETHER):
        make_case(f"MP{number}", faces.person(3 if number < 3 else number % 3))
    make_case("S1", faces.person(3), collection=short)
    newcomers.look_back()
    seen = Alert.objects.filter(seen_before=True)
    assert seen.count() == newcomers.TOGETHER + 1
    assert {one.capture_count for one in seen.filter(case__number__in=["MP0", "MP1", "MP2"])} == {4}
    assert seen.get(case__number="S1").capture_count == 1
    assert {one.capture_count for one in seen.filter(case__number="MP4")} == {1}


def test_whoever_was_seen_very_often_is_found_by_the_best_of_their_days(gate, collection, make_case, monkeypatch):
    """Many more than are shown, in several blocks, and most of them too long ago."""
    monkeypatch.setattr(newcomers, "TOGETHER", 1)
    monkeypatch.setattr(kept_faces, "MOST", 2)
    monkeypatch.setattr(kept_faces, "BLOCK", 2)
    for days in range(20, 28):
        send(gate, 3, days)
    collection.look_back_days = 8
    collection.save()
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    alert = Alert.objects.get()
    assert alert.capture_count == 2
    assert alert.first_captured_at > NOW - timedelta(days=4)


def test_many_that_are_stopped_are_compared_when_it_goes_on(gate, make_case, monkeypatch):
    monkeypatch.setattr(newcomers, "TOGETHER", 1)
    make_case("MP3", faces.person(3))
    newcomers.look_back(must_stop=lambda: True)
    assert not Alert.objects.exists()
    assert newcomers.waits()
    newcomers.look_back()
    assert Alert.objects.get().capture_count == 4


def test_how_many_faces_there_are_is_counted_up_to_a_number_and_reckoned_from_there(gate, any_model, monkeypatch):
    assert kept_faces.size(any_model) == 7
    monkeypatch.setattr(kept_faces, "COUNTED", 5)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE matching_probebits")
    assert 5 <= kept_faces.size(any_model) <= 8


def test_without_captures_or_standing_searches_nothing_is_compared(any_model, make_case):
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    assert not Template.objects.filter(looked_back=False).exists()


@needs.pack
def test_faces_of_a_former_face_model_are_counted_and_not_compared(use_model, camera, collection, make_case, signed_in):
    use_model("dlib")
    send(camera, 3)
    use_model(str(faces.PACK))
    case = make_case("MP3", faces.person(3))
    newcomers.look_back()
    assert not Alert.objects.exists()
    assert (
        "1 face kept under a former face model" in signed_in.get(f"/cases/{case.pk}/seen/?purpose=x").content.decode()
    )
