"""What Sightline keeps of the people who use it, beside their account; and what they are told when they sign in."""

from django.conf import settings
from django.db import models

NOTICE = """Sightline compares faces. What it shows is a lead: a likeness that a person has to check, never an
identification, and no reason by itself to stop, arrest or accuse anybody.

Search only for a case that you work on, and say which. Every search and every look at a case is kept with your name and
may be asked about. Somebody else confirms what you find before anybody acts on it."""


class Training(models.Model):
    """Until when somebody's training in comparing faces counts."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="training")
    good_until = models.DateField(help_text="After this day they make no new search until it is renewed.")
    note = models.CharField(max_length=200, blank=True, help_text="Which course, by whom.")

    class Meta:
        verbose_name_plural = "training"

    def __str__(self) -> str:
        return f"{self.user}: until {self.good_until}"


class Notice(models.Model):
    """What everybody accepts when they sign in; the latest that is switched on counts."""

    text = models.TextField(default=NOTICE, help_text="Shown after each sign-in, to be accepted.")
    is_active = models.BooleanField("switched on", default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.text[:60]}…"
