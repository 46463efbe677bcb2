"""An alert reaches the open dashboards at once."""

import asyncio
import threading
import uuid
from functools import lru_cache
from typing import Any

from channels.layers import get_channel_layer

GROUP = "alerts"
SECONDS = 5


def tell(alert_id: int, *, is_new: bool) -> None:
    """Tell every open dashboard that an alert is new or has changed."""
    # By the change's own name dashboards share one picture of it.
    send(GROUP, {"type": "alert.changed", "id": alert_id, "is_new": is_new, "change": uuid.uuid4().hex})


def tell_joined(alert_id: int) -> None:
    """Tell every open dashboard that an alert has become part of another."""
    send(GROUP, {"type": "alert.joined", "id": alert_id})


def send(group: str, message: dict[str, Any]) -> None:
    """Give a message to all who listen in a group. Raises what Redis raises while it is away."""
    sending = get_channel_layer().group_send(group, message)
    asyncio.run_coroutine_threadsafe(sending, _loop()).result(SECONDS)


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop a process: each has its own connection to Redis, which takes longer to make than a message."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="dashboards", daemon=True).start()
    return loop
