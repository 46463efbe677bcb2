"""The last row of the audit trail, written down every hour outside the database and, where set, sent out.

By these the trail is checked: rows that were rewritten, or cut off at the end, are then not as they were written down.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import apprise
from django.conf import settings
from django.utils import timezone

from cases.models import AuditEvent

logger = logging.getLogger(__name__)

NAME = "audit_heads.jsonl"


@dataclass(frozen=True)
class Head:
    """at: when it was written down. rows: how many there were. last: the last one's id, with its two hashes."""

    at: str
    rows: int
    last: int
    hash: str
    mac: str


def keep() -> Head | None:
    """Write down the last row, where there are new ones, and send it out. Returns it."""
    event = AuditEvent.objects.order_by("pk").last()
    before = list(kept())
    if event is None or (before and before[-1].last == event.pk):
        return None
    rows = AuditEvent.objects.filter(pk__lte=event.pk).count()
    head = Head(timezone.now().isoformat(timespec="seconds"), rows, event.pk, event.hash, event.mac)
    path = _path()
    path.touch(mode=0o600)
    with path.open("a") as file:
        file.write(json.dumps(asdict(head)) + "\n")
    if settings.AUDIT_SEND_TO:
        _send(head)
    return head


def kept() -> Iterator[Head]:
    """All that were written down, the first one first."""
    if _path().exists():
        for line in _path().read_text().splitlines():
            yield Head(**json.loads(line))


def missing() -> Iterator[tuple[Head, str]]:
    """Those that the trail does not hold any more, each with what is wrong."""
    for head in kept():
        event = AuditEvent.objects.filter(pk=head.last).first()
        if event is None:
            yield head, "its row is gone: the end of the trail was cut off"
        elif (event.hash, event.mac) != (head.hash, head.mac):
            yield head, "its row is another one: the trail was written anew"
        elif AuditEvent.objects.filter(pk__lte=head.last).count() != head.rows:
            yield head, f"up to it there were {head.rows} rows"


def _send(head: Head) -> None:
    """By mail, to a syslog or to a webhook, as the administrator's address says."""
    service = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    said = f"{head.rows} rows; the last is {head.last}, its hash {head.hash}"
    if not (service.add(settings.AUDIT_SEND_TO) and service.notify(title="Sightline: audit trail", body=said)):
        logger.error("the audit trail's last hash could not be sent to AUDIT_SEND_TO; it stands in %s", NAME)


def _path() -> Path:
    return Path(settings.DATA_DIR) / NAME
