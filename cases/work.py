"""Work that fails comes to an end: tried again a few times with pauses, then set aside in words.

Whatever goes through many items, or is started again by the scheduler, does each piece inside `attempt`. What is set
aside waits for a person, who takes it up again on the System page; everything else goes on.
"""

import errno
import logging
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from cases import stores
from cases.models.work import FailedWork

logger = logging.getLogger(__name__)

# Pauses after the first, second ... failure; after the last one the piece is set aside.
PAUSES = (timedelta(seconds=10), timedelta(minutes=1))
MOST_ATTEMPTS = len(PAUSES) + 1
# A full disk, or memory or file handles that have run out, are the machine's trouble and no item's.
OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EROFS}


@dataclass
class Attempt:
    """How one attempt went. error: in words; empty where it went well. is_set_aside: it was the last one."""

    error: str = ""
    is_set_aside: bool = False


@contextmanager
def attempt(kind: str, key: object, label: str, waits: tuple[type[Exception], ...] = ()) -> Iterator[Attempt]:
    """Do one piece of work; a failure of its own is kept in words and raised no further.

    kind, key: what it is about. waits: exceptions that say that it cannot be done now, which is not its fault: raised,
    and not counted, as the database's and the machine's trouble is.
    """
    tried = Attempt()
    try:
        yield tried
    except waits:
        raise
    except Exception as error:
        if is_the_machines(error):
            raise
        tried.error = words(error)
        tried.is_set_aside = failed(kind, key, label, error)
    else:
        done(kind, [key])


def failed(kind: str, key: object, label: str, error: Exception) -> bool:
    """Count a failure. Returns whether the piece is set aside now."""
    now = timezone.now()
    try:
        with transaction.atomic():
            row, _ = FailedWork.objects.select_for_update().get_or_create(kind=kind, key=str(key))
            row.attempts += 1
            row.label, row.error, row.failed_at = label.replace("\0", "")[:300], words(error), now
            if row.attempts >= MOST_ATTEMPTS:
                row.set_aside_at = row.set_aside_at or now
            else:
                row.next_attempt_at = now + PAUSES[row.attempts - 1]
            row.save()
    except IntegrityError:
        # Its second failure at the same moment, in another process: that one counts.
        return False
    # Where it broke, but not what it said: that may hold a person's name.
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {Path(last[0].filename).name}:{last[0].lineno}" if last else ""
    logger.warning("%s %s failed, attempt %s: %s%s", kind, key, row.attempts, type(error).__name__, where)
    return row.set_aside_at is not None


def done(kind: str, keys: Iterable[object]) -> None:
    """What went well, or is no more, has no row."""
    FailedWork.objects.filter(kind=kind, key__in=[str(key) for key in keys]).delete()


def not_now(kind: str) -> list[str]:
    """The keys of what is set aside, or waits for its next attempt."""
    now = timezone.now()
    failed_ = FailedWork.objects.filter(kind=kind).values_list("key", "set_aside_at", "next_attempt_at")
    return [key for key, set_aside, next_at in failed_ if set_aside or next_at > now]


def keys(kind: str) -> list[str]:
    """The keys of all that failed."""
    return list(FailedWork.objects.filter(kind=kind).values_list("key", flat=True))


def may_try(kind: str, key: object) -> bool:
    return str(key) not in not_now(kind)


def is_the_machines(error: BaseException) -> bool:
    """Whether the database or the place of the files is away, or disk, memory or file handles have run out."""
    if isinstance(error, FileNotFoundError):
        return not _has_files()
    if isinstance(error, OSError):
        return isinstance(error, stores.Away) or error.errno in OF_THE_MACHINE
    return isinstance(error, OperationalError | InterfaceError | MemoryError)


def _has_files() -> bool:
    """Whether the place of the files is there, with anything in it: a disk that is not mounted leaves an empty one."""
    try:
        return any(True for _ in stores.walk())
    except OSError:
        return False


def words(error: BaseException) -> str:
    """What broke, for whoever sees to it, without anything of what was being read."""
    if isinstance(error, FileNotFoundError):
        # Of ours the text says more, and names no file.
        return stores.MISSING if error.errno else str(error)
    if isinstance(error, OSError):
        return f"A file cannot be read or written: {error.strerror or type(error).__name__}."
    return f"It broke off ({type(error).__name__}); the server's log says where."
