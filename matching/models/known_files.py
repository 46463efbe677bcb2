"""Files that are known already, by their hashes: they are never opened for people to see."""

from django.conf import settings
from django.db import models


class HashList(models.Model):
    """A list of hashes, as an agency or a project gives them out."""

    name = models.CharField(max_length=100, unique=True)
    hashes = models.PositiveIntegerField(default=0)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class KnownHash(models.Model):
    """digest: MD5, SHA-1 or SHA-256 in small hexadecimal letters; its length tells which."""

    hash_list = models.ForeignKey(HashList, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return self.digest
