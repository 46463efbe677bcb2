"""All that the workbench does is done over HTTP too: leads, marks, adjusted pictures, standing searches, batches."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from matching.models import Batch, Candidate, Search
from matching.searching import deciding, pictures
from matching.watching import captures, newcomers
from tests import faces
from tests.people import api_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(user) -> Client:
    return Client(headers={"authorization": f"Token {api_token(user)}"})


@pytest.fixture
def search(any_model, six_cases, admin) -> Search:
    return pictures.search_image(faces.person(3), "bus.jpg", user=admin, purpose="the bus")


def post(api: Client, path: str, status: int, **data):
    answer = api.post(f"/api/v1/{path}", data, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def test_a_lead_is_decided_blind_and_marked(search, api, admin, collection):
    collection.reviewers = 2
    collection.save()
    candidate = Candidate.objects.get(rank=1)
    deciding.say(candidate, "possible", admin, "the ear")
    (waiting,) = api.get("/api/v1/leads/").json()["results"]
    assert (waiting["id"], waiting["decision"]) == (candidate.pk, "possible")
    assert [(o["user"], o["note"]) for o in waiting["opinions"]] == [("boss", "")]
    decided = post(api, f"leads/{candidate.pk}/decide/", 200, word="possible", note="the chin")
    assert decided["decision"] == "confirmed"
    assert [o["note"] for o in decided["opinions"]] == ["the ear", "the chin"]
    assert api.get("/api/v1/leads/?list=confirmed").json()["count"] == 1
    assert post(api, f"leads/{candidate.pk}/marks/", 201, x=0.5, y=0.25, text="mole")["user"] == "kim"
    assert api.get(f"/api/v1/leads/{candidate.pk}/").json()["marks"][0]["text"] == "mole"
    post(api, f"leads/{candidate.pk}/decide/", 400, word="perhaps")
    post(api, f"leads/{candidate.pk}/marks/", 400, x=2, y=0, text="x")


def test_a_picture_is_adjusted(search, api):
    new = post(api, f"searches/{search.pk}/adjust/", 201, light=1.4)
    assert new["adjusted_from"] == str(search.pk)
    assert new["adjustment"]["light"] == 1.4
    assert "Nothing was adjusted" in str(post(api, f"searches/{search.pk}/adjust/", 400))


def test_a_search_is_kept_open_and_closed(search, api, make_case):
    one = post(api, "standing/", 201, search=str(search.pk))
    make_case("MP9", faces.person(3))
    newcomers.look_back()
    assert api.get(f"/api/v1/standing/{one['id']}/").json()["fresh"] == 1
    post(api, f"standing/{one['id']}/close/", 400)
    post(api, f"standing/{one['id']}/close/", 204, reason="identified")
    assert api.get("/api/v1/standing/").json()["count"] == 0


def test_where_a_face_was_seen_is_told(search, camera, api):
    captures.receive_capture(camera, faces.person(3), uid=uuid.uuid4())
    probe = search.probes.get()
    seen = api.get(f"/api/v1/probes/{probe.pk}/seen/").json()
    assert (seen["faces"], seen["visits"][0]["camera"]) == (2, "Gate 3")
    case = Candidate.objects.filter(rank=1).first().case_id
    assert {v["camera"] for v in api.get(f"/api/v1/cases/{case}/seen/?purpose=x").json()["visits"]} >= {"Gate 3", None}


def test_a_batch_is_posted_polled_and_read(any_model, six_cases, api):
    batch = post(api, "batches/", 201, purpose="the phone")
    files = [SimpleUploadedFile("a.jpg", faces.person(3)), SimpleUploadedFile("empty.jpg", b"")]
    answer = api.post(f"/api/v1/batches/{batch['id']}/files/", {"files": files}).json()
    assert answer["files"] == 1
    assert "the file is empty" in answer["refused"][0]
    post(api, f"batches/{batch['id']}/start/", 200)
    done = api.get(f"/api/v1/batches/{batch['id']}/").json()
    assert (done["status"], done["done"], done["total"]) == ("done", 1, 1)
    (person,) = api.get(f"/api/v1/batches/{batch['id']}/persons/").json()
    nowhen = dict.fromkeys(["since", "until", "seen_from", "seen_until", "fetched_at", "posted_at"])
    assert person["places"] == [{"file": "a.jpg", "address": "", "found_on": "", **nowhen}]
    assert person["candidates"][0]["case_number"] == "MP3"
    post(api, f"batches/{batch['id']}/start/", 200)
    assert post(api, f"batches/{batch['id']}/pause/", 200)["status"] == "done"


def test_a_batch_without_purpose_or_files_is_refused_and_anothers_is_not_there(any_model, api, as_admin):
    assert "purpose" in post(api, "batches/", 400)
    batch = post(api, "batches/", 201, purpose="x")
    assert "Add at least one" in str(post(api, f"batches/{batch['id']}/start/", 400))
    other = as_admin.post("/batches/", {"purpose": "mine"}).json()
    assert api.get(f"/api/v1/batches/{other['page'].strip('/').split('/')[1]}/").status_code == 404
    assert Batch.objects.count() == 2


def test_the_schema_says_so(api):
    schema = api.get("/api/schema/").content.decode()
    for path in ("batches/{search}/start", "leads/{id}/decide", "standing/{id}/close", "probes/{id}/seen", "adjust"):
        assert path in schema
