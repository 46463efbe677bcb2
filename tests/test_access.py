"""What each role may open, and that nothing of another team exists, by whichever route it is asked for."""

import re
import uuid

import pytest
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.forms import BaseForm, ModelChoiceField
from django.test import Client
from django.utils import timezone
from rest_framework import serializers

from cases.api import VisibleRelated
from cases.forms import ForUser
from cases.models import (
    ApiToken,
    Case,
    CaseNote,
    CaseTask,
    Collection,
    FailedWork,
    ImportDoubt,
    ImportProblem,
    ImportRun,
    ImportSource,
    Photo,
    Team,
)
from cases.visibility import visible
from matching.models import (
    Alert,
    Batch,
    BatchFile,
    Camera,
    Candidate,
    Capture,
    CasePair,
    Delivery,
    Face,
    Mark,
    OddPhoto,
    Probe,
    Report,
    Search,
    Shot,
    SitePlan,
    StandingSearch,
    Subscription,
    UnnamedFace,
    UnnamedPerson,
    WebSource,
)
from matching.searching import a4, pictures, sheets
from matching.watching import captures
from mpsite.access import OWN_ACCOUNT, ROLES, ROUTES, may
from tests import faces, people
from tests.test_behind_a_door import OPEN, every_path
from tests.test_behind_a_door import get_resolver as resolver

# Who asks there is a camera by its token, or nobody yet.
CAMERAS = {"captures", "captures-batch", "clips", "heartbeats", "rotate"}
# What has neither owner nor face of anybody: the system's own, and rows that are only reached through their owners.
SYSTEM = {
    "matching.FaceModel", "matching.Measurement", "matching.IndexRun", "matching.Evaluation", "matching.EvaluationPair",
    "matching.Template", "matching.GalleryBits", "matching.GalleryCount", "matching.ProbeBits", "cases.ImportSeen",
    "matching.GalleryEngine", "matching.GalleryChange", "matching.GalleryLog", "matching.UnnamedLoss",
    "cases.ImportedCase", "matching.KeepingRun", "matching.EstimatesPurpose",
    "matching.MessageServer",
    "matching.MissingFoundRun", "matching.HashList", "matching.KnownHash",
    "cases.Notice", "cases.Training", "cases.Town", "cases.ProcessBeat", "cases.KeyPrint", "matching.Rates",
    "cases.FailedWork", "cases.AuditEvent", "cases.AuditQuestion",
}  # fmt: skip
# Routes with an id whose object belongs to no team, for those who may see the system's own.
UNOWNED = {
    "token-revoke",
    "audit-ask",
    "question-answer",
    "evaluation",
    "evaluation-stop",
    "evaluation-remove",
    "evaluation-crop",
    "known-files-remove",
}


def routes():
    for name, pattern in every_path(resolver()):
        if name.startswith(OWN_ACCOUNT):
            continue
        is_routed = name == "api-root" or (pattern.startswith("api/v1/") and re.search(r"\(\?P|\$", pattern))
        yield f"api:{name}" if is_routed else name, pattern


def test_each_route_says_what_it_asks_for():
    named = {name for name, _ in routes()} - OPEN - CAMERAS
    assert named - set(ROUTES) == set(), "name them in mpsite/access.py"
    assert set(ROUTES) - named == {"manifest", "web-worker", "offline"} & set(ROUTES), "gone, still named"


def test_each_model_says_whose_its_rows_are():
    models = [one for app in ("cases", "matching") for one in apps.get_app_config(app).get_models()]
    silent = {one._meta.label for one in models if not hasattr(one, "within") and not hasattr(one, "belongs_to")}
    assert silent == SYSTEM | {"matching.Alert_captures"} & silent, "give it `belongs_to`, or name it here"


@pytest.fixture
def foreign(any_model, db) -> dict[str, object]:
    """One of everything, of a team that nobody here is in, by the route's first words."""
    team, theirs = Team.objects.create(name="Other agency"), User.objects.create_user("other")
    team.members.add(theirs)
    collection = Collection.objects.create(name="Theirs")
    camera = Camera(name="Their gate")
    camera.issue_token()
    plan = SitePlan.objects.create(name="Their site", image=ContentFile(faces.person(0), "plan.jpg"))
    Camera.objects.filter(pk=camera.pk).update(plan=plan)
    for one in (collection, camera):
        one.teams.add(team)
    case, other = (Case.objects.create(collection=collection, number=n, name="Hidden Person") for n in ("S1", "S2"))
    file = ContentFile(faces.person(1), "x.jpg")
    photo = Photo.objects.create(case=case, image=file, display=file, filename="x.jpg", sha256="0" * 64)
    numbers = {
        "model": any_model, "embedding": [1.0] + [0.0] * (any_model.dimensions - 1), "left": 0, "top": 0, "right": 1,
        "bottom": 1, "detection_score": 0.9, "size": 100, "sharpness": 100, "crop": file, "landmarks": [],
        "yaw": 0, "pitch": 0, "roll": 0,
    }  # fmt: skip
    face = Face.objects.create(photo=photo, case=case, position=0, **numbers)
    search = Search.objects.create(
        user=theirs, purpose="secret", model=any_model, gallery_size=1, milliseconds=1, image=file, display=file
    )
    probe = Probe.objects.create(search=search, **numbers)
    candidate = Candidate.objects.create(probe=probe, case=case, face=face, rank=1, similarity=0.9)
    batch = Batch.objects.create(
        search=Search.objects.create(user=theirs, purpose="b", model=any_model, gallery_size=1, milliseconds=1)
    )
    stored = BatchFile.objects.create(batch=batch, name="x.jpg", file=file)
    shot = Shot.objects.create(file=stored, name="x.jpg", place=1, **numbers)
    capture = Capture.objects.create(camera=camera, uid=uuid.uuid4(), image=file, captured_at=timezone.now())
    seen = Probe.objects.create(capture=capture, **numbers)
    alert = Alert.objects.create(
        case=case, camera=camera, first_captured_at=timezone.now(), last_captured_at=timezone.now(), model=any_model,
        best_capture=capture, similarity=0.9, gallery_size=1,
    )  # fmt: skip
    source = ImportSource.objects.create(name="Their list", kind="folder", collection=collection)
    run = ImportRun.objects.create(source=source)
    problem = ImportProblem.objects.create(source=source, run=run, key="k", reason="r")
    doubt = ImportDoubt.objects.create(source=source, key="k", column=ImportDoubt.STRAY, text="x.jpg", why="w")
    mark = Mark.objects.create(candidate=candidate, user=theirs, x=0.5, y=0.5, text="scar")
    standing = StandingSearch.objects.create(search=search, user=theirs)
    pair = CasePair.objects.create(first=case, second=other, first_face=face, second_face=face, similarity=0.9)
    odd = OddPhoto.objects.create(photo=photo, own_face=face, own_similarity=0.1)
    subscription = Subscription.objects.create(user=theirs, name="phone", address="json://example.org")
    delivery = Delivery.objects.create(alert=alert, subscription=subscription, status="failed")
    web_source = WebSource.objects.create(case=case, address="https://hidden.example/", user=theirs)
    note = CaseNote.objects.create(case=case, user=theirs, text="Hidden Person was here")
    task = CaseTask.objects.create(case=case, text="Call the school of Hidden Person")
    unnamed = UnnamedPerson.objects.create(model=any_model, embedding=numbers["embedding"])
    UnnamedFace.objects.create(person=unnamed, probe=seen)
    work = FailedWork.objects.create(kind="photo", key=photo.pk, label="Their photo", error="broken", attempts=3)
    return {
        "work": work,
        "person": theirs,
        "team": team,
        "token": ApiToken.issue(theirs, "Their program", ["read"], None)[0],
        "session": UserSession.objects.create(user=theirs, ip="192.0.2.1", session_key="x", user_agent="Their browser"),
        "alert": alert, "case": case, "photo": photo, "face": face, "search": search, "candidate": candidate,
        "probe": probe, "seen": seen, "batch": batch, "shot": shot, "camera": camera, "plan": plan, "source": source,
        "run": run, "problem": problem, "doubt": doubt, "mark": mark, "standing": standing, "pair": pair, "odd": odd,
        "collection": collection, "subscription": subscription, "delivery": delivery,
        "unnamed": unnamed, "web source": web_source, "note": note, "task": task,
        "report": Report.objects.create(name="Their list", asked={"subject": "captures"}, user=theirs),
    }  # fmt: skip


# Calls that are refused in words until they say whom or what they are about.
MUST_SAY = {"api-time"}
# The thing whose id a route asks for, by how its path begins; the longest that fits.
OF_PATH = {
    "alerts/": "alert", "cases/": "case", "photos/": "photo", "faces/": "face", "search/": "search",
    "candidates/": "candidate", "probes/": "probe", "batches/": "batch", "shots/": "shot", "cameras/": "camera",
    "cameras/plans/": "plan", "imports/": "source", "imports/runs/": "run", "imports/problems/": "problem",
    "imports/doubts/": "doubt",
    "marks/": "mark", "standing/": "standing", "worklists/pairs/": "pair", "worklists/photos/": "odd",
    "worklists/subjects/": "photo", "worklists/places/": "case",
    "subscriptions/": "subscription", "deliveries/": "delivery",
    "pairs/": "pair", "system/work/": "work",
    "people/": "person", "people/teams/": "team", "people/tokens/": "token",
    "people/sessions/": "session", "collections/": "collection", "leads/": "candidate", "searches/": "search",
    "web-sources/": "web source", "notes/": "note", "tasks/": "task", "reports/": "report", "unnamed/": "unnamed",
}  # fmt: skip


def path_of(pattern: str, foreign: dict[str, object]) -> str:
    bare = pattern.removeprefix("api/v1/").lstrip("^")
    thing = foreign[OF_PATH[max((start for start in OF_PATH if bare.startswith(start)), key=len)]]
    path = re.sub(r"<(int|uuid):pk>|\(\?P<pk>[^)]*\)", str(thing.pk), pattern)
    path = path.replace("<str:how>", "pause").replace("<str:which>", "crop")
    return "/" + re.sub(r"[\^$?\\]", "", path)


def with_id():
    for name, pattern in routes():
        is_format = "format" in pattern
        if ("pk>" in pattern) and not is_format and name not in UNOWNED | OPEN | CAMERAS:
            yield name, pattern


def test_what_is_another_teams_does_not_exist(foreign):
    """404 for who might open it, 403 for who might not; and by neither can one tell that it is there.

    What exists for somebody goes by their teams, so one role that might and one that might not speak for the others.
    """
    mine = Team.objects.create(name="Ours")
    kims = [people.person(f"kim{number}", role) for number, role in enumerate(ROLES)]
    mine.members.add(*kims)
    limited = [one for one in kims if not one.has_perm("cases.see_all_teams")]
    assert 0 < len(limited) < len(kims)
    clients = {one: Client() for one in kims}
    for one, client in clients.items():
        client.force_login(one)
        status = client.get(f"/cases/{foreign['case'].pk}/").status_code
        assert status == (404 if one in limited else 200), one.groups.get()
    for name, pattern in with_id():
        path = path_of(pattern, foreign)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if name.startswith("api") else ("GET", "POST"):
            for might, allowed in ((True, (404, 405)), (False, (403, 405))):
                one = next((kim for kim in limited if may(kim, name, method) == might), None)
                if one is None:
                    continue
                answer = clients[one].generic(method, path, b"{}", content_type="application/json")
                said = f"{one.groups.get()}: {method} {path} answered {answer.status_code}"
                assert answer.status_code in allowed, said
                assert b"Hidden Person" not in b"".join(answer)
    assert Case.objects.filter(name="Hidden Person").count() == 2


@pytest.mark.parametrize("role", ROLES)
def test_lists_counts_and_exports_hold_nothing_of_another_team(foreign, role):
    person = people.person("kim", role)
    Team.objects.create(name="Ours").members.add(person)
    if person.has_perm("cases.see_all_teams"):
        return
    client = Client()
    client.force_login(person)
    for name, pattern in routes():
        if "pk>" in pattern or "format" in pattern or name in CAMERAS or not may(person, name, "GET"):
            continue
        path = "/" + re.sub(r"[\^$?\\]", "", pattern)
        answer = client.get(path, follow=True)
        content = b"".join(answer) if answer.status_code == 200 else b""
        for word in (
            b"Hidden Person",
            b"Theirs",
            b"Their gate",
            b"Their list",
            b"Their site",
            b"secret",
            b"Their photo",
        ):
            assert word not in content, f"{role}: {path} shows {word.decode()}"
    for model in (Case, Photo, Alert, Camera, Search, Candidate, Probe, Batch, Shot, Capture, ImportSource):
        assert not visible(model, person).exists()
    for field in ("case", "camera"):
        there = client.get(f"/api/v1/alerts/?{field}={foreign[field].pk}")
        assert there.json() == client.get(f"/api/v1/alerts/?{field}=999999").json()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_pages_and_no_others(db, any_model, role):
    person = people.person("kim", role)
    client = Client()
    client.force_login(person)
    for name, pattern in routes():
        if "pk>" in pattern or "format" in pattern or name in CAMERAS | OPEN:
            continue
        answer = client.get("/" + re.sub(r"[\^$?\\]", "", pattern))
        if may(person, name, "GET"):
            said = (400,) if name in MUST_SAY else (200, 302, 404, 405)
            assert answer.status_code in said, f"{role}: {name} answered {answer.status_code}"
        else:
            assert answer.status_code in (403, 405), f"{role}: {name} answered {answer.status_code}"


def test_a_team_mate_sees_what_the_team_has(foreign):
    mate = people.person("mate", "Investigator")
    Team.objects.get(name="Other agency").members.add(mate)
    client = Client()
    client.force_login(mate)
    for path in (
        foreign["case"].get_absolute_url(),
        foreign["search"].get_absolute_url(),
        foreign["alert"].get_absolute_url(),
        f"/photos/{foreign['photo'].pk}/",
        f"/cameras/{foreign['camera'].pk}/",
    ):
        assert client.get(path).status_code == 200, path


def test_somebody_without_a_role_is_told_whom_to_ask(db):
    client = Client()
    client.force_login(User.objects.create_user("new"))
    answer = client.get("/alerts/")
    assert answer.status_code == 403
    assert "no role yet" in answer.content.decode()


def test_of_a_mates_search_one_sees_only_the_candidates_of_ones_own_collections(any_model, db, make_case, collection):
    """Kim is in both teams, Lee in one: what Kim's search found in the other team's collection is not Lee's to see."""
    both, one = people.person("both", "Investigator"), people.person("lee", "Reviewer")
    ours, theirs = Team.objects.create(name="Ours"), Team.objects.create(name="Theirs")
    ours.members.add(both, one)
    theirs.members.add(both)
    collection.teams.add(ours)
    hidden = Collection.objects.create(name="Sealed")
    hidden.teams.add(theirs)
    make_case("OPEN-1", faces.person(1))
    make_case("SEALED-1", faces.person(1), collection=hidden, name="Hidden Person")
    search = pictures.search_image(faces.person(1), "x.jpg", user=both, purpose="tip")
    assert {found.case.number for found in search.probes.get().candidates.all()} == {"OPEN-1", "SEALED-1"}
    assert set(search.collections.values_list("name", flat=True)) == {"Missing", "Sealed"}
    client = Client()
    client.force_login(one)
    for path in (search.get_absolute_url(), f"/api/v1/searches/{search.pk}/", "/search/history/", "/search/"):
        page = client.get(path).content.decode()
        assert "Hidden Person" not in page, path
    assert "OPEN-1" in client.get(search.get_absolute_url()).content.decode()
    words: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(a4.Sheet, "cell", lambda self, *a, **k: words.append(str(a) + str(k)))
        patch.setattr(a4.Sheet, "multi_cell", lambda self, *a, **k: words.append(str(a) + str(k)))
        sheets.candidate_list(search, one, "1")
    assert "OPEN-1" in str(words)
    assert "SEALED-1" not in str(words)


def every(base):
    for child in base.__subclasses__():
        yield child
        yield from every(child)


def test_each_related_field_of_the_api_takes_only_what_exists_for_whoever_asks(db):
    """A serializer that is forgotten fails here."""
    ours = [one for one in every(serializers.ModelSerializer) if one.__module__.startswith(("cases.", "matching."))]
    assert len(ours) > 8
    for serializer in ours:
        if not hasattr(serializer, "Meta"):
            continue
        for name, field in serializer(context={"request": None}).fields.items():
            related = getattr(field, "child_relation", field)
            if isinstance(related, serializers.RelatedField) and not related.read_only:
                assert isinstance(related, VisibleRelated), f"{serializer.__name__}.{name}"


def test_each_choice_of_a_form_is_among_what_exists_for_whoever_fills_it_in(db):
    import cases.forms
    import cases.import_forms
    import matching.camera_forms
    import matching.forms

    ours = [one for one in every(BaseForm) if one.__module__.startswith(("cases.", "matching."))]
    ours = [one for one in ours if hasattr(one, "base_fields")]
    assert {
        cases.forms.CaseForm,
        cases.import_forms.SourceForm,
        matching.camera_forms.CameraForm,
        matching.forms.SearchForm,
    } <= set(ours)
    for form in ours:
        choices = [one for one in form.base_fields.values() if isinstance(one, ModelChoiceField)]
        assert not choices or issubclass(form, ForUser), form


@pytest.fixture
def manager(db) -> User:
    """Of the team *Ours*; there is a team *Theirs*, too."""
    person_ = people.person("max", "Camera manager")
    Team.objects.create(name="Ours").members.add(person_)
    Team.objects.create(name="Theirs")
    # A role of the agency's own, who may change collections of their team.
    editing = ["add_collection", "change_collection", "view_collection"]
    person_.user_permissions.set(Permission.objects.filter(codename__in=editing))
    return person_


THINGS = {"cameras": Camera, "collections": Collection}


def made(model, name: str, *teams: str):
    thing = model(name=name)
    if model is Camera:
        thing.issue_token()
    thing.save()
    thing.teams.set(Team.objects.filter(name__in=teams))
    return thing


def names(thing) -> set[str]:
    return set(thing.teams.values_list("name", flat=True))


@pytest.mark.parametrize("path", THINGS)
def test_over_the_api_a_thing_goes_to_ones_own_teams_only(manager, path):
    program = Client(headers={"authorization": f"Token {people.api_token(manager)}"})
    ours, theirs = (Team.objects.get(name=name).pk for name in ("Ours", "Theirs"))

    def send(method: str, where: str, **said):
        return getattr(program, method)(f"/api/v1/{path}/{where}", said, content_type="application/json")

    for teams in ([theirs], [ours, theirs], []):
        answer = send("post", "", name="Gate", teams=teams)
        assert (answer.status_code, list(answer.json())) == (400, ["teams"])
    # Without a word it is the maker's teams', not everybody's.
    number = send("post", "", name="Gate").json()["id"]
    thing = THINGS[path].objects.get(pk=number)
    assert names(thing) == {"Ours"}
    for teams in ([], [theirs], [ours, theirs]):
        assert send("patch", f"{number}/", teams=teams).status_code == 400
    # What two teams share stays the other's, whatever is said, and tells nobody whose it is.
    thing.teams.add(theirs)
    answer = send("patch", f"{number}/", teams=[ours], name="Gate 2")
    assert (answer.status_code, answer.json()["teams"], names(thing)) == (200, [ours], {"Ours", "Theirs"})
    common = made(THINGS[path], "Common")
    assert send("patch", f"{common.pk}/", teams=[ours]).status_code == 400
    assert send("patch", f"{common.pk}/", teams=[], name="Common 2").status_code == 200
    assert names(common) == set()
    page = program.get(f"/api/v1/{path}/", headers={"accept": "text/html"}).content.decode()
    assert "Theirs" not in page


@pytest.mark.parametrize("path", THINGS)
def test_a_form_of_what_two_teams_share_leaves_the_other_its_share(manager, path):
    client = Client()
    client.force_login(manager)
    thing = made(THINGS[path], "Shared", "Ours", "Theirs")
    ours = Team.objects.get(name="Ours").pk
    form = {"name": "Shared 2", "teams": [ours], "visits_from": 1}
    form |= {"kind": "sought", "alert_level": "strict", "reviewers": 2, "look_back_days": 1, "search_days": 1}
    form["episode_seconds"] = 60
    assert "Theirs" not in client.get(f"/{path}/{thing.pk}/edit/").content.decode()
    assert client.post(f"/{path}/{thing.pk}/edit/", form).status_code == 302
    assert names(thing) == {"Ours", "Theirs"}
    without = client.post(f"/{path}/{thing.pk}/edit/", {**form, "teams": []})
    assert "Choose one of your teams" in without.content.decode()
    assert names(thing) == {"Ours", "Theirs"}
    common = made(THINGS[path], "Common")
    assert client.post(f"/{path}/{common.pk}/edit/", {**form, "name": "Common"}).status_code == 302
    assert names(common) == set()


def test_saving_a_shared_cameras_form_keeps_lists_that_the_saver_does_not_see(manager):
    camera = made(Camera, "Shared", "Ours", "Theirs")
    seen, hidden = made(Collection, "Our staff", "Ours"), made(Collection, "Their staff", "Theirs")
    Collection.objects.update(kind=Collection.Kind.KNOWN)
    camera.greets.set([seen, hidden])
    client = Client()
    client.force_login(manager)
    form = {"name": "Shared", "teams": [Team.objects.get(name="Ours").pk], "visits_from": 1}
    client.post(f"/cameras/{camera.pk}/edit/", form)
    assert list(camera.greets.all()) == [hidden]


@pytest.mark.parametrize("path", THINGS)
def test_a_name_that_another_team_uses_tells_nobody_that_it_does(manager, path):
    made(THINGS[path], "Their secret gate", "Theirs")
    made(THINGS[path], "Our gate", "Ours")
    program = Client(headers={"authorization": f"Token {people.api_token(manager)}"})
    said = {"name": "Their secret gate"}
    assert program.post(f"/api/v1/{path}/", said, content_type="application/json").status_code == 201
    answer = program.post(f"/api/v1/{path}/", {"name": "Our gate"}, content_type="application/json")
    assert "of this name already" in answer.json()["name"][0]


def test_a_plan_without_cameras_is_its_makers_and_their_teams(manager):
    from django.core.files.uploadedfile import SimpleUploadedFile

    client = Client()
    client.force_login(manager)
    upload = SimpleUploadedFile("plan.jpg", faces.person(0), "image/jpeg")
    client.post("/cameras/plans/", {"name": "The vault", "image": upload})
    assert "The vault" in client.get("/cameras/plans/").content.decode()
    for team, sees in (("Ours", True), ("Theirs", False)):
        other = people.person(f"of {team}", "Camera manager")
        Team.objects.get(name=team).members.add(other)
        client.force_login(other)
        assert ("The vault" in client.get("/cameras/plans/").content.decode()) == sees


def test_an_alert_is_seen_where_both_its_case_and_its_camera_are(any_model, make_case, collection, camera):
    """A collection of everybody's, at a camera of one team."""
    make_case("A1", faces.person(1))
    camera.teams.add(Team.objects.create(name="Ours"))
    Team.objects.create(name="Theirs")
    capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_capture(capture.pk)
    alert = Alert.objects.get()
    for team, answers in (("Ours", 200), ("Theirs", 404)):
        somebody = people.person(f"of {team}", "Reviewer")
        Team.objects.get(name=team).members.add(somebody)
        client = Client()
        client.force_login(somebody)
        assert client.get(f"/alerts/{alert.pk}/").status_code == answers
        assert client.get(f"/api/v1/alerts/{alert.pk}/").status_code == answers
        assert client.post(f"/alerts/{alert.pk}/review/", {"status": "dismissed"}).status_code in (answers, 302)
        assert ("Gate 3" in client.get("/alerts/").content.decode()) == (answers == 200)
    assert Alert.objects.get().reviews.count() == 1


def test_the_system_page_counts_what_its_reader_sees(any_model, make_case, collection):
    collection.teams.add(Team.objects.create(name="Theirs"))
    for number in range(3):
        make_case(f"A{number}", faces.person(number))
    somebody = people.person("kim", "Viewer")
    Team.objects.create(name="Ours").members.add(somebody)
    client = Client()
    client.force_login(somebody)
    page = client.get("/system/").content.decode()
    assert '<dt>Faces searched</dt><dd class="number">0</dd>' in page
    assert "your 0 cases" in client.get("/system/accuracy/").content.decode()


def test_a_list_of_searches_is_narrowed_by_no_candidate_that_its_reader_does_not_see(foreign):
    mate = people.person("mate", "Investigator")
    search, candidate = foreign["search"], foreign["candidate"]
    Candidate.objects.filter(pk=candidate.pk).update(decision="possible")
    Search.objects.filter(pk=search.pk).update(user=mate)
    client = Client()
    client.force_login(mate)
    for query in ("case=S1", "outcome=possible"):
        assert str(search.pk) not in client.get(f"/search/history/?{query}").content.decode()


def test_a_camera_of_one_team_raises_no_alert_for_anothers_case(any_model, make_case, collection, camera):
    collection.teams.add(Team.objects.create(name="Ours"))
    make_case("A1", faces.person(1))
    camera.teams.add(Team.objects.create(name="Theirs"))
    for teams, number in (([], 0), (["Ours"], 1)):
        camera.teams.add(*Team.objects.filter(name__in=teams))
        capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=timezone.now())
        captures.match_capture(capture.pk)
        assert Alert.objects.count() == number
