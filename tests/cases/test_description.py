"""What an examiner compares by, as registries and tables write it, and where it is shown."""

from datetime import date

import pytest

from cases.filters import CaseFilter
from cases.models import Case
from cases.models.photo import OF_AGE, ages_on
from cases.sources import measures
from matching.searching import pictures
from tests import faces
from tests.registries import Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("kind", "options", "born"),
    [("namus-missing", {"ids": "1"}, None), ("fbi", {}, "1988-05-03"), ("interpol-yellow", {}, "1988-02-03")],
)
def test_registries_fill_it(registries, make_source, run, kind, options, born):
    registries.people = {1: Person(1, photos=[faces.person(0)])}
    run(make_source(kind, **options))
    case = Case.objects.get()
    assert str(case.born_on) == str(born)
    assert (case.height_from, case.weight_from) in ((157, 50), (160, 50))
    assert "Rose" in case.marks
    if not kind.startswith("interpol"):
        assert (case.height_to, case.hair, case.eyes) == (163, "Brown", "Green")
    if kind == "namus-missing":
        assert case.marks == "Tattoo, Rose, left wrist\nScar"
        assert case.clothing == "Jewelry, Silver ring"
    if kind == "fbi":
        assert case.other_numbers == "W123456789"


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("5'10\"", 178, 178), ("5-10", 178, 178), ("510", 178, 178), ("70 in", 178, 178), ("178 cm", 178, 178),
     ("1,78 m", 178, 178), ("1m78", 178, 178), ("5 10", 178, 178), ("5'10½", 179, 179), ("5' 10 1/2\"", 179, 179),
     ("178 cm (5'10\")", 178, 178), ("5'11\"/180cm", 180, 180), ("5'10 (barefoot)", 178, 178),
     ("5'8\" to 5'10\"", 173, 178), ("68-70 inches", 173, 178), ("#N/A", None, None),
     ("tall", None, None), ("9 m", None, None)],
)  # fmt: skip
def test_a_height_is_read_as_people_write_it(text, low, high):
    read = measures.height(text)
    assert read.value == (low, high)
    assert bool(read.doubt) == (text in ("tall", "9 m"))


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("150 lbs", 68, 68), ("150", 68, 68), ("68 kg", 68, 68), ("150-160 lbs", 68, 73), ("heavy", None, None),
     ("150#", 68, 68), ("68 kg (150 lbs)", 68, 68), ("12 st 4", 78, 78), ("11 stone", 70, 70)],
)  # fmt: skip
def test_a_weight_is_read_as_people_write_it(text, low, high):
    assert measures.weight(text).value == (low, high)


def test_two_heights_that_are_not_the_same_are_said():
    read = measures.height("5'10\" (190 cm)")
    assert read.value == (178, 178)
    assert "says two things" in read.doubt
    assert "not exact" in measures.height("approx. 5'10\" (178 cm)").doubt


def test_a_table_fills_it_by_the_headings_of_jails(make_source, run, tmp_path):
    path = tmp_path / "jail.csv"
    path.write_text(
        "Booking No,Name,DOB,Ht,Wt,Hair Color,Eye Color,Tattoos\n7,Ana,5/3/1988,505,120,BRO,GRN,Rose; wrist\n"
    )
    run(make_source("spreadsheet", file=str(path)))
    case = Case.objects.get()
    assert (str(case.born_on), case.height_from, case.weight_from) == ("1988-05-03", 165, 54)
    assert (case.hair, case.eyes, case.marks) == ("Brown", "Green", "Rose; wrist")


def test_a_birth_without_its_day_is_kept_as_its_years_and_read_anew(make_source, run, tmp_path):
    path = tmp_path / "jail.csv"
    path.write_text("Booking No,Name,DOB\n1,Ana,1988\n2,Bo,circa 1990\n3,Cy,before 1950\n4,Di,no idea\n")
    source = make_source("spreadsheet", file=str(path))
    run(source)
    cases = {case.number: case for case in Case.objects.all()}
    assert [cases[number].born for number in "1234"] == ["1988", "1988–1992", "1950 or before", ""]
    assert ("Born", "1988") in cases["1"].description
    assert cases["2"].as_written == {"Born on": "circa 1990"}
    assert cases["4"].as_written == {"Born on": "no idea"}
    # Somebody has found out.
    path.write_text("Booking No,Name,DOB\n1,Ana,5/3/1988\n2,Bo,1991\n3,Cy,\n4,Di,1970s\n")
    run(source)
    cases = {case.number: case for case in Case.objects.all()}
    assert [cases[number].born for number in "1234"] == ["3 May 1988", "1991", "", "1970–1979"]
    assert not any(case.as_written for case in cases.values())


def test_an_age_that_is_not_told_is_reckoned_from_the_birth(make_source, run, tmp_path):
    path = tmp_path / "jail.csv"
    path.write_text("Booking No,Name,DOB,Age,Arrest Date\n1,A,5/3/1988,,5/2/2020\n2,B,5/3/1988,,5/3/2020\n"
                    "3,C,1988,,5/3/2020\n4,D,5/3/1988,40,5/3/2020\n5,E,5/3/1988,,\n6,F,,,5/3/2020\n")  # fmt: skip
    source = make_source("spreadsheet", file=str(path))
    run(source)

    def ages() -> dict[str, str]:
        return {case.number: case.age for case in Case.objects.all()}

    assert ages() == {"1": "31", "2": "32", "3": "31–32", "4": "40", "5": "", "6": ""}
    # What is no longer known tells no age either.
    path.write_text("Booking No,Name,DOB,Age,Arrest Date\n1,A,,,5/2/2020\n")
    run(source)
    assert ages()["1"] == ""


def test_the_codes_of_jails_are_spelled(make_source, run, tmp_path):
    path = tmp_path / "jail.csv"
    path.write_text("Booking No,Name,Race,Hair,Eyes\n1,Ana,H,BRN,HZL\n2,Bo,W,XXX,BRN\n3,Cy,Black,brownish,BLU\n")
    run(make_source("spreadsheet", file=str(path)))
    assert {case.number: (case.race, case.hair, case.eyes) for case in Case.objects.all()} == {
        "1": ("Hispanic", "Brown", "Hazel"), "2": ("White", "", "Brown"), "3": ("Black", "brownish", "Blue"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("born", "on", "ages"),
    [
        ({"born_on": date(1990, 6, 1)}, date(2000, 1, 1), [9]),
        ({"born_from": 1990, "born_to": 1990}, date(2000, 1, 1), [9, 10]),
        ({"born_from": 1988, "born_to": 1992}, date(2000, 1, 1), [7, 12]),
        ({"born_from": 1990, "born_to": 1990}, date(1990, 5, 1), [0]),
        ({"born_from": 1990}, date(2000, 1, 1), []),
        ({"born_from": 1990, "born_to": 1990}, None, []),
    ],
)
def test_years_of_birth_tell_an_age(born, on, ages):
    case = Case(**born)
    assert ages_on(on, *(getattr(case, name) for name in OF_AGE)) == ages


def test_it_stands_on_the_cases_page_beside_the_pictures_and_in_the_search_of_cases(
    any_model, make_case, as_admin, admin
):
    case = make_case(
        "MP1", faces.person(1), height_from=165, height_to=170, weight_from=54, hair="Brown", marks="Rose on the wrist"
    )
    assert case.description == [
        ("Height", "165–170 cm (5′5″–5′7″)"), ("Weight", "54 kg (119 lb)"), ("Hair", "Brown"),
        ("Marks", "Rose on the wrist"),
    ]  # fmt: skip
    search = pictures.search_image(faces.person(1), "x.jpg", user=admin, purpose="tip")
    for url in (case.get_absolute_url(), f"/search/{search.pk}/"):
        page = as_admin.get(url).content.decode()
        assert "165–170 cm" in page
        assert "Rose on the wrist" in page
    assert list(CaseFilter({"q": "rose wrist"}, queryset=Case.objects.all()).qs) == [case]
    assert as_admin.get(f"/api/v1/cases/{case.pk}/").json()["height_to"] == 170


def test_the_form_takes_it_and_says_what_cannot_be(as_admin, collection):
    sent = {"collection": collection.pk, "number": "1", "height_from": 165, "weight_from": 54, "born_on": "1988-05-03"}
    as_admin.post("/cases/new/", sent)
    assert Case.objects.get().height_from == 165
    page = as_admin.post("/cases/new/", {**sent, "number": "2", "height_from": 900}).content.decode()
    assert "less than or equal to 280" in page
    years = {"collection": collection.pk, "number": "2", "born_from": 1990, "born_to": 1980}
    page = as_admin.post("/cases/new/", years).content.decode()
    assert "The first year of birth must not be after the last." in page
    assert "That year is still to come." in as_admin.post("/cases/new/", {**years, "born_to": 2999}).content.decode()
    assert Case.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"born_from": 1200}, "greater than or equal to 1850"),
        ({"born_from": 1990, "born_to": 1980}, "The first year of birth must not be after the last."),
        ({"age_from": 50, "age_to": 20}, "The lower age must not be above the upper age."),
        ({"born_to": 2999}, "That year is still to come."),
    ],
)
def test_a_program_is_told_what_cannot_be(as_admin, collection, said, words):
    made = as_admin.post(
        "/api/v1/cases/", {"collection": collection.pk, "number": "1"}, content_type="application/json"
    ).json()
    whole = {"collection": collection.pk, "number": "2", **said}
    refused = [
        as_admin.post("/api/v1/cases/", whole, content_type="application/json"),
        as_admin.patch(f"/api/v1/cases/{made['id']}/", said, content_type="application/json"),
    ]
    for answer in refused:
        assert answer.status_code == 400
        assert words in str(answer.json())
    # Of what is there already one half may be sent.
    Case.objects.update(born_from=1990, age_from=50)
    half = {name: value for name, value in said.items() if name.endswith("_to")}
    if half:
        answer = as_admin.patch(f"/api/v1/cases/{made['id']}/", half, content_type="application/json")
        assert answer.status_code == 400
