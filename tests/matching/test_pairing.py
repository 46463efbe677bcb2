"""A camera is let in: by a one-time code, by a token that changes with time, and by nothing else."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent
from matching.models import Camera
from matching.watching import tokens

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_has_tried_yet():
    cache.clear()


def pair(code: object):
    return Client().post("/api/v1/pair/", {"code": code}, content_type="application/json")


def report(token: str):
    body = {"sent_at": timezone.now().isoformat(), "version": "0.6.0", "queue": 0, "runs": {}}
    client = Client(headers={"authorization": f"Bearer {token}"})
    return client.post("/api/v1/heartbeats/", body, content_type="application/json")


def test_it_works(camera, as_admin):
    page = as_admin.post(f"/cameras/{camera.pk}/pair/").content.decode()
    code = page.split('class="token">')[1].split("<")[0]
    assert "<svg" in page
    answer = pair(code.lower().replace("-", " "))
    assert answer.status_code == 201
    assert answer.json()["camera"] == camera.name
    assert report(answer.json()["token"]).status_code == 200
    assert report(camera.token).status_code == 401, "the token that it had has ended"
    assert pair(code).status_code == 400, "a code works once"
    assert AuditEvent.objects.filter(action="gave pairing code").exists()
    assert code not in str(list(AuditEvent.objects.values()))


def test_a_code_runs_out(camera):
    code = tokens.begin_pairing(camera)
    Camera.objects.update(pairing_until=timezone.now() - timedelta(seconds=1))
    answer = pair(code)
    assert answer.status_code == 400
    assert "has run out" in answer.content.decode()
    assert report(camera.token).status_code == 200


@pytest.mark.parametrize("code", ["", "AAAA-AAAA", "x" * 41, 7, None, ["a"]])
def test_what_is_no_code_lets_nobody_in(camera, code):
    answer = pair(code)
    assert answer.status_code == 400
    assert "code" in answer.json()


def test_codes_are_not_to_be_guessed(camera):
    assert [pair("AAAA-AAAA").status_code for _ in range(21)][-1] == 429


def test_over_the_api(camera, as_admin, signed_in):
    answer = as_admin.post(f"/api/v1/cameras/{camera.pk}/pair/")
    assert answer.status_code == 201
    assert pair(answer.json()["code"]).status_code == 201
    assert signed_in.post(f"/api/v1/cameras/{camera.pk}/pair/").status_code == 403
    assert signed_in.post(f"/cameras/{camera.pk}/pair/").status_code == 403


def test_a_token_is_changed_and_an_answer_that_is_lost_locks_nobody_out(camera):
    client = Client(headers={"authorization": f"Bearer {camera.token}"})
    lost = client.post("/api/v1/rotate/").json()["token"]
    fresh = client.post("/api/v1/rotate/").json()["token"]
    assert report(lost).status_code == 401, "it was replaced before it was used"
    assert report(camera.token).status_code == 200, "until the new one is used"
    assert report(fresh).status_code == 200
    refused = report(camera.token)
    assert refused.status_code == 401
    assert "Ask for a new one" in refused.content.decode()


def test_an_old_token_is_asked_to_be_changed(camera, settings):
    assert report(camera.token).json()["rotate"] is False
    Camera.objects.update(token_at=timezone.now() - timedelta(days=settings.TOKEN_DAYS + 1))
    assert report(camera.token).json()["rotate"] is True


def test_a_revoked_camera_can_do_neither(camera):
    camera.revoke()
    assert report(camera.token).status_code == 401
    assert Client(headers={"authorization": f"Bearer {camera.token}"}).post("/api/v1/rotate/").status_code == 401
