"""What somebody must be and say before they search, and what they accept when they sign in."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent, Collection, Notice, Training
from matching.models import Batch, Search
from tests import faces
from tests.people import api_token

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
