"""Websockets of people who are signed in: they end with the session."""

import asyncio
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import User

from cases import sessions

NOT_SIGNED_IN = 4401
RECHECK_SECONDS = 10.0


class EndsWithSession:
    """Beside a consumer: closes its websocket soon after its session or account has ended."""

    scope: Any
    _watching: "asyncio.Task[None] | None" = None

    def watch_session(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    def stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while await database_sync_to_async(self._goes_on)():
            await asyncio.sleep(RECHECK_SECONDS)
        await self.close(code=NOT_SIGNED_IN)  # type: ignore[attr-defined]

    def _goes_on(self) -> bool:
        session = self.scope.get("session")
        if session is not None:
            kept = import_module(settings.SESSION_ENGINE).SessionStore(session.session_key)
            if not kept.exists(session.session_key) or sessions.over(kept):
                return False
        return User.objects.filter(pk=self.scope["user"].pk, is_active=True).exists()
