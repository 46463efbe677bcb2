"""Words in what is written of a case: found however people type them, by the index."""

import pytest
from django.db import connection

from cases import text_search
from cases.filters import CaseFilter
from cases.models import Case


@pytest.fixture(autouse=True)
def _cases(collection) -> None:
    for number, fields in {
        "MP4351": {"name": "Seán O’Brien", "marks": "Tatuaje: águila, brazo izquierdo"},
        "MP2": {"name": "Zoe\u0308 Łukasz", "clothing": "Nike jacket", "vehicle": "Škoda, white", "sex": "female"},
        "MP3": {"name": "山田太郎", "circumstances": "Left home. " * 200_000},
        "MP4": {"name": "O'Brien, Pat", "category": "EMJ"},
    }.items():
        Case.objects.create(collection=collection, number=number, **fields)


def found(**asked: str) -> set[str]:
    return set(CaseFilter(asked, queryset=Case.objects.all()).qs.values_list("number", flat=True))


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("OBrien", {"MP4351", "MP4"}),
        ("o'brien", {"MP4351", "MP4"}),
        ("sean o`brien", {"MP4351"}),
        ("AGUILA", {"MP4351"}),
        ("zoë lukasz", {"MP2"}),
        ("skoda", {"MP2"}),
        ("太郎", {"MP3"}),
        ("4351", {"MP4351"}),
        ("nik jack", {"MP2"}),
        ("home", {"MP3"}),
        ("o'brien nobody", set()),
        ("& | !", set()),
        ("' :* \\", set()),
    ],
)
def test_words_are_found_however_they_are_typed(words, numbers):
    assert found(q=words) == numbers


def test_cases_are_narrowed_by_sex_and_category():
    assert found(sex="female") == {"MP2"}
    assert found(category="EMJ") == {"MP4"}


def test_the_index_is_used():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "words_of_cases" in text_search.having(Case.objects.order_by(), "eagle").explain()
