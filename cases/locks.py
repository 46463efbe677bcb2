"""Locks that a killed process gives back by dying: PostgreSQL holds them for as long as the connection lives."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def held(name: str) -> Iterator[bool]:
    """Hold the lock of that name while inside; yields False at once where somebody else holds it.

    Not inside a transaction that may roll back, and with the same connection from beginning to end.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        taken = bool(cursor.fetchone()[0])
    try:
        yield taken
    finally:
        if taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def is_free(name: str) -> bool:
    """Whether nobody holds the lock of that name."""
    with held(name) as taken:
        return taken


def share(name: str) -> None:
    """Hold the lock of that name together with others that share it, until the transaction ends."""
    _until_the_end("pg_advisory_xact_lock_shared", name)


def wait_for(name: str) -> None:
    """Hold the lock of that name alone, until the transaction ends; waits for those who have it."""
    _until_the_end("pg_advisory_xact_lock", name)


def _until_the_end(function: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
