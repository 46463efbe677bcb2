"""`manage.py verify_audit`: is the audit trail what was written?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases import audit, audit_heads
from cases.models import AuditEvent


class Command(BaseCommand):
    help = "Check every row of the audit trail against the one before it; names the first that is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--holds", metavar="HASH", help="also: the trail still holds the row of this hash, written down earlier"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for event, what in audit.broken():
            raise CommandError(f"Row {event.pk} ({event}) is broken: {what}.")
        for head, what in audit_heads.missing():
            raise CommandError(f"What was written down at {head.at} does not hold: row {head.last}: {what}.")
        if options["holds"] and not AuditEvent.objects.filter(hash=options["holds"]).exists():
            raise CommandError(f"No row has the hash {options['holds']}: the end of the trail was cut off.")
        last = AuditEvent.objects.order_by("pk").last()
        self.stdout.write(f"{AuditEvent.objects.count()} rows, each as it was written.")
        if heads := list(audit_heads.kept()):
            self.stdout.write(
                f"{len(heads)} times the last row was written down; all hold, the latest of {heads[-1].at}."
            )
        if last is not None:
            self.stdout.write(f"The last is {last.pk}; its hash, to be kept elsewhere: {last.hash}")
