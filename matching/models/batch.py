"""Many pictures or clips searched as one: its files, the faces that were found in them, and how far it is."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.urls import reverse

from matching.models.face import FaceFields
from matching.models.search import Probe, Search


class Batch(models.Model):
    """A search of many files. Each person in them becomes a probe of its search."""

    belongs_to = (("search",),)

    class Status(models.TextChoices):
        COLLECTING = "collecting", "Taking files"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        FAILED = "failed", "Could not be done"
        CANCELLED = "cancelled", "Cancelled"

    search = models.OneToOneField(Search, on_delete=models.CASCADE, primary_key=True, related_name="batch")
    source = models.ForeignKey(
        "WebSource",
        null=True,
        on_delete=models.SET_NULL,
        related_name="batches",
        help_text="Whose new pictures it has.",
    )
    one_person = models.BooleanField(default=False, help_text="All its pictures show the same unknown person.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.COLLECTING)
    error = models.TextField(blank=True, help_text="Why it could not be done.")
    total = models.PositiveIntegerField(default=0, help_text="Pictures and seconds of clips to look at.")
    done = models.PositiveIntegerField(default=0)
    reached = models.JSONField(default=list, help_text="File and place in it up to which all is kept: [id, place].")
    problems = models.JSONField(default=list, help_text="What was not searched, or not whole, and why: [what, why].")
    active_seconds = models.FloatField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "batches"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"batch: {self.search.purpose}"

    def get_absolute_url(self) -> str:
        return reverse("batch", args=[self.pk])

    @property
    def is_over(self) -> bool:
        return self.status in (self.Status.DONE, self.Status.FAILED, self.Status.CANCELLED)

    def move(self, old: Sequence[str], new: str, **fields: object) -> bool:
        """Bring it from one of some states to another; False where it was in none of them."""
        moved = Batch.objects.filter(pk=self.pk, status__in=old).update(status=new, **fields)
        self.refresh_from_db()
        return bool(moved)


class BatchFile(models.Model):
    """A picture, zip or clip of a batch, as it was sent; or an address, with what lay there once it is fetched."""

    belongs_to = (("batch__search",),)

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    file = models.FileField(upload_to="batches", max_length=200, blank=True)
    address = models.TextField(blank=True, help_text="On the web; empty: it was sent.")
    found_on = models.TextField(blank=True, help_text="The page or feed that names the address.")
    follow = models.PositiveSmallIntegerField(default=0, help_text="How many pages deep the address is followed.")
    fetched_at = models.DateTimeField(null=True)
    posted_at = models.DateTimeField(null=True, help_text="As the feed says that names it.")
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    began_at = models.DateTimeField(null=True, help_text="When a clip truly began, as somebody read it off.")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_to_fetch(self) -> bool:
        return bool(self.address) and not self.file

    def at(self, second: float | None) -> datetime | None:
        """When a second of the clip was; None where nobody said when it began."""
        return None if self.began_at is None or second is None else self.began_at + timedelta(seconds=second)


class BatchPicture(models.Model):
    """One picture of a batch: its hash, how many faces were found, or why it was not looked at."""

    belongs_to = (("file__batch__search",),)

    file = models.ForeignKey(BatchFile, on_delete=models.CASCADE, related_name="pictures")
    place = models.PositiveIntegerField(help_text="Which picture of its file; 0 of a clip.")
    name = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the file that holds it; empty: never read.")
    page = models.PositiveIntegerField(null=True, help_text="Which of those that the file holds.")
    faces = models.PositiveIntegerField(default=0)
    why = models.TextField(blank=True, help_text="Why it was not looked at, or what is to be known of it.")
    own_time = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="As its camera wrote it, by the camera's clock.",
    )
    own_latitude = models.FloatField(null=True, help_text="Degrees, north.")
    own_longitude = models.FloatField(null=True, help_text="Degrees, east.")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["file", "place"])]

    def __str__(self) -> str:
        return self.name


class Shot(FaceFields):
    """A face as it was found in one file of a batch; the best few of somebody followed through a clip."""

    belongs_to = (("file__batch__search",),)

    file = models.ForeignKey(BatchFile, on_delete=models.CASCADE, related_name="shots")
    probe = models.ForeignKey(Probe, null=True, on_delete=models.SET_NULL, related_name="shots")
    name = models.CharField(max_length=300, help_text="The picture's name, or the clip's.")
    place = models.PositiveIntegerField(help_text="Which picture of its file.")
    turned = models.PositiveSmallIntegerField(
        default=0, help_text="By how many degrees clockwise its picture was turned."
    )
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the picture's file, or the clip's.")
    posted_at = models.DateTimeField(null=True, help_text="As a feed or a network's export says.")
    second = models.FloatField(null=True, help_text="Of the clip.")
    track = models.PositiveIntegerField(null=True, help_text="Somebody followed from frame to frame; by clip.")
    since = models.FloatField(null=True, help_text="From when, second of the clip, somebody was followed.")
    until = models.FloatField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["file", "place"])]

    def __str__(self) -> str:
        return self.name if self.second is None else f"{self.name}, {self.second:.1f} s"
