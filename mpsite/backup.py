"""All of an installation in one file, taken while it runs, and an empty system made into it again.

The file is a tar of `manifest.json`, each table as PostgreSQL copies it out (`tables/`), the pictures (`media/`) and
the keys without which sealed texts stay shut (`keys/`). Tables are of one moment; pictures are copied after it, so
every row has its own, but for those that were removed meanwhile.
"""

import contextlib
import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.apps import apps
from django.conf import settings
from django.core.exceptions import SuspiciousFileOperation
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

from cases import stores

FORMAT = 1
KEYS = ("secret_key", "push_key.pem", "audit_key", "audit_heads.jsonl", "signing_key")
# Who is signed in just now is nobody's to restore; a gallery engine beside, or in memory, is filled anew.
LEFT_OUT = {
    "django_session", "usersessions_usersession", "django_migrations",
    "matching_galleryengine", "matching_gallerychange", "matching_gallerylog",
}  # fmt: skip


class CannotRestore(Exception):
    """The text says why, and nothing was changed."""


def write(target: Path, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Make a backup file, readable by its owner only, and check it. Returns its manifest."""
    fresh = target.with_name(f".{target.name}.part")
    fresh.touch(mode=0o600)
    fresh.chmod(0o600)
    manifest: dict[str, Any] = {"format": FORMAT, "made_at": datetime.now(UTC).isoformat(), "tables": {}, "files": {}}
    try:
        with fresh.open("wb") as raw, tarfile.open(fileobj=raw, mode="w") as tar:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                manifest["migrations"] = _migrations()
                for table in _tables():
                    with tempfile.TemporaryFile(dir=target.parent) as content:
                        manifest["tables"][table] = _copy_out(table, content)
                        _add(tar, f"tables/{table}", content)
            say(f"{len(manifest['tables'])} tables")
            for name in sorted({name for name, _ in stores.walk()}):
                # One that was removed since it was listed went with its row.
                with contextlib.suppress(FileNotFoundError), stores.find(name)[1] as file:
                    manifest["files"][name] = _digest(file)
                    _add(tar, f"media/{name}", file)
            say(f"{len(manifest['files'])} files")
            for name in KEYS:
                if (path := Path(settings.DATA_DIR) / name).exists():
                    with path.open("rb") as file:
                        _add(tar, f"keys/{name}", file)
            _add(tar, "manifest.json", io.BytesIO(json.dumps(manifest).encode()))
        check(fresh)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    return manifest


def check(source: Path) -> dict[str, Any]:
    """A backup's manifest, once everything that it names was found as it says. Raises `CannotRestore`."""
    try:
        with tarfile.open(source) as tar:
            manifest: dict[str, Any] = json.load(_member(tar, "manifest.json"))
            if manifest.get("format") != FORMAT:
                raise CannotRestore("This backup is of a version that this one does not read.")
            wanted = {f"tables/{name}": said["sha256"] for name, said in manifest["tables"].items()}
            wanted |= {f"media/{name}": digest for name, digest in manifest["files"].items()}
            for name, digest in wanted.items():
                if _digest(_member(tar, name)) != digest:
                    raise CannotRestore(f"{name} is not as it was written: the file was damaged or changed.")
    except (tarfile.TarError, OSError, ValueError, KeyError) as problem:
        raise CannotRestore(f"{source} is no whole backup: {problem}") from problem
    return manifest


def restore(source: Path, say: Callable[[str], None] = lambda text: None) -> None:
    """Make an empty system what the backup holds, or change nothing. Raises `CannotRestore`."""
    manifest = check(source)
    call_command("migrate", verbosity=0, interactive=False)
    if apps.get_model("cases", "Case").objects.exists() or apps.get_model("matching", "Search").objects.exists():
        raise CannotRestore("This system has cases or searches. Restore into an empty one.")
    if sorted(map(list, manifest["migrations"])) != sorted(map(list, _migrations())):
        raise CannotRestore("The backup is of another version. Restore with that version, then upgrade.")
    store = stores.all_()[0]
    with tarfile.open(source) as tar:
        with transaction.atomic(), connection.cursor() as cursor:
            tables = list(manifest["tables"])
            for table in tables:
                # Triggers keep what is counted and chained; here it comes ready-made.
                cursor.execute(f"ALTER TABLE {_quoted(table)} DISABLE TRIGGER USER")
            cursor.execute(f"TRUNCATE {', '.join(map(_quoted, tables))} CASCADE")
            for table in tables:
                _copy_in(table, _member(tar, f"tables/{table}"))
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table in tables:
                cursor.execute(f"ALTER TABLE {_quoted(table)} ENABLE TRIGGER USER")
            for statement in connection.ops.sequence_reset_sql(no_style(), apps.get_models(include_auto_created=True)):
                cursor.execute(statement)
            say(f"{len(tables)} tables")
            for name in manifest["files"]:
                try:
                    store.put(name, _member(tar, f"media/{name}"), time.time())
                except SuspiciousFileOperation as problem:
                    raise CannotRestore(f"{name} would be written outside where files are kept.") from problem
            say(f"{len(manifest['files'])} files")
        for name in KEYS:
            if f"keys/{name}" in tar.getnames():
                path = Path(settings.DATA_DIR) / name
                path.touch(mode=0o600)
                path.write_bytes(_member(tar, f"keys/{name}").read())
    for table, said in manifest["tables"].items():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {_quoted(table)}")  # noqa: S608 - its name is quoted
            if cursor.fetchone()[0] != said["rows"]:
                raise CannotRestore(f"{table} has not the rows that it had. Empty the system and try again.")


def _tables() -> Iterator[str]:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy and model._meta.db_table not in LEFT_OUT:
            yield model._meta.db_table


def _migrations() -> list[list[str]]:
    """Those applied, of what is installed: apps that older versions had left theirs behind."""
    loader = MigrationLoader(connection)
    return sorted(list(key) for key in loader.applied_migrations if key in loader.disk_migrations)


def _copy_out(table: str, into: BinaryIO) -> dict[str, Any]:
    digest, rows = hashlib.sha256(), 0
    with connection.cursor() as cursor, cursor.copy(f"COPY {_quoted(table)} ({_columns(table)}) TO STDOUT") as copy:
        for part in copy:
            digest.update(part)
            rows += bytes(part).count(b"\n")  # a line break within a value is written otherwise
            into.write(part)
    return {"sha256": digest.hexdigest(), "rows": rows}


def _copy_in(table: str, source: BinaryIO) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {_quoted(table)} ({_columns(table)}) FROM STDIN") as copy:
        for part in _parts(source):
            copy.write(part)


def _columns(table: str) -> str:
    with connection.cursor() as cursor:
        found = sorted(one.name for one in connection.introspection.get_table_description(cursor, table))
    return ", ".join(map(_quoted, found))


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _add(tar: tarfile.TarFile, name: str, file: BinaryIO) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = file.seek(0, os.SEEK_END), 0o600
    file.seek(0)
    tar.addfile(entry, file)


def _member(tar: tarfile.TarFile, name: str) -> BinaryIO:
    """Raises `CannotRestore`."""
    try:
        file: Any = tar.extractfile(name)
    except KeyError:
        raise CannotRestore(f"{name} is missing: the file was cut off or changed.") from None
    return file  # type: ignore[no-any-return]


def _parts(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(1 << 20), b"")


def _digest(file: BinaryIO) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
