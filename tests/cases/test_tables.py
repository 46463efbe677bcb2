"""Tables as offices, jails and registries write them: no odd cell, encoding or shape costs a person."""

import io
import os
import zipfile
from pathlib import Path

import openpyxl
import openpyxl.drawing.image
import pytest
import xlsxwriter

from cases.models import Case, ImportDoubt, ImportProblem, ImportRun, Photo
from cases.sources import days, encodings, headings, reading, spreadsheet, tables
from tests import faces
from tests.ods_files import write_ods

pytestmark = pytest.mark.django_db(transaction=True)

CASES = Path(os.environ.get("SIGHTLINE_CASES", Path(__file__).parents[3] / "shared" / "cases"))
given = pytest.mark.skipif(not CASES.is_dir(), reason="needs the folder of files as users report them")


@pytest.fixture
def of_users(imported):
    """Import one of the folders of files as users report them."""

    def do(name: str, **options) -> ImportRun:
        folder = CASES / name
        table = next(path for path in sorted(folder.iterdir()) if path.name.startswith("cases."))
        photos = next((folder / one for one in ("photos", "photos.zip") if (folder / one).exists()), None)
        return imported(table, photos, **options)

    return do


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def numbered() -> dict[str, Case]:
    return {case.number: case for case in Case.objects.all()}


@given
def test_ages_in_words_keep_nobody_out(of_users):
    of_users("csv-age-words")
    ages = {number: (case.age_from, case.age_to) for number, case in numbered().items()}
    assert len(ages) == 16
    assert Photo.objects.count() == 16
    assert [ages[number] for number in ("1001", "1008", "1012")] == [(0, 0)] * 3
    assert (ages["1002"], ages["1011"], ages["1006"]) == ((30, 35), (25, 30), (30, 39))
    assert [ages[number] for number in ("1004", "1005", "1013", "1014", "1015")] == [(None, None)] * 5
    assert numbered()["1005"].as_written == {"Age": "Adult"}
    assert "Adult" in ImportDoubt.objects.get(key="1005").why
    assert not ImportProblem.objects.exists()


@given
def test_a_date_that_is_no_day_keeps_nobody_out(of_users):
    of_users("csv-approximate-dates")
    days = {number: str(case.last_seen_on) for number, case in numbered().items()}
    assert Photo.objects.count() == 16
    exact = ("1007", "1008", "1009", "1015", "1016")
    assert {days[number] for number in exact} == {"2007-12-31"}
    assert {day for number, day in days.items() if number not in exact} == {"None"}
    assert numbered()["1001"].as_written == {"Last seen on": "circa 1985"}
    assert ImportDoubt.objects.filter(column="Last seen on").count() == 7


@given
@pytest.mark.parametrize(
    "columns", [{}, {"number": "Case Number", "name": "Name", "photo": "Photo", "closed": "State"}]
)
def test_no_case_is_closed_by_a_guess(of_users, columns):
    of_users("csv-state-of-the-union", **({"columns": columns} if columns else {}))
    assert Case.objects.filter(status="open").count() == 8
    assert ImportDoubt.objects.filter(column="State").count() == (2 if columns else 0)


@given
@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("csv-utf16", {"José Núñez", "Zoë Brånd"}),
        ("csv-cp850", {"Jürgen Müller", "Élodie Brûlé"}),
        ("csv-cp1251", {"Иван Петров", "Анна Сидорова"}),
        ("csv-sep-line", {"José Núñez", "Zoë Brånd"}),
        ("xlsm-suffix", {"Ann Poe", "Bo Roe"}),
        ("xlsx-cover-sheet", {"Ann Poe", "Bo Roe"}),
        ("xlsx-dimension-a1", {"Ann Poe", "Bo Roe"}),
    ],
)
def test_every_encoding_and_shape_is_read(of_users, name, names):
    of_users(name)
    assert set(Case.objects.values_list("name", flat=True)) == names


@given
def test_an_apostrophe_is_no_quote_and_what_a_row_has_too_many_is_listed(of_users):
    of_users("csv-apostrophe-aliases")
    cases = numbered()
    assert cases["1002"].circumstances == "Last seen at 5th St, near the bus stop, with a friend"
    assert cases["1001"].other_names == "'Big Ann'"
    assert "on foot'" in ImportDoubt.objects.get(key="1001", column="Row").why


@given
def test_leading_zeros_are_as_people_see_them(of_users):
    of_users("xlsx-leading-zeros")
    assert {number: case.photos.count() for number, case in numbered().items()} == {"000123": 1, "004567": 1}


@given
def test_a_merged_number_holds_for_each_row_that_it_reaches(of_users):
    of_users("xlsx-merged-number")
    names = {number: set(case.photos.values_list("filename", flat=True)) for number, case in numbered().items()}
    assert names == {"1001": {"a.jpg", "b.jpg"}, "1002": {"c.jpg"}}


@given
def test_numbers_that_differ_by_case_or_blanks_are_one(of_users):
    of_users("csv-number-doubled-with-case")
    assert {number: case.photos.count() for number, case in numbered().items()} == {"mp77": 2, "MP78": 2}


@given
@pytest.mark.parametrize(
    ("name", "cases"),
    [("photos-ext-and-paths", 7), ("zip-backslashes", 2), ("zip-cp1252-names", 3), ("zip-nfd-names", 3)],
)
def test_each_photo_finds_its_row_whatever_its_name_went_through(of_users, name, cases):
    of_users(name)
    assert [case.photos.count() for case in Case.objects.all()] == [1] * cases
    assert not ImportProblem.objects.exists()


@given
def test_what_programs_write_behind_a_number_is_taken_off_and_what_fits_nobody_is_named(of_users):
    of_users("photos-windows-copies")
    assert {number: case.photos.count() for number, case in numbered().items()} == {
        "1001": 2, "1002": 1, "1003": 1, "1004": 1, "1005": 2, "1006": 0,
    }  # fmt: skip
    assert Photo.objects.get(filename="1005-left.jpg").view == "side"
    strays = ImportDoubt.objects.filter(column=ImportDoubt.STRAY)
    assert set(strays.values_list("key", flat=True)) == {"9999.jpg", "Smith_John_1006.jpg"}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "mac_roman", "cp437"]
)
def test_a_name_with_signs_is_the_same_in_each_encoding(imported, tmp_path, encoding):
    imported(write(tmp_path / "t.csv", "number,name", "1,José Núñez", "2,Jürgen Müller", encoding=encoding))
    assert set(Case.objects.values_list("name", flat=True)) == {"José Núñez", "Jürgen Müller"}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("“Big” Ann – O’Neil", "cp1252"), ("5' 10½\" 70 °F", "cp1252"), ("Łukasz Żółć", "cp1250"), ("محمد علي", "cp1256"),
     ("山田太郎", "shift_jis"), ("王小明", "gb18030"), ("Иван Петров", "koi8_r"), ("Иван Петров", "cp866")],
)  # fmt: skip
def test_an_encoding_is_told_by_what_reads_as_words(text, encoding):
    assert text.encode(encoding).decode(encodings.guess(text.encode(encoding))) == text


def test_a_wrong_guess_is_set_right_by_choosing(imported, tmp_path):
    path = write(tmp_path / "t.csv", "number,name", "1,Gökhan Şahin", encoding="cp1254")
    imported(path, encoding="cp1254")
    assert Case.objects.get().name == "Gökhan Şahin"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_by_which_rows_come_out_even(imported, tmp_path, delimiter):
    rows = [["number", "name", "notes"], ["1", "Ruiz, Ana", "left; by bus | alone"], ["2", "Lund, Bo", "it's late"]]
    lines = [delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in row) for row in rows]
    imported(write(tmp_path / "t.csv", *lines))
    assert Case.objects.get(number="1").circumstances == "left; by bus | alone"
    assert Case.objects.get(number="2").name == "Lund, Bo"


def test_a_stray_quote_swallows_no_rows(imported, tmp_path):
    path = write(
        tmp_path / "t.csv", "number,name", *(f'{n},"Person {n}' if n == 2 else f"{n},Person {n}" for n in range(9))
    )
    imported(path)
    assert Case.objects.count() == 9


@pytest.mark.parametrize(
    "title", [["Missing persons"], ["Missing persons", "", ""], ["Extract of 3 May", "", "page 1"]]
)
def test_a_title_above_the_header_is_no_header(imported, tmp_path, title):
    imported(write(tmp_path / "t.csv", ",".join(title), "", "Case Number,Name,Sex", "1,Ana,F"))
    assert (Case.objects.get().number, Case.objects.get().sex) == ("1", "female")


def test_the_header_can_be_said_where_nothing_tells_it(tmp_path):
    path = write(tmp_path / "t.csv", "a,b,c", "Fall,Wer,Wann", "1,Ana,2019")
    assert tables.open_table(path).columns == ["a", "b", "c"]
    assert tables.open_table(path, tables.Reading(line=2)).columns == ["Fall", "Wer", "Wann"]


def test_a_row_with_too_few_cells_is_listed_and_goes_in(imported, tmp_path):
    imported(write(tmp_path / "t.csv", "number,name,sex", "1,Ana,F", "2,Bo", "3,Cy,M"))
    assert Case.objects.count() == 3
    assert "2 cells, the header 3" in ImportDoubt.objects.get().why


def test_an_ods_file_is_read(imported, tmp_path):
    write_ods(tmp_path / "t.ods", {"Sheet1": [["number", "name"], ["0012", "Zoë"]]})
    imported(tmp_path / "t.ods")
    assert (Case.objects.get().number, Case.objects.get().name) == ("0012", "Zoë")


def test_a_sheet_that_is_not_there_is_said_with_those_that_are(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["number"])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(tables.SourceUnavailable, match="has no sheet Persons; it has Sheet"):
        tables.open_table(tmp_path / "t.xlsx", tables.Reading(sheet="Persons"))


@pytest.mark.parametrize(
    ("headings_", "mapping"),
    [
        (["Booking #", "Legal Last Name", "Legal First Name", "Sx", "Arrest Dt", "Facility", "Mug File"],
         {"last_name": "Legal Last Name", "first_name": "Legal First Name", "sex": "Sx", "last_seen_on": "Arrest Dt",
          "agency": "Facility", "photo": "Mug File"}),
        (["Case Number", "DLC", "Legal Last Name", "Missing Age", "City", "Biological Sex", "Race / Ethnicity"],
         {"number": "Case Number", "last_seen_on": "DLC", "last_name": "Legal Last Name", "age_from": "Missing Age",
          "last_seen_place": "City", "sex": "Biological Sex", "race": "Race / Ethnicity"}),
        (["ID", "State", "Status"], {"number": "ID"}),
    ],
)  # fmt: skip
def test_columns_are_told_by_the_headings_of_jails_and_registries(headings_, mapping):
    assert headings.guess(headings_) == mapping


def test_columns_without_a_known_heading_are_told_by_what_they_hold():
    rows = [{"A": "x1.jpg", "B": "M", "C": "?"}, {"A": "x2.JPEG", "B": "F", "C": "?"}]
    assert headings.guess(["A", "B", "C"], rows) == {"photo": "A", "sex": "B"}


@pytest.mark.parametrize(
    ("text", "low", "high", "in_doubt"),
    [("35", 35, 35, False), ("35.0", 35, 35, False), ("30–35 years", 30, 35, False), ("mid 30s", 34, 36, False),
     ("18 months", 1, 1, False), ("1 yr 6 mos", 1, 1, False), ("newborn", 0, 0, False), ("35 y/o", 35, 35, False),
     ("40+", 40, None, True), ("~40", 40, 40, True), ("approx. 45", 45, 45, True), ("400", None, None, True),
     ("35-30", 30, 35, False), ("<18", 0, 17, True), ("under 18", 0, 17, True), ("over 60", 60, None, True),
     ("60 and older", 60, None, True), ("35 Year(s)", 35, 35, False), ("35 (at disappearance)", 35, 35, False),
     ("35 when last seen", 35, 35, False), ("35,5", 35, 35, False), ("in her 40s", 40, 49, False),
     ("#N/A", None, None, False), ("old enough", None, None, True)],
)  # fmt: skip
def test_an_age_is_read_as_people_write_it(text, low, high, in_doubt):
    read = reading.age(text)
    assert (read.value, bool(read.doubt)) == ((low, high), in_doubt)


@pytest.mark.parametrize(
    ("text", "sex"),
    [("M", "male"), ("Male (M)", "male"), ("F.", "female"), ("h", "male"), ("Mujer", "female"), ("weibl.", "female"),
     ("Ж", "female"), ("男", "male"), ("Non Binary", "other"), ("M/F", None), ("F/M", None), ("1", None), ("?", "")],
)  # fmt: skip
def test_a_sex_is_read_as_people_write_it(text, sex):
    read = reading.sex(text)
    assert (read.value, bool(read.doubt)) == (sex or "", sex is None)


def test_where_a_column_says_h_and_m_an_m_is_a_woman(imported, tmp_path):
    imported(write(tmp_path / "t.csv", "number,name,sexo", "1,Ana,M", "2,Bo,H", "3,Cy,m"))
    assert {case.number: case.sex for case in Case.objects.all()} == {"1": "female", "2": "male", "3": "female"}


@pytest.mark.parametrize(
    ("text", "day"),
    [("2007-12-31", "2007-12-31"), ("31.12.2007", "2007-12-31"), ("12/31/2007 10:30 PM", "2007-12-31"),
     ("20071231", "2007-12-31"), ("3 mars 1999", "1999-03-03"), ("31st of December 2007", "2007-12-31"),
     ("1/2/68", "1968-01-02"), ("2007/1/2", "2007-01-02"), ("1/2/2007 22:30:00 -0500", "2007-01-02"),
     ("20071231223000", "2007-12-31"), ("12312007", "2007-12-31"), ("31122007", "2007-12-31"),
     ("1199059200000", "2007-12-31"), ("2007年12月31日", "2007-12-31"), ("12/31/2007 (Monday)", "2007-12-31"),
     ("DOB: 12/31/2007", "2007-12-31"), ("123456789", None), ("99999999", None),
     ("2099-01-01", None), ("13/13/2007", None), ("NULL", None), ("last summer", None)],
)  # fmt: skip
def test_a_day_is_read_as_people_write_it(text, day):
    assert days.day(text).value == day


@pytest.mark.parametrize(
    ("text", "day", "first", "last", "in_doubt"),
    [("14 March 1985", "1985-03-14", None, None, False), ("1985", None, 1985, 1985, False),
     ("1985/00/00", None, 1985, 1985, False), ("00/00/1985", None, 1985, 1985, False),
     ("19850000", None, 1985, 1985, False), ("June 1985", None, 1985, 1985, True), ("06/1985", None, 1985, 1985, True),
     ("31/02/1985", None, 1985, 1985, True), ("circa 1985", None, 1983, 1987, True), ("1985?", None, 1983, 1987, True),
     ("c. 1985", None, 1983, 1987, True), ("1983-1987", None, 1983, 1987, False),
     ("between 1987 and 1983", None, 1983, 1987, False), ("1980s", None, 1980, 1989, False),
     ("late 1980s", None, 1987, 1989, False), ("before 1990", None, None, 1990, False),
     ("1985 or later", None, 1985, None, False), ("1985 +/- 2", None, 1983, 1987, False),
     ("1985/86", None, 1985, 1986, False), ("03/14/1985 (41)", "1985-03-14", None, None, False),
     ("XX/XX/1985", None, 1985, 1985, True), ("spring 1985 (mother)", None, 1985, 1985, True),
     ("Unknown", None, None, None, False), ("00/00/0000", None, None, None, False), ("85", None, None, None, True),
     ("a child", None, None, None, True), ("case 12345 of 1985", None, None, None, True),
     ("2099", None, None, None, True), ("1492", None, None, None, True), ("1985 1990 1995", None, None, None, True)],
)  # fmt: skip
def test_a_birth_is_read_as_a_day_or_as_the_years_in_which_it_lies(text, day, first, last, in_doubt):
    read = days.born(text)
    assert (read.value, bool(read.doubt)) == ((day, first, last), in_doubt)


def test_days_without_strokes_go_by_their_columns_order():
    assert days.day("03042007").value == "2007-03-04"
    assert days.day("03042007", day_first=True).value == "2007-04-03"
    assert days.day("12312007", day_first=True).value == "2007-12-31"


def test_a_columns_dates_tell_whether_the_day_comes_first(imported, tmp_path):
    imported(write(tmp_path / "t.csv", "number,last seen", "1,03/04/2007", "2,25/12/2007"))
    assert {number: str(case.last_seen_on) for number, case in numbered().items()} == {
        "1": "2007-04-03", "2": "2007-12-25",
    }  # fmt: skip
    assert not days.is_day_first(["03/04/2007", "04/25/2007"])


@pytest.mark.parametrize(
    ("tag", "view", "kind", "in_doubt"),
    [("Frontal View", "front", "photograph", False), ("F - Front", "front", "photograph", False),
     ("LEFT PROFILE", "side", "photograph", False), ("Tattoo - left arm", "other", "mark", False),
     ("#N/A", "front", "photograph", False), ("xyz", "front", "photograph", True)],
)  # fmt: skip
def test_a_view_is_read_as_people_write_it(tag, view, kind, in_doubt):
    found = reading.shows(tag, "")
    assert (found[0], found[1], bool(found[2])) == (view, kind, in_doubt)


def test_a_value_that_no_case_may_have_is_left_out_with_its_words(imported, tmp_path):
    path = write(
        tmp_path / "t.csv", "number,name,age,age to,url", "1,Ana,60,30,not a link", "2,Bo,30,60,https://a.example/2"
    )
    imported(path)
    ana = Case.objects.get(number="1")
    assert (ana.age_from, ana.age_to, ana.source_url) == (None, None, "")
    assert ana.as_written["Source link"] == "not a link"
    assert Case.objects.get(number="2").source_url == "https://a.example/2"
    assert set(ImportDoubt.objects.values_list("key", flat=True)) == {"1"}


def test_what_is_read_the_next_time_is_in_doubt_no_more(imported, make_source, run, tmp_path):
    path = write(tmp_path / "t.csv", "number,age", "1,Adult")
    source = make_source("spreadsheet", file=str(path))
    run(source)
    assert (Case.objects.get().as_written, ImportDoubt.objects.count()) == ({"Age": "Adult"}, 1)
    write(path, "number,age", "1,34")
    run(source)
    assert (Case.objects.get().as_written, ImportDoubt.objects.count()) == ({}, 0)
    assert Case.objects.get().age_from == 34


@pytest.mark.parametrize(
    "cell", ["a.jpg;b.jpg", "a.jpg, b.jpg", "a.jpg|b.jpg", "A.JPEG;sub\\b.jfif", "http://x.example/a.jpg?w=3;./b.jpg"]
)
def test_a_cell_may_name_several_photos_in_many_ways(imported, tmp_path, cell):
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    (photos / "a.jpg").write_bytes(faces.person(0))
    (photos / "sub" / "b.jpg").write_bytes(faces.person(1))
    imported(
        write(
            tmp_path / "t.csv",
            "number|photo" if "," in cell else "number,photo",
            f"1{'|' if ',' in cell else ','}{cell}",
        ),
        photos,
    )
    assert set(Photo.objects.values_list("filename", flat=True)) == {"a.jpg", "b.jpg"}


def test_of_two_files_of_a_name_the_folder_tells_and_else_the_photo_alone_is_refused(imported, tmp_path):
    for folder in ("2018", "2019"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        (tmp_path / "photos" / folder / "1.jpg").write_bytes(faces.person(int(folder[-1]) % 6))
    imported(write(tmp_path / "t.csv", "number,photo", "A,D:\\x\\2018\\1.jpg", "B,1.jpg"), tmp_path / "photos")
    assert Case.objects.count() == 2
    assert "is the name of 2 files" in ImportProblem.objects.get(key="B").reason


def test_a_table_of_hostile_cells_loses_nobody(imported, tmp_path):
    odd = ["", "#N/A", "=1+1", "\x00", "x" * 5000, "‮abc", "'; DROP TABLE", "99999999999999999999", "-1", "1e999", "½"]
    rows = [f'{n},"{a}","{b}","{a}","{b}"' for n, (a, b) in enumerate((a, b) for a in odd for b in odd)]
    done = imported(write(tmp_path / "t.csv", "number,name,sex,age,last seen", *rows))
    assert Case.objects.count() == len(rows)
    assert done.counts.get("refused", 0) == 0


def test_a_sources_page_says_what_was_not_understood_and_gives_all_as_csv(imported, as_admin, tmp_path):
    imported(write(tmp_path / "t.csv", "number,age", *(f"{n},adult {n}" for n in range(15))))
    source = ImportRun.objects.get().source
    page = as_admin.get(source.get_absolute_url()).content.decode()
    assert "Not understood" in page
    assert page.count("is no age in years") == 10
    answer = as_admin.get(f"/imports/{source.pk}/not-understood.csv")
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert (len(lines), lines[0]) == (16, "record,column,as written,why")
    case = Case.objects.get(number="3")
    assert "As its source wrote it: adult 3" in as_admin.get(case.get_absolute_url()).content.decode()


def test_the_columns_page_shows_how_it_reads_and_what_it_does_not(make_source, as_admin, tmp_path):
    source = make_source(
        "spreadsheet", file=str(write(tmp_path / "t.csv", "Case Number,Name,Age", "1,Иван,Adult", encoding="cp1251"))
    )
    page = as_admin.get(f"/imports/{source.pk}/columns/").content.decode()
    assert "Windows, Cyrillic" in page
    assert "Иван" in page
    assert "is no age in years" in page
    sent = {"number": "Case Number", "name": "Name", "encoding": "cp866"}
    as_admin.post(f"/imports/{source.pk}/columns/", sent)
    source.refresh_from_db()
    assert source.options["encoding"] == "cp866"


def test_a_mapping_serves_the_next_table_of_its_kind(make_source, as_admin, tmp_path):
    first = make_source("spreadsheet", file=str(write(tmp_path / "a.csv", "Ref,Who", "1,Ana")))
    as_admin.post(f"/imports/{first.pk}/columns/", {"number": "Ref", "name": "Who"})
    second = make_source("spreadsheet", file=str(write(tmp_path / "b.csv", "Ref,Who,More", "2,Bo,x")))
    page = as_admin.get(f"/imports/{second.pk}/columns/").content.decode()
    assert '<option value="Ref" selected' in page
    assert "Bo" in page


def test_erasing_a_case_forgets_what_was_not_understood_of_it(imported, tmp_path):
    from cases import erased

    imported(write(tmp_path / "t.csv", "number,age", "1,Adult"))
    erased.remember(Case.objects.get(), None)
    assert not ImportDoubt.objects.exists()


def test_a_reader_that_breaks_on_one_case_refuses_it_in_words_and_goes_on(imported, monkeypatch, tmp_path):
    true = spreadsheet.Spreadsheet._fields

    def breaks(self, number, rows):
        if number == "2":
            raise ZeroDivisionError
        return true(self, number, rows)

    monkeypatch.setattr(spreadsheet.Spreadsheet, "_fields", breaks)
    imported(write(tmp_path / "t.csv", "number,name", "1,Ana", "2,Bo", "3,Cy"))
    assert set(numbered()) == {"1", "3"}
    assert ImportProblem.objects.get().reason.startswith("Line 3: ")


def test_a_zip_of_names_in_any_encoding_is_listed_as_written(tmp_path):
    from cases.sources.places import Zip

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("a.jpg", b"x")
    # As Windows packs it: another encoding, no flag.
    content = packed.getvalue().replace(b"a.jpg", "ü.jpg".encode("cp1252"))
    (tmp_path / "p.zip").write_bytes(content)
    assert [name for name, _ in Zip(tmp_path / "p.zip").listing()] == ["ü.jpg"]


def test_pictures_that_lie_on_a_rows_cells_are_that_cases_photos(imported, tmp_path):
    book = openpyxl.Workbook()
    for row in (["number", "name", "photo"], ["1", "Ana", ""], ["2", "Bo", ""], ["3", "Cy", ""]):
        book.active.append(row)
    for cell, number in (("C2", 0), ("D2", 1), ("C4", 2)):
        book.active.add_image(openpyxl.drawing.image.Image(io.BytesIO(faces.person(number))), cell)
    book.save(tmp_path / "t.xlsx")
    imported(tmp_path / "t.xlsx")
    assert {number: case.photos.count() for number, case in numbered().items()} == {"1": 2, "2": 0, "3": 1}
    assert not ImportProblem.objects.exists()


def test_pictures_that_stand_in_a_rows_cells_are_that_cases_photos_too(imported, tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "t.xlsx")
    sheet = book.add_worksheet()
    for line, row in enumerate((["number", "name", "photo"], ["1", "Ana"], ["2", "Bo"], ["3", "Cy"], ["4", "#VALUE!"])):
        sheet.write_row(line, 0, row)
    for cell, number in (("C2", 0), ("D2", 1), ("C4", 0)):
        sheet.embed_image(cell, "face.jpg", {"image_data": io.BytesIO(faces.person(number))})
    # One that lies over a cell, beside those.
    sheet.insert_image("C3", "face.jpg", {"image_data": io.BytesIO(faces.person(2))})
    book.close()
    for _ in range(2):
        imported(tmp_path / "t.xlsx")
        assert {number: case.photos.count() for number, case in numbered().items()} == {"1": 2, "2": 1, "3": 1, "4": 0}
    assert not ImportProblem.objects.exists()
    assert not ImportDoubt.objects.exists()


@pytest.mark.parametrize("broken", ["xl/metadata.xml", "xl/richData/rdrichvalue.xml", "xl/richData/richValueRel.xml"])
def test_pictures_in_cells_that_cannot_be_read_are_said(make_source, run, tmp_path, broken):
    book = xlsxwriter.Workbook(tmp_path / "whole.xlsx")
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["number", "photo"])
    sheet.write(1, 0, "1")
    sheet.embed_image("B2", "face.jpg", {"image_data": io.BytesIO(faces.person(0))})
    book.close()
    with zipfile.ZipFile(tmp_path / "whole.xlsx") as whole, zipfile.ZipFile(tmp_path / "t.xlsx", "w") as cut:
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[: 100 if name == broken else None])
    source = make_source("spreadsheet", file=str(tmp_path / "t.xlsx"))
    assert "cannot be read" in run(source).note or "breaks off" in run(source).note


def test_a_photo_without_a_row_is_given_its_case_by_hand_and_stays_there(make_source, run, as_admin, tmp_path):
    (tmp_path / "photos").mkdir()
    for name, number in (("1.jpg", 0), ("Smith_John.jpg", 1)):
        (tmp_path / "photos" / name).write_bytes(faces.person(number))
    path = write(tmp_path / "t.csv", "number,photo", "1,1.jpg")
    source = make_source("spreadsheet", file=str(path), photos=str(tmp_path / "photos"))
    run(source)
    stray = ImportDoubt.objects.get(column=ImportDoubt.STRAY)
    for number, why in (("9", "has no case 9"), ("", "has no case")):
        page = as_admin.post(f"/imports/doubts/{stray.pk}/attach/", {"number": number}, follow=True)
        assert why in page.content.decode()
    page = as_admin.post(f"/imports/doubts/{stray.pk}/attach/", {"number": "1"}, follow=True).content.decode()
    assert "Smith_John.jpg is of 1" in page
    source.refresh_from_db()
    for _ in range(2):
        run(source)
        assert set(Photo.objects.values_list("filename", flat=True)) == {"1.jpg", "Smith_John.jpg"}
        assert not ImportDoubt.objects.exists()
