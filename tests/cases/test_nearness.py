"""Cases, searches and alerts near a place: by a town's name or a point, on pages and in the API."""

import pytest
from django.db.models import F
from django.urls import reverse

from cases import locating
from cases.filters import SearchedCases
from cases.models import Case
from cases.nearness import Place, within
from tests.cases.test_places import known, towns  # noqa: F401 (fixtures)

PORTLAND, SALEM, SEATTLE = (45.52, -122.67), (44.94, -123.03), (47.61, -122.33)


@pytest.fixture
def cases(known, make_case) -> None:  # noqa: F811
    for number, (lat, lon) in (("PDX", PORTLAND), ("SLM", SALEM), ("SEA", SEATTLE)):
        make_case(number, latitude=lat, longitude=lon)
    make_case("NONE")
    case = make_case("BEND", last_seen_place="Bend, Oregon")
    locating.locate(case)


def numbers(answer) -> set[str]:
    return {row["number"] for row in answer.json()["results"]}


def test_within_fifty_kilometres_and_as_many_as_are_asked(cases, as_admin):
    url = "/api/v1/cases/"
    assert numbers(as_admin.get(url, {"near": "Portland, OR"})) == {"PDX"}
    assert numbers(as_admin.get(url, {"near": "Portland, OR", "km": 100})) == {"PDX", "SLM"}
    assert numbers(as_admin.get(url, {"near": "45.52, -122.67", "km": 250})) == {"PDX", "SLM", "SEA", "BEND"}
    assert "SLM" not in as_admin.get("/cases/", {"near": "Portland OR"}).content.decode()
    assert "SLM" not in b"".join(as_admin.get(reverse("cases-export", args=["csv"]), {"near": "Portland, OR"})).decode()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Springfield", "add the state or country"),
        ("Nowhereville", "No town is known as"),
        ("95, 10", "A latitude lies between"),
        ("45, 200", "a longitude between"),
        ("Oregon", "No town is known as"),
        ("'; --", "No town is known as"),
    ],
)
def test_a_place_that_is_not_clear_is_said_and_hides_nobody(cases, as_admin, words, said):
    page = as_admin.get("/cases/", {"near": words}).content.decode()
    assert said in page
    assert "PDX" in page
    answer = as_admin.get("/api/v1/cases/", {"near": words})
    assert answer.status_code == 400
    assert said in answer.json()["near"][0]
    assert said in as_admin.get("/alerts/", {"near": words}).content.decode()


@pytest.mark.parametrize("km", ["0", "-5", "x", "99999999"])
def test_a_distance_that_is_none_is_refused(cases, as_admin, km):
    assert as_admin.get("/api/v1/cases/", {"near": "Portland, OR", "km": km}).status_code == 400


def test_a_search_keeps_those_of_whom_no_place_is_known(cases):
    narrowed = SearchedCases({"near": "Portland, OR", "km": "60"})
    assert {case.number for case in narrowed.qs} == {"PDX", "NONE"}
    assert narrowed.asked() == {"near": "Portland, OR", "km": "60"}
    again = SearchedCases(narrowed.asked())
    assert {case.number for case in again.qs} == {"PDX", "NONE"}


def test_a_search_by_a_point_is_the_same_when_it_is_made_again(cases):
    first = SearchedCases({"near": "45.52 -122.67"})
    assert {case.number for case in SearchedCases(first.asked()).qs} == {case.number for case in first.qs}


@pytest.mark.parametrize(
    ("place", "kilometres", "there"),
    [((0.0, 179.9), 50, True), ((89.99, -170.0), 50, False), ((0.0, -179.95), 50, True), ((0.0, 179.0), 50, False)],
)
def test_the_date_line_and_the_poles_are_no_edges(make_case, place, kilometres, there):
    make_case("FIJI", latitude=0.0, longitude=-179.99)
    found = within(Case.objects.all(), F("latitude"), F("longitude"), Place("", *place), kilometres)
    assert found.exists() is there
