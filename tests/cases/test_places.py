"""From the words for a place to a town: sure, not sure, or none; and what people say of it."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cases import gazetteer, locating
from cases.models import AuditEvent, Case, Town
from cases.tasks import locate
from tests import people


@pytest.fixture(scope="module")
def towns(django_db_setup, django_db_blocker):
    """Those of 15,000 people and more, which are read in a second."""
    with django_db_blocker.unblock():
        gazetteer.load(15000)
    yield
    with django_db_blocker.unblock():
        Town.objects.all().delete()


@pytest.fixture
def known(towns, db) -> None:
    if not Town.objects.exists():
        # A test that empties the database came between.
        gazetteer.load(15000)


@pytest.mark.parametrize(
    ("words", "town"),
    [
        ("Portland, OR", "Portland, Oregon, United States"),
        ("portland, oregon, USA", "Portland, Oregon, United States"),
        ("Portland OR", "Portland, Oregon, United States"),
        ("Portland, Multnomah County, Oregon", "Portland, Oregon, United States"),
        ("near Bend, Oregon", "Bend, Oregon, United States"),
        ("1200 SW Main St, Portland, ME", "Portland, Maine, United States"),
        ("St. Louis, MO", "St. Louis, Missouri, United States"),
        ("Ft. Worth TX", "Fort Worth, Texas, United States"),
        ("Los Angeles County, California", "Los Angeles, California, United States"),
        ("Köln", "Köln, Germany"),
        ("KOELN, Germany", "Köln, Germany"),
        ("Munich", "Munich, Germany"),
        ("London, England", "London, United Kingdom"),
        ("New York, NY", "New York City, New York, United States"),
        ("Washington, DC", "Washington, District of Columbia, United States"),
        ("Tbilisi, Georgia", "Tbilisi, Georgia"),
        ("Atlanta, Georgia", "Atlanta, Georgia, United States"),
        ("Мюнхен", "Munich, Germany"),
    ],
)
def test_words_that_mean_one_town(known, words, town):
    assert list(map(str, gazetteer.find(words))) == [town]


@pytest.mark.parametrize("words", ["Portland", "Springfield", "Moscow", "Los Angeles"])
def test_words_that_may_mean_several(known, words):
    assert len(gazetteer.find(words)) > 1


@pytest.mark.parametrize(
    "words",
    [
        "", "somewhere", "Oregon", "Oregon, USA", "California, USA", "New York", "Georgia", "USA",
        "Portland, Texas, Oregon",
        "'; DROP TABLE cases_town; --", "a" * 300, ",,,", "\x7f", "東京都 ?? nowhere",
    ],
)  # fmt: skip
def test_words_that_mean_none_or_too_much(known, words):
    assert gazetteer.find(words) == []


@pytest.mark.parametrize(
    ("point", "town"),
    [((52.52, 13.40), "Berlin"), ((45.52, -122.67), "Portland"), ((0, 0), None), ((90, 0), None), ((-89.9, 180), None)],
)
def test_from_a_point_back_to_words(known, point, town):
    found = gazetteer.near(*point)
    assert (found.name if found else None) == town


def test_kilometres():
    berlin, hamburg = (52.52, 13.405), (53.55, 9.99)
    assert gazetteer.kilometres(berlin, hamburg) == pytest.approx(255, abs=3)
    assert gazetteer.kilometres(berlin, berlin) == 0
    assert gazetteer.kilometres((0, 179.5), (0, -179.5)) == pytest.approx(111, abs=1)
    assert gazetteer.kilometres((0, 0), (0, 180)) == pytest.approx(20015, abs=1)


def case_in(make_case, number: str, place: str, **fields) -> Case:
    return make_case(number, last_seen_place=place, **fields)


def test_cases_are_looked_up_by_themselves_and_again_when_their_words_change(known, make_case):
    sure, unsure, typed = (
        case_in(make_case, "C-1", "Bend, Oregon"), case_in(make_case, "C-2", "Springfield"),
        case_in(make_case, "C-3", "Bend, Oregon", latitude=1.0, longitude=2.0),
    )  # fmt: skip
    locate()
    for case in (sure, unsure, typed):
        case.refresh_from_db()
    assert str(sure.town) == "Bend, Oregon, United States"
    assert unsure.town is None
    assert typed.town is None, "what somebody typed stands"
    assert list(locating.unsure()) == [unsure]
    assert locating.locate_all() == 0, "nothing has changed"
    Case.objects.filter(pk=sure.pk).update(last_seen_place="Springfield")
    Case.objects.filter(pk=unsure.pk).update(last_seen_place="Springfield, IL")
    assert locating.locate_all() == 2
    assert list(locating.unsure()) == [sure]


def test_towns_are_read_when_the_first_place_waits(db, make_case, monkeypatch):
    asked = []
    monkeypatch.setattr(locating.subprocess, "run", lambda command, **options: asked.append(command))
    Town.objects.all().delete()
    assert locating.locate_all() == 0
    case_in(make_case, "C-1", "")
    assert locating.locate_all() == 0
    assert not asked, "nothing is read while nobody needs it"
    case_in(make_case, "C-2", "Bend, Oregon")
    locating.locate_all()
    assert asked[0][1:] == ["manage.py", "gazetteer"]


def test_somebody_says_which_town_it_is_and_takes_that_back(known, as_admin, make_case):
    case = case_in(make_case, "C-1", "Springfield")
    locate()
    page = as_admin.get("/worklists/?list=places").content.decode()
    assert "Springfield, Missouri, United States" in page
    town = gazetteer.find("Springfield, IL")[0]
    said = as_admin.post(f"/worklists/places/{case.pk}/", {"town": town.pk}).content.decode()
    assert str(town) in said
    case.refresh_from_db()
    assert (case.town, case.town_said) == (town, True)
    assert not locating.unsure().exists()
    assert locating.locate_all() == 0, "what a person said is not looked up again"
    assert AuditEvent.objects.filter(action="said place", why__contains="Illinois").exists()
    assert "On the map as Springfield" in as_admin.get(case.get_absolute_url()).content.decode()
    as_admin.post(f"/worklists/places/{case.pk}/", {"town": ""})
    assert locating.unsure().get() == case
    as_admin.post(f"/worklists/places/{case.pk}/", {"town": "none"})
    assert not locating.unsure().exists()


@pytest.mark.parametrize("town", ["999999999", "x", "-1", "1e5"])
def test_a_town_that_is_none_is_refused(known, as_admin, make_case, town):
    case = case_in(make_case, "C-1", "Springfield")
    locate()
    assert as_admin.post(f"/worklists/places/{case.pk}/", {"town": town}).status_code == 400
    case.refresh_from_db()
    assert (case.town, case.town_said) == (None, False)


def test_typed_words_are_looked_up_at_once(known, as_admin, collection):
    form = {"collection": collection.pk, "number": "C-9", "name": "Ada", "last_seen_place": "Bend, Oregon"}
    as_admin.post("/cases/new/", form)
    case = Case.objects.get(number="C-9")
    assert str(case.town) == "Bend, Oregon, United States"
    as_admin.post(f"/cases/{case.pk}/edit/", {**form, "last_seen_place": "Portland, Maine"})
    case.refresh_from_db()
    assert str(case.town) == "Portland, Maine, United States"


def test_on_the_map_it_says_that_only_the_town_is_known(known, as_admin, make_case):
    case_in(make_case, "C-1", "Bend, Oregon", name="Ada Example")
    locate()
    [point] = as_admin.get("/api/v1/map/", {"show": "cases"}).json()["points"]
    assert point["title"] == "Ada Example (C-1), somewhere in Bend"
    assert (point["latitude"], point["longitude"]) == pytest.approx((44.06, -121.31), abs=0.05)
    assert "shown as Bend, Oregon" in as_admin.get("/map/list/").content.decode()
    assert "On no map" not in as_admin.get("/map/").content.decode()


def test_whoever_may_not_change_cases_sees_the_list_and_changes_nothing(known, make_case):
    case = case_in(make_case, "C-1", "Springfield")
    locate()
    client = Client()
    client.force_login(people.person("kim", "Viewer"))
    page = client.get("/worklists/?list=places").content.decode()
    assert "Springfield" in page
    assert "Missouri" not in page
    assert client.post(f"/worklists/places/{case.pk}/", {"town": "none"}).status_code == 403


def test_the_command_says_what_words_mean(known, capsys):
    call_command("gazetteer", "Bend,", "OR")
    assert "Bend, Oregon, United States (44." in capsys.readouterr().out
    with pytest.raises(CommandError, match="No town"):
        call_command("gazetteer", "Nowhereville")


def test_reading_the_towns_again_changes_no_case(known, make_case):
    case = case_in(make_case, "C-1", "Bend, Oregon")
    locate()
    before = Town.objects.count()
    assert gazetteer.load(15000) == before
    case.refresh_from_db()
    assert str(case.town) == "Bend, Oregon, United States"
