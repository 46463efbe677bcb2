"""What happened to a case: all of it, in order, as one reader may see it."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent, Case, CaseNote, CaseTask, Team
from matching import timeline
from matching.models import Alert, Candidate, Search
from matching.searching import deciding, pictures
from matching.telling import notifying
from matching.watching import captures
from tests import faces, people


@pytest.fixture
def case(any_model, make_case) -> Case:
    return make_case("MP1", faces.person(1))


@pytest.fixture
def sighting(case, camera) -> Alert:
    capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_capture(capture.pk)
    return Alert.objects.get()


def told(case: Case, reader, kind: str = "") -> list[str]:
    return [one.what for one in timeline.of(case, reader, kind)]


def test_everything_that_happened_is_told_the_latest_first(case, sighting, user, as_admin, signed_in):
    as_admin.post(f"/cases/{case.pk}/edit/", {"collection": case.collection_id, "number": "MP1", "name": "Ann"})
    search = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="tip 7")
    candidate = search.probes.get().candidates.get()
    deciding.say(candidate, "possible", user, "same scar")
    notifying.review(sighting, "confirmed", "spoke to her", user)
    CaseNote.objects.create(case=case, user=user, text="Aunt called")
    CaseTask.objects.create(case=case, text="Ask the school", made_by=user)
    signed_in.get(f"/cases/{case.pk}/faces.an2")
    as_admin.post(f"/cases/{case.pk}/close/", {"outcome": "safe"})
    happened = timeline.of(case, user)
    assert [one.what for one in happened] == [
        "Case closed", "Taken along", "Task", "Note", "Confirmed sighting, Gate 3", "Possible match",
        "Candidate of a search", "Case changed", "Seen by Gate 3", "Photo added",
    ]  # fmt: skip
    words = " ".join(f"{one.who} {one.words}" for one in happened)
    for said in ("Located safe", "same scar", "spoke to her", "tip 7", "Aunt called", "MP1.jpg"):
        assert said in words
    assert told(case, user, "desk") == ["Task", "Note"]
    assert told(case, user, "taken") == ["Taken along"]
    page = signed_in.get(f"/cases/{case.pk}/timeline/").content.decode()
    assert page.index("Case closed") < page.index("Photo added")
    # Who looked is not of the time line.
    assert AuditEvent.objects.filter(action="viewed").count() == 0 or "viewed" not in page


def test_pages_follow_each_other_without_a_gap(case, user, signed_in):
    start = timezone.now()
    for number in range(70):
        # Two at each moment, so that a page ends between them.
        CaseNote.objects.create(case=case, user=user, text=f"note {number}.", at=start + timedelta(seconds=number // 2))
    seen, before = [], None
    while page := timeline.of(case, user, "desk", before, 31):
        seen += [one.words for one in page]
        before = page[-1].at
    assert sorted(seen) == sorted(f"note {number}." for number in range(70))
    first = signed_in.get(f"/cases/{case.pk}/timeline/").content.decode()
    assert "Earlier" in first
    assert signed_in.get(f"/cases/{case.pk}/timeline/?before=nonsense&kind=nothing").status_code == 200


def test_photos_that_came_together_are_told_once_wherever_a_page_ends(case, user):
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    case.photos.all().delete()
    for second in range(6):
        photo = case.photos.create(sha256=f"{second}", uploaded_by=user)
        case.photos.filter(pk=photo.pk).update(created_at=noon + timedelta(seconds=10 * second))
    CaseNote.objects.create(case=case, user=user, text="between", at=noon + timedelta(seconds=25))
    first, second, *rest = timeline.of(case, user, most=1) + timeline.of(
        case, user, before=noon + timedelta(seconds=50)
    )
    assert (first.what, second.words, rest) == ("6 photos added", "between", [])


def test_anothers_note_is_not_told_before_ones_own_word(case, user, sighting, collection):
    collection.reviewers = 2
    collection.save()
    first, second = people.person("first", "Reviewer"), people.person("second", "Reviewer")
    search = pictures.search_image(faces.person(1), "x.jpg", user=first, purpose="tip")
    candidate = search.probes.get().candidates.get()
    deciding.say(candidate, "possible", first, "the scar")
    notifying.review(sighting, "confirmed", "the walk", first)

    def words(reader) -> str:
        return " ".join(one.words for one in timeline.of(case, reader))

    assert "the scar" in words(first)
    assert "the walk" in words(first)
    assert "the scar" not in words(second)
    assert "the walk" not in words(second)
    deciding.say(candidate, "possible", second, "")
    sighting.refresh_from_db()
    notifying.review(sighting, "confirmed", "", second)
    assert "the scar" in words(second)
    assert "the walk" in words(second)


def test_what_is_another_teams_is_not_told(case, user, make_case, sighting, camera):
    """The case is everybody's; the camera, the search and the linked case are not."""
    theirs = Team.objects.create(name="Theirs")
    member = people.person("member", "Investigator")
    theirs.members.add(member)
    camera.teams.add(theirs)
    pictures.search_image(faces.person(1), "x.jpg", user=member, purpose="secret tip")
    assert {"Seen by Gate 3", "Candidate of a search"} <= set(told(case, member))
    ours = people.person("ours", "Investigator")
    Team.objects.create(name="Ours").members.add(ours)
    assert told(case, ours) == ["Photo added"]


def test_a_viewer_is_told_of_no_search(case, user):
    pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="tip")
    assert "Candidate of a search" in told(case, user)
    assert told(case, people.person("viewer", "Viewer")) == ["Photo added"]


def test_a_case_found_many_times_in_one_search_is_told_once(case, user):
    search = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="tip")
    probe = search.probes.get()
    probe.pk = None
    probe.position = 1
    probe.save()
    Candidate.objects.create(probe=probe, case=case, rank=1, similarity=0.5, strength="fair")
    assert Search.objects.count() == 1
    assert told(case, user).count("Candidate of a search") == 1


def test_it_is_asked_in_few_queries_however_much_happened(case, user, django_assert_max_num_queries):
    for number in range(40):
        CaseNote.objects.create(case=case, user=user, text=f"note {number}")
    client = Client()
    client.force_login(user)
    client.get(f"/cases/{case.pk}/timeline/")
    with django_assert_max_num_queries(40):
        client.get(f"/cases/{case.pk}/timeline/")
