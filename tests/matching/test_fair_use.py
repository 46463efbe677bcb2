"""What somebody must be and say before they search, and what they accept when they sign in."""

import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent, Collection, Notice, Training
from matching.models import Batch, Camera, Capture, Delivery, Search, StandingSearch, Subscription
from matching.searching import batches, pictures, standing
from matching.telling import messages
from matching.watching import newcomers
from tests import faces
from tests.people import api_token, person

pytestmark = pytest.mark.django_db(transaction=True)


def search(client: Client, **said: str) -> str:
    upload = SimpleUploadedFile("x.jpg", faces.person(1), "image/jpeg")
    return client.post("/search/", {"image": upload, "purpose": "tip", **said}, follow=True).content.decode()


def test_a_collection_can_ask_for_a_case_or_tip_number(any_model, six_cases, collection, signed_in, user):
    collection.needs_reference = True
    collection.save()
    assert "Missing asks for a case or tip number" in search(signed_in)
    program = Client(headers={"authorization": f"Token {api_token(user)}"})
    said = {"image": SimpleUploadedFile("x.jpg", faces.person(1)), "purpose": "tip"}
    assert "asks for a case or tip number" in str(program.post("/api/v1/searches/", said).json())
    answer = signed_in.post("/batches/", {"purpose": "tip"})
    assert "asks for a case or tip number" in answer.content.decode()
    assert not Search.objects.exists()
    assert not Batch.objects.exists()
    assert "asks for" not in search(signed_in, reference="T-12")
    assert Search.objects.get().reference == "T-12"


def test_another_collection_is_searched_without(any_model, six_cases, collection, signed_in):
    Collection.objects.create(name="Strict", needs_reference=True)
    assert "Strict asks for" in search(signed_in)
    assert "asks for" not in search(signed_in, collections=str(collection.pk))


@pytest.mark.parametrize(("days", "may"), [(-1, False), (0, True), (30, True), (None, True)])
def test_nobody_searches_whose_training_is_over(any_model, six_cases, signed_in, user, days, may):
    if days is not None:
        Training.objects.create(user=user, good_until=timezone.localdate() + timedelta(days=days))
    page = search(signed_in)
    assert ("Your training counted until" in page) != may
    assert Search.objects.exists() == may


@pytest.fixture
def searcher(any_model, make_case):
    """Somebody with a search, a batch, a case and a walk under way."""
    kim = person("lee", "Investigator")
    case = make_case("MP1", faces.person(1))
    found = pictures.search_image(faces.person(1), "x.jpg", user=kim, purpose="the bus")
    begun = batches.begin(user=kim, purpose="the bus")
    batches.add(begun, SimpleUploadedFile("x.jpg", faces.person(2)), "x.jpg", kim)
    client = Client()
    client.force_login(kim)
    client.post("/walk/", {"purpose": "x", "place": "Harbour", "minutes": 5})
    return kim, client, case, found, begun


def every_way(kim, client, case, found, begun):
    """Each way to compare a face, as pages and as a program, with what it asks for."""
    program = Client(headers={"authorization": f"Token {api_token(kim)}"})

    def upload() -> SimpleUploadedFile:
        return SimpleUploadedFile("x.jpg", faces.person(1), "image/jpeg")

    probe, number = found.probes.get(), str(found.pk)
    box = {"left": 0, "top": 0, "right": 1, "bottom": 1}
    adjusted, as_json = {"turn": 90, "light": 1, **box}, {"content_type": "application/json"}
    frame = {"id": str(uuid.uuid4()), "image": upload()}
    return {
        "a search": client.post("/search/", {"image": upload(), "purpose": "x"}, follow=True),
        "search again": client.post(f"/search/{number}/again/", follow=True),
        "adjusting": client.post(f"/search/{number}/adjust/", adjusted, follow=True),
        "a face by hand": client.post(f"/search/{number}/faces/", box, follow=True),
        "a second opinion": client.post(f"/search/{number}/second/", follow=True),
        "keeping open": client.post(f"/search/{number}/keep-open/", follow=True),
        "looking back at a face": client.get(f"/probes/{probe.pk}/seen/", follow=True),
        "looking back at a case": client.get(f"/cases/{case.pk}/seen/?purpose=x"),
        "a batch": client.post("/batches/", {"purpose": "x"}),
        "starting a batch": client.post(f"/batches/{begun.pk}/start/"),
        "a walk": client.post("/walk/", {"purpose": "x", "place": "Harbour", "minutes": 5}, follow=True),
        "a walk's frame": client.post("/walk/frame/", frame),
        "a search by a program": program.post("/api/v1/searches/", {"image": upload(), "purpose": "x"}),
        "adjusting by a program": program.post(f"/api/v1/searches/{number}/adjust/", adjusted, **as_json),
        "a second opinion by a program": program.post(f"/api/v1/searches/{number}/second/"),
        "keeping open by a program": program.post("/api/v1/standing/", {"search": number}, **as_json),
        "a batch by a program": program.post("/api/v1/batches/", {"purpose": "x"}, **as_json),
        "starting a batch by a program": program.post(f"/api/v1/batches/{begun.pk}/start/", **as_json),
        "looking back at a face by a program": program.get(f"/api/v1/probes/{probe.pk}/seen/"),
        "looking back at a case by a program": program.get(f"/api/v1/cases/{case.pk}/seen/?purpose=x"),
    }


def test_with_training_over_there_is_no_way_to_search(searcher):
    kim, *_ = searcher
    Training.objects.create(user=kim, good_until=timezone.localdate() - timedelta(days=1))
    for way, answer in every_way(*searcher).items():
        assert "Your training counted until" in answer.content.decode(), way
        assert answer.status_code < 500, way
    assert (Search.objects.count(), Batch.objects.count()) == (2, 1)
    assert Batch.objects.get().status == Batch.Status.COLLECTING
    assert not StandingSearch.objects.exists()
    assert not Capture.objects.exists()


def test_with_training_that_counts_each_way_is_open(searcher):
    kim, *_ = searcher
    Training.objects.create(user=kim, good_until=timezone.localdate())
    for way, answer in every_way(*searcher).items():
        assert "training" not in answer.content.decode(), way
    assert StandingSearch.objects.exists()
    assert Capture.objects.exists()


def test_where_a_collection_asks_for_a_number_no_way_goes_without(searcher, collection):
    """None of the searches that stand has one."""
    Collection.objects.update(needs_reference=True)
    for way, answer in every_way(*searcher).items():
        if way != "a walk's frame":
            assert "asks for a case or tip number" in answer.content.decode(), way


def test_looking_back_at_a_case_asks_what_for_and_is_no_viewers(searcher, make_case):
    kim, client, case, *_ = searcher
    page = client.get(f"/cases/{case.pk}/seen/").content.decode()
    assert 'name="purpose"' in page
    assert "Say what the search is for" in client.get(f"/cases/{case.pk}/seen/?purpose=").content.decode()
    program = Client(headers={"authorization": f"Token {api_token(kim)}"})
    assert list(program.get(f"/api/v1/cases/{case.pk}/seen/").json()) == ["purpose"]
    reader = Client(headers={"authorization": f"Token {api_token(kim, 'read')}"})
    viewer = Client()
    viewer.force_login(person("vic", "Viewer"))
    for other, path in ((reader, "/api/v1/cases/{}/seen/?purpose=x"), (viewer, "/cases/{}/seen/?purpose=x")):
        assert other.get(path.format(case.pk)).status_code == 403
    assert "Seen before?" not in viewer.get(case.get_absolute_url()).content.decode()
    assert not AuditEvent.objects.filter(action="looked back").exists()
    client.get(f"/cases/{case.pk}/seen/?purpose=the bus&reference=T-12")
    assert AuditEvent.objects.get(action="looked back").why == "T-12: the bus"


def test_a_standing_search_whose_owner_may_search_no_more_is_closed_told_and_holds_nobody_up(
    any_model, make_case, user, signed_in
):
    gone = person("gone", "Investigator")
    for owner in (gone, user):
        search = pictures.search_image(faces.person(3), "bus.jpg", user=owner, purpose="the bus")
        standing.keep_open(search, owner)
    Subscription.objects.create(user=gone, address="json://127.0.0.1:9/")
    Training.objects.create(user=gone, good_until=timezone.localdate() - timedelta(days=1))
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    closed, open_ = StandingSearch.objects.get(user=gone), StandingSearch.objects.get(user=user)
    assert "training counted until" in closed.closed_reason
    assert open_.closed_at is None
    assert "1 new likeness" in signed_in.get("/standing/notice/").content.decode()
    title, body, _ = messages.of(Delivery.objects.get())
    assert (title, "the bus" in body, "training" in body) == ("Sightline: a standing search was closed", True, True)
    theirs = Client()
    theirs.force_login(gone)
    assert "You no longer watch for" in theirs.get("/standing/notice/").content.decode()
    assert "Ended in the last month" in theirs.get("/standing/").content.decode()
    assert "You no longer watch for" not in theirs.get("/standing/notice/").content.decode(), "seen once"
    newcomers.close_lapsed()
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("how", ["switched off", "without a role", "without its team"])
def test_a_standing_search_ends_with_what_its_owner_was(any_model, make_case, collection, how):
    from cases.models import Team

    owner = person("lee", "Investigator")
    team = Team.objects.create(name="Ours")
    team.members.add(owner)
    collection.teams.add(team)
    search = pictures.search_image(faces.person(3), "bus.jpg", user=owner, purpose="the bus")
    standing.keep_open(search, owner)
    newcomers.close_lapsed()
    assert StandingSearch.objects.get().closed_at is None
    if how == "switched off":
        type(owner).objects.update(is_active=False)
    elif how == "without a role":
        owner.groups.clear()
    else:
        team.members.clear()
    newcomers.close_lapsed()
    assert StandingSearch.objects.get().closed_at is not None


def test_a_walk_ends_with_its_officers_role(searcher):
    kim, client, *_ = searcher
    assert Camera.objects.get().walk_until is not None
    kim.groups.clear()
    frame = {"id": str(uuid.uuid4()), "image": SimpleUploadedFile("x.jpg", faces.person(1))}
    assert client.post("/walk/frame/", frame).status_code == 403


def test_a_notice_is_accepted_once_a_session_and_the_trail_says_so(user, signed_in):
    Notice.objects.create(text="A lead, no identification.")
    page = signed_in.get("/cases/?q=x").content.decode()
    assert "A lead, no identification." in page
    assert 'value="/cases/?q=x"' in page
    assert signed_in.post("/search/", {"purpose": "x"}).status_code == 403
    assert signed_in.post("/notice/", {"next": "/cases/?q=x"}).url == "/cases/?q=x"
    assert "A lead" not in signed_in.get("/cases/").content.decode()
    assert AuditEvent.objects.filter(action="accepted notice", username="kim").count() == 1
    again = Client()
    again.force_login(user)
    assert "A lead, no identification." in again.get("/cases/").content.decode()
    Notice.objects.update(is_active=False)
    other = Client()
    other.force_login(user)
    assert "A lead" not in other.get("/cases/").content.decode()
