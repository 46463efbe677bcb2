"""How a question is asked, and kept."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from cases.forms import ForUser
from cases.models import Collection
from cases.nearness import PlaceField
from matching import reports
from matching.models import Camera, Report

DAYS = 30
PLACEHOLDER = """SELECT cameras.name, count(*) FROM captures
JOIN cameras ON cameras.id = camera_id
WHERE captured_at > now() - interval '7 days'
GROUP BY 1 ORDER BY 2 DESC"""


class DayField(forms.DateField):
    """A day on which something can have been seen."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.DateInput({"type": "date"}), **kwargs)

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day is not None and not 1900 <= day.year < 2200:
            raise forms.ValidationError("A day from 1900 to 2199, please.")
        return day


class ReportForm(ForUser, forms.Form):
    """A question. GET, so that its address can be kept and given on. data: a `QueryDict`, or what was kept."""

    subject = forms.ChoiceField(label="What is counted", choices=[])
    step = forms.ChoiceField(label="Over time", required=False, choices=list(reports.STEPS.items()))
    by = forms.ChoiceField(label="By", required=False, choices=[])
    measure = forms.TypedChoiceField(label="Drawn", required=False, coerce=int, empty_value=None, choices=[])
    days = forms.IntegerField(
        label="Of the last days", required=False, min_value=1, max_value=3660,
        help_text=f"{DAYS} where neither this nor a day is given.",
    )  # fmt: skip
    since = DayField(label="or from")
    until = DayField(label="to")
    camera = forms.ModelChoiceField(Camera.objects.all(), required=False, empty_label="All cameras")
    collection = forms.ModelChoiceField(Collection.objects.all(), required=False, empty_label="All collections")
    near = PlaceField(label="Near a town or point", required=False, max_length=200)
    km = forms.FloatField(label="Within km (10 if empty)", required=False, min_value=0.1, max_value=20_000)

    def __init__(self, data: Any, *, user: Any) -> None:
        may = reports.subjects_of(user)
        # Without a word the first that this person may ask about.
        said = {"subject": next(iter(may)), **{name: data.get(name) for name in data}}
        chosen = may.get(said["subject"]) or next(iter(may.values()))
        super().__init__(said, user=user)
        choices: dict[str, list[tuple[Any, str]]] = {
            "subject": [(name, one.label) for name, one in may.items()],
            "by": [("", "Nothing"), *((name, group.label) for name, group in chosen.groups.items())],
            "measure": list(enumerate(chosen.measures)),
        }
        for name, offered in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - made so above
            field.choices = offered
        # What a subject does not have is not asked of it.
        for name, way in (("camera", chosen.camera), ("collection", chosen.collection), ("near", chosen.up)):
            if not way:
                del self.fields[name]
        if not chosen.up:
            del self.fields["km"]
        if len(chosen.measures) == 1:
            self.fields["measure"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("since") and said.get("until") and said["until"] < said["since"]:
            self.add_error("until", "The last day is before the first.")
        return said

    def asked(self) -> reports.Asked:
        said = self.cleaned_data
        since, until = (_begin(said[name]) for name in ("since", "until"))
        if since is None and until is None:
            since = timezone.now() - timedelta(days=said["days"] or DAYS)
        return reports.Asked(
            subject=said["subject"], step=said["step"], by=said["by"], measure=said["measure"] or 0,
            since=since, until=until + timedelta(days=1) if until else None,
            camera=said.get("camera"), collection=said.get("collection"),
            near=said.get("near"), km=said.get("km") or 10.0,
        )  # fmt: skip

    def kept(self) -> dict[str, str]:
        """As it was filled in, to be asked again."""
        return {name: str(self.data[name]) for name in self.fields if self.data.get(name)}


class KeepReportForm(forms.ModelForm[Report]):
    # On the page of SQL it stands in the form that asks.
    use_required_attribute = False

    class Meta:
        model = Report
        fields = ["name", "is_shared", "on_mondays"]


def _begin(day: Any) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time.min)) if day else None


class SqlForm(forms.Form):
    question = forms.CharField(
        label="One SELECT",
        max_length=10_000,
        widget=forms.Textarea({"rows": 8, "spellcheck": "false", "class": "mono", "placeholder": PLACEHOLDER}),
        error_messages={"required": "Write a SELECT first."},
    )
