"""A likeness across years, or with a child's photo, says what that does to it."""

from datetime import date

import pytest
from django.db.models import F

from cases.models import Case, Collection, Photo
from matching.gallery import calibration
from matching.models import Search
from matching.searching import a4, pictures, sheets, years
from matching.searching.workbench import workbench
from tests import faces

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def candidate(any_model, make_case, user):
    make_case("MP1", faces.person(2))
    search = pictures.search_image(faces.person(2), "x.jpg", user=user, purpose="tip")
    return search.probes.get().candidates.get()


def dated(candidate, taken: date | None, searched: str, *, age: int | None = None, last_seen: date | None = None):
    Photo.objects.update(taken_on=taken)
    Case.objects.update(age_from=age, age_to=age, last_seen_on=last_seen)
    Search.objects.update(own_time=searched)
    found = type(candidate).objects.select_related("face__photo__case", "probe__search").get(pk=candidate.pk)
    return years.words(found.face, found.probe.search)


@pytest.mark.parametrize(
    ("taken", "searched", "said"),
    [
        (date(2010, 5, 1), "2013-06-01 10:00:00", "3 years lie between the two pictures."),
        (date(2010, 5, 1), "2011-06-01 10:00:00 +02:00", "1 year lies between the two pictures."),
        (date(2013, 6, 1), "2010-05-01 10:00:00", "3 years lie"),
        (date(2010, 5, 1), "2010-09-01 10:00:00", ""),
        (None, "2013-06-01 10:00:00", ""),
        (date(2010, 5, 1), "", ""),
        (date(2010, 5, 1), "no time", ""),
    ],
)
def test_the_years_between_are_said_where_both_dates_are_known(candidate, taken, searched, said):
    assert dated(candidate, taken, searched).startswith(said)
    assert bool(dated(candidate, taken, searched)) == bool(said)


def test_across_more_than_ten_years_the_word_is_worth_less(candidate):
    assert "strong one is worth less" not in dated(candidate, date(2010, 5, 1), "2020-04-01 10:00:00")
    assert "Across so many years a weak likeness may be the person" in dated(
        candidate, date(2010, 5, 1), "2022-05-01 10:00:00"
    )


def test_of_a_childs_photo_it_is_worth_less(candidate):
    assert dated(candidate, None, "", age=12).startswith("Of a child a weak likeness may be")
    assert dated(candidate, None, "", age=13) == ""
    # Twelve when the photo was taken, forty when last seen.
    child = dated(candidate, date(1990, 1, 1), "", age=40, last_seen=date(2018, 1, 1))
    assert "Of a child" in child
    both = dated(candidate, date(1990, 1, 1), "2018-01-01", age=40, last_seen=date(2018, 1, 1))
    assert both.startswith("28 years lie")
    assert "Of a child and across so many years" in both


def test_it_stands_beside_the_candidate_and_on_the_lead_sheet(candidate, user, signed_in, monkeypatch):
    dated(candidate, date(2005, 1, 1), "2020-01-01 10:00:00")
    page = signed_in.get(candidate.probe.search.get_absolute_url()).content.decode()
    assert "15 years lie between" in page or "14 years lie between" in page
    words = []
    monkeypatch.setattr(a4.Sheet, "multi_cell", lambda self, *a, **k: words.append(str(a) + str(k)))
    sheets.lead_sheet(type(candidate).objects.annotate(x=F("pk")).get(pk=candidate.pk), user, "1")
    assert "between the two pictures" in "".join(words)


@pytest.mark.parametrize(("asked", "shown"), [("fair", 1), ("half", 2), ("all", 4)])
def test_the_fold_opens_further_for_children_as_the_collection_asks(any_model, make_case, user, asked, shown):
    for number in range(1, 5):
        make_case(f"MP{number}", faces.person(number), age_from=9, age_to=9)
    search = pictures.search_image(faces.person(1), "x.jpg", user=user, purpose="tip")
    calibrated = calibration.of(any_model)
    by_rank = list(search.probes.get().candidates.order_by("rank"))
    # The second is between what half of all strangers reach and what a tenth does; the others are less alike.
    half, fair = (calibrated.threshold(share, 4) for share in (0.5, 0.1))
    for candidate, likeness in zip(by_rank[1:], [(half + fair) / 2, half - 0.05, half - 0.1], strict=True):
        candidate.similarity, candidate.commonness, candidate.allowance = likeness, 0, 0
        candidate.strength = "weak"
        candidate.save()
    Collection.objects.update(far_apart=asked)
    assert len(workbench(search, user).better) == shown
    Case.objects.update(age_from=30, age_to=30)
    assert len(workbench(search, user).better) == 1
