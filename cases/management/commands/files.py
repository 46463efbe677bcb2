"""`manage.py files`: the key that files are sealed with, and the files that were kept before there was one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases import sealed_files


class Command(BaseCommand):
    help = "Seal the files of the data folder with the key that FILES_KEY names, or open them again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "what", choices=["key", "seal", "open"], help="key: a new one, to be kept in a file outside the data folder"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "key":
            self.stdout.write(sealed_files.new_key())
            return
        looked_at = rewritten = 0
        try:
            for was_rewritten in sealed_files.rewrite_all(sealed=options["what"] == "seal"):
                looked_at, rewritten = looked_at + 1, rewritten + was_rewritten
                if looked_at % 1000 == 0:
                    self.stderr.write(f"{looked_at:,} files looked at")
        except (sealed_files.KeyUnusable, OSError) as problem:
            raise CommandError(f"{problem} {rewritten:,} files were done before; run it again.") from problem
        done = "sealed" if options["what"] == "seal" else "opened"
        self.stdout.write(f"{rewritten:,} of {looked_at:,} files {done}; the others were already.")
