"""Websockets of people who are signed in: they end with the session, and with what their person may see."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.postgres.aggregates import ArrayAgg
from django.contrib.sessions.models import Session
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from cases import sessions

logger = logging.getLogger(__name__)

NOT_SIGNED_IN, ACCESS_CHANGED = 4401, 4410
RECHECK_SECONDS = 3.0

# A user's id with their session's key, where they have one; and what they may do and see, to be compared, None where
# they are not signed in any more.
_Who = tuple[int, str | None]
_Access = tuple[Any, ...] | None


class _Websocket(Protocol):
    scope: Any

    async def close(self, code: int) -> None: ...


class EndsWithSession:
    """Beside a consumer: closes its websocket soon after its session or account has ended, or its person's roles, teams
    or password are others. A page that sees it closed loads itself anew, with what there is for them now."""

    async def watch_session(self: _Websocket) -> None:
        await _watch().begin(self)

    def stop_watching(self: _Websocket) -> None:
        _watch().end(self)


class _Watch:
    """One for all websockets of a process: fifty that each asked for themselves took a fifth of its time."""

    def __init__(self) -> None:
        self._began: dict[_Websocket, _Access] = {}
        self._going_on: asyncio.Task[None] | None = None

    async def begin(self, socket: _Websocket) -> None:
        who = _who(socket)
        self._began[socket] = (await database_sync_to_async(_access)([who]))[who]
        if self._going_on is None or self._going_on.done():
            self._going_on = asyncio.create_task(self._go_on())

    def end(self, socket: _Websocket) -> None:
        self._began.pop(socket, None)

    async def _go_on(self) -> None:
        while self._began:
            await asyncio.sleep(RECHECK_SECONDS)
            open_ = {socket: _who(socket) for socket in self._began}
            try:
                now = await database_sync_to_async(_access)(set(open_.values()))
            except Exception:  # it goes on for all of them; without the database nobody is shown anything either
                logger.warning("What people at websockets may see could not be asked for", exc_info=True)
                continue
            for socket, who in open_.items():
                # One may have gone meanwhile, or go as it is closed.
                if socket in self._began and (now[who] is None or now[who] != self._began[socket]):
                    self.end(socket)
                    with suppress(Exception):
                        await socket.close(code=NOT_SIGNED_IN if now[who] is None else ACCESS_CHANGED)


def _watch() -> _Watch:
    return _watches.setdefault(asyncio.get_running_loop(), _Watch())


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, _Watch] = WeakKeyDictionary()


def _who(socket: _Websocket) -> _Who:
    session = socket.scope.get("session")
    return socket.scope["user"].pk, None if session is None else session.session_key


def _access(people: Iterable[_Who]) -> dict[_Who, _Access]:
    users = User.objects.filter(pk__in={user for user, _ in people}, is_active=True).annotate(**_rights())
    kept = Session.objects.filter(session_key__in={key for _, key in people if key}, expire_date__gt=timezone.now())
    found, signed_in = users.in_bulk(), {session.pk: session.get_decoded() for session in kept}
    return {who: _of_one(found.get(who[0]), signed_in.get(who[1] or "", {}), who[1] is not None) for who in people}


def _of_one(user: Any, session: dict[str, Any], has_session: bool) -> _Access:
    if user is None:
        return None
    if has_session:
        is_theirs = constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
        if not is_theirs or sessions.over(session):
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
