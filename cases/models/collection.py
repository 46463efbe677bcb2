"""Sets of cases that are searched together, with their rules."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from cases.models.team import TeamOwned


class Collection(TeamOwned):
    """A set of cases that are searched together, with its own rule of when a camera raises an alert."""

    class AlertLevel(models.TextChoices):
        OFF = "off", "No alerts"
        STRICT = "strict", "Strict: 1 false alarm in 1,000 strangers"
        STANDARD = "standard", "Standard: 10 in 1,000"
        SENSITIVE = "sensitive", "Sensitive: 50 in 1,000"

    class FarApart(models.TextChoices):
        FAIR = "fair", "As of others: fair ones and better"
        HALF = "half", "Those that a stranger reaches in half of all searches"
        ALL = "all", "All of them"

    class Kind(models.TextChoices):
        SOUGHT = "sought", "People who are looked for"
        UNIDENTIFIED = "unidentified", "People found without a name, dead or alive"
        KNOWN = "known", "People who are known: staff, residents"

    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    kind = models.CharField(
        "who is in it",
        max_length=15,
        choices=Kind.choices,
        default=Kind.SOUGHT,
        help_text="People found without a name are compared with those who are looked for (work list Missing and "
        "found). Known people raise no alerts: cameras greet them, or tell of strangers who are none of them. Nobody "
        "is searched for among them unless the collection is chosen.",
    )
    alert_level = models.CharField(
        max_length=10,
        choices=AlertLevel.choices,
        default=AlertLevel.STANDARD,
        help_text="How many of 1,000 strangers whom a camera sees may raise an alert. A stricter level misses more of "
        "those who are looked for; of known people, more of them are taken for strangers.",
    )
    reviewers = models.PositiveSmallIntegerField(
        "who confirms",
        choices=[(1, "One person"), (2, "Two people")],
        default=2,
        help_text="How many must say that it may be the person before it is a confirmed lead or sighting. Of two, the "
        "second does not see the first one's note until their own word is said.",
    )

    look_back_days = models.PositiveSmallIntegerField(
        "days to look back",
        default=30,
        validators=[MaxValueValidator(3650)],
        help_text="A new case is compared with what cameras saw in so many days before; faces that raised no alert are "
        "kept for it, as long as the longest of all collections asks. 0: they are not kept.",
    )

    needs_reference = models.BooleanField(
        "searches name a case or tip number", default=False, help_text="Nobody searches here without one."
    )
    needs_reason = models.BooleanField(
        "decisions on alerts say why",
        default=False,
        help_text="Nobody confirms or dismisses an alert here without a reason or a note.",
    )
    clip_days = models.PositiveSmallIntegerField(
        "days that clips are kept",
        default=0,
        validators=[MaxValueValidator(3650)],
        help_text="Of each alert the ten seconds around it are asked of the camera and kept for so many days, with "
        "whoever else was in the picture. Cameras then hold their last minute in memory. 0: none is asked for.",
    )
    unnamed_days = models.PositiveSmallIntegerField(
        "days that unnamed people are kept together",
        default=0,
        validators=[MaxValueValidator(3650)],
        help_text="Faces of cameras and batches that resemble nobody are kept for so many days and grouped by whom "
        "they show: who came how often, where and when, without a name. It follows people who are looked for by "
        "nobody, so ask whether you may. 0: nobody is grouped.",
    )
    search_days = models.PositiveSmallIntegerField(
        "days that searches are kept",
        default=0,
        validators=[MaxValueValidator(3650)],
        help_text="Searches and batches that led to nothing are removed after so many days, with their pictures; of "
        "several collections the longest counts. 0: they are kept.",
    )
    episode_seconds = models.PositiveIntegerField(
        "one alert for (seconds)",
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
        help_text="Captures of a camera that follow each other within so many seconds are one alert.",
    )
    stop_when_confirmed = models.BooleanField(
        "a confirmed sighting ends alerts",
        default=False,
        help_text="Once people confirmed a sighting of a case, what cameras see later joins it and wakes nobody.",
    )

    far_apart = models.CharField(
        "candidates shown of children, and across more than ten years",
        max_length=10,
        choices=FarApart.choices,
        default=FarApart.HALF,
        help_text="Where the photo shows a child, or lies more than ten years from the searched picture, a weak "
        "likeness may be the person. These are shown; weaker ones fold.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
