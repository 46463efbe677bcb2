"""What changed in the gallery: for an engine beside PostgreSQL (`matching.gallery.feeding`), and for processes that
hold it in memory (`matching.gallery.engines.memory`)."""

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


class GalleryLog(models.Model):
    """A template that came to the gallery or left it; written by a trigger on the gallery's bits, kept for a day."""

    # Neither has a constraint: what it tells of may be gone.
    template = models.BigIntegerField()
    model = models.BigIntegerField()
    transaction = models.BigIntegerField(help_text="The number of the one that did it.")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["model", "transaction"], name="gallery_log_by_transaction")]

    def __str__(self) -> str:
        return f"change of template {self.template}"
