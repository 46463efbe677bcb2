"""The websockets of cameras: one on which a client hears what it should run, one for people who look through it."""

import asyncio
import json
import time
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from cases import audit
from cases.visibility import visible
from matching.consumers.sessions import NOT_SIGNED_IN, EndsWithSession
from matching.models import Camera
from matching.watching import live, tokens

NOT_LET_IN, TOO_LARGE = 4403, 1009
# How stale may be what a camera was let in by.
RECHECK_SECONDS = 3.0
# What a client's message may carry: a picture as base64 with its boxes.
MOST_TEXT = live.MOST_BYTES * 4 // 3 + 20_000
MOST_FACES = 200


class CameraConsumer(AsyncWebsocketConsumer):
    """A camera's client. Sends `{"kind": "settings" | "look" | "picture" | "clip", …}`; takes frames while somebody
    looks."""

    camera: Camera | None = None
    _watching: "asyncio.Task[None] | None" = None
    # Until when somebody looks; frames that come later are not passed on.
    _until = 0.0

    async def connect(self) -> None:
        headers = dict(self.scope["headers"])
        self._token = headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ").strip()
        await self.accept()
        if not await self._is_let_in() or self.camera is None:
            return
        await self.channel_layer.group_add(live.client_group(self.camera.pk), self.channel_name)
        asked = await database_sync_to_async(live.settings_of)(self.camera)
        await self._say({"kind": "settings", "settings": asked})
        self._watching = asyncio.create_task(self._watch())

    async def disconnect(self, code: int) -> None:
        if self._watching is not None:
            self._watching.cancel()
        if self.camera is not None:
            await self.channel_layer.group_discard(live.client_group(self.camera.pk), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.camera is None or time.monotonic() > self._until:
            return
        if text_data is None or len(text_data) > MOST_TEXT:
            await self.close(code=TOO_LARGE)
            return
        frame = _frame(text_data)
        if frame is not None and self.camera.preview:
            message = {"type": "live.frame", "frame": frame}
            await self.channel_layer.group_send(live.viewer_group(self.camera.pk), message)

    async def camera_settings(self, event: dict[str, Any]) -> None:
        await self._say({"kind": "settings", "settings": event["settings"]})

    async def camera_clip(self, event: dict[str, Any]) -> None:
        await self._say({"kind": "clip", "id": event["id"]})

    async def camera_look(self, event: dict[str, Any]) -> None:
        self._until = time.monotonic() + live.LEASE + 5
        if event["test"]:
            await self._say({"kind": "picture", "width": live.TEST_WIDTH})
        else:
            await self._say({"kind": "look", "seconds": live.LEASE, "rate": live.RATE, "width": live.WIDTH})

    async def _is_let_in(self) -> bool:
        try:
            self.camera = await database_sync_to_async(tokens.camera_of)(self._token)
        except tokens.TokenRefused as refusal:
            await self._say({"kind": "refused", "detail": str(refusal)})
            await self.close(code=NOT_LET_IN)
            return False
        return True

    async def _watch(self) -> None:
        """Until its token is let in no more."""
        while await self._is_let_in():
            await asyncio.sleep(RECHECK_SECONDS)

    async def _say(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message))


def _frame(text: str) -> dict[str, Any] | None:
    """What a client says of one frame, or None where it is no frame."""
    try:
        said = json.loads(text)
        return {
            "jpeg": str(said["jpeg"]),
            "width": int(said["width"]),
            "height": int(said["height"]),
            "at": str(said["at"])[:40],
            "test": bool(said.get("test")),
            "faces": [
                {
                    "box": [float(side) for side in face["box"]][:4],
                    "score": float(face["score"]),
                    "track": str(face.get("track") or "")[:36],
                    "still": bool(face.get("still")),
                }
                for face in said["faces"][:MOST_FACES]
            ],
        }
    except (ValueError, KeyError, TypeError):
        return None


class LiveConsumer(EndsWithSession, AsyncWebsocketConsumer):
    """Somebody who looks through a camera. Sends its frames with boxes and names; takes `{"test": true}`.

    Both its beginning and its end stand in the audit trail.
    """

    camera: Camera | None = None
    _asking: "asyncio.Task[None] | None" = None
    _began = 0.0

    async def connect(self) -> None:
        await self.accept()
        user = self.scope["user"]
        may = user.is_authenticated and await database_sync_to_async(user.has_perm)("matching.look_through_camera")
        camera = await self._find() if may else None
        if camera is None or not camera.preview:
            await self.close(code=NOT_SIGNED_IN if not user.is_authenticated else NOT_LET_IN)
            return
        self.camera, self._began = camera, time.monotonic()
        await self._write_down("looked through")
        await self.channel_layer.group_add(live.viewer_group(camera.pk), self.channel_name)
        self._asking = asyncio.create_task(self._ask_on())
        await self.watch_session()

    async def disconnect(self, code: int) -> None:
        self.stop_watching()
        if self._asking is not None:
            self._asking.cancel()
        if self.camera is not None:
            await self.channel_layer.group_discard(live.viewer_group(self.camera.pk), self.channel_name)
            await self._write_down("looked away", f"after {time.monotonic() - self._began:.0f} s")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.camera is not None and text_data == '{"test": true}':
            await self._write_down("took test picture")
            await self._ask(test=True)

    async def live_frame(self, event: dict[str, Any]) -> None:
        frame = event["frame"]
        tracks = [face["track"] for face in frame["faces"] if face["track"]]
        known = await database_sync_to_async(live.names)(tracks, self.scope["user"]) if tracks else {}
        for face in frame["faces"]:
            face["name"] = known.get(face["track"], "")
        await self.send(text_data=json.dumps(frame))

    async def _ask_on(self) -> None:
        """Ask again before the client stops by itself; it does soon after the last viewer has gone."""
        while True:
            await self._ask(test=False)
            await asyncio.sleep(live.LEASE / 2)

    async def _ask(self, *, test: bool) -> None:
        if self.camera is not None:
            message = {"type": "camera.look", "test": test}
            await self.channel_layer.group_send(live.client_group(self.camera.pk), message)

    @database_sync_to_async
    def _find(self) -> Camera | None:
        return (
            visible(Camera, self.scope["user"])
            .filter(pk=self.scope["url_route"]["kwargs"]["pk"], revoked_at=None)
            .first()
        )

    @database_sync_to_async
    def _write_down(self, action: str, why: str = "") -> None:
        if self.camera is not None:
            audit.record_as(self.scope["user"], action, self.camera, why, self.scope.get("address"))
