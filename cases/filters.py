"""How a list of cases is narrowed, on its page and in the API alike."""

import django_filters
from django.db.models import Q, QuerySet

from cases.models import Case, Collection


class CaseFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(method="search", label="Name, number, place or agency")
    collection = django_filters.ModelChoiceFilter(queryset=Collection.objects.all(), empty_label="All collections")
    status = django_filters.ChoiceFilter(choices=Case.Status.choices, empty_label="Open and closed")

    class Meta:
        model = Case
        fields = ["q", "collection", "status"]

    def search(self, queryset: QuerySet[Case], name: str, value: str) -> QuerySet[Case]:
        for word in value.split():
            queryset = queryset.filter(
                Q(name__icontains=word)
                | Q(other_names__icontains=word)
                | Q(number__icontains=word)
                | Q(last_seen_place__icontains=word)
                | Q(agency__icontains=word)
            )
        return queryset
