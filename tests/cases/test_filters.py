"""Whom a search compares with: cases known not to fit are left out, those that don't say stay in."""

from datetime import date

import pytest
from django.utils import timezone

from cases.filters import SearchedCases
from cases.models import Case


def left(**asked: str) -> set[str]:
    filters = SearchedCases(asked)
    assert filters.is_valid(), filters.errors
    return set(filters.qs.values_list("number", flat=True))


@pytest.fixture
def some_cases(collection) -> None:
    this_year = timezone.localdate().year
    for number, fields in {
        "ana": {"sex": "female", "age_from": 30, "age_to": 35, "race": "White / Hispanic",
                "last_seen_on": date(this_year - 20, 6, 1), "last_seen_place": "Portland, Multnomah County, Oregon"},
        "bob": {"sex": "male", "age_from": 12, "race": "Black", "last_seen_on": date(this_year - 2, 6, 1),
                "last_seen_place": "Salem, Oregon"},
        "eve": {"sex": "female", "age_from": 60, "last_seen_on": date(this_year - 1, 1, 1), "last_seen_place": "Leeds"},
        "unknown": {},
    }.items():  # fmt: skip
        Case.objects.create(collection=collection, number=number, **fields)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"ana", "bob", "eve"}),
        ({"sex": "female"}, {"ana", "eve"}),
        ({"race": "hispanic"}, {"ana", "eve"}),
        ({"region": "oregon"}, {"ana", "bob"}),
        ({"age_then_from": "33", "age_then_to": "40"}, {"ana"}),
        ({"age_then_to": "12"}, {"bob"}),
        ({"age_now_from": "50", "age_now_to": "56"}, {"ana"}),
        ({"age_now_to": "20"}, {"bob"}),
        ({"sex": "female", "region": "oregon"}, {"ana"}),
    ],
)
def test_it_works(some_cases, asked, expected):
    assert left(**asked) == expected | {"unknown"}


def test_last_seen_between_two_days(some_cases):
    year = timezone.localdate().year
    assert left(last_seen_from=f"{year - 3}-01-01", last_seen_to=f"{year - 1}-01-01") == {"bob", "eve", "unknown"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"age_now_from": "50", "age_now_to": "20"}, "Age now: from 50 to 20 leaves nobody"),
        ({"last_seen_from": "2020-01-02", "last_seen_to": "2020-01-01"}, "leaves nobody"),
        ({"age_then_from": "old"}, "Enter a whole number"),
        ({"age_then_from": "900"}, "less than or equal to 130"),
        ({"last_seen_from": "yesterday"}, "Enter a valid date"),
        ({"sex": "cat"}, "not one of the available choices"),
    ],
)
def test_what_makes_no_sense_is_named(db, asked, words):
    assert words in str(SearchedCases(asked).errors)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"height_from": "170"}, {"tall"}),
        ({"height_to": "165"}, {"small"}),
        ({"eyes": "green"}, {"small"}),
        ({"hair": "blond"}, {"tall"}),
        ({"marks": "eagle"}, {"tall"}),
    ],
)
def test_a_description_narrows_too(collection, asked, expected):
    for number, fields in {
        "tall": {"height_from": 175, "height_to": 180, "eyes": "Blue", "hair": "Blond", "marks": "Eagle, chest"},
        "small": {"height_from": 150, "height_to": 155, "eyes": "Green", "hair": "Black", "clothing": "Red coat"},
        "unknown": {},
    }.items():
        Case.objects.create(collection=collection, number=number, **fields)
    assert left(**asked) == expected | {"unknown"}
