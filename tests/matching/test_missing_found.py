"""People who are missing beside those found without a name: who is put beside whom, what speaks for it, what stays."""

import csv
import io
from datetime import date

import pytest
from django.test import Client

from cases.models import AuditEvent, Case, Collection
from matching.gallery import descriptions, missing_found
from matching.indexing import worklists
from matching.models import CasePair, MissingFoundRun
from tests import faces, people
from tests.matching.test_comparing import same_face

pytestmark = pytest.mark.django_db(transaction=True)

WHO = {
    "sex": "female", "age_from": 24, "height_from": 165, "height_to": 165, "eyes": "Green", "hair": "Brown",
    "last_seen_on": date(2010, 5, 3), "last_seen_place": "Fresno, California", "marks": "Rose tattoo, left wrist",
}  # fmt: skip
BODY = {
    "name": "", "sex": "female", "age_from": 20, "age_to": 30, "height_from": 163, "height_to": 168, "eyes": "GRN",
    "last_seen_on": date(2010, 11, 20), "last_seen_place": "Clovis, California", "marks": "Tattoo of a rose",
}  # fmt: skip


@pytest.fixture
def unidentified(db) -> Collection:
    return Collection.objects.create(name="Found", kind="unidentified", reviewers=1)


@pytest.fixture
def pair(make_case, unidentified) -> CasePair:
    make_case("MP1", **WHO)
    make_case("UP1", collection=unidentified, **BODY)
    missing_found.compare()
    return CasePair.objects.get()


def words(pair: CasePair, against: bool = False) -> str:
    return "; ".join(one.words for one in missing_found.points(pair) if (one.weight < 0) == against)


def test_descriptions_alone_put_a_found_person_beside_a_missing_one(pair):
    assert (pair.missing.number, pair.found.number) == ("MP1", "UP1")
    said = words(pair)
    for one in ("Same sex: female", "Found 6 months after", "Both in California", "rose", "Eyes: both green", "Height"):
        assert one in said
    assert words(pair, against=True) == ""


@pytest.mark.parametrize(
    "other",
    [
        {"last_seen_on": date(2012, 1, 1)},  # went missing after that body was found
        {"sex": "male", "marks": "", "eyes": "blue"},
        {"age_from": 60, "height_from": 190, "height_to": 190, "marks": ""},
    ],
)
def test_whom_it_cannot_be_is_not_put_there(make_case, unidentified, other):
    make_case("MP1", **WHO | other)
    make_case("UP1", collection=unidentified, **BODY)
    missing_found.compare()
    assert not CasePair.objects.exists()


@pytest.mark.parametrize(
    ("missing", "found", "holds"),
    [
        ({"age_from": 20, "last_seen_on": date(2000, 1, 1)}, {"age_from": 30, "age_to": 40}, 0.4),  # ten years on
        ({"age_from": 20}, {"age_from": 18, "age_to": 25}, 0.4),
        ({"age_from": 50}, {"age_from": 20, "age_to": 30}, -2.0),
        ({"born_on": date(1986, 1, 1), "age_from": None}, {"age_from": 20, "age_to": 30}, 0.4),
        ({"born_from": 1984, "born_to": 1988, "age_from": None}, {"age_from": 20, "age_to": 30}, 0.4),
        ({"born_from": 1930, "born_to": 1930, "age_from": None}, {"age_from": 20, "age_to": 30}, -2.0),
        ({"age_from": None}, {"age_from": 20, "age_to": 30}, 0.0),
    ],
)
def test_ages_are_compared_across_the_years_between(make_case, unidentified, missing, found, holds):
    one = make_case("MP1", **WHO | missing)
    other = make_case("UP1", collection=unidentified, **BODY | found)
    said = descriptions.weigh(descriptions.Described.of([one]), descriptions.Described.of([other]))
    assert said["age"][0] == holds


def test_a_face_counts_more_than_a_description_and_says_so(any_model, make_case, unidentified):
    make_case("MP1", faces.person(1), sex="female", last_seen_on=date(2010, 1, 1))
    make_case("MP2", sex="female", last_seen_on=date(2010, 1, 1), last_seen_place="Clovis, California")
    make_case("UP1", same_face(1), collection=unidentified, **BODY)
    missing_found.compare()
    first, *_ = worklists.missing_and_found()
    assert first.missing.number == "MP1"
    assert "Faces are alike" in words(first)
    assert first.first_face_id
    assert first.strength == "strong"


def test_each_is_compared_once_until_something_changes(pair, make_case):
    assert not missing_found.is_due()
    assert missing_found.compare() == 0
    Case.objects.get(number="UP1").save()
    assert missing_found.is_due()
    assert missing_found.compare() == 1
    make_case("MP2", **WHO)
    assert missing_found.compare() == 1
    assert {one.missing.number for one in CasePair.objects.all()} == {"MP1", "MP2"}
    assert MissingFoundRun.objects.count() == 3


def test_what_no_longer_fits_goes_and_what_was_decided_stays(pair, make_case, unidentified, user):
    make_case("UP2", collection=unidentified, **BODY)
    missing_found.compare()
    worklists.decide_pair(pair, "ruled_out", user, "dna")
    case = Case.objects.get(number="MP1")
    case.sex, case.eyes, case.marks, case.last_seen_place = "male", "", "", ""
    case.save()
    missing_found.compare()
    missing_found.compare(everything=True)
    assert CasePair.objects.get() == pair
    pair.refresh_from_db()
    assert (pair.decision, pair.means, pair.decided_by) == ("ruled_out", "dna", user)


def test_one_stopped_goes_on_where_it_was(make_case, unidentified):
    make_case("UP0", collection=unidentified, **BODY)
    make_case("MP0", **WHO)
    missing_found.compare()
    for number in range(1, 4):
        make_case(f"MP{number}", **WHO)
    stop = iter([False, False, True])
    assert missing_found.compare(lambda: next(stop)) == 2
    assert missing_found.is_due()
    assert missing_found.compare() == 1
    assert CasePair.objects.count() == 4


def test_a_sources_exclusions_are_respected_and_may_be_taken_back(make_case, unidentified, user):
    make_case("MP1", **WHO | {"name": "Ana María Ruiz", "born_on": date(1986, 2, 2)})
    make_case("MP2", **WHO | {"name": "Ana María Ruiz", "born_on": date(1950, 2, 2), "age_from": None})
    years = {"born_from": 1950, "born_to": 1954}
    make_case("MP3", **WHO | {"name": "Ana María Ruiz", "age_from": None, **years})
    exclusions = [{"name": "Ana María Ruiz", "born": 1986}]
    make_case("UP1", collection=unidentified, exclusions=exclusions, **BODY)
    missing_found.compare()
    (ruled_out,) = missing_found.pairs(["ruled_out"])
    assert ruled_out.missing.number == "MP1"
    assert "born 1986" in ruled_out.reason
    worklists.decide_pair(ruled_out, "", user)
    missing_found.compare(everything=True)
    ruled_out.refresh_from_db()
    assert ruled_out.decision == ""


def test_the_list_shows_both_with_what_speaks_for_it(pair, signed_in):
    shown = signed_in.get("/worklists/?list=missing-found").content.decode()
    for one in ("MP1", "UP1", "No face on file", "Both in California", "Last seen", "1 missing, 1 found"):
        assert one in shown
    assert "Rule out" not in shown  # a reviewer changes no case


def test_a_person_is_ruled_out_with_means_and_reason_and_taken_back(pair, as_admin):
    url = f"/worklists/pairs/{pair.pk}/"
    refused = as_admin.post(url, {"decision": "ruled_out"})
    assert (refused.status_code, "by what" in refused.content.decode()) == (400, True)
    assert as_admin.post(url, {"decision": "ruled_out", "means": "tea leaves"}).status_code == 400
    shown = as_admin.post(url, {"decision": "ruled_out", "means": "dental", "reason": "Lab 12"}).content.decode()
    for one in ("Ruled out", "Dental records", "Lab 12", "boss", "Undo"):
        assert one in shown
    assert "Nothing waits here" in as_admin.get("/worklists/?list=missing-found").content.decode()
    for case in (pair.missing, pair.found):
        assert "Lab 12" in as_admin.get(f"/cases/{case.pk}/linked/").content.decode()
    assert AuditEvent.objects.filter(action="compared", why__contains="Dental records, Lab 12").count() == 2
    assert "Compare further" in as_admin.post(url, {"decision": ""}).content.decode()


def test_pairs_being_compared_stay_on_the_list(pair, as_admin):
    as_admin.post(f"/worklists/pairs/{pair.pk}/", {"decision": "pursued"})
    assert "Being compared" in as_admin.get("/worklists/?list=missing-found").content.decode()


def test_one_is_ruled_out_by_number_from_a_cases_page(pair, make_case, unidentified, as_admin):
    make_case("UP9", collection=unidentified, name="")
    url = f"/cases/{pair.missing.pk}/link/"
    assert "Say by what" in as_admin.post(url, {"number": "UP9", "decision": "ruled_out"}).content.decode()
    assert not CasePair.objects.filter(second__number="UP9").exists()
    as_admin.post(url, {"number": "UP9", "decision": "ruled_out", "reason": "fingerprints, 2019"})
    assert CasePair.objects.get(second__number="UP9").reason == "fingerprints, 2019"


def test_all_of_it_is_taken_along_with_what_was_decided(pair, as_admin, user):
    worklists.decide_pair(pair, "ruled_out", user, "dna", "=cmd")
    answer = as_admin.get("/worklists/missing-found.csv")
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
    assert (row["missing"], row["found"], row["decision"], row["by means"]) == ("MP1", "UP1", "Ruled out", "DNA")
    assert row["why"] == "'=cmd"
    assert "Both in California" in row["for"]


def test_they_are_no_duplicates(any_model, make_case, unidentified):
    make_case("MP1", faces.person(1))
    make_case("UP1", same_face(1), collection=unidentified, name="")
    missing_found.compare()
    assert not worklists.pairs().exists()
    assert worklists.missing_and_found().exists()


def test_programs_read_pairs_and_decide_them(pair, make_case, user):
    by_program = {"HTTP_AUTHORIZATION": f"Token {people.api_token(people.person('program', 'Administrator'))}"}
    client = Client(**by_program)
    make_case("MP2", name="Somebody else")
    [listed] = client.get("/api/v1/pairs/?decision=open").json()["results"]
    assert (listed["missing"], listed["found"]) == (pair.missing.pk, pair.found.pk)
    assert any("rose" in point["words"] and point["weight"] > 0 for point in listed["points"])
    decide = f"/api/v1/pairs/{pair.pk}/decide/"
    refused = client.post(decide, {"decision": "ruled_out"})
    assert refused.status_code == 400
    assert "Say by what" in str(refused.json())
    said = client.post(decide, {"decision": "ruled_out", "means": "dental"}).json()
    assert (said["decision"], said["means"], said["decided_by"]) == ("ruled_out", "dental", "program")
    assert AuditEvent.objects.filter(action="compared", why__contains="ruled out: Dental records").count() == 2
    assert client.get("/api/v1/pairs/?decision=open").json()["count"] == 0
    assert client.get(f"/api/v1/pairs/?case={pair.found.pk}").json()["count"] == 1
    assert client.get("/api/v1/pairs/?case=x").status_code == 400
    assert client.post(decide, {"decision": "different"}).status_code == 400
