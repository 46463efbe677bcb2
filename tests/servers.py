"""PostgreSQL and Redis for the tests, on a folder that goes when they end. Loaded before Django reads its settings."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import psycopg

from mpsite import embedded

NAME = "sightline-tests-"
PREFIX = str(Path(tempfile.gettempdir(), NAME))

# Each of the processes that tests run on has servers of its own, and none takes over the first one's.
if os.environ.get("PYTEST_XDIST_WORKER") and os.environ.get("SIGHTLINE_DATA", "").startswith(PREFIX):
    del os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
folder = Path(tempfile.mkdtemp(prefix=NAME))
# The database's own user must reach its folder where the tests run as root.
folder.chmod(0o755)
os.environ["SIGHTLINE_DATA"] = str(folder)
os.environ.pop("FACE_MODEL", None)
atexit.register(shutil.rmtree, folder, ignore_errors=True)
embedded.attach_or_start()
# Nothing here outlives the tests, so nothing waits for the disk.
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        connection.execute(f"ALTER SYSTEM SET {name} = off")
    connection.execute("SELECT pg_reload_conf()")
