"""Locks that a killed process gives back by dying: PostgreSQL holds them for as long as a transaction lasts.

Never for longer than that, and never for a session: a pooler between, such as pgbouncer, gives a session to others
after each transaction, and with it what the session holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper

# A machine that is gone without a word is missed after some 50 s; PostgreSQL's own patience is two hours.
WATCHED = """
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL tcp_keepalives_idle = 20; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 3
"""


class Held:
    """True where the lock is held by whoever asked for it."""

    def __init__(self, connection: BaseDatabaseWrapper, is_taken: bool) -> None:
        self._connection, self._is_taken = connection, is_taken

    def __bool__(self) -> bool:
        return self._is_taken

    def lasts(self) -> bool:
        """Whether it is still held: a database that was started anew knows of no lock."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except Error:
            return False
        return self._is_taken


@contextmanager
def held(name: str) -> Iterator[Held]:
    """Hold the lock of that name while inside; what it yields is false at once where somebody else holds it.

    On a connection of its own: what is done inside has transactions of its own, and the pool keeps its number.
    """
    own = connection.copy()
    own.settings_dict["OPTIONS"].pop("pool", None)
    try:
        own.set_autocommit(False)
        with own.cursor() as cursor:
            cursor.execute(WATCHED)
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
            taken = bool(cursor.fetchone()[0])
        if not taken:
            own.close()
        yield Held(own, taken)
    finally:
        # Given back before it goes on: of a connection that is only closed PostgreSQL learns a moment later.
        with suppress(Error):
            own.rollback()
        own.close()


def is_free(name: str) -> bool:
    """Whether nobody holds the lock of that name."""
    with connection.cursor() as cursor:
        # A lock's number stands there in two halves.
        cursor.execute(
            """
            SELECT NOT EXISTS (
                SELECT FROM pg_locks, hashtextextended(%s, 0) AS number
                WHERE locktype = 'advisory' AND objsubid = 1
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND classid = ((number >> 32) & 4294967295)::oid AND objid = (number & 4294967295)::oid
            )
            """,
            [name],
        )
        return bool(cursor.fetchone()[0])


def share(name: str) -> None:
    """Hold the lock of that name together with others that share it, until the transaction ends."""
    _until_the_end("pg_advisory_xact_lock_shared", name)


def wait_for(name: str) -> None:
    """Hold the lock of that name alone, until the transaction ends; waits for those who have it."""
    _until_the_end("pg_advisory_xact_lock", name)


def _until_the_end(function: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])
