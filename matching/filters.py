"""How a list of searches is narrowed."""

from typing import Any

import django_filters
from django import forms
from django.db.models import F, Q, QuerySet

from cases.models import Collection
from cases.nearness import KM, Near, near_filters, within
from cases.visibility import visible
from matching.gallery import calibration
from matching.models import Alert, Camera, Candidate, Search


class AlertFilter(django_filters.FilterSet):
    # Numbers, as of `PhotoFilter`.
    case = django_filters.NumberFilter("case")
    camera = django_filters.NumberFilter("camera")

    class Meta:
        model = Alert
        fields = ["kind", "status", "case", "camera"]


def _seen(model: type[Any]) -> Any:
    """The rows of a model that exist for whoever asks, as a filter chooses among them."""
    return lambda request: model.objects.none() if request is None else visible(model, request.user)


class BoardFilter(Near, django_filters.FilterSet):
    up, right = F("camera__latitude"), F("camera__longitude")
    q = django_filters.CharFilter(method="words", label="Person, number or place")
    kind = django_filters.ChoiceFilter(choices=Alert.Kind.choices, label="Who", empty_label="Anybody")
    strength = django_filters.ChoiceFilter(
        choices=list(calibration.LABELS.items()), label="Likeness", empty_label="Any"
    )
    camera = django_filters.ModelChoiceFilter(queryset=_seen(Camera), label="Camera", empty_label="Any")
    collection = django_filters.ModelChoiceFilter(
        "case__collection", queryset=_seen(Collection), label="Collection", empty_label="Any"
    )
    whose = django_filters.ChoiceFilter(
        choices=[("mine", "Mine"), ("nobody", "Nobody's")], method="by_whose", label="Taken", empty_label="By anybody"
    )
    near, km = near_filters("Camera near a town or point")
    unread = django_filters.BooleanFilter(label="Not looked at by me", widget=forms.CheckboxInput, method="by_unread")

    class Meta:
        model = Alert
        fields: list[str] = []

    def cameras_near(self) -> list[int] | None:
        """Those near the place that is asked for; None: no place is. An open board goes by it when an alert comes."""
        asked = self.form.cleaned_data if self.form.is_valid() else {}
        if not asked.get("near"):
            return None
        cameras = visible(Camera, self.request.user)
        near = within(cameras, F("latitude"), F("longitude"), asked["near"], float(asked.get("km") or KM))
        return list(near.values_list("pk", flat=True))

    def words(self, queryset: QuerySet[Alert], name: str, value: str) -> QuerySet[Alert]:
        for word in value.split():
            queryset = queryset.filter(
                Q(case__name__icontains=word)
                | Q(case__number__icontains=word)
                | Q(camera__name__icontains=word)
                | Q(camera__place__icontains=word)
            )
        return queryset

    def by_whose(self, queryset: QuerySet[Alert], name: str, value: str) -> QuerySet[Alert]:
        return queryset.filter(assigned_to=self.request.user.pk if value == "mine" else None)

    def by_unread(self, queryset: QuerySet[Alert], name: str, value: bool) -> QuerySet[Alert]:
        return queryset.exclude(reads__user=self.request.user.pk) if value else queryset


class SearchFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="words", label="Purpose, number or file")
    whose = django_filters.ChoiceFilter(
        choices=[("mine", "Mine")], method="by_whose", label="Whose", empty_label="All I may see"
    )
    case = django_filters.CharFilter(method="by_case", label="Case decided on: number or name")
    outcome = django_filters.ChoiceFilter(
        choices=[
            ("possible", "A possible match"), ("confirmed", "A confirmed lead"), ("disputed", "A disagreement"),
            ("rejected", "Only rejected"), ("open", "Not decided"), ("no_face", "No face"),
        ],
        method="by_outcome", label="Outcome", empty_label="Any",
    )  # fmt: skip
    since = django_filters.DateFilter("created_at", "date__gte", label="From", widget=forms.DateInput({"type": "date"}))
    until = django_filters.DateFilter("created_at", "date__lte", label="To", widget=forms.DateInput({"type": "date"}))

    class Meta:
        model = Search
        fields: list[str] = []

    def _candidates(self) -> QuerySet[Candidate]:
        return visible(Candidate, self.request.user)

    def words(self, queryset: QuerySet[Search], name: str, value: str) -> QuerySet[Search]:
        for word in value.split():
            queryset = queryset.filter(
                Q(purpose__icontains=word) | Q(reference__icontains=word) | Q(filename__icontains=word)
            )
        return queryset

    def by_whose(self, queryset: QuerySet[Search], name: str, value: str) -> QuerySet[Search]:
        return queryset.filter(user=self.request.user.pk)

    def by_case(self, queryset: QuerySet[Search], name: str, value: str) -> QuerySet[Search]:
        decided = (
            self._candidates()
            .exclude(decision="")
            .filter(Q(case__number__icontains=value) | Q(case__name__icontains=value))
        )
        return queryset.filter(pk__in=decided.values("probe__search"))

    def by_outcome(self, queryset: QuerySet[Search], name: str, value: Any) -> QuerySet[Search]:
        decided: dict[str, Q] = {
            decision: Q(pk__in=self._candidates().filter(decision=decision).values("probe__search"))
            for decision in Candidate.Decision.values
            if decision
        }
        any_yes = decided["possible"] | decided["confirmed"] | decided["disputed"]
        wanted = decided | {
            "rejected": decided["rejected"] & ~any_yes,
            "open": Q(probes__isnull=False) & ~any_yes & ~decided["rejected"],
            "no_face": Q(probes=None),
        }
        return queryset.filter(wanted[value]).distinct()
