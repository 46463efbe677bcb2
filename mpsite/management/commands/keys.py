"""`manage.py keys`: whether this machine has the installation's keys."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mpsite import keys


class Command(BaseCommand):
    help = "Check that this machine has the keys that the installation's other machines have."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--take-these", action="store_true", help="this machine's keys take the place of the installation's"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            keys.agree(take_these=options["take_these"])
        except keys.AnotherInstallations as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write("This machine has the installation's keys.")
