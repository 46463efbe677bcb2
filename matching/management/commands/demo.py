"""`manage.py demo`: load the demo cases; with `--camera URL` play one of them past the real edge client."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching import demo
from matching.faces.face_models import NoFaceModel


class Command(BaseCommand):
    help = "Load made-up cases with sample photos, or play one of them as a camera."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--camera", metavar="URL", help="play a demo person to the Sightline at this address")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["camera"]:
                status = demo.play_camera(options["camera"]).wait()
                if status:
                    raise CommandError(f"The edge client ended with {status}; its lines above say why.")
            else:
                self.stdout.write(f"{demo.load()} demo cases are there.")
        except (demo.NothingToPlay, NoFaceModel) as problem:
            raise CommandError(str(problem)) from problem
