"""Two people decide: a possible match is a proposal, a second one confirms it blind, nobody's word is overwritten."""

import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cases.models import AuditEvent
from matching.models import Agreement, Alert, Candidate, agreement
from matching.searching import deciding, pictures
from matching.searching.workbench import workbench
from matching.telling import notifying
from matching.watching import captures
from tests import faces
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("said", "needed", "comes_to"),
    [
        ([], 2, Agreement.OPEN),
        ([("a", True)], 1, Agreement.AGREED),
        ([("a", True)], 2, Agreement.PROPOSED),
        ([("a", True), ("a", True)], 2, Agreement.PROPOSED),
        ([("a", True), ("b", True)], 2, Agreement.AGREED),
        ([("a", True), ("b", False)], 1, Agreement.DISPUTED),
        ([("a", True), ("b", False), ("c", True)], 2, Agreement.AGREED),
        ([("a", True), ("b", False), ("c", False)], 2, Agreement.AGAINST),
        ([("a", True), ("b", False), ("a", False)], 2, Agreement.AGAINST),
        ([("a", True), ("b", False), ("b", None)], 2, Agreement.PROPOSED),
        ([("a", False), ("a", None)], 2, Agreement.OPEN),
        ([("a", True), ("b", False), ("c", True), ("d", False)], 2, Agreement.DISPUTED),
    ],
)
def test_what_several_words_come_to(said, needed, comes_to):
    assert agreement(said, needed) is comes_to


@pytest.fixture
def pair(collection):
    collection.reviewers = 2
    collection.save()


@pytest.fixture
def lee(db) -> User:
    return person("lee", "Reviewer")


@pytest.fixture
def as_lee(lee) -> Client:
    client = Client()
    client.force_login(lee)
    return client


@pytest.fixture
def candidate(any_model, pair, six_cases, user) -> Candidate:
    search = pictures.search_image(faces.person(3), "bus.jpg", user=user, purpose="the bus", reference="T-4711")
    return search.probes.get().candidates.get(rank=1)


def say(client: Client, candidate: Candidate, word: str, note: str = "") -> str:
    answer = client.post(f"/candidates/{candidate.pk}/decide/", {"decision": word, "note": note})
    assert answer.status_code == 200
    candidate.refresh_from_db()
    return answer.content.decode()


def listed(client: Client, which: str) -> bool:
    return "Person MP3" in client.get(f"/leads/?list={which}").content.decode()


def test_a_possible_match_is_a_proposal_until_a_second_person_says_so_without_the_first_ones_note(
    candidate, signed_in, as_lee, user
):
    mine = say(signed_in, candidate, "possible", "the ear")
    assert candidate.decision == "possible"
    assert "the ear" in mine
    assert listed(signed_in, "proposed")
    assert not listed(signed_in, "waiting")
    seen = as_lee.get(candidate.get_absolute_url()).content.decode()
    assert "Kim" in seen or "kim" in seen
    assert "the ear" not in seen
    assert listed(as_lee, "waiting")
    assert "the ear" in say(as_lee, candidate, "possible", "the chin")
    assert candidate.decision == "confirmed"
    assert listed(as_lee, "confirmed")
    assert not listed(as_lee, "waiting")
    assert "Confirmed lead" in signed_in.get(f"/cases/{candidate.case_id}/leads/").content.decode()
    assert [o.note for o in candidate.opinions.all()] == ["the ear", "the chin"]


def test_saying_it_twice_is_one_word(candidate, signed_in):
    say(signed_in, candidate, "possible")
    say(signed_in, candidate, "possible")
    assert candidate.decision == "possible"


def test_a_disagreement_is_shown_to_both_and_settled_by_a_third_or_by_a_change_of_mind(
    candidate, signed_in, as_lee, as_admin
):
    say(signed_in, candidate, "possible", "the ear")
    assert "You disagree" in say(as_lee, candidate, "rejected", "taller")
    assert candidate.decision == "disputed"
    both = signed_in.get(candidate.get_absolute_url()).content.decode()
    assert "taller" in both
    assert listed(as_admin, "disputed")
    say(as_admin, candidate, "rejected", "another ear")
    assert candidate.decision == "rejected"
    say(as_admin, candidate, "")
    assert candidate.decision == "disputed"
    say(as_lee, candidate, "")
    assert candidate.decision == "possible"
    assert 'value="taller"' in as_lee.get(candidate.get_absolute_url()).content.decode()
    say(as_lee, candidate, "possible")
    assert candidate.decision == "confirmed"
    assert candidate.opinions.count() == 6


def test_one_person_is_enough_where_the_collection_says_so(candidate, collection, signed_in):
    collection.reviewers = 1
    collection.save()
    say(signed_in, candidate, "possible")
    assert candidate.decision == "confirmed"


def test_not_this_person_is_remembered_for_the_same_face_and_revocable(candidate, six_cases, user):
    deciding.say(candidate, "rejected", user, "older")
    again = pictures.search_image(faces.person(3), "again.jpg", user=user, purpose="the bus again")
    bench = workbench(again, again.user)
    found = again.probes.get().candidates.get(case=candidate.case)
    assert found.remembered == candidate
    assert found in [one.candidate for one in bench.weaker]
    assert bench.shown.candidate != found
    deciding.say(candidate, "", user)
    assert workbench(again, again.user).shown.candidate == found


def test_another_face_remembers_nothing(candidate, user):
    deciding.say(candidate, "rejected", user)
    other = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="x")
    assert not Candidate.objects.filter(probe__search=other, remembered__isnull=False).exists()


@pytest.fixture
def alert(any_model, pair, six_cases, camera) -> Alert:
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4())
    return Alert.objects.get()


def test_an_alert_takes_two_people_as_well_and_hides_the_first_ones_note(alert, signed_in, as_lee):
    signed_in.post(f"/alerts/{alert.pk}/review/", {"status": "confirmed", "note": "the scar"})
    alert.refresh_from_db()
    assert alert.status == "proposed"
    for page in ("/alerts/?status=proposed", f"/alerts/{alert.pk}/"):
        shown = as_lee.get(page).content.decode()
        assert "Person MP1" in shown
        assert "the scar" not in shown
    as_lee.post(f"/alerts/{alert.pk}/review/", {"status": "dismissed", "note": "a poster"})
    alert.refresh_from_db()
    assert alert.status == "disputed"
    assert "the scar" in as_lee.get(f"/alerts/{alert.pk}/").content.decode()
    as_lee.post(f"/alerts/{alert.pk}/review/", {"status": "new"})
    as_lee.post(f"/alerts/{alert.pk}/review/", {"status": "confirmed"})
    alert.refresh_from_db()
    assert alert.status == "confirmed"


def test_a_dismissed_look_alike_that_comes_again_is_folded_into_the_dismissal_until_that_is_revoked(
    alert, camera, user, lee
):
    from datetime import timedelta

    from django.utils import timezone

    notifying.review(alert, "dismissed", "the guard", user)
    later = timezone.now() - timedelta(hours=3)
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=later)
    folded = Alert.objects.get()
    assert (folded.status, folded.folded_count, folded.capture_count) == ("dismissed", 1, 2)
    notifying.review(folded, "new", "", user)
    captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=later - timedelta(hours=3))
    assert Alert.objects.count() == 2


def test_another_camera_knows_nothing_of_a_dismissal(alert, user):
    from matching.models import Camera

    notifying.review(alert, "dismissed", "", user)
    other = Camera(name="Gate 4")
    other.issue_token()
    captures.receive_capture(other, faces.person(1), uid=uuid.uuid4())
    assert Alert.objects.filter(status="new").get().camera == other


def test_a_confirmed_lead_is_printed_with_all_that_it_rests_on(candidate, signed_in, as_lee):
    sheet = f"/leads/{candidate.pk}/sheet.pdf"
    assert signed_in.get(sheet).status_code == 404
    say(signed_in, candidate, "possible", "the ear مرحبا Łódź")
    say(as_lee, candidate, "possible")
    answer = signed_in.get(sheet)
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.count(b"/Subtype /Image") >= 1
    assert AuditEvent.objects.filter(action="printed lead", target_id=str(candidate.case_id)).exists()
    # A case photo that is gone leaves its place empty.
    candidate.face.photo.delete()
    assert signed_in.get(sheet).status_code == 200


def test_the_candidates_of_a_search_are_printed(candidate, signed_in):
    answer = signed_in.get(f"/search/{candidate.probe.search_id}/candidates.pdf")
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.count(b"/Subtype /Image") >= 6
