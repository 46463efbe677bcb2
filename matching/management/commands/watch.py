import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from matching.watching.here import Watchers


class Command(BaseCommand):
    help = "Watch the cameras that this machine is asked to watch, until none is left. `make run` starts it by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--server", default=settings.PUBLIC_URL, help="where its clients send what they see")
        parser.add_argument("--stay", action="store_true", help="wait for the first and the next camera instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["server"]:
            raise CommandError("Where do its clients send what they see? Give --server, or set PUBLIC_URL.")
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        Watchers(options["server"]).run(over.is_set, stays=options["stay"])
