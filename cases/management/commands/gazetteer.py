from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases import gazetteer


class Command(BaseCommand):
    help = "Read the towns of the world into the database, or say which town some words mean."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("words", nargs="*", help="a place, e.g. Portland, OR; without: read the towns")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["words"]:
            self.stdout.write(f"{gazetteer.load():,} towns are known.")
            return
        towns = gazetteer.find(" ".join(options["words"]))
        if not towns:
            raise CommandError("No town is called so, or the towns have not been read: manage.py gazetteer")
        for town in towns:
            self.stdout.write(f"{town} ({town.latitude:.4f}, {town.longitude:.4f}; {town.population:,} people)")
