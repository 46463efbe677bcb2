"""Questions of what is kept: counted as it is, for whoever asks, of what they see; kept, taken along, mailed."""

import csv
import io
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import AuditEvent, Team
from matching import reports
from matching.models import Alert, Camera, CameraMinute, Capture, Delivery, DueReport, Report, Subscription
from matching.telling import messages, notifying
from matching.watching import captures
from tests import faces, people

pytestmark = pytest.mark.django_db(transaction=True)
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)


@pytest.fixture
def gate(camera) -> Camera:
    camera.name, camera.place, camera.latitude, camera.longitude = "Gate", "Main station", 45.52, -122.67
    camera.save()
    return camera


@pytest.fixture
def harbour(db) -> Camera:
    made = Camera(name="Harbour", place="Port", latitude=52.52, longitude=13.4)
    made.issue_token()
    return made


def saw(camera: Camera, hours: float, score: float = 0.9, number: int = 1) -> None:
    for _ in range(number):
        Capture.objects.create(
            camera=camera, uid=uuid.uuid4(), image="x.jpg", captured_at=MONDAY + timedelta(hours=hours),
            detection_score=score, status="no_candidate",
        )  # fmt: skip


def ask(client: Client, **asked: object) -> dict:
    asked = {"since": "2026-05-01", "until": "2026-05-31", **asked}
    answer = client.get(f"/api/v1/reports/?{urlencode(asked)}")
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def four(gate, harbour) -> None:
    saw(gate, 9.2, 0.8, number=3)
    saw(gate, 33, 0.6)
    saw(harbour, 9.5, 1.0, number=2)


def test_it_works(four, as_admin):
    said = ask(as_admin, subject="captures", step="hour", by="camera")
    assert said["headings"] == ["Hour", "Camera", "Faces", "Detection score, mean"]
    assert said["rows"] == [
        ["2026-05-04 09:00", "Gate", 3, 0.8], ["2026-05-04 09:00", "Harbour", 2, 1.0],
        ["2026-05-05 09:00", "Gate", 1, 0.6],
    ]  # fmt: skip
    page = as_admin.get("/reports/?subject=captures&step=hour&by=camera&since=2026-05-01&until=2026-05-31")
    shown = page.content.decode()
    assert "2026-05-04 09:00" in shown
    assert "report-chart" in shown
    assert AuditEvent.objects.filter(action="read report").exists()


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ({}, [[6, 0.833]]),
        ({"by": "place"}, [["Main station", 4, 0.75], ["Port", 2, 1.0]]),
        ({"step": "day"}, [["2026-05-04", 5, 0.88], ["2026-05-05", 1, 0.6]]),
        ({"step": "week"}, [["2026-05-04", 6, 0.833]]),
        ({"step": "month"}, [["2026-05", 6, 0.833]]),
        ({"step": "time"}, [["09:00", 6, 0.833]]),
        ({"step": "weekday"}, [["Monday", 5, 0.88], ["Tuesday", 1, 0.6]]),
        ({"by": "status"}, [["Nobody it resembles", 6, 0.833]]),
        ({"near": "45.5, -122.6", "km": 20}, [[4, 0.75]]),
        ({"since": "2026-05-05"}, [[1, 0.6]]),
        ({"until": "2026-05-03"}, [[0, None]]),
    ],
)
def test_by_time_by_group_and_narrowed(four, as_admin, asked, rows):
    assert ask(as_admin, subject="captures", **asked)["rows"] == rows


def test_one_camera(four, gate, as_admin):
    assert ask(as_admin, subject="captures", camera=gate.pk)["rows"] == [[4, 0.75]]


def test_people_in_view_are_a_mean_over_frames_and_the_most_at_once(gate, as_admin):
    for minute, frames, seen, most in ((0, 100, 200, 4), (1, 300, 200, 9), (60, 0, 0, 0)):
        CameraMinute.objects.create(
            camera=gate, minute=MONDAY + timedelta(minutes=minute), frames=frames, faces=seen, most=most, tracks=2
        )
    said = ask(as_admin, subject="counts", step="hour")
    assert said["rows"] == [["2026-05-04 00:00", 1.0, 9, 4, None], ["2026-05-04 01:00", None, 0, 2, None]]
    assert as_admin.get("/reports/?subject=counts&step=time&days=3660").status_code == 200


def test_alerts_decisions_searches_and_cases(any_model, six_cases, gate, user, as_admin, signed_in):
    captures.receive_capture(gate, faces.person(1), uid=uuid.uuid4())
    signed_in.post(f"/alerts/{Alert.objects.get().pk}/review/", {"status": "confirmed"})
    now = {"since": f"{timezone.localdate():%Y-%m-%d}", "until": f"{timezone.localdate():%Y-%m-%d}"}
    assert ask(as_admin, subject="alerts", by="strength", **now)["rows"][0][1:] == [1, 1]
    assert ask(as_admin, subject="alerts", by="visitor", **now)["rows"] == [["Not counted", 1, 1]]
    (decided,) = ask(as_admin, subject="decisions", by="reviewer", **now)["rows"]
    assert decided == [user.username, 1]
    assert ask(as_admin, subject="decisions", by="word", **now)["rows"] == [["Confirmed sighting", 1]]
    assert ask(as_admin, subject="cases", by="collection", **now)["rows"] == [["Missing", 6]]
    assert ask(as_admin, subject="photos", by="case", **now)["rows"][0][1] == 1
    assert ask(as_admin, subject="searches", **now)["rows"] == [[0, None]]


@pytest.mark.parametrize("name", reports.SEEDS)
def test_the_questions_to_begin_with_can_be_asked(as_admin, name):
    answer = as_admin.get(f"/reports/?{urlencode(reports.SEEDS[name])}")
    # A gazetteer that has not been read yet knows no town.
    assert answer.status_code == (422 if "near" in reports.SEEDS[name] else 200)
    assert name in as_admin.get("/reports/").content.decode()


@pytest.mark.parametrize("subject", reports.SUBJECTS)
def test_each_thing_is_counted_by_each_of_its_groups_and_steps(four, as_admin, subject):
    for by in ["", *reports.SUBJECTS[subject].groups]:
        for step in reports.STEPS:
            assert "rows" in ask(as_admin, subject=subject, by=by, step=step)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"subject": "secrets"}, "not one of the available choices"),
        ({"subject": "captures", "by": "strength"}, "not one of the available choices"),
        ({"subject": "captures", "step": "second"}, "not one of the available choices"),
        ({"subject": "captures", "days": 0}, "greater than or equal to 1"),
        ({"subject": "captures", "days": 10**9}, "less than or equal to"),
        ({"subject": "captures", "since": "2026-05-09", "until": "2026-05-01"}, "before the first"),
        ({"subject": "captures", "since": "9999-99-99"}, "valid date"),
        ({"subject": "captures", "near": "95, 10"}, "latitude lies between"),
        ({"subject": "captures", "camera": "1); DROP TABLE x"}, "not one of the available choices"),
        ({"subject": "captures", "measure": 7}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_asked_is_said(as_admin, asked, words):
    answer = as_admin.get(f"/api/v1/reports/?{urlencode(asked)}")
    assert answer.status_code == 400
    assert words in answer.content.decode()
    page = as_admin.get(f"/reports/?{urlencode(asked)}")
    assert page.status_code == 422
    assert words in page.content.decode()
    assert as_admin.get(f"/reports/table.csv?{urlencode(asked)}").status_code == 404


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_time(four, as_admin, day):
    assert as_admin.get(f"/reports/?subject=captures&since={day}").status_code in (200, 422)
    assert as_admin.get(f"/reports/?subject=captures&until={day}").status_code in (200, 422)


def test_another_teams_is_counted_for_nobody_else(four, harbour, as_admin):
    harbour.teams.add(Team.objects.create(name="Theirs"))
    mine = people.person("kim", "Investigator")
    Team.objects.create(name="Ours").members.add(mine)
    client = Client()
    client.force_login(mine)
    assert ask(client, subject="captures", by="camera")["rows"] == [["Gate", 4, 0.75]]
    assert ask(as_admin, subject="captures", by="camera")["rows"][1][0] == "Harbour"
    refused = client.get(f"/api/v1/reports/?subject=captures&camera={harbour.pk}")
    assert refused.status_code == 400


def test_a_viewer_asks_of_what_a_viewer_sees(four):
    viewer = people.person("vera", "Viewer")
    client = Client()
    client.force_login(viewer)
    may = reports.subjects_of(viewer)
    assert "captures" in may
    for name in set(reports.SUBJECTS) - set(may):
        assert client.get(f"/api/v1/reports/?subject={name}").status_code == 400


def test_taken_along_as_csv_json_and_parquet(four, as_admin):
    import pyarrow.parquet

    query = "subject=captures&step=day&by=camera&since=2026-05-01&until=2026-05-31"
    text = b"".join(as_admin.get(f"/reports/table.csv?{query}")).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert (rows[0]["Day"], rows[0]["Camera"], rows[0]["Faces"]) == ("2026-05-04", "Gate", "3")
    table = pyarrow.parquet.read_table(io.BytesIO(as_admin.get(f"/reports/table.parquet?{query}").content))
    assert table.column("Faces").to_pylist() == [3, 2, 1]
    assert as_admin.get("/reports/table.parquet?subject=captures&until=2026-05-01").status_code == 200
    assert b"Gate" in b"".join(as_admin.get(f"/reports/table.json?{query}"))
    assert as_admin.get(f"/reports/table.exe?{query}").status_code == 404
    assert AuditEvent.objects.filter(action="exported").count() >= 3


def test_the_largest_are_drawn_with_what_is_missing_as_none_of_it(four):
    admin = people.person("root", "Administrator")
    asked = reports.Asked("captures", "day", "camera", MONDAY - timedelta(days=3), MONDAY + timedelta(days=9))
    drawn = reports.drawn(reports.answer(asked, admin))
    assert [(line["name"], line["values"]) for line in drawn["lines"]] == [("Gate", [3, 1]), ("Harbour", [2, 0])]
    assert drawn["left_out"] == 0
    mean = reports.drawn(reports.answer(reports.Asked(**{**vars(asked), "measure": 1}), admin))
    assert [1.0, None] in [line["values"] for line in mean["lines"]]


def keep(client: Client, **said: object) -> Report:
    query = "subject=captures&by=camera&days=365&was=captures"
    client.post("/reports/save/", {"query": query, "name": "By camera", **said})
    return Report.objects.latest("pk")


def test_a_question_is_kept_asked_again_changed_and_removed(four, signed_in, user):
    report = keep(signed_in)
    assert report.asked == {"subject": "captures", "by": "camera", "days": "365"}
    page = signed_in.get(f"/reports/{report.pk}/", follow=True)
    assert set(page.redirect_chain[0][0].split("?")[1].split("&")) == {"subject=captures", "by=camera", "days=365"}
    assert "By camera" in page.content.decode()
    signed_in.post(f"/reports/{report.pk}/change/", {"name": "Gates", "on_mondays": "on"})
    report.refresh_from_db()
    assert (report.name, report.on_mondays, report.is_shared) == ("Gates", True, False)
    signed_in.post(f"/reports/{report.pk}/remove/")
    assert not Report.objects.exists()
    refused = signed_in.post("/reports/save/", {"query": "subject=nothing", "name": "x"}, follow=True)
    assert "not one of the available choices" in refused.content.decode()
    signed_in.post("/reports/save/", {"query": "subject=captures", "name": ""})
    assert not Report.objects.exists()


def test_a_kept_question_is_shared_with_team_mates_alone_and_changed_by_its_owner_alone(signed_in, user):
    team = Team.objects.create(name="Ours")
    mate, other = people.person("mate", "Reviewer"), people.person("other", "Reviewer")
    team.members.add(user, mate)
    Team.objects.create(name="Theirs").members.add(other)
    report = keep(signed_in)
    client = Client()
    client.force_login(mate)
    assert client.get(f"/reports/{report.pk}/").status_code == 404
    signed_in.post(f"/reports/{report.pk}/change/", {"name": "Gates", "is_shared": "on"})
    assert client.get(f"/reports/{report.pk}/").status_code == 302
    assert client.post(f"/reports/{report.pk}/remove/").status_code == 404
    client.force_login(other)
    assert client.get(f"/reports/{report.pk}/").status_code == 404


def test_on_monday_it_is_mailed_once_to_who_wants_it(four, signed_in, user):
    keep(signed_in, on_mondays="on")
    Report.objects.update(created_at=timezone.now() - timedelta(days=30))
    by_mail = {"way": "mail", "address": "kim@agency.example", "confirmed_at": timezone.now()}
    Subscription.objects.create(user=user, **by_mail)
    Subscription.objects.create(user=user, way="sms", address="+15550100", confirmed_at=timezone.now())
    notifying.tell_reports_due()
    notifying.tell_reports_due()
    delivery = Delivery.objects.get()
    assert delivery.due_report == DueReport.objects.get()
    title, text, _ = messages.of(delivery)
    assert title == "Sightline: By camera"
    assert "Camera | Faces | Detection score, mean" in text
    assert "Gate | 4 | 0.75" in text
    Report.objects.update(asked={"subject": "nothing"})
    assert "cannot be made any more" in messages.of(Delivery.objects.get(pk=delivery.pk))[1]


def test_which_monday():
    at = [
        datetime(2026, 5, 4, 6, 59, tzinfo=UTC),
        datetime(2026, 5, 4, 7, tzinfo=UTC),
        datetime(2026, 5, 10, tzinfo=UTC),
    ]
    assert [f"{notifying.monday_before(now):%m-%d %H}" for now in at] == ["04-27 07", "05-04 07", "05-04 07"]


def test_of_more_rows_than_are_shown_the_latest_are(gate, harbour, user, monkeypatch):
    monkeypatch.setattr(reports, "MOST_ROWS", 5)
    for hours in range(4):
        saw(gate, hours, number=2)
        saw(harbour, hours)
    asked = reports.Asked("captures", "hour", "camera", MONDAY, MONDAY + timedelta(days=1))
    table = reports.answer(asked, user)
    # Six of eight would be too many: the last two hours are whole, and in their order.
    assert table.is_cut
    assert [(time.hour, row[2]) for time, row in zip(table.times, table.rows, strict=True)] == [
        (2, 2), (2, 1), (3, 2), (3, 1)
    ]  # fmt: skip
    assert not reports.answer(replace(asked, by=""), user).is_cut
    monkeypatch.setattr(reports, "MOST_ROWS", 1)
    assert len(reports.answer(asked, user).rows) == 1, "of one time that is too large its largest row"
