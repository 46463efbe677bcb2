"""How cases are narrowed: the list of cases, and whom a search compares with; on pages and in the API alike."""

from typing import Any

import django_filters
from django import forms
from django.db.models import ExpressionWrapper, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Coalesce, ExtractYear
from django.http import HttpRequest
from django.utils import timezone

from cases import locating, text_search
from cases.models import AuditEvent, Case, Collection, Photo
from cases.nearness import Near, near_filters
from cases.visibility import visible


def _collections(request: HttpRequest | None) -> QuerySet[Collection]:
    return Collection.objects.none() if request is None else visible(Collection, request.user)


class NearCases(Near):
    """By the coordinates of a case, else by its town."""

    up, right = (Coalesce(side, f"town__{side}") for side in ("latitude", "longitude"))


class CaseFilter(NearCases, django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label="Name, number, place, mark or any word")
    collection = django_filters.ModelChoiceFilter(queryset=_collections, empty_label="All collections")
    status = django_filters.ChoiceFilter(choices=Case.Status.choices, empty_label="Open and closed")
    sex = django_filters.ChoiceFilter(choices=Case.Sex.choices[1:], empty_label="Any sex")
    category = django_filters.ChoiceFilter(choices=Case.Category.choices[1:], empty_label="Any category")
    outcome = django_filters.ChoiceFilter(choices=Case.Outcome.choices[1:], empty_label="Any outcome")
    assigned = django_filters.ChoiceFilter(
        choices=[("me", "Mine"), ("nobody", "Nobody's")],
        method="by_assignee",
        empty_label="Anybody's",
        label="Whose",
    )
    near, km = near_filters("Last seen near a town or point")

    class Meta:
        model = Case
        fields = ["q", "collection", "status", "outcome", "assigned", "sex", "category"]

    def by_assignee(self, queryset: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        return queryset.filter(assigned_to=self.request.user.pk if value == "me" else None)

    def search(self, queryset: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        for word in value.replace("\0", "").split():
            # Of a number or a name people may know the middle.
            within = Q(number__icontains=word) | Q(other_numbers__icontains=word) | Q(name__icontains=word)
            queryset = queryset.filter(within | Q(pk__in=text_search.having(Case.objects.all(), word).values("pk")))
        return queryset


class AuditFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="words", label="Whom, what or why")
    who = django_filters.CharFilter("username", "iexact", label="Who")
    action = django_filters.CharFilter("action", "icontains", label="Did")
    address = django_filters.CharFilter("address", "startswith", label="From address")
    since = django_filters.DateFilter("at", "date__gte", label="From", widget=forms.DateInput({"type": "date"}))
    until = django_filters.DateFilter("at", "date__lte", label="To", widget=forms.DateInput({"type": "date"}))
    asked = django_filters.ChoiceFilter(
        choices=[("open", "Not answered yet"), ("any", "Any")], method="by_question", label="Asked about",
        empty_label="Or not",
    )  # fmt: skip

    class Meta:
        model = AuditEvent
        fields: list[str] = []

    def by_question(self, queryset: QuerySet[AuditEvent], name: str, value: str) -> QuerySet[AuditEvent]:
        asked = queryset.filter(question__isnull=False)
        return asked.filter(question__answered_at=None) if value == "open" else asked

    def words(self, queryset: QuerySet[AuditEvent], name: str, value: str) -> QuerySet[AuditEvent]:
        for word in value.replace("\0", "").split():
            queryset = queryset.filter(
                Q(target_label__icontains=word) | Q(why__icontains=word) | Q(action__icontains=word)
            )
        return queryset


class PhotoFilter(django_filters.FilterSet):
    # A number, not one of all cases: what it answers must not tell that another team has a case of it.
    case = django_filters.NumberFilter("case")

    class Meta:
        model = Photo
        fields = ["case", "status", "view", "kind"]


class _InOrder(forms.Form):
    """Of each pair of bounds the lower comes first."""

    BOUNDS = (
        ("age_then_from", "age_then_to", "Age when last seen"),
        ("age_now_from", "age_now_to", "Age now"),
        ("last_seen_from", "last_seen_to", "Last seen"),
        ("height_from", "height_to", "Height"),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for low, high, words in self.BOUNDS:
            first, last = cleaned.get(low), cleaned.get(high)
            if first is not None and last is not None and first > last:
                self.add_error(low, f"{words}: from {first} to {last} leaves nobody. Exchange the two.")
        return cleaned


class WholeNumberFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField


def _age(label: str, method: str) -> WholeNumberFilter:
    return WholeNumberFilter(label=label, method=method, min_value=0, max_value=130)


def _height(label: str) -> WholeNumberFilter:
    return WholeNumberFilter(label=label, method="by_height", min_value=20, max_value=280)


class SearchedCases(NearCases, django_filters.FilterSet):
    """The cases that a face may be compared with. A case that doesn't state what is asked for stays in: only those
    known not to fit are left out, so that a gap in a record hides nobody."""

    sex = django_filters.ChoiceFilter(
        choices=[choice for choice in Case.Sex.choices if choice[0]], empty_label="Any", method="by_sex", label="Sex"
    )
    race = django_filters.CharFilter(method="by_race", label="Race/ethnicity, as sourced", max_length=200)
    age_then_from = _age("Age when last seen, from", "by_age_then")
    age_then_to = _age("Age when last seen, to", "by_age_then")
    age_now_from = _age("Age now, from", "by_age_now")
    age_now_to = _age("Age now, to", "by_age_now")
    last_seen_from = django_filters.DateFilter(
        method="by_last_seen", label="Last seen, from", widget=forms.DateInput({"type": "date"})
    )
    last_seen_to = django_filters.DateFilter(
        method="by_last_seen", label="Last seen, to", widget=forms.DateInput({"type": "date"})
    )
    region = django_filters.CharFilter(method="by_region", label="Region or place last seen", max_length=200)
    near, km = near_filters("Last seen near a town or point")
    height_from = _height("Height in cm, from")
    height_to = _height("Height in cm, to")
    hair = django_filters.CharFilter(method="by_look", label="Hair", max_length=200)
    eyes = django_filters.CharFilter(method="by_look", label="Eyes", max_length=200)
    marks = django_filters.CharFilter(method="by_words", label="A mark, a garment: any word", max_length=200)

    class Meta:
        model = Case
        fields: list[str] = []
        form = _InOrder

    def asked(self) -> dict[str, str]:
        """What narrows the cases, by the filters' names, as text."""
        if not self.form.is_valid():
            return {}
        return {name: str(value) for name, value in self.form.cleaned_data.items() if value not in (None, "")}

    def by_sex(self, queryset: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        return queryset.filter(sex__in=[value, Case.Sex.UNKNOWN])

    def by_look(self, queryset: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        return queryset.filter(Q(**{f"{name}__icontains": value.strip()}) | Q(**{name: ""}))

    def by_words(self, queryset: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        found = text_search.having(Case.objects.all(), value)
        return queryset.filter(Q(pk__in=found.values("pk")) | Q(marks="", clothing=""))

    def by_near(self, queryset: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        if name != "near":
            return queryset
        near = super().by_near(Case.objects.all(), name, value)
        return queryset.filter(Q(pk__in=near.values("pk")) | ~locating.with_place())

    def by_height(self, queryset: QuerySet[Case], name: str, value: int) -> QuerySet[Case]:
        if name.endswith("_from"):
            stated = Coalesce("height_to", "height_from")
            return queryset.alias(tallest=stated).filter(Q(tallest__gte=value) | Q(tallest=None))
        stated = Coalesce("height_from", "height_to")
        return queryset.alias(smallest=stated).filter(Q(smallest__lte=value) | Q(smallest=None))

    def by_race(self, queryset: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        return queryset.filter(Q(race__icontains=value.strip()) | Q(race=""))

    def by_region(self, queryset: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        return queryset.filter(Q(last_seen_place__icontains=value.strip()) | Q(last_seen_place=""))

    def by_last_seen(self, queryset: QuerySet[Case], name: str, value: Any) -> QuerySet[Case]:
        side = "gte" if name.endswith("_from") else "lte"
        return queryset.filter(Q(**{f"last_seen_on__{side}": value}) | Q(last_seen_on=None))

    def by_age_then(self, queryset: QuerySet[Case], name: str, value: int) -> QuerySet[Case]:
        return self._by_age(queryset, name, value, Value(0))

    def by_age_now(self, queryset: QuerySet[Case], name: str, value: int) -> QuerySet[Case]:
        # A birthday may have passed since or not: a year of grace either way.
        grace = -1 if name.endswith("_to") else 1
        years = Value(timezone.localdate().year + grace) - ExtractYear("last_seen_on")
        return self._by_age(queryset, name, value, years)

    def _by_age(self, queryset: QuerySet[Case], name: str, value: int, years: Any) -> QuerySet[Case]:
        """Cases whose span of ages, so many years on, reaches the bound. One stated age is a span of itself."""
        is_lower = name.endswith("_from")
        stated = Coalesce(*(("age_to", "age_from") if is_lower else ("age_from", "age_to")))
        queryset = queryset.annotate(**{name: ExpressionWrapper(stated + years, output_field=IntegerField())})
        side = "gte" if is_lower else "lte"
        return queryset.filter(Q(**{f"{name}__{side}": value}) | Q(**{f"{name}__isnull": True}))
