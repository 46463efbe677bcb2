"""Cases taken along: tables that hold what the page showed, a map, and records that another reader understands."""

import csv
import io
import json
from datetime import date

import pytest
from PIL import Image

from cases import taken_along
from cases.models import AuditEvent, Collection, Photo, Team, change_photos
from tests import faces
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)


def saved(answer) -> str:
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()


@pytest.fixture
def two(make_case) -> None:
    make_case("MP1", name="Zoë Ruiz", sex="female", latitude=36.7, longitude=-119.8, last_seen_on=date(2010, 5, 3))
    make_case("MP2", name="=HYPERLINK(1)", sex="male")


def test_the_table_holds_what_the_filters_leave(two, as_admin):
    (row,) = csv.DictReader(io.StringIO(saved(as_admin.get("/cases/export.csv?sex=female"))))
    assert (row["number"], row["name"], row["last_seen_on"]) == ("MP1", "Zoë Ruiz", "2010-05-03")
    rows = list(csv.DictReader(io.StringIO(saved(as_admin.get("/cases/export.csv")))))
    assert {one["name"] for one in rows} == {"Zoë Ruiz", "'=HYPERLINK(1)"}
    assert AuditEvent.objects.filter(action="exported", why__contains="sex=female").exists()


def test_json_holds_the_same_and_an_empty_one_is_a_list(two, as_admin):
    rows = json.loads(saved(as_admin.get("/cases/export.json")))
    assert {one["number"]: one["latitude"] for one in rows} == {"MP1": 36.7, "MP2": None}
    assert json.loads(saved(as_admin.get("/cases/export.json?q=nobody"))) == []
    assert as_admin.get("/cases/export.exe").status_code == 404


def test_the_map_holds_those_whose_place_is_known(two, as_admin):
    found = json.loads(saved(as_admin.get("/cases/export.geojson")))
    (feature,) = found["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [-119.8, 36.7]}
    assert feature["properties"]["name"] == "Zoë Ruiz"
    empty = json.loads(saved(as_admin.get("/cases/export.geojson?q=MP2")))
    assert empty == {"type": "FeatureCollection", "features": []}


def test_nobody_takes_along_what_another_team_has(two, make_case):
    team = Team.objects.create(name="North")
    hidden = Collection.objects.create(name="Hidden")
    hidden.teams.add(Team.objects.create(name="South"))
    make_case("MP3", collection=hidden)
    someone = person("sam", "Viewer")
    someone.teams.add(team)
    from django.test import Client

    client = Client()
    client.force_login(someone)
    assert "MP3" not in saved(client.get("/cases/export.csv"))


def records(content: bytes) -> list[dict[int, bytes]]:
    """Another reader of ANSI/NIST-ITL than the one that writes: by the standard's lengths and separators alone."""
    found = []
    while content:
        length = int(content.split(b"\x1d", 1)[0].split(b":")[1])
        record, content = content[:length], content[length:]
        assert record.endswith(b"\x1c")
        fields: dict[int, bytes] = {}
        rest = record[:-1]
        while rest:
            tag, _, after = rest.partition(b":")
            number = int(tag.split(b".")[1])
            value, _, rest = (after, b"", b"") if number == 999 else after.partition(b"\x1d")
            fields[number] = value
        found.append(fields)
    return found


def test_another_reader_understands_the_exchanged_record(any_model, make_case, as_admin):
    case = make_case(
        "MP1", faces.person(1), faces.person(2), name="Ana María Ruiz", sex="female", born_on=date(1988, 5, 3),
        height_from=165, weight_from=54, hair="Brown", eyes="green", race="White / Caucasian", agency="Fresno Police",
    )  # fmt: skip
    Photo.objects.filter(pk=case.photos.first().pk).update(taken_on=date(2009, 1, 2))
    change_photos([case.photos.last()], kind="mark")
    answer = as_admin.get(f"/cases/{case.pk}/faces.an2")
    head, who, face = records(answer.content)
    assert (head[2], head[15]) == (b"0502", b"3\x1fUTF-8")
    assert head[3] == b"1\x1f2\x1e2\x1f0\x1e10\x1f1"
    assert who[18].decode() == "Ruiz,Ana María"
    assert (who[22], who[24], who[25]) == (b"19880503", b"F", b"W")
    assert (who[27], who[29], who[31], who[32]) == (b"505", b"119", b"GRN", b"BRO")
    assert (face[3], face[4], face[5], face[20]) == (b"FACE", b"Fresno Police", b"20090102", b"F")
    with Image.open(io.BytesIO(face[999])) as picture:
        assert picture.size == (int(face[6]), int(face[7]))
        assert picture.format == "JPEG"
    event = AuditEvent.objects.get(why__contains="ANSI/NIST-ITL")
    assert head[9].decode() == str(event.pk)


@pytest.mark.parametrize(
    ("name", "written"),
    [("Ruiz, Ana", "Ruiz,Ana"), ("Ana", "Ana"), ("", None), ("A\x1dB\x1cC", "C,A B")],
)
def test_no_name_breaks_the_record(any_model, make_case, name, written):
    case = make_case("MP1", faces.person(1), name=name)
    _, who, _ = records(taken_along.nist(case, taken_along.faces(case), "1"))
    assert who.get(18) == (written.encode() if written else None)


def test_a_case_without_a_face_says_so(make_case, as_admin):
    case = make_case("MP1")
    shown = as_admin.get(f"/cases/{case.pk}/faces.an2", follow=True).content.decode()
    assert "nothing to exchange" in shown
    assert as_admin.get(f"/api/v1/cases/{case.pk}/nist/").status_code == 409


def test_a_program_gets_it_too(any_model, make_case, as_admin):
    case = make_case("MP1", faces.person(1))
    assert len(records(as_admin.get(f"/api/v1/cases/{case.pk}/nist/").content)) == 3
