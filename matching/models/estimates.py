"""For what an administrator turned estimates of age and sex on."""

from django.conf import settings
from django.db import models


class EstimatesPurpose(models.Model):
    """They are on while there is one."""

    purpose = models.CharField(max_length=300)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-since"]

    def __str__(self) -> str:
        return self.purpose
