"""Every change, and every read of personal data, leaves a row: each page and API route, and the administration."""

import re

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from cases.models import AuditEvent, Case, Collection, Notice, Photo, Team, Training, add_photo
from matching.models import Camera
from mpsite.administration import Audited
from mpsite.trail import SHOWS_NOBODY
from tests import faces
from tests.people import PASSWORD, api_token, person
from tests.test_access import CAMERAS, foreign, path_of, routes  # noqa: F401 (a fixture)
from tests.test_behind_a_door import OPEN


def rows() -> int:
    return AuditEvent.objects.count()


UNASKED = OPEN | CAMERAS | {"notice"}
# Their object has no file or row here that could be shown.
NOT_HERE = {
    "evaluation-crop", "evaluation", "evaluation-stop", "evaluation-remove", "audit-ask", "question-answer",
    "token-revoke",
}  # fmt: skip


def concrete_routes(foreign):  # noqa: F811
    for name, pattern in routes():
        if name in UNASKED | NOT_HERE or "format" in pattern:
            continue
        yield name, path_of(pattern, foreign) if "pk>" in pattern else "/" + re.sub(r"[\^$?\\]", "", pattern)


@pytest.mark.django_db(transaction=True)
def test_each_route_that_shows_somebody_or_changes_something_leaves_a_row(foreign, as_admin):  # noqa: F811
    shown = changed = 0
    for name, path in list(concrete_routes(foreign)):
        before = rows()
        answer = as_admin.get(f"{path}?purpose=x" if name in ("case-seen", "api-case-seen") else path)
        answer.close()
        if answer.status_code == 200 and name not in SHOWS_NOBODY:
            assert rows() > before, f"GET {path} ({name}) left no row"
            shown += 1
    for name, path in sorted(concrete_routes(foreign), key=lambda one: "remove" in one[0] or "erase" in one[0]):
        for method in ("POST", "PUT", "PATCH", "DELETE") if name.startswith("api") else ("POST",):
            before = rows()
            cache.clear()
            answer = as_admin.generic(method, path, b"{}", content_type="application/json")
            answer.close()
            if answer.status_code < 400:
                assert rows() > before, f"{method} {path} ({name}) left no row"
                changed += 1
    assert (shown > 40, changed > 40) == (True, True), (shown, changed)


def test_what_shows_nobody_is_named_because_it_is_there():
    named = {name for name, _ in routes()} | {"notice"}
    assert SHOWS_NOBODY - named == set(), "gone, still named"


def test_a_read_is_written_once_an_hour_for_each_person_and_object(any_model, make_case, user):
    cases = [make_case(f"MP{number}", faces.person(number)) for number in range(2)]
    program = Client(headers={"authorization": f"Token {api_token(user)}"})
    client = Client()
    client.force_login(user)
    face = cases[0].photos.get().faces.first()
    for _ in range(3):
        for path in ("/api/v1/cases/", f"/api/v1/photos/{cases[0].photos.get().pk}/", "/api/v1/alerts/"):
            assert program.get(path).status_code == 200
        for path in (f"/faces/{face.pk}/", "/cases/", "/cases/?q=MP1", "/worklists/"):
            assert client.get(path).status_code == 200
    written = AuditEvent.objects.filter(username="kim", action="viewed").values_list("target_type", "target_label")
    assert sorted(written) == sorted(
        [
            ("api:case-list", "/api/v1/cases/"), ("api:photo-detail", f"/api/v1/photos/{cases[0].photos.get().pk}/"),
            ("api:alert-list", "/api/v1/alerts/"), ("face", f"/faces/{face.pk}/"), ("cases", "/cases/"),
            ("cases", "/cases/?q=MP1"), ("worklists", "/worklists/"),
        ]
    )  # fmt: skip
    other = Client()
    other.force_login(person("lee", "Viewer"))
    other.get("/cases/")
    assert AuditEvent.objects.filter(username="lee", target_type="cases").count() == 1


def test_a_refused_or_missing_page_shows_nobody_and_leaves_no_such_row(signed_in, db):
    signed_in.get("/cases/999/")
    signed_in.get("/audit/")
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"signed in", "was refused"}


def test_each_model_of_the_administration_writes_down_what_is_done(db):
    for model, model_admin in site._registry.items():
        assert isinstance(model_admin, Audited), model


def last() -> tuple[str, str, str]:
    row = AuditEvent.objects.order_by("pk").last()
    return row.action, row.target_type, row.target_label


def test_people_roles_teams_and_what_they_are_told_are_written_down(as_admin, collection):
    kim = person("kim", "Viewer")

    def post(path: str, **form) -> None:
        answer = as_admin.post(f"/admin/{path}", form)
        assert answer.status_code == 302, answer.content.decode()[-3000:]

    post("auth/user/add/", username="new", usable_password="true", password1=PASSWORD, password2=PASSWORD)
    assert last() == ("created", "user", "new")
    changed = {"username": "kim", "date_joined_0": "2026-01-01", "date_joined_1": "00:00", "is_superuser": "on"}
    post(f"auth/user/{kim.pk}/change/", **changed)
    assert last() == ("changed", "user", "kim")
    assert "Superuser status" in AuditEvent.objects.order_by("pk").last().why
    post(f"auth/user/{kim.pk}/password/", usable_password="true", password1="x" + PASSWORD, password2="x" + PASSWORD)
    assert last() == ("changed", "user", "kim")
    post(f"auth/group/{Group.objects.get(name='Viewer').pk}/change/", name="Looker")
    assert last() == ("changed", "group", "Looker")
    post("cases/team/add/", name="Ours")
    assert last() == ("created", "team", "Ours")
    post(f"cases/team/{Team.objects.get().pk}/change/", name="Ours", members=[kim.pk])
    assert last() == ("changed", "team", "Ours")
    post("cases/training/add/", user=kim.pk, good_until="2027-01-01")
    assert last()[:2] == ("created", "training")
    post(f"cases/training/{Training.objects.get().pk}/delete/", post="yes")
    assert last()[:2] == ("deleted", "training")
    post("cases/notice/add/", text="Mind")
    assert last()[:2] == ("created", "notice")
    post(f"cases/notice/{Notice.objects.get().pk}/change/", text="Mind")
    assert last()[:2] == ("changed", "notice")
    post(f"auth/user/{kim.pk}/delete/", post="yes")
    assert last() == ("deleted", "user", "kim")


@pytest.fixture
def things(any_model, make_case, camera) -> dict[str, list[int]]:
    cases = [make_case(f"MP{number}", faces.person(number)) for number in range(3)]
    return {
        "cases/case": [case.pk for case in cases],
        "cases/collection": [Collection.objects.create(name=f"C{n}").pk for n in range(2)],
        "matching/camera": [camera.pk],
        "cases/team": [Team.objects.create(name=f"T{n}").pk for n in range(2)],
        "auth/user": [person(f"u{n}").pk for n in range(2)],
    }


def test_each_action_of_the_administration_leaves_a_row_for_each_thing(things, as_admin, rf, admin):
    done = 0
    for path, ids in things.items():
        app, model = path.split("/")
        model_admin = next(one for found, one in site._registry.items() if found._meta.label_lower == f"{app}.{model}")
        request = rf.get("/")
        request.user = admin
        # Deletion last.
        for name in sorted(model_admin.get_actions(request), key=lambda one: one == "delete_selected"):
            before = rows()
            form = {"action": name, "_selected_action": ids, "post": "yes"}
            assert as_admin.post(f"/admin/{path}/", form).status_code == 302
            assert rows() - before >= len(ids), f"{name} of {path}"
            done += 1
    assert done >= 9
    assert not Case.objects.exists()
    assert not Camera.objects.exists()


def test_a_legal_hold_binds_the_administration_too(things, as_admin, collection):
    held = Case.objects.get(number="MP1")
    held.hold("court order 7")
    every = things["cases/case"]
    for path, form in (
        (f"/admin/cases/case/{held.pk}/delete/", {"post": "yes"}),
        ("/admin/cases/case/", {"action": "delete_selected", "_selected_action": every, "post": "yes"}),
    ):
        page = as_admin.post(path, form, follow=True).content.decode()
        assert "court order 7" in page
        assert Case.objects.count() == 3
    form = {"action": "delete_selected", "_selected_action": [pk for pk in every if pk != held.pk], "post": "yes"}
    as_admin.post("/admin/cases/case/", form)
    assert list(Case.objects.all()) == [held]


def test_a_legal_hold_binds_programs_as_well(any_model, make_case):
    from django.db.models import ProtectedError

    case = make_case("MP1", faces.person(1))
    case.hold("court order 7")
    for rows_ in (Case.objects.all(), Photo.objects.all()):
        for remove in (rows_.delete, rows_.get().delete):
            with pytest.raises(ProtectedError, match="court order 7"), transaction.atomic():
                remove()
    assert Photo.objects.count() == 1


def test_the_administration_is_for_superusers(db):
    client = Client()
    client.force_login(person("kim", "Administrator", is_staff=True))
    assert client.get("/admin/").status_code in (302, 403)
    assert client.get("/admin/cases/case/").status_code in (302, 403)


def test_what_is_sent_by_a_page_that_wrote_its_own_row_is_not_written_twice(as_admin, make_case):
    case = make_case()
    before = rows()
    as_admin.get(case.get_absolute_url())
    as_admin.post(f"/cases/{case.pk}/close/", {"outcome": "other", "reason": "found"})
    assert rows() - before == 2
    assert add_photo(case, faces.person(1), "x.jpg").pk
