"""What keeps somebody who was erased from coming back with the next reading of a source."""

from django.conf import settings
from django.db import models

from cases.models.collection import Collection


class Tombstone(models.Model):
    """A keyed hash of where a case stood: it says that somebody was erased, to nobody whom."""

    belongs_to = (("collection",),)

    digest = models.CharField(max_length=64, unique=True)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="tombstones")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"erased {self.at:%Y-%m-%d}"
