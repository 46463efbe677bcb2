"""Teams: what belongs to one does not exist for whoever is in none of those it belongs to."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet


class Team(models.Model):
    """People who see the same collections, cameras and searches."""

    name = models.CharField(max_length=100)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="teams")

    class Meta:
        ordering = ["name"]
        permissions = [
            ("see_all_teams", "Sees what belongs to any team"),
            ("manage_people", "Sees to people, roles and teams"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def within(cls, user: Any) -> QuerySet["Team"]:
        return cls.objects.filter(members=user)


class TeamOwned(models.Model):
    """What belongs to the teams named, or to everybody where none is."""

    teams = models.ManyToManyField(
        Team, blank=True, help_text="Who sees it, with all that is in it. None chosen: everybody."
    )

    class Meta:
        abstract = True

    @classmethod
    def within(cls, user: object) -> QuerySet["TeamOwned"]:
        """Those that a person sees who does not see all."""
        mine = Team.objects.filter(members=user)  # type: ignore[misc]
        return cls._default_manager.filter(Q(teams=None) | Q(teams__in=mine)).distinct()
