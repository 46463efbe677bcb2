from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases import signing


class Command(BaseCommand):
    help = "Check that a lead's file is as this installation signed it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            names = signing.check(options["file"])
        except signing.NotAsSigned as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"{options['file'].name} is as this installation signed it: {', '.join(names)}.")
