"""The interface for people's own programs: tokens, searches, alerts, cameras, and docs that work offline."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cases.models import AuditEvent, Case
from tests import faces
from tests.people import api_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api(admin):
    return Client(headers={"authorization": f"Token {api_token(admin)}"})


def upload(content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile("tip.jpg", faces.person(3) if content is None else content)


def test_it_works(any_model, six_cases, api):
    answer = api.post("/api/v1/searches/", {"image": upload(), "purpose": "tip 12"})
    assert answer.status_code == 201
    best = answer.json()["probes"][0]["candidates"][0]
    assert best["case_number"] == "MP3"
    assert best["strength"] == "strong"
    again = api.get(f"/api/v1/searches/{answer.json()['id']}/").json()
    assert again["probes"] == answer.json()["probes"]
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["viewed", "searched"]


def test_a_face_too_poor_and_a_face_nobody_confirmed_are_said_to_be_so(any_model, six_cases, make_case, api):
    make_case("MP9", faces.two())
    answer = api.post("/api/v1/searches/", {"image": upload(faces.person(4)), "purpose": "tip 12"}).json()
    confirmed = {c["case_number"]: c["face_confirmed"] for c in answer["probes"][0]["candidates"]}
    assert (confirmed["MP4"], confirmed["MP9"]) == (True, False)
    assert answer["probes"][0]["too_poor"] is False
    if any_model.poor_limit is not None:
        far = upload(faces.made_poor(faces.person(4)))
        answer = api.post("/api/v1/searches/", {"image": far, "purpose": "tip 12"}).json()
        assert answer["probes"][0]["too_poor"] is True


def test_a_token_is_given_for_a_name_and_password(user):
    answer = Client().post("/api/v1/token/", {"username": "kim", "password": "a-long-password"})
    assert (
        Client(headers={"authorization": f"Token {answer.json()['token']}"}).get("/api/v1/alerts/").status_code == 200
    )


def test_a_bad_picture_and_a_missing_purpose_are_named(any_model, api):
    answer = api.post("/api/v1/searches/", {"image": upload(b"nothing"), "purpose": "x"})
    assert (answer.status_code, "not an image" in str(answer.json()["image"])) == (400, True)
    assert "purpose" in api.post("/api/v1/searches/", {"image": upload()}).json()


def test_a_case_is_made_given_a_photo_closed_and_reopened(any_model, collection, api):
    case = api.post("/api/v1/cases/", {"collection": collection.pk, "number": "MP7", "name": "A"}).json()
    photo = api.post("/api/v1/photos/", {"case": case["id"], "image": upload()})
    assert photo.status_code == 201
    assert api.get(f"/api/v1/photos/{photo.json()['id']}/").json()["status"] == "indexed"
    assert api.post("/api/v1/photos/", {"case": case["id"], "image": upload()}).status_code == 400
    assert api.post(f"/api/v1/cases/{case['id']}/close/").status_code == 400
    closed = api.post(f"/api/v1/cases/{case['id']}/close/", {"reason": "found"}, content_type="application/json")
    assert closed.json()["status"] == "closed"
    assert api.post(f"/api/v1/cases/{case['id']}/reopen/").json()["status"] == "open"


def test_the_same_number_twice_is_refused(collection, api, make_case):
    make_case("MP1")
    answer = api.post("/api/v1/cases/", {"collection": collection.pk, "number": "MP1"})
    assert answer.status_code == 400
    assert Case.objects.count() == 1


def test_a_camera_is_made_with_a_token_shown_once(api):
    made = api.post("/api/v1/cameras/", {"name": "Gate 9"}).json()
    assert made["token"].startswith("cam_")
    assert "token" not in api.get(f"/api/v1/cameras/{made['id']}/").json()
    assert api.post(f"/api/v1/cameras/{made['id']}/revoke/").json()["revoked_at"]


def test_who_may_not_change_cases_cannot(collection, signed_in):
    assert signed_in.post("/api/v1/cases/", {"collection": collection.pk, "number": "X"}).status_code == 403
    assert signed_in.get("/api/v1/cases/").status_code == 200


def test_the_docs_page_asks_no_other_host(signed_in):
    page = signed_in.get("/api/docs/").content.decode()
    assert not re.findall(r'(?:src|href)="(https?:)?//', page)
    schema = signed_in.get("/api/schema/").content.decode()
    for path in ("captures", "cases", "photos", "searches", "alerts", "cameras"):
        assert f"/api/v1/{path}/" in schema


def test_a_search_is_narrowed_by_the_same_filters_as_on_the_page(any_model, six_cases, api):
    Case.objects.filter(pk=six_cases[3].pk).update(sex="male")
    sent = {"image": upload(), "purpose": "tip 12", "sex": "female", "region": "Oregon"}
    answer = api.post("/api/v1/searches/", sent)
    assert answer.json()["gallery_size"] == 5
    assert answer.json()["filters"] == {"sex": "female", "region": "Oregon"}
    numbers = [candidate["case_number"] for candidate in answer.json()["probes"][0]["candidates"]]
    assert "MP3" not in numbers
    refused = api.post("/api/v1/searches/", {**sent, "image": upload(), "age_now_from": "old"})
    assert refused.status_code == 400
    assert refused.json() == {"age_now_from": ["Enter a whole number."]}


def test_while_redis_is_away_nobody_is_turned_away_for_asking_too_often(no_redis, signed_in, user):
    assert signed_in.get("/api/v1/alerts/").status_code == 200
    assert Client().post("/api/v1/pair/", {"code": "ABCD"}, "application/json").status_code == 400
