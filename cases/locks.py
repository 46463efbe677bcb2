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
