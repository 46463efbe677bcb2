"""Cameras placed by a file: by their names alone, with what was not used and why, and put back."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cases.models import AuditEvent, Team
from matching.models import Camera
from tests import people

pytestmark = pytest.mark.django_db
GPX = """<?xml version="1.0"?><gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">
<wpt lat="45.52" lon="-122.67"><ele>12</ele><name> North  gate </name></wpt>
<wpt lat="52.5" lon="13.4"><name>Nowhere</name></wpt><wpt lat="400" lon="10"><name>Harbour</name></wpt></gpx>"""


@pytest.fixture
def gate() -> Camera:
    made = Camera(name="North Gate", latitude=1.0, longitude=2.0)
    made.issue_token()
    return made


@pytest.fixture(autouse=True)
def harbour(db) -> Camera:
    made = Camera(name="Harbour")
    made.issue_token()
    return made


def send(client: Client, name: str, content: str | bytes):
    data = content.encode() if isinstance(content, str) else content
    return client.post("/cameras/places/", {"file": SimpleUploadedFile(name, data)})


def where(camera: Camera) -> tuple[float | None, float | None]:
    camera.refresh_from_db()
    return camera.latitude, camera.longitude


def test_it_works(gate, harbour, as_admin):
    page = send(as_admin, "sites.gpx", GPX).content.decode()
    assert where(gate) == (45.52, -122.67)
    assert where(harbour) == (None, None)
    assert "1 placed" in page
    assert "No camera of yours has this name." in page
    assert "no degrees between" in page
    assert "sites.gpx" in AuditEvent.objects.get(action="placed").why


def test_it_is_undone(gate, as_admin):
    answer = send(as_admin, "sites.gpx", GPX)
    undone = as_admin.post("/cameras/places/undo/", {"before": answer.context["before"]}, follow=True)
    assert "Put back where they stood: North Gate." in undone.content.decode()
    assert where(gate) == (1.0, 2.0)
    forged = as_admin.post("/cameras/places/undo/", {"before": "forged"}, follow=True).content.decode()
    assert "cannot be undone" in forged


@pytest.mark.parametrize(
    "table",
    [
        "name,latitude,longitude\nNorth gate,45.52,-122.67\n",
        "Camera;Lat;Lon\nnorth gate;45,52;122.67W\n",
        "site\tLAT\tlng\tname\nx\t45.52°\t-122.67\tNorth Gate\n",
        '\ufeffTitle,y,x\n"North gate",45.52,-122.67\n',
    ],
)
def test_tables_as_people_write_them(gate, as_admin, table):
    assert send(as_admin, "sites.csv", table).status_code == 200
    assert where(gate) == (45.52, -122.67)


BOMB = """<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>
<gpx><wpt lat="1" lon="1"><name>&c;</name></wpt></gpx>"""


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("sites.gpx", "", "no GPX"),
        ("sites.gpx", "<gpx><wpt", "no GPX"),
        ("sites.gpx", BOMB, "no GPX"),
        ("sites.gpx", "<gpx></gpx>", "names no place"),
        ("sites.csv", "name,latitude\nGate,1\n", "no column longitude; it has name, latitude"),
        ("sites.csv", "", "places.csv"),
        ("sites.kml", "<kml/>", "Send a GPX"),
        ("sites.xlsx", b"PK\x03\x04 no workbook", "places.xlsx"),
        ("sites.csv", "name,lat,lon\n" + "Gate,1,2\n" * 5001, "at most 5,000"),
        ("sites.csv", b"x" * (2 * 2**20 + 1), "over 2 MB"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(gate, as_admin, name, content, words):
    answer = send(as_admin, name, content)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert where(gate) == (1.0, 2.0)


def test_names_that_are_twice(gate, as_admin):
    page = send(as_admin, "a.csv", "name,lat,lon\nNorth Gate,3,4\nnorth gate,5,6\n").content.decode()
    assert where(gate) == (3.0, 4.0)
    assert "has this name twice" in page
    second = Camera(name="north gate")
    second.issue_token()
    assert (
        "Several cameras have this name" in send(as_admin, "a.csv", "name,lat,lon\nNorth Gate,7,8\n").content.decode()
    )
    assert where(gate) == (3.0, 4.0)


def test_another_teams_camera_stays_where_it_is(gate):
    gate.teams.add(Team.objects.create(name="Theirs"))
    mine = people.person("kim", "Camera manager")
    Team.objects.create(name="Ours").members.add(mine)
    client = Client()
    client.force_login(mine)
    assert "No camera of yours" in send(client, "a.csv", "name,lat,lon\nNorth Gate,3,4\n").content.decode()
    assert where(gate) == (1.0, 2.0)


def test_without_a_file(as_admin):
    assert "Choose a file first" in as_admin.post("/cameras/places/").content.decode()
    assert as_admin.get("/cameras/places/").status_code == 200
