"""A database, a Redis and a bucket that several machines have in common."""

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests import bucket
from tests.pooler import PGBOUNCER, pooler
from tests.product import Product

NAME = "several_machines"


@pytest.fixture
def database(tmp_path_factory) -> Iterator[str]:
    """An empty database, behind a pooler where there is one."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as direct:
        direct.execute(f"DROP DATABASE IF EXISTS {NAME}")
        direct.execute(f"CREATE DATABASE {NAME}")
        own = {"host": direct.info.host, "port": direct.info.port, "user": direct.info.user}
    if PGBOUNCER is None:
        yield f"postgresql://{own['user']}@/{NAME}?host={own['host']}"
        return
    folder = tmp_path_factory.mktemp("pooler")
    for one in (folder, folder.parent):
        one.chmod(0o755)
    with pooler(folder, own, sessions=24) as port:
        yield f"postgresql://{own['user']}@127.0.0.1:{port}/{NAME}"


@pytest.fixture
def common(database) -> Iterator[dict[str, str]]:
    """What each machine is told: where the database, Redis and the bucket are."""
    with bucket.service() as (_, leads):
        yield {
            "DATABASE_URL": database,
            "DATABASE_POOLED": "yes",
            "REDIS_URL": os.environ["REDIS_URL"],
            "STORAGE_URL": f"s3://{bucket.NAME}/ours",
            **leads,
        }


def copy_keys(first: Path, second: Path) -> None:
    """From the data folder of the machine that made them to another's, as docs/deployment.md says."""
    second.mkdir(exist_ok=True)
    for key in ("secret_key", "audit_key", "signing_key", "push_key.pem"):
        shutil.copy(first / key, second)


def statuses(common: dict[str, str], table: str, count: int, *wanted: str) -> None:
    """Wait until the latest rows of a table have one of some statuses."""
    deadline = time.monotonic() + 180
    # A pooler gives the next transaction a session that knows of nothing prepared.
    with psycopg.connect(common["DATABASE_URL"], autocommit=True, prepare_threshold=None) as direct:
        while True:
            found = [row[0] for row in direct.execute(f"SELECT status FROM {table} ORDER BY id DESC LIMIT {count}")]
            if len(found) == count and set(found) <= set(wanted):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.5)


def send(product: Product, token: str, content: bytes) -> None:
    """A capture of now, by a camera of that token."""
    sent = product.api().post(
        f"{product.url}api/v1/captures/",
        data={"id": str(uuid.uuid4()), "captured_at": datetime.now(UTC).isoformat(), "detection_score": 0.9},
        files={"image": ("face.jpg", content, "image/jpeg")},
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    assert sent.status_code == 202, sent.text
