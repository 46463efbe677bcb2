"""`manage.py gallery`: the gallery engine beside PostgreSQL, told, checked, or done without."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching.gallery import feeding
from matching.gallery.engines import GalleryAway, fed
from matching.models import GalleryChange

SHOWN = 100


class Command(BaseCommand):
    help = "The gallery engine that GALLERY_URL names: told what changed, checked against PostgreSQL, or done without."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "what",
            choices=["feed", "check", "stop"],
            help="feed: tell it now what it does not know yet, all of it at first. check: name each template that "
            "it has otherwise than PostgreSQL. stop: write down no changes for it any more.",
        )
        parser.add_argument("--mend", action="store_true", help="check: have it told again what differs")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "stop":
            feeding.stop()
            self.stdout.write("No gallery engine is fed any more. Take GALLERY_URL away, else it is filled anew.")
            return
        if not settings.GALLERY_URL:
            raise CommandError("GALLERY_URL names no engine, e.g. milvus://host:19530/sightline")
        try:
            if options["what"] == "feed":
                self._feed()
            else:
                self._check(mend=options["mend"])
        except GalleryAway as away:
            raise CommandError(str(away)) from away

    def _feed(self) -> None:
        self.stdout.write(f"{feeding.feed():,} templates told; {GalleryChange.objects.count():,} wait.")

    def _check(self, mend: bool) -> None:
        engine = fed()
        if engine is None or not feeding.is_whole(engine):
            raise CommandError("The engine is not filled yet: manage.py gallery feed")
        found = list(feeding.differences(engine))
        for difference in found[:SHOWN]:
            self.stdout.write(str(difference))
        if len(found) > SHOWN:
            self.stdout.write(f"and {len(found) - SHOWN:,} more")
        if found and mend:
            feeding.mend(found)
            self.stdout.write(f"{len(found):,} are told again: manage.py gallery feed")
        elif found:
            raise CommandError(f"{len(found):,} templates differ. Mend them: manage.py gallery check --mend")
        else:
            self.stdout.write("The engine holds what PostgreSQL does.")
