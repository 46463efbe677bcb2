"""A likeness is worded once, when it was found: pages, sheets, tables, messages and the API say what was shown then."""

import uuid

import cv2
import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from matching.faces import images
from matching.gallery import calibration, strengths
from matching.models import Alert, Candidate, Delivery, Subscription
from matching.searching import a4, batch_results, batches, pictures, sheets, standing
from matching.telling import messages
from matching.watching import captures, newcomers
from tests import faces
from tests.people import api_token

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other_curves(monkeypatch):
    """From here on the curves would say something else."""

    def later() -> None:
        monkeypatch.setattr(calibration, "strength", lambda *a, **k: calibration.Strength("weak", "Said anew."))

    return later


def test_a_candidates_is_what_was_shown_everywhere_and_for_ever(any_model, six_cases, user, signed_in, other_curves):
    search = pictures.search_image(faces.person(2), "x.jpg", user=user, purpose="tip")
    kept = strengths.of(search.probes.get().candidates.first())
    assert kept.word == "strong"
    page = signed_in.get(search.get_absolute_url()).content.decode()
    assert escape(kept.why) in page
    other_curves()
    program = Client(headers={"authorization": f"Token {api_token(user)}"})
    said = program.get(f"/api/v1/searches/{search.pk}/").json()["probes"][0]["candidates"][0]
    assert (said["strength"], said["strength_note"]) == (kept.word, kept.why)
    words: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("cell", "multi_cell"):
            patch.setattr(a4.Sheet, name, lambda self, *a, **k: words.append(str(a) + str(k)))
        sheets.candidate_list(search, user, "1")
    for shown in (signed_in.get(search.get_absolute_url()).content.decode(), "".join(words)):
        assert "strong" in shown
        assert "Said anew" not in shown


def test_an_alerts_is_what_was_told(any_model, six_cases, camera, user, signed_in, other_curves):
    Subscription.objects.create(user=user, address="json://127.0.0.1:9/")
    capture = captures.receive_capture(camera, faces.person(2), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_capture(capture.pk)
    alert = Alert.objects.get()
    kept = strengths.of(alert)
    assert kept.word == "strong"
    other_curves()
    program = Client(headers={"authorization": f"Token {api_token(user)}"})
    said = program.get(f"/api/v1/alerts/{alert.pk}/").json()
    assert (said["strength"], said["strength_note"]) == (kept.word, kept.why)
    _, body, _ = messages.of(Delivery.objects.get())
    assert kept.why in body
    assert escape(kept.why) in signed_in.get(alert.get_absolute_url()).content.decode()


def test_a_batchs_and_a_standing_searchs_are_kept_as_well(any_model, make_case, user, other_curves):
    from django.core.files.uploadedfile import SimpleUploadedFile

    make_case("MP1", faces.person(1))
    batch = batches.begin(user=user, purpose="the bus")
    batches.add(batch, SimpleUploadedFile("1.jpg", faces.person(1)), "1.jpg", user)
    batches.start(batch)
    batches.run(batch)
    standing.keep_open(pictures.search_image(faces.person(3), "x.jpg", user=user, purpose="tip"), user)
    make_case("MP3", faces.person(3))
    newcomers.look_back()
    found = Candidate.objects.get(found_at__isnull=False)
    assert (found.strength, "among 2 cases" in found.strength_why) == ("strong", True)
    other_curves()
    batch.refresh_from_db()
    assert "strong" in [cell for row in batch_results.rows(batch, user) for cell in row]
    assert batch_results.people(list(batch_results.probes(batch, user, "alike")), {})[0].strength.word == "strong"


def test_what_was_found_before_words_were_kept_is_worded_as_it_was_shown(any_model, six_cases, camera, user):
    search = pictures.search_image(faces.person(2), "x.jpg", user=user, purpose="tip")
    capture = captures.receive_capture(camera, faces.person(2), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_capture(capture.pk)
    before = list(Candidate.objects.order_by("pk").values_list("strength", "strength_why"))
    alert = strengths.of(Alert.objects.get())
    Candidate.objects.update(strength="", strength_why="")
    Alert.objects.update(strength="", strength_why="")
    strengths.write_missing()
    assert list(Candidate.objects.order_by("pk").values_list("strength", "strength_why")) == before
    assert strengths.of(Alert.objects.get()) == alert
    assert search.probes.get().candidates.first().strength == "strong"


def test_two_faces_of_one_picture_are_not_one_person(any_model, make_case, user):
    make_case("MP1", faces.person(2))
    make_case("MP2", faces.person(4))
    one = images.open_image(faces.person(2)).rgb
    worse = np.asarray(cv2.GaussianBlur(one, (0, 0), 1.2))
    both = images.to_jpeg(np.concatenate([worse, one], axis=1), quality=95)
    search = pictures.search_image(both, "twice.jpg", user=user, purpose="tip")
    found = Candidate.objects.filter(probe__search=search, case__number="MP1")
    right, left = sorted(found, key=lambda one: one.worth, reverse=True)
    assert right.strength == "strong"
    assert left.strength == "weak"
    assert left.strength_why.startswith("Another face of this picture is more like this case")
