"""What hostile people send, each with the answer that it must get: refused in words, and nothing harmed.

What other parts say of their own stands with them: pictures in tests/matching/test_images.py, other teams' objects in
tests/test_access.py, addresses of messages in tests/matching/test_telling.py, tokens and sessions in
tests/mpsite/test_sign_in.py, backups in tests/mpsite/test_backup.py.
"""

import io
import json
import struct
import uuid
import zipfile
import zlib

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.html import escape
from PIL import Image

from cases.models import Case, Collection, Photo
from matching.models import Capture, Search
from mpsite.asgi import application
from tests import faces
from tests.people import api_token, person


@pytest.fixture
def someone(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def png(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG that says so of itself, whatever is in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def gif(frames: int) -> bytes:
    out = io.BytesIO()
    pictures = [Image.new("P", (8, 8), n % 255) for n in range(frames)]
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:])
    return out.getvalue()


def zipped(name: str, content: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr(name, content)
    return out.getvalue()


HTML = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="file:///etc/passwd"/></svg>'
PICTURES = {
    "a bomb of 50,000 by 50,000": png(50_000, 50_000, zlib.compress(b"\0" * 10_000_000)),
    "a bomb that says it is small": png(16, 16, zlib.compress(b"\0" * 50_000_000)),
    "a width of zero": png(0, 100),
    "a width beyond all numbers": png(2**31 - 1, 1),
    "a PNG without data": png(100, 100),
    "half a JPEG": faces.person(1)[:200],
    "HTML named as a picture": HTML,
    "an SVG that runs": SVG,
    "PHP in a GIF's beginning": b"GIF89a<?php system($_GET[0]); ?>",
    "a zip": zipped("x.jpg", faces.person(1)),
    "a PDF": b"%PDF-1.7\n1 0 obj<</OpenAction 2 0 R>>",
    "PostScript": b"%!PS\n(/etc/passwd) (r) file",
    "an ImageMagick script": b"push graphic-context\nfill 'url(https://127.0.0.1/x\"|ls \"-la)'\npop",
    "an executable": b"MZ" + b"\0" * 200,
    "a TIFF that points at itself": b"II*\0\x08\0\0\0\x01\0\x11\x01\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0",
    "a BMP with a negative size": b"BM"
    + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, -9, -9, 1, 24, 0, 0, 0, 0, 0, 0),
    "NULs": b"\0" * 10_000,
    "one byte": b"\xff",
}


@pytest.mark.parametrize("what", PICTURES)
def test_a_picture_that_is_none_is_refused_in_words(any_model, someone, what):
    upload = SimpleUploadedFile("x.jpg", PICTURES[what], "image/jpeg")
    answer = someone.post("/search/", {"image": upload, "purpose": "x"})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Search.objects.exists()


@pytest.mark.parametrize("what", PICTURES)
def test_a_camera_that_sends_it_is_told(any_model, camera, what):
    answer = Client(headers={"authorization": f"Bearer {camera.token}"}).post(
        "/api/v1/captures/", {"id": str(uuid.uuid4()), "image": SimpleUploadedFile("x.jpg", PICTURES[what])}
    )
    assert answer.status_code == 400
    assert not Capture.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_picture_of_three_hundred_frames_is_searched_as_its_first(any_model, someone):
    upload = SimpleUploadedFile("x.gif", gif(300), "image/gif")
    assert someone.post("/search/", {"image": upload, "purpose": "x"}).status_code in (302, 422)


@pytest.mark.django_db(transaction=True)
def test_a_polyglot_is_shown_as_a_picture_of_our_own_making_and_nothing_else(any_model, as_admin, make_case):
    """A JPEG with a page behind it, and with metadata: what is shown is drawn anew."""
    with Image.open(io.BytesIO(faces.person(1))) as picture:
        exif = Image.Exif()
        exif[0x010E] = "<script>alert(1)</script>"
        out = io.BytesIO()
        picture.save(out, "JPEG", exif=exif)
    photo = make_case("P1", out.getvalue() + HTML).photos.get()
    shown = as_admin.get(f"/photos/{photo.pk}/")
    assert b"script" not in shown.content
    assert (shown["Content-Type"], shown["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    kept = as_admin.get(f"/photos/{photo.pk}/original/")
    assert kept["Content-Disposition"].startswith("attachment")
    assert kept["Content-Type"] == "application/octet-stream"
    kept.close()


NAMES = [
    "../../../../etc/cron.d/x.jpg", "..\\..\\x.jpg", "/etc/passwd", "x.jpg\0.php", "\r\nSet-Cookie: a=b\r\n.jpg",
    "a" * 4000 + ".jpg", "'; DROP TABLE cases_case; --.jpg", "<img src=x onerror=alert(1)>.jpg", "CON.jpg", ".htaccess",
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_a_file_is_a_name_and_nothing_else(any_model, make_case, as_admin, settings, name):
    case = make_case()
    upload = SimpleUploadedFile("x.jpg", faces.person(1), "image/jpeg")
    upload._name = name
    answer = as_admin.post(f"/cases/{case.pk}/photos/", {"photo": upload, "view": "front"})
    assert answer.status_code in (201, 400)
    for photo in Photo.objects.all():
        assert photo.image.name.startswith("photos/")
        assert ".." not in photo.image.name
        kept = as_admin.get(f"/photos/{photo.pk}/original/")
        assert "Set-Cookie" not in kept.headers
        kept.close()
    assert b"<img src=x" not in as_admin.get(f"/cases/{case.pk}/photos/shown/").content


SQL = [
    "' OR 1=1 --",
    "'; DROP TABLE cases_case; --",
    "%' AND pg_sleep(9) --",
    "\\",
    "%",
    "_",
    "\u0000",
    "a" * 5000,
    "1e999",
]


@pytest.mark.parametrize("word", SQL)
@pytest.mark.parametrize(
    "path",
    ["/cases/?q={}", "/search/history/?q={}", "/audit/?q={}", "/alerts/?q={}&status={}", "/cases/?collection={}",
     "/api/v1/cases/?q={}", "/api/v1/alerts/?case={}", "/api/v1/photos/?case={}", "/audit/?since={}&who={}"],
)  # fmt: skip
def test_sql_in_a_filter_is_a_word_that_nothing_has(as_admin, make_case, path, word):
    make_case(index=False)
    answer = as_admin.get(path.format(*[word] * path.count("{}")))
    assert answer.status_code in (200, 400)
    assert Case.objects.count() == 1


@pytest.mark.parametrize("path", [
    "/cases/99999999999999999999/", "/cases/-1/", "/photos/../../etc/passwd/", "/static/../manage.py",
    "/static/%2e%2e/manage.py", "/media/photos/x.jpg", "/search/not-a-uuid/", "/api/v1/cases/99999999999999999999/",
    "/api/v1/cases/1%27/", "/api/v1/leads/99999999999999999999/", "/api/v1/probes/99999999999999999999/seen/",
])  # fmt: skip
def test_a_path_that_leads_nowhere_is_not_found(as_admin, db, path):
    assert as_admin.get(path).status_code == 404


BODIES = [
    b"", b"{", b"[" * 100_000, b'{"a":' * 50_000, b"null", b"1e400", b'"\\ud800"', b"\xff\xfe{}",
    b'{"collection": {"$ne": 1}}',
    json.dumps({"number": "x" * 100_000}).encode(), b'{"number": "\\u0000", "collection": 1}',
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("path", ["cases/", "searches/", "standing/", "cameras/", "collections/"])
def test_json_that_is_none_or_too_deep_is_refused(as_admin, db, path, body):
    answer = as_admin.generic("POST", f"/api/v1/{path}", body, content_type="application/json")
    assert answer.status_code in (400, 415)


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_camera_or_a_browser_that_sends_such_json_is_refused(camera, someone, body):
    device = Client(headers={"authorization": f"Bearer {camera.token}"})
    for client, path in (
        (device, "/api/v1/heartbeats/"),
        (Client(), "/api/v1/pair/"),
        (someone, "/subscriptions/push/"),
    ):
        assert client.generic("POST", path, body, content_type="application/json").status_code == 400


def test_a_body_beyond_all_limits_is_refused(as_admin, db, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = as_admin.post("/cases/new/", {"name": "x" * 2000})
    assert answer.status_code == 400


def test_a_form_with_ten_thousand_fields_is_refused(as_admin, db):
    assert as_admin.post("/cases/new/", {f"f{n}": "x" for n in range(10_000)}).status_code == 400


def test_a_form_of_another_site_is_refused(user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert client.post("/search/", {"purpose": "x"}).status_code == 403
    assert client.post("/subscriptions/push/", {}, content_type="application/json").status_code == 403
    assert client.post("/api/v1/cases/", {}, content_type="application/json").status_code == 403


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"])
def test_nobody_is_sent_to_another_site(user, to):
    client = Client()
    answer = client.post(f"/accounts/login/?next={to}", {"login": "kim", "password": "a-long-password", "next": to})
    assert answer.url == "/"
    assert client.post("/notice/", {"next": to}).url == "/"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:80@evil.example", "x" * 300])
def test_a_forged_host_is_refused(db, host):
    assert Client(headers={"host": host}).get("/accounts/login/").status_code == 400


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b"http://127.0.0.1.evil.example"])
def test_a_websocket_of_another_site_is_refused(db, origin):
    async def opens() -> bool:
        headers = [(b"origin", origin), (b"host", b"127.0.0.1")]
        socket = WebsocketCommunicator(application, "/ws/alerts/", headers=headers)
        opened, _ = await socket.connect(timeout=20)
        return opened

    assert not async_to_sync(opens)()


@pytest.mark.parametrize(
    "text", ['{"since": "yesterday"}', '{"since": {"a": 1}}', "[]", "1", '{"since": "9999-99-99"}']
)
@pytest.mark.django_db(transaction=True)
def test_a_websocket_that_is_told_nonsense_lives_on(user, text):
    from matching.consumers.alerts import AlertConsumer

    async def scenario() -> None:
        socket = WebsocketCommunicator(AlertConsumer.as_asgi(), "/ws/alerts/")
        socket.scope["user"] = user
        await socket.connect(timeout=20)
        await socket.receive_json_from(timeout=20)
        await socket.send_to(text_data=text)
        assert await socket.receive_nothing(0.2)
        await socket.disconnect()

    async_to_sync(scenario)()


TOKENS = ["", "x", "Token", "Token ", "Token x y", "Bearer x", "Token \u00e9", "Basic YTpi", "Token " + "x" * 10_000]


@pytest.mark.parametrize("said", TOKENS)
def test_a_token_that_is_none_lets_nobody_in(db, said):
    program = Client(headers={"authorization": said.encode("latin-1", "replace").decode("latin-1")})
    for path in ("/api/v1/cases/", "/api/v1/collections/"):
        assert program.get(path).status_code in (401, 403)


def test_a_camera_token_is_no_persons_and_a_persons_no_cameras(camera, user):
    assert Client(headers={"authorization": f"Token {camera.token}"}).get("/api/v1/cases/").status_code == 401
    program = Client(headers={"authorization": f"Bearer {api_token(user)}"})
    assert program.post("/api/v1/heartbeats/", {}, content_type="application/json").status_code in (401, 403)


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://evil")']


@pytest.mark.parametrize("text", FORMULAS)
def test_no_export_holds_what_a_spreadsheet_would_run(as_admin, admin, collection, text):
    from cases import audit

    audit.record_as(admin, "viewed", collection, text)
    lines = b"".join(as_admin.get("/audit/export.csv")).decode()
    assert f"'{text}".replace('"', '""') in lines


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "{{ 7*7 }}", "{% debug %}", '"><img src=x onerror=alert(1)>']
)
def test_what_people_type_is_shown_as_they_typed_it(as_admin, make_case, text):
    case = make_case("X1", index=False, name=text[:200], circumstances=text, last_seen_place=text)
    page = as_admin.get(f"/cases/{case.pk}/").content.decode()
    assert escape(text) in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


def test_every_page_forbids_scripts_and_styles_of_others(as_admin, db):
    for path in ("/alerts/", "/search/", "/cases/", "/admin/", "/accounts/second-factor/"):
        headers = as_admin.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Frame-Options"] == "DENY"
        assert "microphone=()" in headers["Permissions-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"


def test_a_field_that_is_not_asked_for_changes_nothing(as_admin, make_case, collection):
    case = make_case(index=False)
    said = {
        "status": "closed",
        "closed_reason": "x",
        "id": 999,
        "held_reason": "x",
        "created_at": "2000-01-01T00:00:00Z",
    }
    answer = as_admin.patch(f"/api/v1/cases/{case.pk}/", said, content_type="application/json")
    assert answer.status_code == 200
    case.refresh_from_db()
    assert (case.status, case.closed_reason, case.held_reason) == ("open", "", "")
    assert case.created_at.year > 2000


def test_a_person_gives_themselves_no_rights(signed_in, user):
    signed_in.post("/account/", {"is_superuser": "on"})
    signed_in.post("/admin/auth/user/", {"is_superuser": "on"})
    user.refresh_from_db()
    assert not user.is_superuser
    assert signed_in.get("/admin/").status_code == 302


def test_somebody_in_a_team_moves_no_case_out_of_it_or_into_anothers(db, collection):
    from cases.models import Team

    team, other = Team.objects.create(name="A"), Team.objects.create(name="B")
    kim = person("kim", "Investigator")
    team.members.add(kim)
    theirs = Collection.objects.create(name="Theirs")
    theirs.teams.add(other)
    collection.teams.add(team)
    case = Case.objects.create(collection=collection, number="1")
    client = Client()
    client.force_login(kim)
    for number in (theirs.pk, 99999):
        answer = client.patch(f"/api/v1/cases/{case.pk}/", {"collection": number}, content_type="application/json")
        assert answer.status_code == 400
        assert "does not exist" in str(answer.json())
    client.post(f"/cases/{case.pk}/edit/", {"collection": theirs.pk, "number": "1"})
    case.refresh_from_db()
    assert case.collection == collection
