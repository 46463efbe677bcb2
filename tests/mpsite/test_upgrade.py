"""A database of an earlier version becomes this one's, loses nothing, and the last release can go on with it."""

import uuid
from dataclasses import replace
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from cases.models import AuditEvent, Case, Collection, Photo
from cases.sealed import unseal
from matching.models import Alert, Camera, Capture, Review, Search, Subscription
from matching.searching import pictures
from matching.telling import notifying
from matching.watching import captures
from tests import faces, versions

OLD = [("cases", "0008_marks_and_dates"), ("matching", "0016_fleet")]
ADDRESS = "jsons://hook.example/secret"


@pytest.fixture
def version_0_6(transactional_db):
    """Puts the database into the shape that it had in 0.6, with all that is in it; its models."""

    yield partial(versions.become, OLD)
    versions.become()


@pytest.mark.django_db(transaction=True)
def test_a_database_of_version_0_6_keeps_all_that_was_done_in_it(version_0_6, any_model, six_cases, user, camera):
    search = pictures.search_image(faces.person(2), "tip.jpg", user=user, purpose="a tip")
    capture = captures.receive_capture(camera, faces.person(1), uid=uuid.uuid4(), captured_at=timezone.now())
    captures.match_capture(capture.pk)
    notifying.review(Alert.objects.get(), "confirmed", "her brother was called", user)
    candidates = [(one.case.number, round(one.similarity, 3)) for one in search.probes.get().candidates.all()]
    counts = {model: model.objects.count() for model in (Case, Photo, Search, Alert, Capture, Review, Camera)}
    new = versions.shape()
    models = version_0_6()
    assert versions.shape() != new
    # As 0.6 wrote them: an address in the clear, an audit row without a chain.
    models.get_model("matching", "Subscription").objects.create(user_id=user.pk, address=ADDRESS)
    models.get_model("cases", "AuditEvent").objects.create(username="kim", action="viewed", why="a test")

    versions.become()
    call_command("prepare", "--no-input", "--no-demo")
    # A new database is made in one step, this one in many: both are the same.
    assert versions.shape() == new
    assert {model: model.objects.count() for model in counts} == counts
    assert (Alert.objects.get().status, Alert.objects.get().strength) == ("confirmed", "strong")
    assert Alert.objects.get().kind == Alert.Kind.SOUGHT
    assert Review.objects.get().note == "her brother was called"
    again = pictures.search_image(faces.person(2), "tip.jpg", user=user, purpose="a tip")
    assert [(one.case.number, round(one.similarity, 3)) for one in again.probes.get().candidates.all()] == candidates
    # What was secret is kept so from now on, and still works.
    assert unseal(Subscription.objects.get().address) == ADDRESS
    with connection.cursor() as cursor:
        cursor.execute("SELECT address FROM matching_subscription")
        assert "hook.example" not in cursor.fetchone()[0]
    assert AuditEvent.objects.filter(action="viewed").exists()
    call_command("verify_audit")
    assert User.objects.get(username="kim").groups.filter(name="Reviewer").exists()
    assert set(Collection.objects.values_list("kind", flat=True)) == {"sought"}


@pytest.mark.django_db(transaction=True)
def test_the_last_release_goes_on_with_this_ones_database():
    # Machines are upgraded one after another (docs/deployment.md): a column goes a release after its last use.
    versions.become(versions.LAST_RELEASE)
    before = versions.asked()
    versions.become()
    assert versions.in_the_way(before, versions.asked()) == []


NUMBER, TEXT = versions.Column("integer int4", None, False, False), versions.Column("text varchar", 20, False, True)
BEFORE = versions.Asked({("case", "id"): NUMBER, ("case", "name"): TEXT}, {("case", "case_pkey"): {"id"}})


@pytest.mark.parametrize(
    ("columns", "rules", "said"),
    [
        ({("case", "name"): None}, {}, "case.name is gone"),
        ({("case", "id"): TEXT}, {}, "case.id holds something else"),
        ({("case", "name"): replace(TEXT, most=10)}, {}, "case.name holds something else"),
        ({("case", "name"): replace(TEXT, has_default=False)}, {}, "case.name has no default any more"),
        ({("case", "age"): NUMBER}, {}, "case.age is new and must be filled"),
        ({}, {("case", "name_once"): {"name"}}, "case: name_once is a new rule for name"),
        # What an older release has no need to know of.
        ({("case", "name"): replace(TEXT, most=None)}, {}, ""),
        ({("case", "age"): replace(NUMBER, may_be_empty=True)}, {("case", "age_is_right"): {"age"}}, ""),
        ({("pet", "id"): NUMBER}, {("pet", "pet_pkey"): {"id"}}, ""),
    ],
)
def test_what_is_in_an_older_releases_way_is_told(columns, rules, said):
    now = {name: column for name, column in {**BEFORE.columns, **columns}.items() if column is not None}
    found = versions.in_the_way(BEFORE, versions.Asked(now, {**BEFORE.rules, **rules}))
    assert [one.split(":")[0] for one in found] == ([said.split(":")[0]] if said else [])
    assert all(one.startswith(said) for one in found)
