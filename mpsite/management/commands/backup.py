"""`manage.py backup`: all of the installation in one file, while it runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mpsite import backup


class Command(BaseCommand):
    help = "Write database, pictures and keys into one file and check it. Keep it as you keep the pictures themselves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--check", action="store_true", help="only check a backup that is there")

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["file"]
        try:
            manifest = backup.check(target) if options["check"] else backup.write(target, self.stdout.write)
        except (backup.CannotRestore, OSError) as problem:
            raise CommandError(str(problem)) from problem
        rows = sum(said["rows"] for said in manifest["tables"].values())
        self.stdout.write(
            f"{target}: {rows} rows and {len(manifest['files'])} files of {manifest['made_at']}, checked."
        )
