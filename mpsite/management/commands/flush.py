"""`manage.py flush`: only a test's database is emptied, for the audit trail is never removed."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import flush
from django.db import connections


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        if not connection.settings_dict["NAME"].startswith("test_"):
            raise CommandError("The audit trail is never emptied. To begin anew, stop Sightline and remove its data.")
        with connection.cursor() as cursor:
            cursor.execute("SET sightline.emptying = 'yes'")
        try:
            super().handle(**options)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET sightline.emptying")
