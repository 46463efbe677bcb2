"""The dashboard's websocket: alerts as they come, and after a lost connection those that were missed."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cases.visibility import visible
from matching.consumers.sessions import NOT_SIGNED_IN, EndsWithSession
from matching.models import Alert
from matching.telling.dashboards import GROUP
from matching.views.alerts import with_card

# A transaction that committed late carries an earlier time than one already shown.
OVERLAP = timedelta(seconds=10)
MOST_MISSED = 200
MOST_SHARED = 200
# Alerts that are drawn at once.
TOGETHER = 50
# Seconds for which a dashboard goes by what its person saw of a collection or camera.
SEEN_FOR = 3.0
PAUSE = 0.3  # seconds between two pictures of alerts that captures join

# Alerts that are drawn, by their ids.
_Drawing = asyncio.Task[dict[int, dict[str, Any]]]
# By the change, in each event loop.
_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, OrderedDict[str, _Drawing]] = WeakKeyDictionary()


class AlertConsumer(EndsWithSession, AsyncJsonWebsocketConsumer):
    """Sends `{"kind": "alert", "id", "status", "at", "html"}`; takes `{"since": ISO time}` for what was missed. An
    alert that became part of another is `{"kind": "gone", "id"}`."""

    # Alerts that changed and wait to be shown, in their order, each with its last change; and who will show them.
    _changed: dict[int, str]
    _seen: dict[str, tuple[float, bool]]
    _soon: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        self._changed, self._seen = {}, {}
        await self.accept()
        if not await database_sync_to_async(self.scope["user"].has_perm)("matching.view_alert"):
            # Closed after accepting: only then does a browser see the code and stop trying.
            await self.close(code=NOT_SIGNED_IN)
            return
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.watch_session()
        await self.send_json({"kind": "ready", "at": timezone.now().isoformat()})

    async def disconnect(self, code: int) -> None:
        self.stop_watching()
        if self._soon is not None:
            self._soon.cancel()
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        if not self.scope["user"].is_authenticated or not isinstance(content, dict):
            return
        since = parse_datetime(str(content.get("since", "")))
        if since is not None:
            for message in await self._missed(since):
                await self.send_json(_said(message))

    async def alert_changed(self, event: dict[str, Any]) -> None:
        # A new alert is shown at once; what joins it, a busy camera's captures, a few times a second.
        self._changed[event["id"]] = event["change"]
        if event["is_new"]:
            await self._show()
        elif self._soon is None or self._soon.done():
            self._soon = asyncio.create_task(self._show_soon())

    async def alert_joined(self, event: dict[str, Any]) -> None:
        await self.send_json({"kind": "gone", "id": event["id"]})

    async def _show_soon(self) -> None:
        await asyncio.sleep(PAUSE)
        await self._show()

    async def _show(self) -> None:
        changed, self._changed = self._changed, {}
        # One dashboard that is closed meanwhile must not end the drawing for the others.
        drawn = [(await asyncio.shield(drawing)).get(pk) for pk, drawing in _drawn(changed).items()]
        messages = [message for message in drawn if message is not None]
        seen = await self._sees(messages)
        for message in messages:
            if message["owner"] in seen:
                await self.send_json(_said(message))

    async def _sees(self, messages: list[dict[str, Any]]) -> set[str]:
        """Of the owners, the collections and cameras by which alerts are seen, those that this person sees: asked anew
        after seconds, not each time."""
        now = time.monotonic()
        asked = {one["id"]: one["owner"] for one in messages if self._seen.get(one["owner"], (0.0, False))[0] < now}
        if asked:
            visible_now = await self._visible(list(asked))
            self._seen |= {owner: (now + SEEN_FOR, pk in visible_now) for pk, owner in asked.items()}
        return {one["owner"] for one in messages if self._seen[one["owner"]][1]}

    @database_sync_to_async
    def _visible(self, ids: list[int]) -> set[int]:
        return set(visible(Alert, self.scope["user"]).filter(pk__in=ids).values_list("pk", flat=True))

    @database_sync_to_async
    def _missed(self, since: datetime) -> list[dict[str, Any]]:
        if timezone.is_naive(since):
            since = timezone.make_aware(since)
        changed = (
            visible(Alert, self.scope["user"])
            .filter(updated_at__gt=since - OVERLAP)
            .order_by("-updated_at")[:MOST_MISSED]
        )
        joined = Alert.everything.filter(
            joined_to__in=visible(Alert, self.scope["user"]), updated_at__gt=since - OVERLAP
        ).values_list("pk", flat=True)[:MOST_MISSED]
        gone = [{"kind": "gone", "id": pk} for pk in joined]
        return [*gone, *_draw(reversed([alert.pk for alert in changed]))]


def _said(message: dict[str, Any]) -> dict[str, Any]:
    """What a browser is told of it."""
    return {name: value for name, value in message.items() if name != "owner"}


def _owner(alert: Alert) -> str:
    of_case = f"collection {alert.case.collection_id}, " if alert.case else ""
    return f"{of_case}camera {alert.camera_id}"


def _drawn(changed: dict[int, str]) -> dict[int, _Drawing]:
    """Alerts as they are after a change: drawn once, however many dashboards are open, and those together that nobody
    has drawn."""
    shared = _shared.setdefault(asyncio.get_running_loop(), OrderedDict())
    fresh = [pk for pk, change in changed.items() if change not in shared]
    for start in range(0, len(fresh), TOGETHER):
        some = fresh[start : start + TOGETHER]
        shared.update(dict.fromkeys([changed[pk] for pk in some], asyncio.create_task(_draw_all(some))))
    found = {pk: shared[change] for pk, change in changed.items()}
    while len(shared) > MOST_SHARED:
        shared.popitem(last=False)
    return found


async def _draw_all(ids: list[int]) -> dict[int, dict[str, Any]]:
    return {message["id"]: message for message in await database_sync_to_async(_draw)(ids)}


def _draw(ids: Iterable[int]) -> list[dict[str, Any]]:
    order = list(ids)
    alerts = {alert.pk: alert for alert in with_card(Alert.objects.filter(pk__in=order))}
    return [
        {
            "kind": "alert",
            "id": pk,
            "status": alerts[pk].status,
            "at": alerts[pk].updated_at.isoformat(),
            "owner": _owner(alerts[pk]),
            "html": render_to_string("alerts/_alert.html", {"alert": alerts[pk], "live": True}),
        }
        for pk in order
        if pk in alerts
    ]
