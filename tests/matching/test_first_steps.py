"""The first minutes: what somebody who has just begun is offered, until it is done."""

import pytest

from cases.models import Case, Collection
from matching import demo
from matching.models import Camera, Search, Subscription
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

DEMO, SAMPLE = "Play the demo camera", "Search the sample photo"


def empty_page(client) -> str:
    return client.get("/alerts/").content.decode()


def test_the_empty_page_plays_the_demo_and_searches_the_sample_photo(any_model, as_admin):
    assert DEMO not in empty_page(as_admin)
    demo.load()
    assert DEMO in empty_page(as_admin)
    assert SAMPLE in as_admin.get("/search/").content.decode()
    answer = as_admin.post("/search/sample/")
    search = Search.objects.get()
    assert answer["Location"] == search.get_absolute_url()
    met = {probe.candidates.first().case.number for probe in search.probes.all() if probe.candidates.exists()}
    assert {f"DEMO-{number}" for number in range(1, 7)} <= met
    assert SAMPLE not in as_admin.get("/search/").content.decode()


def test_without_a_face_model_the_sample_says_so(db, as_admin):
    answer = as_admin.post("/search/sample/", follow=True)
    assert "No face model is ready" in answer.content.decode()


def test_each_step_is_shown_until_all_are_done(any_model, as_admin, admin):
    demo.load()
    demo.camera_token()
    assert empty_page(as_admin).count("status confirmed") == 0
    case = Case.objects.create(collection=Collection.objects.create(name="Ours"), number="A1", name="Somebody")
    assert empty_page(as_admin).count("status confirmed") == 2
    Camera.objects.create(name="Gate", token_hash="x")
    Subscription.objects.create(user=admin, name="mail", address="mailtos://x")
    assert 'id="steps"' in empty_page(as_admin)
    person("second", "Reviewer")
    assert 'id="steps"' not in empty_page(as_admin)
    assert case.pk


def test_a_viewer_is_offered_what_a_viewer_may(any_model, client):
    demo.load()
    client.force_login(person("viewer", "Viewer"))
    page = empty_page(client)
    assert DEMO not in page
    assert SAMPLE not in page
    assert "Invite a second person" not in page


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1:8000", "http://localhost:8000/account/"), ("[::1]:8000", "http://localhost:8000/account/"),
        ("192.0.2.7", "Ask your administrator"),
    ],
)  # fmt: skip
def test_under_a_number_the_account_says_under_which_name_passkeys_work(signed_in, settings, host, words):
    settings.ALLOWED_HOSTS = ["*"]
    page = signed_in.get("/account/", headers={"host": host}).content.decode()
    assert "keep passkeys for a name" in page
    assert words in page
    assert "keep passkeys" not in signed_in.get("/account/", headers={"host": "sightline.example"}).content.decode()
