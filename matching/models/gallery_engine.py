"""A gallery engine beside PostgreSQL, and what it has not been told yet (`matching.gallery.feeding`)."""

from django.db import models


class GalleryEngine(models.Model):
    """The one that is fed. While there is one, triggers on the gallery's bits write `GalleryChange` rows."""

    address = models.CharField(max_length=300, unique=True, help_text="Without name and password.")
    reached = models.BigIntegerField(default=0, help_text="Up to which template it was filled at first.")
    is_whole = models.BooleanField(default=False, help_text="Filled; it is searched from then on.")

    def __str__(self) -> str:
        return self.address


class GalleryChange(models.Model):
    """A template that came to the gallery or left it, which the engine has not been told."""

    # Neither has a constraint: what it tells of may be gone.
    template = models.BigIntegerField()
    model = models.BigIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"change of template {self.template}"
