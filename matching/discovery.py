"""Cameras in Home Assistant: by its MQTT discovery each becomes a device with its state, its count and its last alert.

Nobody's name and no picture goes over the broker: whoever may read it learns that there was an alert, and its link.
"""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.crypto import salted_hmac

from matching.models import Alert, Camera, CameraMinute
from matching.telling import messages

# What a camera counted longer ago says nothing of who is there now.
COUNTED = timedelta(minutes=5)
# Of Home Assistant's: what it is, which of the state's values it shows, and how.
PARTS: dict[str, dict[str, Any]] = {
    "online": {
        "platform": "binary_sensor", "name": "Online", "device_class": "connectivity",
        "value_template": "{{ 'ON' if value_json.state == 'online' else 'OFF' }}",
    },
    "people": {
        "platform": "sensor", "name": "People in view", "state_class": "measurement", "icon": "mdi:account-group",
        "value_template": "{{ value_json.people }}",
    },
    "waiting": {
        "platform": "sensor", "name": "Faces waiting", "entity_category": "diagnostic", "icon": "mdi:tray-full",
        "value_template": "{{ value_json.waiting }}",
    },
    "alert": {
        "platform": "sensor", "name": "Last alert", "device_class": "timestamp",
        "value_template": "{{ value_json.alert.at if value_json.alert else None }}",
        "json_attributes_template": "{{ value_json.alert | tojson if value_json.alert else '{}' }}",
    },
}  # fmt: skip


class Discovery:
    """publish: a topic and what the broker keeps of it; empty: nothing any more. prefix: Home Assistant's own."""

    def __init__(self, publish: Callable[[str, str], Any], prefix: str) -> None:
        self._publish, self._prefix = publish, prefix
        # Several installations may share a broker.
        self._whose = f"sightline_{salted_hmac('matching.discovery', 'installation').hexdigest()[:8]}"
        # The broker keeps there whether what is told is true now.
        self.available = f"sightline/{self._whose}/available"
        self._told: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def topics(self) -> str:
        """Where the broker keeps what was told of any device."""
        return f"{self._prefix}/device/+/config"

    def heard(self, topic: str, payload: bytes) -> None:
        """What the broker kept from before: of a camera that is gone since it is taken back with the next telling."""
        if payload and topic.split("/")[-2].startswith(f"{self._whose}_"):
            with self._lock:
                self._told.setdefault(topic, payload.decode(errors="replace"))

    def tell(self) -> None:
        """Whatever changed since the last time."""
        now = dict(self._now())
        with self._lock:
            gone = {topic.split("/")[-2] for topic in self._told if topic not in now}
            for topic in [topic for node in gone for topic in self._topics(node)]:
                self._publish(topic, "")
                self._told.pop(topic, None)
            for topic, payload in now.items():
                if self._told.get(topic) != payload:
                    self._publish(topic, payload)
                    self._told[topic] = payload

    def forget(self) -> None:
        """What was told: the broker may have lost it."""
        with self._lock:
            self._told.clear()

    def _now(self) -> Iterator[tuple[str, str]]:
        for camera in _cameras():
            node = f"{self._whose}_{camera.pk}"
            config, state = self._topics(node)
            yield config, json.dumps(_device(camera, node, state, self.available))
            yield state, json.dumps(_state(camera))

    def _topics(self, node: str) -> tuple[str, str]:
        """Of the device, and of its state."""
        return f"{self._prefix}/device/{node}/config", f"sightline/{node}/state"


def _cameras() -> QuerySet[Any]:
    latest = Alert.objects.filter(camera=OuterRef("pk")).order_by("-created_at").values("pk")[:1]
    minute = CameraMinute.objects.filter(camera=OuterRef("pk"), minute__gte=timezone.now() - COUNTED)
    return (
        Camera.objects.filter(revoked_at=None, officer=None)
        .annotate(alert_pk=Subquery(latest), people=Subquery(minute.order_by("-minute").values("most")[:1]))
        .order_by("pk")
    )


def _device(camera: Camera, node: str, state: str, available: str) -> dict[str, Any]:
    device: dict[str, Any] = {"identifiers": [node], "name": camera.name, "manufacturer": "Sightline"}
    if camera.place:
        device["suggested_area"] = camera.place
    if link := messages.link(f"/cameras/{camera.pk}/"):
        device["configuration_url"] = link
    return {
        "device": device,
        "origin": {"name": "Sightline"},
        "components": {
            what: {
                **part,
                "unique_id": f"{node}_{what}",
                **({"json_attributes_topic": state} if "json_attributes_template" in part else {}),
            }
            for what, part in PARTS.items()
        },
        "state_topic": state,
        "availability_topic": available,
        "qos": 1,
    }


def _state(camera: Any) -> dict[str, Any]:
    return {
        "state": camera.state,
        "people": camera.people,
        "waiting": camera.report.get("queue", 0),
        "alert": _alert(Alert.objects.get(pk=camera.alert_pk)) if camera.alert_pk else None,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "at": alert.last_captured_at.isoformat(),
        "id": alert.pk,
        "kind": alert.get_kind_display(),
        "likeness": alert.strength or None,
        "status": alert.get_status_display(),
        "link": messages.link(alert.get_absolute_url()),
    }
