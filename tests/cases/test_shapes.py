"""Tables as programs hold them: whatever a file is called, however its rows, links and pictures are kept."""

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import openpyxl
import pytest

from cases.models import Case, ImportDoubt, ImportProblem
from cases.sources import headings, spreadsheet, tables
from tests import faces
from tests.ods_files import write_ods

pytestmark = pytest.mark.django_db(transaction=True)

HEAD = ["Case Number", "Last Name", "First Name", "Sex", "DOB"]
ROWS = [
    ["1001", "O'Brien", "Ana", "F", "1985-04-12"],
    ["1002", "Smith & Sons", "Bob", "M", "1990-01-02"],
    ["1003", "Lee", "Kim", "F", "2001-12-31"],
]


def text(delimiter: str = ",") -> bytes:
    return "".join(delimiter.join(row) + "\n" for row in [HEAD, *ROWS]).encode()


def workbook(rows=(HEAD, *ROWS)) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def marked(cell: str) -> str:
    return cell.replace("&", "&amp;")


def page(before: str = "") -> bytes:
    body = "".join("<tr>" + "".join(f"<td> {marked(cell)}\n</td>" for cell in row) + "</tr>" for row in ROWS)
    head = "".join(f"<th>{cell}</th>" for cell in HEAD)
    return f"<html><head><style>td {{}}</style></head><body>{before}<table><tr>{head}</tr>{body}</table>".encode()


def xml_spreadsheet() -> bytes:
    rows = "".join(
        "<Row>" + "".join(f'<Cell><Data ss:Type="String">{marked(cell)}</Data></Cell>' for cell in row) + "</Row>"
        for row in [HEAD, *ROWS]
    )
    spaces = " ".join(f'xmlns{name}="urn:schemas-microsoft-com:office:spreadsheet"' for name in ("", ":ss"))
    table = f'<Worksheet ss:Name="S"><Table>{rows}</Table></Worksheet>'
    return f'<?xml version="1.0"?><Workbook {spaces}>{table}</Workbook>'.encode()


def beneath(rule: bool = False) -> bytes:
    """Columns that stand beneath each other, as terminals print them; with a rule one blank apart."""
    width = 13 if rule else 15
    lines = ["".join(cell.ljust(width) for cell in row) for row in [HEAD, *ROWS]]
    if rule:
        lines.insert(1, " ".join("-" * (width - 1) for _ in HEAD))
        lines += ["", "(3 rows affected)"]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a page.xls", page()),
        ("a page.html", page("<h1>Inmates</h1><table><tr><td>Printed 1 May</td></tr></table>")),
        ("a text.xls", text("\t")),
        ("a text.xlsx", text()),
        ("a workbook.xls", workbook()),
        ("a workbook.csv", workbook()),
        ("XML.xls", xml_spreadsheet()),
        ("tilde.txt", text("~")),
        ("caret.dat", text("^")),
        ("beneath.txt", beneath()),
        ("a rule.rpt", beneath(rule=True)),
        ("all in one cell.xlsx", workbook([[";".join(row)] for row in [HEAD, *ROWS]])),
        ("all in quotes.csv", "".join(f'"{",".join(row)}"\n' for row in [HEAD, *ROWS]).encode()),
        ("typographers' quotes.csv", "".join(",".join(f"“{c}”" for c in row) + "\n" for row in [HEAD, *ROWS]).encode()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_table_is_read_for_what_it_is_and_not_for_what_it_is_called(imported, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    imported(tmp_path / name)
    found = {case.number: (case.name, case.sex, str(case.born_on)) for case in Case.objects.all()}
    sexes = {"F": "female", "M": "male"}
    assert found == {number: (f"{first} {last}", sexes[sex], day) for number, last, first, sex, day in ROWS}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv.gz", gzip.compress(text(), mtime=0), "is packed (gzip). Unpack it"),
        ("a.json", json.dumps([dict(zip(HEAD, row, strict=True)) for row in ROWS], indent=1).encode(), "is JSON"),
        ("a.csv", b"%PDF-1.7\n", "is a PDF. Ask for the table"),
        ("a.xlsx", faces.person(0), "is a picture"),
        ("a.html", b"<html><body><p>Nobody</p></body></html>", "is a page without a table"),
        ("a.html", page() + b"<![odd[x]]>", "is no page that can be read"),
        ("a.xls", xml_spreadsheet()[:-200], "is no XML Spreadsheet that can be read"),
        ("a.xlsx", b"PK\x03\x04 cut off", "is no XLSX file that can be read"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 3000, "is no XLS file that can be read"),
    ],
)
def test_what_is_no_table_is_said_with_what_to_do(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(tables.SourceUnavailable) as refused:
        tables.open_table(tmp_path / name)
    assert words in str(refused.value)


def test_a_zip_given_for_a_table_says_where_each_of_both_goes(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as packed:
        packed.writestr("export.csv", text())
    with pytest.raises(tables.SourceUnavailable, match="Unpack it: give the table"):
        tables.open_table(tmp_path / "export.zip")


def test_a_pages_cells_that_reach_over_rows_and_columns_hold_for_each(imported, tmp_path):
    (tmp_path / "t.html").write_bytes(
        "<meta charset=windows-1251><table><tr><th>number<th>name<th colspan=2>place<th>photo"
        "<tr><td rowspan=2>1<td>Анна<td>Salem<td>Oregon<td><img src='pics/a.jpg'>"
        "<tr><td><td><td><td><img src=pics/b.jpg><tr><td>2<td>Bo<table><tr><td>a table within</table>"
        "<td><script>x</script>Bend".encode("cp1251")
    )
    (tmp_path / "p").mkdir()
    for name, number in (("a.jpg", 0), ("b.jpg", 1)):
        (tmp_path / "p" / name).write_bytes(faces.person(number))
    imported(tmp_path / "t.html", tmp_path / "p")
    found = {case.number: (case.name, case.last_seen_place, case.photos.count()) for case in Case.objects.all()}
    assert found == {"1": ("Анна", "Salem", 2), "2": ("Bo", "Bend", 0)}


def test_of_several_tables_of_a_page_the_one_with_people_is_taken_and_another_can_be_chosen(tmp_path):
    (tmp_path / "t.html").write_bytes(page("<table><tr><td>a</td><td>b</td></tr></table>"))
    table = tables.open_table(tmp_path / "t.html")
    assert (list(table.sheets), table.reading.sheet, table.columns) == (["Table 1", "Table 2"], "Table 2", HEAD)
    assert tables.open_table(tmp_path / "t.html", tables.Reading(sheet="Table 1")).columns == ["a", "b"]


def test_a_pages_table_and_its_encoding_can_be_chosen(make_source, as_admin, tmp_path):
    two = "<table><tr><td>a</td></tr></table><table><tr><td>number<td>name<tr><td>1<td>Müller</table>"
    (tmp_path / "t.xls").write_bytes(f"<meta charset=utf-8>{two}".encode("cp1252"))
    source = make_source("spreadsheet", file=str(tmp_path / "t.xls"))
    columns = f"/imports/{source.pk}/columns/"
    asked = {"number": "number", "name": "name", "sheet": "Table 2", "encoding": "cp850"}
    page = as_admin.get(columns).content.decode()
    assert 'name="encoding"' in page
    assert "Table 2" in page
    assert "Müller" in page, "it is not what it calls itself"
    assert "M³ller" in as_admin.post(columns, asked, headers={"HX-Request": "true"}).content.decode()


def test_an_xml_spreadsheets_cells_may_leave_some_out(tmp_path):
    content = xml_spreadsheet().replace(b"<Cell><Data", b'<Cell ss:Index="1"><Data', 1)
    # What is no number is none.
    content = content.replace(b"<Row>", b'<Row ss:Index="x">', 1)
    content = content.replace(
        b"</Table>",
        b'<Row ss:Index="9"><Cell><Data>1004</Data></Cell><Cell ss:Index="5">'
        b'<Data ss:Type="DateTime">1985-04-12T00:00:00.000</Data></Cell></Row></Table>',
    )
    (tmp_path / "t.xls").write_bytes(content)
    *_, last = tables.open_table(tmp_path / "t.xls").rows()
    assert (last.number, list(last.cells.values())) == (9, ["1004", "", "", "", "1985-04-12"])


def test_lines_between_the_rows_and_beneath_them_are_listed_and_are_nobody(imported, tmp_path):
    beside = [HEAD, ["Page 2", "", "", "", ""], ["-----", "----", "---", "-", "----"], ["Total: 3", "", "", "", ""]]
    with open(tmp_path / "t.csv", "w", newline="") as file:
        csv.writer(file).writerows([HEAD, ROWS[0], *beside[:2], ROWS[1], *beside[2:], ROWS[2]])
    for _ in range(2):
        done = imported(tmp_path / "t.csv")
        assert {case.number for case in Case.objects.all()} == {"1001", "1002", "1003"}
        assert done.counts["lines that are no case"] == 4
        doubts = ImportDoubt.objects.filter(source=done.source, column=ImportDoubt.BESIDE)
        assert {doubt.key: doubt.text for doubt in doubts} == {
            "line 3": " | ".join(HEAD), "line 4": "Page 2", "line 6": "----- | ---- | --- | - | ----",
            "line 7": "Total: 3",
        }  # fmt: skip


def test_a_person_whose_name_begins_like_a_line_of_a_report_stays_one(imported, tmp_path):
    (tmp_path / "t.csv").write_text("number,name,sex,age\n1,Total Page,F,30\n2,Page 3,,\n")
    imported(tmp_path / "t.csv")
    assert {case.name for case in Case.objects.all()} == {"Total Page", "Page 3"}


def test_columns_of_the_same_heading_are_told_apart_and_photos_of_all_of_them_go_in(imported, tmp_path):
    (tmp_path / "p").mkdir()
    for number, name in enumerate("abcd"):
        (tmp_path / "p" / f"{name}.jpg").write_bytes(faces.person(number))
    (tmp_path / "t.csv").write_text("number,name,notes,Photo,Photo,notes,Photo 3\n1,Ana,tall,a.jpg,b.jpg,thin,c.jpg\n")
    columns = ["number", "name", "notes", "Photo", "Photo (2)", "notes (2)", "Photo 3"]
    assert tables.header(tmp_path / "t.csv") == columns
    done = imported(tmp_path / "t.csv", tmp_path / "p")
    assert Case.objects.get().photos.count() == 3
    assert [doubt.key for doubt in done.source.doubts.all()] == ["d.jpg"]
    assert headings.series(["Photo 1", "Photo 2", "Phone 2"], "Photo 1") == ["Photo 1", "Photo 2"]


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("Número de expediente;Apellidos;Nombre;Sexo;Edad", "7;García;Ana;Mujer;39 años", "Ana García"),
        ("Aktenzeichen;Name;Vorname;Geschlecht;Alter", "7;Müller;Ana;weiblich;39 Jahre", "Ana Müller"),
        ("N° dossier;Nom;Prénom;Sexe;Âge", "7;Élie;Ana;femme;39 ans", "Ana Élie"),
        ("number;name;last name;sex;age", "7;Ana García;García;f;39 y/o", "Ana García"),
    ],
)
def test_headings_of_other_languages_and_a_name_beside_its_parts(imported, tmp_path, header, row, name):
    (tmp_path / "t.csv").write_text(f"{header}\n{row}\n")
    columns = spreadsheet.guess(tables.open_table(tmp_path / "t.csv"))
    if "number" not in columns:
        columns["number"] = header.partition(";")[0]
    imported(tmp_path / "t.csv", columns=columns)
    case = Case.objects.get()
    assert (case.name, case.sex, case.age_from) == (name, "female", 39)
    assert not ImportDoubt.objects.exists()


def test_a_link_that_says_view_leads_to_the_photo_and_one_on_a_name_does_not(imported, tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (["number", "name", "photo"], ["1", "Ana", "View"], ["2", "Bo", ""], ["3", "Cy", ""], ["4", "Dee", "x"]):
        sheet.append(row)
    sheet["C2"].hyperlink = "file:///C:/export/pics/a%201.jpg"
    sheet["C2"].value = "View"
    sheet["C3"] = '=HYPERLINK("pics\\b.jpg","View")'
    sheet["C4"] = '=_xlfn.IMAGE("https://jail.example/pics/c.jpg?size=2")'
    sheet["B5"].hyperlink = "https://jail.example/pics/d.jpg"
    sheet["B5"].value = "Dee"
    book.save(tmp_path / "t.xlsx")
    (tmp_path / "pics").mkdir()
    for number, name in enumerate(("a 1", "b", "c")):
        (tmp_path / "pics" / f"{name}.jpg").write_bytes(faces.person(number))
    imported(tmp_path / "t.xlsx", tmp_path / "pics")
    found = {case.number: (case.name, case.photos.count()) for case in Case.objects.all()}
    assert found == {"1": ("Ana", 1), "2": ("Bo", 1), "3": ("Cy", 1), "4": ("Dee", 0)}
    assert [problem.key for problem in ImportProblem.objects.all()] == ["4"]


def with_wps_pictures(path: Path) -> None:
    """A workbook as WPS Office saves one with pictures in cells: a formula names a picture of the workbook's list."""
    book = openpyxl.Workbook()
    for row in (["number", "name", "photo"], ["1", "Ana"], ["2", "Bo"], ["3", "Cy"]):
        book.active.append(row)
    for cell, name in (("C2", "ID_A"), ("C4", "ID_B"), ("C3", "ID_GONE")):
        book.active[cell] = f'=_xlfn.DISPIMG("{name}",1)'
    book.save(path)
    pictures = "".join(
        f'<etc:cellImage><xdr:pic><xdr:nvPicPr><xdr:cNvPr id="{number}" name="ID_{name}"/></xdr:nvPicPr>'
        f'<xdr:blipFill><a:blip r:embed="rId{number}"/></xdr:blipFill></xdr:pic></etc:cellImage>'
        for number, name in ((1, "A"), (2, "B"))
    )
    relations = "".join(
        f'<Relationship Id="rId{number}" Target="media/image{number}.jpeg" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"/>'
        for number in (1, 2)
    )
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr(
            "xl/cellimages.xml",
            '<etc:cellImages xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData" '
            'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
            'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
            'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            f"{pictures}</etc:cellImages>",
        )
        packed.writestr(
            "xl/_rels/cellimages.xml.rels",
            f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{relations}'
            "</Relationships>",
        )
        for number in (1, 2):
            packed.writestr(f"xl/media/image{number}.jpeg", faces.person(number))


def with_ods_pictures(path: Path) -> None:
    """A workbook as LibreOffice saves one with pictures anchored to cells, one of them lost."""
    people = [["number", "name"], ["1", "Ana", "Pictures/1.jpg"], ["2", "Bo", "Pictures/gone.jpg"], []]
    others = [["9", "Nobody", "Pictures/1.jpg"]]
    pictures = {f"Pictures/{number}.jpg": faces.person(number) for number in (1, 2)}
    write_ods(path, {"Other": others, "People": [*people, ["3", "Cy", "Pictures/2.jpg"]]}, pictures)


@pytest.mark.parametrize("make", [with_wps_pictures, with_ods_pictures])
def test_pictures_in_the_cells_of_other_programs_are_their_rows_too(imported, tmp_path, make):
    path = tmp_path / ("t.xlsx" if make is with_wps_pictures else "t.ods")
    make(path)
    imported(path, **({"sheet": "People"} if make is with_ods_pictures else {}))
    assert {case.number: case.photos.count() for case in Case.objects.all()} == {"1": 1, "2": 0, "3": 1}
    assert not ImportProblem.objects.exists()
