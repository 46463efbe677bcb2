import re
from collections.abc import Callable, Iterator
from functools import lru_cache

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from xdist.scheduler import LoadScopeScheduling

from cases.models import Case, Collection, add_photo
from cases.tasks import BULK, URGENT
from matching.faces import face_models
from matching.indexing import single
from matching.models import Camera, FaceModel
from mpsite.celery import app
from tests import faces, needs
from tests.people import person
from tests.product import ROOT, Product, start

# What `migrate` makes of roles and what they may, in the words of nobody's numbers.
ROLES = """
SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
    SELECT concat_ws(' ', t.app_label, t.model, p.codename) AS line
    FROM django_content_type t LEFT JOIN auth_permission p ON p.content_type_id = t.id
    UNION ALL SELECT concat_ws(' ', g.name, p.codename) FROM auth_group g
    LEFT JOIN auth_group_permissions m ON m.group_id = g.id LEFT JOIN auth_permission p ON p.id = m.permission_id
) AS lines
"""
OF_ROLES = {"django_content_type", "auth_permission", "auth_group", "auth_group_permissions"}
# As they were made; a test that commits other ones has them made anew.
made: list[str] = []


def pytest_configure() -> None:
    """A test that commits leaves little behind: only what holds rows is emptied, which takes 20 ms instead of 450, and
    roles are made anew where they are others, which takes 360."""
    flush.sql_flush = _what_holds_rows
    flush.emit_post_migrate_signal = _make_roles


def _what_holds_rows(style: object, connection: BaseDatabaseWrapper, **options: object) -> list[str]:
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    with connection.cursor() as cursor:
        cursor.execute(ROLES)
        if list(cursor.fetchone()) == made:
            tables -= OF_ROLES
        cursor.execute(" UNION ALL ".join(f"SELECT '{one}' WHERE EXISTS (SELECT 1 FROM \"{one}\")" for one in tables))
        full = [name for (name,) in cursor.fetchall()]
    return ["SET LOCAL session_replication_role = replica", *(f'DELETE FROM "{name}"' for name in full)]


def _make_roles(verbosity: int, interactive: bool, db: str) -> None:
    if Group.objects.exists():
        return
    emit_post_migrate_signal(verbosity, interactive, db)
    with connection.cursor() as cursor:
        cursor.execute(ROLES)
        made[:] = cursor.fetchone()


@pytest.fixture(autouse=True)
def _passwords_are_quick(settings) -> None:
    """One that people type takes a quarter of a second to check; each test has people."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _tasks_run_at_once() -> Iterator[None]:
    """A task runs where it is queued, on commit; tests/faults and tests/browser use real workers."""
    # What another test's processes queued and nobody took.
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.delete(URGENT, BULK)
    app.conf.task_always_eager = True
    app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture(autouse=True)
def _nobody_is_locked_out() -> None:
    """What was counted against names and addresses in another test."""
    cache.clear()


@pytest.fixture
def no_redis(settings) -> None:
    """Nothing listens where Redis should be."""
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    settings.CACHES = {**settings.CACHES, "default": {**settings.CACHES["default"], "LOCATION": settings.REDIS_URL}}


@pytest.fixture(autouse=True)
def _media(settings, tmp_path_factory):
    settings.MEDIA_ROOT = tmp_path_factory.mktemp("media")


@pytest.fixture
def use_model() -> Callable[[str], FaceModel]:
    def use(name: str) -> FaceModel:
        model = face_models.register(name)
        face_models.activate(model)
        return model

    return use


@pytest.fixture(params=needs.ENGINES)
def model(request, db, use_model) -> FaceModel:
    """A test that asks for it runs with each engine that is here."""
    return use_model(request.param)


@pytest.fixture
def any_model(db, use_model) -> FaceModel:
    """The better engine that is here, for tests in which the engine does not matter."""
    return use_model(str(faces.PACK) if faces.PACK.is_dir() else "dlib")


@pytest.fixture
def collection(db) -> Collection:
    return Collection.objects.create(name="Missing", reviewers=1)


@pytest.fixture
def make_case(collection) -> Callable[..., Case]:
    def make(number: str = "MP1", *photos: bytes, index: bool = True, **fields) -> Case:
        case = Case.objects.create(**{"collection": collection, "number": number, "name": f"Person {number}", **fields})
        for content in photos:
            photo = add_photo(case, content, f"{number}.jpg")
            if index:
                single.index_photo(photo.pk)
        return case

    return make


@pytest.fixture
def six_cases(make_case) -> list[Case]:
    """The six persons of the group photo, a case each."""
    return [make_case(f"MP{number}", faces.person(number)) for number in range(6)]


@pytest.fixture
def user(db) -> User:
    """Somebody who searches and reviews."""
    return person("kim", "Reviewer", first_name="Kim")


@pytest.fixture
def admin(db) -> User:
    return User.objects.create_superuser("boss", password="a-long-password")


@pytest.fixture
def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def as_admin(admin) -> Client:
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def camera(db) -> Camera:
    camera = Camera(name="Gate 3", place="Main station")
    camera.token = camera.issue_token()
    return camera


@pytest.fixture(scope="session")
def product(tmp_path_factory) -> Iterator[Product]:
    """Sightline with its demo, one for all tests of a process that look at it from outside."""
    folder = tmp_path_factory.mktemp("product") / "data"
    # The database's own user must reach its folder where the tests run as root.
    for parent in (folder.parent, folder.parent.parent, folder.parent.parent.parent):
        parent.chmod(0o755)
    started = start(folder)
    try:
        started.wait_until_up()
        yield started
    finally:
        started.stop()


class OneProduct(LoadScopeScheduling):
    """Tests run on two processes; those that look at one running product share it, on one of them, and begin first."""

    def _split_scope(self, nodeid: str) -> str:
        return "product" if _looks_at_the_product(nodeid.partition("::")[0]) else nodeid


@lru_cache
def _looks_at_the_product(path: str) -> bool:
    asks_for_it = re.search(r"def \w+\([^)]*\bproduct\b", (ROOT / path).read_text())
    return path.startswith("tests/browser/") or asks_for_it is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneProduct:
    return OneProduct(config, log)


def pytest_terminal_summary(terminalreporter) -> None:
    skipped = {str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])}
    for reason in sorted(skipped):
        terminalreporter.write_line(f"**** SKIPPED: {reason}", yellow=True, bold=True)
