"""`manage.py files`: where files are kept, the key that they are sealed with, and all of them sealed, opened, moved."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases import sealed_files, stores

DONE = {
    "seal": ("sealed", "the others were already"),
    "open": ("opened", "the others were already"),
    "move": ("moved", "the others were written in the last minute: run it again"),
}


class Command(BaseCommand):
    help = "Where files are kept: whether that works, the key that they are sealed with, and all of them rewritten."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "what",
            choices=["check", "key", *DONE],
            help="check: whether they can be written and read where STORAGE_URL says. key: a new one, to be kept in a "
            "file that lies nowhere near them. seal, open: with the key that FILES_KEY names. move: from where "
            "STORAGE_BESIDE says to where STORAGE_URL says, while everything runs.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        what = options["what"]
        if what == "key":
            self.stdout.write(sealed_files.new_key())
        elif what == "check":
            self._check()
        else:
            self._rewrite(what, stores.move() if what == "move" else sealed_files.rewrite_all(sealed=what == "seal"))

    def _check(self) -> None:
        try:
            for store in stores.all_():
                store.check()
                self.stdout.write(f"{store}: files can be written, read and removed.")
        except OSError as problem:
            raise CommandError(f"Files cannot be kept. {problem}") from problem

    def _rewrite(self, what: str, each: Iterator[bool]) -> None:
        looked_at = rewritten = 0
        try:
            for was_rewritten in each:
                looked_at, rewritten = looked_at + 1, rewritten + was_rewritten
                if looked_at % 1000 == 0:
                    self.stderr.write(f"{looked_at:,} files looked at")
        except (sealed_files.KeyUnusable, stores.BadAddress) as problem:
            raise CommandError(str(problem)) from problem
        except OSError as problem:
            raise CommandError(f"{problem} {rewritten:,} files were done before; run it again.") from problem
        done, others = DONE[what]
        self.stdout.write(
            f"{rewritten:,} of {looked_at:,} files {done}{f'; {others}' if rewritten < looked_at else ''}."
        )
