"""Searches are kept and found again: mine, everybody's by permission, by purpose, number, case and outcome."""

import pytest
from django.contrib.auth.models import Permission

from matching.models import Candidate
from matching.searching import deciding, pictures
from tests import faces
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def searches(any_model, six_cases, user, collection):
    collection.reviewers = 2
    collection.save()
    other = person("lee", "Reviewer")
    made = {
        "bridge": pictures.search_image(
            faces.person(1), "a.jpg", user=user, purpose="man at the bridge", reference="T-77"
        ),
        "station": pictures.search_image(faces.person(2), "b.jpg", user=user, purpose="woman at the station"),
        "market": pictures.search_image(faces.person(3), "c.jpg", user=other, purpose="market"),
    }
    deciding.say(made["bridge"].probes.get().candidates.get(rank=1), "possible", user)
    deciding.say(made["station"].probes.get().candidates.get(rank=1), "rejected", user, "older")
    return made


def listed(client, query: str = "") -> set[str]:
    page = client.get(f"/search/history/{query}").content.decode()
    return {word for word in ("bridge", "station", "market") if word in page}


def test_it_works(searches, signed_in):
    page = signed_in.get("/search/history/").content.decode()
    assert "Person MP1" in page
    assert "Possible match" in page
    assert "T-77" in page


def test_everybodys_are_seen_by_permission_only(searches, signed_in, user):
    assert listed(signed_in) == {"bridge", "station"}
    assert "market" not in signed_in.get("/search/").content.decode()
    user.user_permissions.add(Permission.objects.get(codename="view_search"))
    assert listed(signed_in) == {"bridge", "station", "market"}
    assert listed(signed_in, "?whose=mine") == {"bridge", "station"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=bridge", {"bridge"}),
        ("?q=T-77", {"bridge"}),
        ("?outcome=possible", {"bridge"}),
        ("?outcome=rejected", {"station"}),
        ("?outcome=open", {"market"}),
        ("?outcome=no_face", set()),
        ("?case=MP1", {"bridge"}),
        ("?case=Person MP2", {"station"}),
        ("?since=2000-01-01", {"bridge", "station", "market"}),
        ("?until=2000-01-01", set()),
    ],
)
def test_it_is_narrowed(searches, as_admin, query, expected):
    assert listed(as_admin, query) == expected


def test_what_makes_no_sense_is_named(searches, as_admin):
    assert "Enter a valid date" in as_admin.get("/search/history/?since=soon").content.decode()


def test_none_yet_is_said(as_admin):
    assert "No search" in as_admin.get("/search/history/").content.decode()


def test_a_decision_keeps_who_when_and_the_note_and_undoing_keeps_the_note(searches, user):
    candidate = Candidate.objects.get(decision="rejected")
    said = candidate.opinions.get()
    assert (said.note, said.user, said.word) == ("older", user, "rejected")
    deciding.say(candidate, "", user)
    assert candidate.decision == ""
    assert [said.note for said in candidate.opinions.all()] == ["older", ""]


def test_each_search_shows_its_face_and_the_best_word(signed_in, any_model, make_case, user):
    make_case("MP1", faces.person(1), name="Ana Roe")
    for purpose, content in (("known", faces.person(1)), ("stranger", faces.astronaut())):
        pictures.search_image(content, "x.jpg", user=user, purpose=purpose)
    for address in ("/search/history/", "/search/"):
        page = " ".join(signed_in.get(address).content.decode().split())
        assert 'Ana Roe <span class="number">' in page
        assert '<span class="strength strong">' in page
        assert "nobody alike" in page
        assert page.count('class="face thumb"') == 2


def test_a_browser_finds_its_icon_where_it_looks_for_it(client):
    answer = client.get("/favicon.ico")
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content)[:4] == b"\x00\x00\x01\x00"
