"""What a page or walk asks of the database does not grow with people, alerts, faces or a backlog."""

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Collection, Team
from matching import keeping
from matching.models import Alert, Camera, Capture, Search, Subscription
from matching.searching import pictures
from matching.telling import board, notifying
from matching.watching import captures
from tests import faces
from tests.people import api_token, person


def asked(what: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        what()
    return len(queries)


@pytest.fixture
def alert(any_model, make_case, camera) -> Alert:
    make_case("MP1", faces.person(1))
    capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_capture(capture.pk)
    return Alert.objects.get()


def test_an_alerts_page_and_whom_it_is_told_with_many_reviewers(alert, signed_in, camera, collection):
    camera.teams.add(Team.objects.create(name="Ours"))
    collection.teams.add(Team.objects.get())
    Team.objects.get().members.add(person("first", "Reviewer"))
    client = Client()
    client.force_login(Team.objects.get().members.get())
    client.get(alert.get_absolute_url())

    def add(number: int) -> None:
        reviewer = person(f"r{number}", "Reviewer")
        Team.objects.get().members.add(reviewer)
        Subscription.objects.create(user=reviewer, name="x", address="json://127.0.0.1:9/")

    def counts() -> tuple[int, ...]:
        page = asked(lambda: client.get(alert.get_absolute_url()))
        return page, asked(lambda: board.people(alert)), asked(lambda: notifying.subscribers(alert))

    add(0)
    counts()
    few = counts()
    for number in range(1, 21):
        add(number)
    assert counts() == few
    assert len(board.people(alert)) == 22
    assert len(notifying.subscribers(alert)) == 21


def test_who_sees_an_alert_is_whom_it_exists_for(alert, camera, collection, admin):
    """The two ways to ask agree."""
    from cases.visibility import visible

    for team in ("A", "B"):
        Team.objects.create(name=team)
    people = {"a": ["A"], "b": ["B"], "ab": ["A", "B"], "none": []}
    for name, teams in people.items():
        person(name, "Reviewer").teams.set(Team.objects.filter(name__in=teams))
    person("all", "Administrator")
    for of_camera, of_collection in (([], []), (["A"], []), (["A"], ["B"]), (["A", "B"], ["B"])):
        camera.teams.set(Team.objects.filter(name__in=of_camera))
        collection.teams.set(Team.objects.filter(name__in=of_collection))
        alert.refresh_from_db()
        everybody = [one for one in type(admin).objects.order_by("username") if one.has_perm("matching.add_review")]
        assert board.people(alert) == [one for one in everybody if visible(Alert, one).filter(pk=alert.pk).exists()]


def test_the_list_of_alerts_over_the_api(alert, user):
    program = Client(headers={"authorization": f"Token {api_token(user)}"})
    program.get("/api/v1/alerts/")
    few = asked(lambda: program.get("/api/v1/alerts/"))
    for number in range(10):
        camera = Camera(name=f"Gate {number + 10}")
        camera.issue_token()
        capture = Capture.objects.create(
            camera=camera, uid=uuid.uuid4(), captured_at=timezone.now(), image=ContentFile(faces.person(1), "x.jpg")
        )
        captures.match_capture(capture.pk)
    assert Alert.objects.count() == 11
    assert len(program.get("/api/v1/alerts/").json()["results"]) == 11
    assert asked(lambda: program.get("/api/v1/alerts/")) == few


def test_a_picture_of_six_faces_asks_as_often_as_one_of_one(any_model, six_cases, user):
    def search(content: bytes) -> Search:
        return pictures.search_image(content, "x.jpg", user=user, purpose="x")

    search(faces.person(1))
    one = asked(lambda: search(faces.person(1)))
    six = asked(lambda: search(faces.GROUP.read_bytes()))
    assert Search.objects.first().probes.count() >= 4
    assert six == one


def test_several_faces_searched_together_find_what_each_finds_alone(any_model, six_cases, monkeypatch):
    import numpy as np

    from matching.gallery import search as gallery
    from matching.models import Face

    embeddings = np.array([np.asarray(face.embedding, np.float32) for face in Face.objects.filter(is_subject=True)])
    for exact in (gallery.EXACT_TO, 0):
        monkeypatch.setattr(gallery, "EXACT_TO", exact)
        monkeypatch.setattr(gallery, "TOGETHER", 4)
        together = gallery.search_all(any_model, embeddings, limit=3)
        for one, hits in zip(embeddings, together, strict=True):
            alone = gallery.search(any_model, one, limit=3)
            assert [(hit.case_id, hit.face_id) for hit in hits] == [(hit.case_id, hit.face_id) for hit in alone]
            # Many products at once round their last digit otherwise than one.
            assert [hit.worth for hit in hits] == pytest.approx([hit.worth for hit in alone], abs=1e-6)
        assert len({hits[0].case_id for hits in together}) == 6
    assert gallery.search_all(any_model, embeddings[:0]) == []


def test_what_has_been_kept_for_its_days_is_one_short_statement_however_much_it_is(any_model, collection, user):
    def make(number: int) -> None:
        for _ in range(number):
            made = Search.objects.create(user=user, purpose="x", model=any_model, gallery_size=1, milliseconds=1)
            made.collections.add(collection)
        Search.objects.update(created_at=timezone.now() - timedelta(days=40))

    Collection.objects.update(search_days=30)
    make(2)
    few = asked(lambda: list(keeping.over()))
    with CaptureQueriesContext(connection) as before:
        list(keeping.over())
    make(30)
    with CaptureQueriesContext(connection) as after:
        assert len(list(keeping.over())) == 32
    assert len(after) == few
    assert len(after[-1]["sql"]) == len(before[-1]["sql"])
