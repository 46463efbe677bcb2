"""Connections to Redis: one pool a process."""

from functools import cache
from typing import Any

from redis import ConnectionPool


class OnePool(ConnectionPool):
    """Django makes a cache for each request that comes in its own context, and each would connect anew."""

    @classmethod
    @cache
    def from_url(cls, url: str, **kwargs: Any) -> "OnePool":
        return super().from_url(url, **kwargs)
