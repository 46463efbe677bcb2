"""The map: what stands where, put together in the database, for whoever may see it."""

import hashlib
import io
import json
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from PIL import ExifTags, Image

from cases.models import AuditEvent, Case, Photo, Team
from matching.models import Alert, Camera, Candidate, Shot, SitePlan
from matching.searching import batches, pictures
from matching.watching import captures
from mpsite.settings import host_of_tiles
from tests import faces, people

URL = "/api/v1/map/"
BERLIN, HAMBURG, SYDNEY, FIJI = (52.52, 13.405), (53.55, 9.99), (-33.87, 151.21), (-17.7, 178.0)


def at(camera_or_case, where):
    camera_or_case.latitude, camera_or_case.longitude = where
    camera_or_case.save()
    return camera_or_case


def camera_at(name: str, where) -> Camera:
    made = Camera(name=name)
    made.issue_token()
    return at(made, where)


def asked(client: Client, **words) -> dict:
    answer = client.get(URL, words)
    assert answer.status_code == 200, answer.content
    return answer.json()


def of(found: dict, kind: str) -> list[dict]:
    return [point for point in found["points"] if point["kind"] == kind]


def test_what_lies_together_is_one_point_until_one_goes_near(as_admin, db):
    for number in range(5):
        camera_at(f"Gate {number}", (BERLIN[0] + number * 0.01, BERLIN[1]))
    camera_at("Harbour", HAMBURG)
    far = of(asked(as_admin, zoom=4), "cameras")
    assert sorted(point["count"] for point in far) == [1, 5] or [point["count"] for point in far] == [6]
    near = of(asked(as_admin, zoom=17, west=13.3, east=13.5, south=52.4, north=52.6), "cameras")
    assert sorted(point["title"] for point in near) == [f"Gate {number}" for number in range(5)]
    assert all(point["link"].startswith("/cameras/") for point in near)


def test_a_window_across_the_date_line_holds_both_sides(as_admin, db):
    camera_at("Suva", FIJI)
    camera_at("Apia", (-13.8, -171.8))
    camera_at("Berlin", BERLIN)
    for west, east in ((170, 195), (-190, -165), (170 - 360, 195 - 360)):
        found = of(asked(as_admin, zoom=6, west=west, east=east, south=-40, north=0), "cameras")
        assert {point["title"] for point in found} == {"Suva", "Apia"}, (west, east)
    assert len(of(asked(as_admin, zoom=6, west=-540, east=540), "cameras")) == 3


def test_poles_and_edges_are_places_too(as_admin, db):
    for number, where in enumerate([(90, 0), (-90, 0), (0, 180), (0, -180), (85.06, 179.99)]):
        camera_at(f"Edge {number}", where)
    assert sum(point["count"] for point in of(asked(as_admin, zoom=3), "cameras")) == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"south": 400}, "south"),
        ({"west": "nan"}, "west"),
        ({"zoom": 99}, "zoom"),
        ({"since": "9999-99-99"}, "since"),
        ({"south": 10, "north": -10}, "south"),
        ({"show": "secrets"}, "show"),
        ({"case": 999999}, "case"),
        ({"collection": "x"}, "collection"),
        ({"plan": 999999}, "plan"),
    ],
)
def test_places_that_lie_are_refused_in_words(as_admin, words, said):
    answer = as_admin.get(URL, words)
    assert answer.status_code == 400
    assert list(answer.json()) == [said]
    assert as_admin.get("/map/list/", words).status_code == 422
    assert said in as_admin.get("/map/", words).content.decode()


@pytest.fixture
def alert(any_model, six_cases, camera) -> Alert:
    return alert_at(at(camera, BERLIN), 1)


def alert_at(camera: Camera, number: int, when=None) -> Alert:
    capture = captures.receive_capture(
        camera, faces.person(number), uid=uuid.uuid4(), captured_at=when or timezone.now()
    )
    [made] = captures.match_capture(capture.pk)
    if when is not None:
        Alert.objects.filter(pk=made.pk).update(first_captured_at=when, last_captured_at=when)
    return made


def test_an_alert_stands_at_its_camera_and_its_link_leads_to_it(as_admin, alert):
    point = of(asked(as_admin, days=1), "alerts")[0]
    assert (point["latitude"], point["longitude"]) == pytest.approx(BERLIN)
    assert point["link"] == alert.get_absolute_url()
    assert point["state"] == alert.strength
    assert not of(asked(as_admin), "sightings")
    Alert.objects.update(status=Alert.Status.CONFIRMED)
    found = asked(as_admin)
    assert of(found, "sightings")
    assert not of(found, "alerts")
    assert alert.case.display_name in as_admin.get("/map/list/").content.decode()


def test_alerts_are_narrowed_by_time_likeness_collection_and_person(as_admin, alert, make_case):
    ago = timezone.now() - timedelta(days=3)
    Alert.objects.update(first_captured_at=ago, last_captured_at=ago, strength="fair")
    assert of(asked(as_admin, days=7, strength="fair"), "alerts")
    assert not of(asked(as_admin, days=1), "alerts")
    assert not of(asked(as_admin, until=(ago - timedelta(hours=1)).isoformat()), "alerts")
    assert of(asked(as_admin, since=(ago - timedelta(hours=1)).isoformat(), until=timezone.now().isoformat()), "alerts")
    assert not of(asked(as_admin, strength="strong"), "alerts")
    assert of(asked(as_admin, collection=alert.case.collection_id), "alerts")
    other = Case.objects.exclude(pk=alert.case_id).first()
    assert not of(asked(as_admin, case=other.pk), "alerts")
    assert of(asked(as_admin, case=alert.case_id), "alerts")


def test_the_board_is_narrowed_to_cameras_near_a_point(as_admin, alert):
    for words, km, there in (("52.5, 13.4", "", True), ("53.55, 9.99", "", False), ("53.55, 9.99", "300", True)):
        page = as_admin.get("/alerts/", {"near": words, "km": km}).content.decode()
        assert (f"alert-{alert.pk}" in page) is there, (words, km)
        # By which an open board tells whether an alert that comes belongs on it.
        assert f'data-cameras="{alert.camera_id if there else ""}"' in page
    assert "data-cameras" not in as_admin.get("/alerts/").content.decode()


def test_several_alerts_of_one_camera_lead_to_its_list(as_admin, alert):
    alert_at(alert.camera, 2)
    point = of(asked(as_admin, zoom=20), "alerts")[0]
    assert point["count"] == 2
    assert point["link"] == f"/alerts/?status=new&camera={alert.camera_id}"
    assert as_admin.get(point["link"]).status_code == 200


def test_a_path_marks_what_nobody_could_have_travelled(as_admin, alert):
    now = timezone.now()
    for where, hours in ((HAMBURG, 3), (SYDNEY, 4)):
        alert_at(camera_at(f"Camera {hours}", where), 1, now + timedelta(hours=hours) - timedelta(hours=5))
    Alert.objects.filter(pk=alert.pk).update(
        first_captured_at=now - timedelta(hours=5), last_captured_at=now - timedelta(hours=5)
    )
    path = asked(as_admin, case=alert.case_id)["path"]
    assert [step["far"] for step in path] == [False, False, True]
    assert path[1]["kilometres"] == pytest.approx(256, abs=5)
    said = as_admin.get("/map/list/", {"case": alert.case_id}).content.decode()
    assert said.count("nobody comes so far so fast") == 1
    assert f"/map/?case={alert.case_id}" in as_admin.get(alert.case.get_absolute_url()).content.decode()


def test_last_seen_places_of_open_cases(as_admin, make_case):
    case = at(make_case("C-1", index=False, name="Ada Example"), HAMBURG)
    assert of(asked(as_admin), "cases")[0]["title"] == "Ada Example (C-1)"
    Case.objects.filter(pk=case.pk).update(status=Case.Status.CLOSED)
    assert not of(asked(as_admin), "cases")


def test_photos_stand_where_their_files_claim(as_admin, make_case):
    case = make_case("C-1", faces.person(1), index=False, name="Ada Example")
    Photo.objects.update(own_latitude=HAMBURG[0], own_longitude=HAMBURG[1], own_time="2024:05:03 12:00:00")
    (point,) = of(asked(as_admin), "photos")
    assert point["title"] == "Its file says that a photo of Ada Example was taken here at 2024:05:03 12:00:00"
    assert point["link"] == case.get_absolute_url()
    assert "nobody has checked it" in as_admin.get("/map/list/").content.decode()
    assert not of(asked(as_admin, show="cameras"), "photos")
    Case.objects.update(status=Case.Status.CLOSED)
    assert not of(asked(as_admin), "photos")
    assert of(asked(as_admin, case=case.pk), "photos"), "one person alone is shown, closed or not"


def located(content: bytes, at: tuple[float, float]) -> bytes:
    """The same picture, whose own data says that it was taken there on 3 May 2024 at noon."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (at[0], 0, 0), 3: "E", 4: (at[1], 0, 0)})
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2024:05:03 12:00:00"
    held = io.BytesIO()
    Image.open(io.BytesIO(content)).save(held, "JPEG", exif=exif)
    return held.getvalue()


def test_searched_pictures_stand_where_their_files_claim(as_admin, admin, make_case, any_model):
    case = make_case("C-1", faces.person(1))
    found = pictures.search_image(located(faces.person(1), HAMBURG), "a.jpg", user=admin, purpose="The tip")
    pictures.search_image(located(faces.person(3), HAMBURG), "b.jpg", user=admin, purpose="Another")
    (point,) = of(asked(as_admin), "searches")
    assert (point["count"], point["title"]) == (2, "2 searched pictures here")
    (own,) = of(asked(as_admin, case=case.pk), "searches")
    assert own["title"] == "Its file says that a picture of The tip was taken here at 2024-05-03 12:00:00"
    assert own["link"] == found.get_absolute_url()
    assert "nobody has checked it" in as_admin.get("/map/list/?show=searches").content.decode()
    Candidate.objects.filter(case=case).update(decision="rejected")
    assert not of(asked(as_admin, case=case.pk), "searches")
    assert of(asked(as_admin, strength="strong"), "searches")
    assert not of(asked(as_admin, days="", until="2024-01-01T00:00:00Z"), "searches")


@pytest.mark.django_db(transaction=True)
def test_pictures_of_batches_stand_where_their_files_claim(as_admin, admin, make_case, any_model):
    case = make_case("C-1", faces.person(1))
    batch = batches.begin(user=admin, purpose="The phone")
    for number in (1, 3):
        batches.add(batch, ContentFile(located(faces.person(number), HAMBURG)), f"{number}.jpg", admin)
    batches.start(batch)
    batches.run(batch)
    assert [point["count"] for point in of(asked(as_admin), "batches")] == [2]
    (own,) = of(asked(as_admin, case=case.pk), "batches")
    assert own["link"] == batch.get_absolute_url()
    assert "1.jpg" in as_admin.get(f"/map/list/?show=batches&case={case.pk}").content.decode()
    shot = Shot.objects.filter(name="1.jpg").first()
    assert "The picture says: 2024-05-03 12:00:00" in as_admin.get(f"/shots/{shot.pk}/").content.decode()


def test_a_mates_searches_stand_on_the_map_of_those_who_may_list_them(any_model, collection):
    team = Team.objects.create(name="Ours")
    people_of_it = {role: people.person(role.lower(), role) for role in ("Investigator", "Supervisor", "Viewer")}
    mate = people.person("mate", "Investigator")
    team.members.add(mate, *people_of_it.values())
    pictures.search_image(located(faces.person(1), HAMBURG), "a.jpg", user=mate, purpose="The tip")
    seen = {}
    for role, one in people_of_it.items():
        client = Client()
        client.force_login(one)
        seen[role] = bool(of(asked(client), "searches"))
    assert seen == {"Investigator": False, "Supervisor": True, "Viewer": False}


def test_what_is_another_teams_stands_on_no_map(make_case, collection):
    team = Team.objects.create(name="Other agency")
    collection.teams.add(team)
    hidden = at(make_case("C-1", index=False, name="Hidden Person"), HAMBURG)
    camera_at("Hidden gate", BERLIN).teams.add(team)
    kim = people.person("kim", "Investigator")
    client = Client()
    client.force_login(kim)
    assert asked(client)["points"] == []
    assert "Hidden" not in client.get("/map/list/").content.decode()
    assert "On no map" not in client.get("/map/").content.decode()
    assert client.get(URL, {"case": hidden.pk}).status_code == 400
    assert client.get(URL, {"collection": collection.pk}).status_code == 400


@pytest.fixture
def hall(db, camera) -> SitePlan:
    """A plan, on which the camera has its place."""
    plan = SitePlan.objects.create(name="The hall", image=ContentFile(faces.person(0), "plan.jpg"))
    return stands(plan, camera, 0.25, 0.75)


def stands(plan: SitePlan, camera: Camera, x: float, y: float) -> SitePlan:
    camera.plan, camera.plan_x, camera.plan_y = plan, x, y
    camera.save()
    return plan


def test_a_plan_of_a_site_is_a_map_indoors(as_admin, any_model, six_cases, camera, hall):
    """Nobody typed where in the world the camera stands, and on its plan all of it is known."""
    made = [alert_at(camera, number) for number in (1, 2)]
    camera_at("Outside", BERLIN)
    at(Case.objects.first(), HAMBURG)
    found = asked(as_admin, plan=hall.pk)
    assert sorted((point["kind"], point["count"]) for point in found["points"]) == [("alerts", 2), ("cameras", 1)]
    for point in found["points"]:
        assert (point["x"], point["y"], point["latitude"]) == (0.25, 0.75, None), point
    assert of(found, "alerts")[0]["link"] == f"/alerts/?status=new&camera={camera.pk}"
    Alert.objects.filter(pk=made[0].pk).update(status=Alert.Status.CONFIRMED)
    found = asked(as_admin, plan=hall.pk)
    assert of(found, "alerts")[0]["link"] == made[1].get_absolute_url()
    assert of(found, "sightings")[0]["link"] == made[0].get_absolute_url()
    assert {point["title"] for point in of(asked(as_admin), "cameras")} == {"Outside"}
    said = as_admin.get("/map/list/", {"plan": hall.pk}).content.decode()
    assert "Last seen" not in said
    assert "Outside" not in said
    assert made[1].get_absolute_url() in said


def test_the_path_of_a_person_through_a_building(as_admin, any_model, six_cases, camera, hall):
    case = alert_at(camera, 1).case
    vault = camera_at("Vault", HAMBURG)
    stands(hall, vault, 0.9, 0.1)
    alert_at(vault, 1)
    path = asked(as_admin, plan=hall.pk, case=case.pk)["path"]
    assert [(step["x"], step["y"], step["kilometres"], step["far"]) for step in path] == [
        (0.25, 0.75, None, False),
        (0.9, 0.1, None, False),
    ]
    assert "km" not in as_admin.get("/map/list/", {"plan": hall.pk, "case": case.pk}).content.decode()
    world = as_admin.get("/map/list/", {"case": case.pk}).content.decode()
    assert f"/map/?plan={hall.pk}&amp;case={case.pk}" in world, "the map of the world says that there is a plan"
    other = Case.objects.exclude(pk=case.pk).first()
    assert "The hall" not in as_admin.get("/map/list/", {"case": other.pk}).content.decode()


def test_a_camera_on_a_plan_is_not_lost_and_one_without_its_place_there_is_named(as_admin, camera, hall):
    assert "On no map" not in as_admin.get("/map/").content.decode()
    stands(hall, camera_at("Stairs", BERLIN), None, None)
    page = as_admin.get("/map/", {"plan": hall.pk}).content.decode()
    assert "Not on the plan yet" in page
    assert "Stairs" in page
    assert "Stairs" not in as_admin.get("/map/list/", {"plan": hall.pk}).content.decode()


def test_a_plan_of_another_teams_cameras_is_no_map_of_ours(camera, hall):
    camera.teams.add(Team.objects.create(name="Other agency"))
    client = Client()
    client.force_login(people.person("kim", "Investigator"))
    for url, status in ((URL, 400), ("/map/list/", 422), ("/map/", 200)):
        answer = client.get(url, {"plan": hall.pk})
        assert answer.status_code == status, url
        assert "The hall" not in answer.content.decode()


def test_a_plan_is_offered_to_whoever_may_see_cameras(hall):
    reader = User.objects.create_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_case"))
    client = Client()
    client.force_login(reader)
    assert "The hall" not in client.get("/map/").content.decode()
    assert client.get(URL, {"plan": hall.pk}).status_code == 400


def test_the_trail_says_who_looked_at_which_plan(as_admin, hall):
    for _ in range(2):
        asked(as_admin, plan=hall.pk)
    (row,) = AuditEvent.objects.filter(target_type="api-map")
    assert f"plan={hall.pk}" in row.target_label


def test_who_may_not_see_cases_sees_none_on_the_map(make_case, db):
    at(make_case("C-1", index=False, name="Hidden Person"), HAMBURG)
    camera_at("Gate", BERLIN)
    technician = User.objects.create_user("tech")
    technician.user_permissions.add(Permission.objects.get(codename="view_camera"))
    client = Client()
    client.force_login(technician)
    assert {point["kind"] for point in asked(client)["points"]} == {"cameras"}
    assert "Hidden" not in client.get("/map/list/").content.decode()


def test_the_trail_has_a_row_for_a_region_and_not_for_each_move(as_admin, db):
    for west in (13.30, 13.31, 13.32):
        asked(as_admin, west=west, east=13.5, south=52.4, north=52.6, zoom=12)
        as_admin.get("/map/list/", {"west": west, "east": 13.5, "south": 52.4, "north": 52.6, "zoom": 12})
    rows = AuditEvent.objects.filter(target_type__in=("api-map", "map-list"))
    assert rows.count() == 2, "one for the points, one for the list"
    asked(as_admin, west=100, east=101, south=10, north=11, zoom=9)
    assert rows.count() == 3


def test_streets_come_from_whom_the_installation_names_and_from_nobody_else(as_admin, settings):
    assert host_of_tiles("https://{s}.tiles.example/{z}/{x}/{y}.png") == "https://*.tiles.example"
    policy = as_admin.get("/map/")["Content-Security-Policy"]
    assert "img-src 'self' data: blob:;" in policy + ";"
    settings.MAP_TILES = "https://tiles.example/{z}/{x}/{y}.png"
    assert "https://tiles.example/{z}/{x}/{y}.png" in as_admin.get("/map/").content.decode()


def test_what_others_wrote_is_what_its_list_says():
    folder = Path(settings.BASE_DIR) / "static" / "vendor"
    listed = json.loads((folder / "vendor.json").read_text())
    sums = {name: said for one in listed.values() for name, said in one["files"].items()}
    here = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"vendor.json"}
    assert set(sums) == here
    for name, said in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == said, name
    for one in listed:
        assert any(name.startswith(f"{one}/LICENSE") for name in sums), f"{one} has no licence beside it"
