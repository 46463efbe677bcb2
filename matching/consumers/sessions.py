"""Websockets of people who are signed in: they end with the session, and with what their person may see."""

import asyncio
from importlib import import_module
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.crypto import constant_time_compare

from cases import sessions

NOT_SIGNED_IN, ACCESS_CHANGED = 4401, 4410
RECHECK_SECONDS = 3.0


class EndsWithSession:
    """Beside a consumer: closes its websocket soon after its session or account has ended, or its person's roles, teams
    or password are others. A page that sees it closed loads itself anew, with what there is for them now."""

    scope: Any
    _watching: "asyncio.Task[None] | None" = None

    def watch_session(self) -> None:
        self._watching = asyncio.create_task(self._watch())

    def stop_watching(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        began = await database_sync_to_async(self._access)()
        now = began
        while now is not None and now == began:
            await asyncio.sleep(RECHECK_SECONDS)
            now = await database_sync_to_async(self._access)()
        await self.close(code=NOT_SIGNED_IN if now is None else ACCESS_CHANGED)  # type: ignore[attr-defined]

    def _access(self) -> tuple[Any, ...] | None:
        """What somebody may do and see, to be compared; None where they are not signed in any more."""
        user = User.objects.filter(pk=self.scope["user"].pk, is_active=True).annotate(**_rights()).first()
        session = self.scope.get("session")
        if user is None:
            return None
        if session is not None:
            kept = import_module(settings.SESSION_ENGINE).SessionStore(session.session_key)
            if not kept.exists(session.session_key) or sessions.over(kept):
                return None
            if not constant_time_compare(kept.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
                return None
        return user.is_superuser, *(sorted(getattr(user, name)) for name in _rights())


def _rights() -> dict[str, Any]:
    return {
        f"now_{name}": Coalesce(Subquery(_numbers(path)), Value([]))
        for name, path in {
            "roles": "groups", "teams": "teams", "own": "user_permissions", "carried": "groups__permissions",
        }.items()
    }  # fmt: skip


def _numbers(path: str) -> Any:
    """The ids at the end of a path from a user, as one list."""
    found = User.objects.filter(pk=OuterRef("pk"), **{f"{path}__isnull": False}).order_by().values("pk")
    return found.annotate(numbers=ArrayAgg(path, distinct=True)).values("numbers")
