"""`manage.py mqtt_bridge`: bring what a broker holds for the cameras into Sightline, until it is stopped."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching.bridge import Bridge, BridgeRefused


class Command(BaseCommand):
    help = "Bring the messages of the MQTT broker that MQTT_URL names into Sightline."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MQTT_URL:
            raise CommandError("MQTT_URL names no broker, e.g. mqtts://bridge:password@broker.example")
        try:
            bridge = Bridge(settings.MQTT_URL, settings.MQTT_CA, discovery=settings.MQTT_DISCOVERY)
        except (BridgeRefused, OSError) as problem:
            raise CommandError(str(problem)) from problem
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: bridge.stop())
        bridge.run()
        self.stdout.write(f"{bridge.taken} messages brought in, {bridge.left_out} left out.")
