import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from matching.watching.here import Watchers


class Command(BaseCommand):
    help = "Watch the cameras that this machine is asked to watch, until none is left. `make run` starts it by itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--server", default=settings.PUBLIC_URL, help="where its clients send what they see")

    def handle(self, *args: Any, **options: Any) -> None:
        over = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: over.set())
        Watchers(options["server"]).run(over.is_set)
