"""A database that is away is no fault: whoever asks hears when to come again, in the form that they read."""

import psycopg
import pytest
from django.db import InterfaceError, OperationalError
from django.db.backends.utils import CursorWrapper
from django.test import Client

from mpsite.errors import is_away


@pytest.fixture
def away(admin, camera):
    """Each statement fails as when PostgreSQL shuts down."""
    client = Client(raise_request_exception=False, headers={"authorization": f"Bearer {camera.token}"})
    client.force_login(admin)

    def fails(*args, **options):
        raise OperationalError("terminating connection") from psycopg.errors.AdminShutdown()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CursorWrapper, "execute", fails)
        yield client


@pytest.mark.parametrize("path", ["/api/v1/captures/", "/api/v1/heartbeats/"])
def test_a_camera_hears_when_to_come_again(away, path):
    answer = away.post(path, {}, headers={"accept": "*/*"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Send it again" in answer.json()["detail"]


def test_a_page_asks_again_by_itself(away):
    answer = away.get("/cases/", headers={"accept": "text/html"})
    assert answer.status_code == 503
    assert 'http-equiv="refresh"' in answer.content.decode()
    part = away.get("/cases/", headers={"hx-request": "true", "accept": "*/*"})
    assert (part.status_code, part["Content-Type"]) == (503, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("error", "cause", "says"),
    [
        (OperationalError, psycopg.errors.AdminShutdown(), True),
        (OperationalError, psycopg.errors.CannotConnectNow(), True),
        (OperationalError, psycopg.errors.TooManyConnections(), True),
        (OperationalError, psycopg.OperationalError("connection refused"), True),
        (InterfaceError, psycopg.InterfaceError("the connection is closed"), True),
        (OperationalError, psycopg.errors.DeadlockDetected(), False),
        (OperationalError, psycopg.errors.DiskFull(), False),
        (OperationalError, psycopg.errors.QueryCanceled(), False),
        (ValueError, None, False),
    ],
)
def test_only_a_database_that_cannot_be_reached_is_away(error, cause, says):
    made = error("x")
    made.__cause__ = cause
    assert is_away(made) is says
