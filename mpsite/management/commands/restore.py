"""`manage.py restore`: an empty system becomes what a backup holds."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from mpsite import backup


class Command(BaseCommand):
    help = "Bring a backup into an empty system: database, pictures and keys. Start Sightline after it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            backup.restore(options["file"], self.stdout.write)
        except backup.CannotRestore as problem:
            raise CommandError(str(problem)) from problem
        call_command("verify_audit", stdout=self.stdout)
        self.stdout.write("Restored.")
