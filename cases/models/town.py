"""Towns of the world, as the gazetteer has them."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Town(models.Model):
    """A populated place of GeoNames (CC BY 4.0). region: a US state's name; elsewhere empty."""

    id = models.PositiveIntegerField(primary_key=True, help_text="GeoNames' own number.")
    name = models.CharField(max_length=200)
    region = models.CharField(max_length=60, blank=True)
    region_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=100)
    country_code = models.CharField(max_length=2)
    population = models.PositiveIntegerField()
    latitude = models.FloatField()
    longitude = models.FloatField()
    names = ArrayField(models.CharField(max_length=200), help_text="What it is called, as `gazetteer.fold` folds it.")

    class Meta:
        ordering = ["-population", "pk"]
        indexes = [
            GinIndex(fields=["names"], name="names_of_towns"),
            models.Index(fields=["latitude", "longitude"], name="places_of_towns"),
        ]

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.name, self.region, self.country)))
