"""What people ask and say of unnamed people."""

from typing import Any, cast

from django import forms
from django.db.models import Q, QuerySet

from cases.forms import ForUser
from cases.visibility import visible
from matching.models import Camera, UnnamedFace, UnnamedPerson
from matching.unnamed import seen


class PeopleForm(ForUser, forms.Form):
    """Which unnamed people, and in which order."""

    order = forms.ChoiceField(
        choices=[(name, words) for name, (words, _) in seen.ORDERS.items()], required=False, label="First"
    )
    who = forms.ChoiceField(
        choices=[
            ("", "All but staff"),
            (UnnamedPerson.Mark.OF_INTEREST, "Of interest"),
            (UnnamedPerson.Mark.STAFF, "Staff"),
            ("returning", "Who came back"),
            ("batches", "Met in batches"),
        ],
        required=False,
    )
    camera = forms.ModelChoiceField(Camera.objects.all(), required=False, empty_label="All cameras")

    def people(self) -> QuerySet[UnnamedPerson]:
        """Those asked for. Only of a form that is valid."""
        said = self.cleaned_data
        found = seen.people(self.user)
        marks = UnnamedPerson.Mark
        found = found.filter(mark=said["who"]) if said["who"] in marks.values[1:] else found.exclude(mark=marks.STAFF)
        if said["who"] == "returning":
            found = found.filter(Q(times__gt=1))
        if said["who"] == "batches":
            found = found.filter(Q(batches__gt=0))
        if said["camera"]:
            there = UnnamedFace.objects.filter(probe__capture__camera=said["camera"])
            found = found.filter(pk__in=there.values("person"))
        return found.order_by(*seen.ORDERS[said["order"] or "often"][1], "-pk")


class VisitsForm(ForUser, forms.Form):
    camera = forms.ModelChoiceField(Camera.objects.all(), required=False, empty_label="All cameras")
    days = forms.TypedChoiceField(
        choices=[(7, "7 days"), (28, "28 days"), (90, "90 days")], coerce=int, required=False, empty_value="7"
    )

    def days_asked(self) -> list[seen.Day]:
        """Only of a form that is valid."""
        said = self.cleaned_data
        cameras = [said["camera"]] if said["camera"] else visible(Camera, self.user)
        return seen.by_day(self.user, cameras, int(said["days"]))


class MergeForm(ForUser, forms.Form):
    other = forms.ModelChoiceField(
        UnnamedPerson.objects.all(),
        error_messages={
            "required": "Choose who is the same person.",
            "invalid_choice": "There is no such person any more: they may be one with another already.",
        },
    )


class SplitForm(ForUser, forms.Form):
    """Some faces of one person: chosen, or all that came when two were made one."""

    faces = forms.ModelMultipleChoiceField(UnnamedFace.objects.all(), required=False)
    joined_from = forms.IntegerField(required=False)

    def __init__(self, *args: Any, person: UnnamedPerson, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ModelMultipleChoiceField[UnnamedFace]", self.fields["faces"])
        field.queryset = cast("QuerySet[UnnamedFace]", field.queryset).filter(person=person)
        field.error_messages["invalid_choice"] = "One of the faces is with somebody else by now: open the page anew."
        self.person = person

    def chosen(self) -> list[UnnamedFace]:
        """Only of a form that is valid."""
        came = self.cleaned_data["joined_from"]
        if came is not None:
            return list(visible(UnnamedFace, self.user).filter(person=self.person, joined_from=came))
        return list(self.cleaned_data["faces"])


class SayForm(forms.ModelForm[UnnamedPerson]):
    class Meta:
        model = UnnamedPerson
        fields = ["mark", "note"]
