"""Which keys an installation has, for machines that have no folder in common."""

from django.db import models


class KeyPrint(models.Model):
    """What a key is known by; it opens and makes nothing."""

    name = models.CharField(max_length=30, unique=True)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
