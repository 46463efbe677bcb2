"""WHO is looked for."""

from collections.abc import Callable
from datetime import date
from itertools import count

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from cases import text_search
from cases.models.collection import Collection
from cases.models.town import Town
from cases.signals import case_moved


def not_to_come(year: int) -> None:
    if year > timezone.localdate().year:
        raise ValidationError("That year is still to come.")


class Case(models.Model):
    """One person who is looked for, or found and unidentified."""

    belongs_to = (("collection",),)

    class Sex(models.TextChoices):
        UNKNOWN = "", "Not stated"
        FEMALE = "female", "Female"
        MALE = "male", "Male"
        OTHER = "other", "Other"

    class Category(models.TextChoices):
        """As NCIC's message keys tell missing and unidentified persons apart."""

        UNKNOWN = "", "Not stated"
        DISABILITY = "EMD", "Missing, with a disability (EMD)"
        ENDANGERED = "EME", "Missing, endangered (EME)"
        INVOLUNTARY = "EMI", "Missing, not by their will (EMI)"
        JUVENILE = "EMJ", "Missing juvenile (EMJ)"
        VICTIM = "EMV", "Missing after a catastrophe (EMV)"
        OTHER = "EMO", "Missing, other (EMO)"
        DECEASED = "EUD", "Unidentified, deceased (EUD)"
        LIVING = "EUL", "Unidentified, living (EUL)"
        CATASTROPHE = "EUV", "Unidentified after a catastrophe (EUV)"

    class OnFile(models.TextChoices):
        UNKNOWN = "", "Not known"
        YES = "yes", "On file"
        NO = "no", "Not on file"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    class Outcome(models.TextChoices):
        """What became of the person, or of the case, when it was closed."""

        UNKNOWN = "", "Not stated"
        SAFE = "safe", "Located safe"
        RETURNED = "returned", "Returned by themselves"
        IDENTIFIED = "identified", "Identified"
        DECEASED = "deceased", "Located deceased"
        MISTAKEN = "mistaken", "Opened by mistake"
        OTHER = "other", "Other"

    collection = models.ForeignKey(Collection, on_delete=models.PROTECT, related_name="cases")
    number = models.CharField("case number", max_length=50)
    name = models.CharField(max_length=200, blank=True, help_text="Leave empty for an unidentified person.")
    other_names = models.CharField(max_length=300, blank=True, help_text="Aliases, nicknames, maiden name.")
    sex = models.CharField(max_length=10, choices=Sex.choices, blank=True, default=Sex.UNKNOWN)
    age_from = models.PositiveSmallIntegerField(
        "age when last seen, from", null=True, blank=True, validators=[MaxValueValidator(130)]
    )
    age_to = models.PositiveSmallIntegerField(
        "age when last seen, to", null=True, blank=True, validators=[MaxValueValidator(130)]
    )
    born_on = models.DateField("born on", null=True, blank=True)
    born_from = models.PositiveSmallIntegerField(
        "year of birth, from",
        null=True,
        blank=True,
        validators=[MinValueValidator(1850), not_to_come],
        help_text="Where no exact day is known.",
    )
    born_to = models.PositiveSmallIntegerField(
        "year of birth, to", null=True, blank=True, validators=[MinValueValidator(1850), not_to_come]
    )
    height_from = models.PositiveSmallIntegerField(
        "height in cm, from", null=True, blank=True, validators=[MinValueValidator(20), MaxValueValidator(280)]
    )
    height_to = models.PositiveSmallIntegerField(
        "height in cm, to", null=True, blank=True, validators=[MinValueValidator(20), MaxValueValidator(280)]
    )
    weight_from = models.PositiveSmallIntegerField(
        "weight in kg, from", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(500)]
    )
    weight_to = models.PositiveSmallIntegerField(
        "weight in kg, to", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(500)]
    )
    hair = models.CharField(max_length=200, blank=True)
    eyes = models.CharField(max_length=200, blank=True)
    complexion = models.CharField(max_length=100, blank=True)
    marks = models.TextField("scars, marks and tattoos", blank=True, help_text="What, and where on the body.")
    clothing = models.TextField("clothing, jewellery, belongings", blank=True)
    dental = models.CharField("dental records", max_length=3, choices=OnFile.choices, blank=True)
    dna = models.CharField("DNA", max_length=3, choices=OnFile.choices, blank=True)
    vehicle = models.CharField(max_length=300, blank=True, help_text="Make, model, colour, plate.")
    languages = models.CharField(max_length=200, blank=True)
    category = models.CharField("NCIC category", max_length=3, choices=Category.choices, blank=True)
    other_numbers = models.CharField(
        max_length=300, blank=True, help_text="What others know the case by: NamUs, NCIC, NCMEC, an agency."
    )
    race = models.CharField("race/ethnicity", max_length=200, blank=True, help_text="As the source words it.")
    last_seen_on = models.DateField(null=True, blank=True)
    last_seen_place = models.CharField(max_length=300, blank=True)
    latitude = models.FloatField(null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)])
    longitude = models.FloatField(null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)])
    town = models.ForeignKey(
        Town,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
        help_text="The town that the words for the place mean, for the map; coordinates go before it.",
    )
    located_from = models.CharField(
        max_length=300, blank=True, editable=False, help_text="The words by which its town was looked up."
    )
    town_said = models.BooleanField(default=False, editable=False, help_text="A person said which town it is, or none.")
    circumstances = models.TextField(blank=True)
    agency = models.CharField(max_length=200, blank=True)
    contact = models.CharField(max_length=300, blank=True, help_text="Whom to call, with the number.")
    source_url = models.URLField("source link", max_length=500, blank=True)
    exclusions = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="People whom its source says it is not: name, and born (the year) where that is known.",
    )
    as_written = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="What its source wrote where that could not be read, by field.",
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN, editable=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    closed_reason = models.CharField(max_length=300, blank=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
        help_text="None: the case's source.",
    )
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True, editable=False, db_index=True)
    ended_on = models.DateField("outcome on", null=True, editable=False, help_text="The day of the outcome.")
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="assigned_cases",
        editable=False,
        help_text="Who sees to it.",
    )
    held_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="Since when a legal hold keeps it.")
    held_reason = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["status", "collection"]),
            models.Index(fields=["updated_at"]),
            GinIndex(text_search.words(), name="words_of_cases"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "number"],
                name="case_number_once_a_collection",
                violation_error_message="This collection already has a case with this number.",
            ),
            models.CheckConstraint(
                condition=Q(age_from__isnull=True) | Q(age_to__isnull=True) | Q(age_from__lte=models.F("age_to")),
                name="case_ages_in_order",
                violation_error_message="The lower age must not be above the upper age.",
            ),
            models.CheckConstraint(
                condition=Q(born_from__isnull=True) | Q(born_to__isnull=True) | Q(born_from__lte=models.F("born_to")),
                name="case_births_in_order",
                violation_error_message="The first year of birth must not be after the last.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.display_name}"

    def get_absolute_url(self) -> str:
        return reverse("case", args=[self.pk])

    @property
    def display_name(self) -> str:
        return self.name or "Unidentified person"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def was_found(self) -> bool:
        """Whether the person was found without a name: what else are last seen, age then and place, are of the find."""
        return self.collection.kind == Collection.Kind.UNIDENTIFIED

    @property
    def seen_label(self) -> str:
        return "Found" if self.was_found else "Last seen"

    @property
    def age(self) -> str:
        """The age when last seen in words: `34`, `30-40`, or nothing where it is not known."""
        ages = sorted({a for a in (self.age_from, self.age_to) if a is not None})
        return "–".join(str(a) for a in ages)

    @property
    def born_in(self) -> tuple[int | None, int | None]:
        """The first and the last year in which they may be born; None where that end is open."""
        return (self.born_on.year,) * 2 if self.born_on else (self.born_from, self.born_to)

    @property
    def born(self) -> str:
        """In words: a day, `1985`, `1983–1987`, `1985 or later`; nothing where it is not known."""
        if self.born_on:
            return f"{self.born_on:%-d %b %Y}"
        first, last = self.born_in
        if first and last:
            return str(first) if first == last else f"{first}–{last}"
        return f"{first} or later" if first else f"{last} or before" if last else ""

    @property
    def description(self) -> list[tuple[str, str]]:
        """What an examiner compares by, each with its label; only what is known."""
        found = [
            ("Born", self.born),
            ("Height", _range(self.height_from, self.height_to, "cm", _feet)),
            ("Weight", _range(self.weight_from, self.weight_to, "kg", _pounds)),
            ("Hair", self.hair),
            ("Eyes", self.eyes),
            ("Complexion", self.complexion),
            ("Ethnicity", self.race),
            ("Marks", self.marks),
            ("Clothing", self.clothing),
            ("Dental records", self.get_dental_display() if self.dental else ""),
            ("DNA", self.get_dna_display() if self.dna else ""),
            ("Vehicle", self.vehicle),
            ("Languages", self.languages),
            ("Category", self.get_category_display() if self.category else ""),
            ("Other numbers", self.other_numbers),
        ]
        return [(label, words) for label, words in found if words]

    @classmethod
    def begin(cls, collection: Collection) -> "Case":
        """A case of which nothing is known yet but its photos: numbered by the day, until somebody knows better."""
        today = f"{timezone.localdate():%Y-%m-%d}"
        taken = cls.objects.filter(collection=collection, number__startswith=today).count()
        for number in count(taken + 1):
            try:
                with transaction.atomic():
                    return cls.objects.create(collection=collection, number=f"{today}-{number}")
            except IntegrityError:
                continue  # somebody else was faster, or typed it
        raise AssertionError("count() does not end")

    def hold(self, reason: str) -> None:
        """A legal hold: nothing of the case is removed until it ends; an empty reason ends it."""
        self.held_at, self.held_reason = (timezone.now() if reason else None), reason
        self.save(update_fields=["held_at", "held_reason", "updated_at"])

    def close(
        self, reason: str, outcome: str = Outcome.UNKNOWN, ended_on: date | None = None, by: User | None = None
    ) -> bool:
        """Take the case out of the gallery; returns False where it was closed already.

        outcome: of `Outcome`. ended_on: the day of it. by: who says so; None: the case's source.
        """
        said = {"closed_reason": reason, "outcome": outcome, "ended_on": ended_on, "closed_by": by}
        return self._move(self.Status.OPEN, self.Status.CLOSED, closed_at=timezone.now(), **said)

    def say_outcome(self, reason: str, outcome: str, ended_on: date | None, by: User) -> None:
        """What became of a case that is closed already, put right."""
        self.closed_reason, self.outcome, self.ended_on, self.closed_by = reason, outcome, ended_on, by
        self.save(update_fields=["closed_reason", "outcome", "ended_on", "closed_by", "updated_at"])

    def reopen(self) -> bool:
        """Bring the case back into the gallery; returns False where it was open already."""
        said = {"closed_at": None, "closed_reason": "", "outcome": "", "ended_on": None, "closed_by": None}
        return self._move(self.Status.CLOSED, self.Status.OPEN, **said)

    def _move(self, old: str, new: str, **fields: object) -> bool:
        with transaction.atomic():
            moved = Case.objects.filter(pk=self.pk, status=old).update(status=new, updated_at=timezone.now(), **fields)
            self.refresh_from_db()
            if moved:
                case_moved.send(Case, case=self)
        return bool(moved)


def _range(low: int | None, high: int | None, unit: str, too: Callable[[int], str]) -> str:
    """A range in metric units, and in those that much of the world writes."""
    known = sorted({value for value in (low, high) if value is not None})
    if not known:
        return ""
    return f"{'–'.join(map(str, known))} {unit} ({'–'.join(map(too, known))})"


def _feet(centimetres: int) -> str:
    feet, inches = divmod(round(centimetres / 2.54), 12)
    return f"{feet}′{inches}″"


def _pounds(kilograms: int) -> str:
    return f"{round(kilograms / 0.45359237)} lb"
