"""For how long somebody who signed in stays so."""

import time
from typing import Any

from django.conf import settings

BEGAN, SEEN = "signed_in_at", "seen_at"
# How stale the time may be at which somebody was last here.
SEEN_EVERY = 60


def over(session: Any) -> str:
    """Why a session has ended, in words; empty while it goes on."""
    now = time.time()
    if now - session.get(BEGAN, now) > settings.SESSION_HOURS * 3600:
        return f"You were signed in for {settings.SESSION_HOURS:g} hours. Sign in again."
    if now - session.get(SEEN, now) > settings.IDLE_MINUTES * 60:
        return f"Nothing was done for {settings.IDLE_MINUTES:g} minutes. Sign in again."
    return ""


def note(session: Any) -> None:
    """Somebody is here."""
    now = time.time()
    session.setdefault(BEGAN, now)
    if now - session.get(SEEN, 0) > SEEN_EVERY:
        session[SEEN] = now
