"""How often somebody may ask. What is counted lies in Redis; while that is away nobody is turned away for it."""

from typing import Any

from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, ScopedRateThrottle, UserRateThrottle


class _Patient(BaseThrottle):
    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            return super().allow_request(request, view)
        except RedisError:
            return True


class PatientUserThrottle(_Patient, UserRateThrottle):
    pass


class PatientScopedThrottle(_Patient, ScopedRateThrottle):
    pass
