"""How lists are narrowed to what lies near a place: the field that reads the place, and the distance in PostgreSQL."""

import math
import re
from dataclasses import dataclass
from typing import Any

import django_filters
from django import forms
from django.db.models import F, FloatField, QuerySet
from django.db.models.functions import ASin, Cast, Cos, Least, Power, Radians, Sin, Sqrt

from cases import gazetteer
from cases.gazetteer import EARTH_KM

KM = 50.0
POINT = re.compile(r"^\s*(-?\d{1,2}(?:\.\d+)?)°?\s*[,; ]\s*(-?\d{1,3}(?:\.\d+)?)°?\s*$")


@dataclass(frozen=True)
class Place:
    """words: as they were typed. latitude, longitude: degrees."""

    words: str
    latitude: float
    longitude: float

    def __str__(self) -> str:
        return self.words


class PlaceField(forms.CharField):
    """A town in words, or a point as "45.52, -122.67"."""

    def clean(self, value: Any) -> Place | None:
        words: str = super().clean(value)
        if not words:
            return None
        if point := POINT.match(words):
            latitude, longitude = float(point[1]), float(point[2])
            if abs(latitude) > 90 or abs(longitude) > 180:
                raise forms.ValidationError("A latitude lies between -90 and 90, a longitude between -180 and 180.")
            return Place(words, latitude, longitude)
        towns = gazetteer.find(words)
        if not towns:
            raise forms.ValidationError(
                f"No town is known as “{words}”. Write a town with its state or country, or a point as 45.52, -122.67."
            )
        if len(towns) > 1:
            some = "; ".join(map(str, towns[:3]))
            raise forms.ValidationError(f"“{words}” may be {some}, or another: add the state or country.")
        return Place(words, towns[0].latitude, towns[0].longitude)


class PlaceFilter(django_filters.Filter):
    field_class = PlaceField


def near_filters(label: str = "Near a town or point") -> tuple[PlaceFilter, django_filters.NumberFilter]:
    """The place, and within how many kilometres; its filter set has `by_near`."""
    return (
        PlaceFilter(method="by_near", label=label, max_length=200),
        django_filters.NumberFilter(
            method="by_near", label=f"Within km ({KM:.0f} if empty)", min_value=1, max_value=20_000
        ),
    )


class Near:
    """For a filter set with the filters `near` and `km`. up, right: how its rows lead to latitude and longitude."""

    up: Any = F("latitude")
    right: Any = F("longitude")
    form: Any

    def by_near(self, queryset: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        place = self.form.cleaned_data.get("near")
        if name != "near" or place is None:
            return queryset
        return within(queryset, self.up, self.right, place, float(self.form.cleaned_data.get("km") or KM))


def within(rows: QuerySet[Any], up: Any, right: Any, place: Place, kilometres: float) -> QuerySet[Any]:
    """The rows that lie so near, by the great circle."""
    here = math.radians(place.latitude)
    rows = rows.alias(north=Cast(up, FloatField()), east=Cast(right, FloatField()))
    half_up = Sin(Radians(F("north") - place.latitude) / 2.0)
    half_right = Sin(Radians(F("east") - place.longitude) / 2.0)
    squared = Power(half_up, 2) + math.cos(here) * Cos(Radians(F("north"))) * Power(half_right, 2)
    # A degree of latitude is as long everywhere, which spares most rows the sines.
    reach = kilometres / (EARTH_KM * math.pi / 180)
    near: QuerySet[Any] = (
        rows.filter(north__range=(place.latitude - reach, place.latitude + reach))
        .alias(away=2 * EARTH_KM * ASin(Sqrt(Least(squared, 1.0))))
        .filter(away__lte=kilometres)
    )
    return near
