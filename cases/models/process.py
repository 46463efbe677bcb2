"""Which processes are at work, on which machine."""

import logging
import socket
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection, models
from django.utils import timezone

logger = logging.getLogger(__name__)

# A process that has said nothing for so long hangs, or is gone.
SILENT = timedelta(seconds=60)
# One that not every installation has is missed for so long; then it was taken away.
MISSED = timedelta(minutes=10)
NEEDED = ("worker", "importer")


class ProcessBeat(models.Model):
    """When a process of a kind was last heard of on a machine; not the scheduler, which has no database."""

    kind = models.CharField(max_length=20)
    host = models.CharField(max_length=255)
    at = models.DateTimeField()
    version = models.CharField(max_length=20, blank=True, default="", db_default="", help_text="Of Sightline.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "host"], name="beat_once_a_process")]

    def __str__(self) -> str:
        return f"{self.kind} on {self.host}"

    @classmethod
    def heard(cls, kind: str) -> None:
        said = {"at": timezone.now(), "version": settings.VERSION}
        cls.objects.update_or_create(kind=kind, host=socket.gethostname()[:255], defaults=said)

    @classmethod
    def keep(cls, kind: str) -> None:
        """The same from a thread of its own; a database that is away is no news of this process."""
        try:
            cls.heard(kind)
        except DatabaseError as problem:
            logger.debug("no heartbeat: %s", problem)
        finally:
            connection.close()

    @classmethod
    def running(cls) -> list["ProcessBeat"]:
        """What is at work, and what has fallen silent but was not taken away, machine by machine."""
        return list(cls.objects.filter(at__gt=timezone.now() - MISSED).order_by("host", "kind"))

    @classmethod
    def of_other_version(cls, kind: str) -> bool:
        """Whether a process of that kind is at work that another version of Sightline runs."""
        heard = cls.objects.filter(kind=kind, at__gt=timezone.now() - SILENT)
        return heard.exclude(version=settings.VERSION).exists()

    @property
    def is_silent(self) -> bool:
        return timezone.now() - self.at > SILENT

    @classmethod
    def silent(cls) -> list[str]:
        """Kinds of which no process is heard of, though there was one."""
        now = timezone.now()
        latest: dict[str, timedelta] = {}
        for kind, at in cls.objects.values_list("kind", "at"):
            latest[kind] = min(latest.get(kind, now - at), now - at)
        return sorted(kind for kind, ago in latest.items() if ago > SILENT and (kind in NEEDED or ago < MISSED))
