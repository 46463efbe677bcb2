from datetime import timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone

from cases.fair_use import NO_PURPOSE
from cases.forms import ForUser
from cases.import_forms import inside
from cases.models import Case, Collection
from matching import capacity, over_time
from matching.faces.images import FORMAT_WORDS, MAX_BYTES
from matching.models import Camera, Review, UnnamedPerson, WebSource
from matching.searching.adjusting import Adjustment

BELIEVABLE = "A time from 1900 to 2199, please."


class PurposeForm(ForUser, forms.Form):
    """What every search says of itself, and among which collections."""

    purpose = forms.CharField(
        max_length=300,
        error_messages={"required": NO_PURPOSE},
    )
    reference = forms.CharField(max_length=100, required=False)
    collections = forms.ModelMultipleChoiceField(
        Collection.objects.all(), required=False, widget=forms.CheckboxSelectMultiple
    )


class SearchForm(PurposeForm):
    image = forms.FileField(
        error_messages={
            "required": f"Choose, drop or paste a picture: {FORMAT_WORDS}.",
            "empty": "The file is empty. Send it again.",
        }
    )

    def clean_image(self) -> object:
        image = self.cleaned_data["image"]
        if image.size > MAX_BYTES:
            raise forms.ValidationError(
                f"{image.name} has {image.size / 2**20:.0f} MB; the limit is {MAX_BYTES // 2**20} MB. "
                "Send a smaller one."
            )
        return image


class LookBackForm(forms.Form):
    """What looking back at a case says of itself."""

    purpose = forms.CharField(
        max_length=300,
        help_text="Kept with your name and the time.",
        error_messages={"required": NO_PURPOSE},
    )
    reference = forms.CharField(
        label="Case or tip number", max_length=100, required=False, help_text="Where the collection asks for one."
    )

    @property
    def why(self) -> str:
        """As the audit trail keeps it."""
        return ": ".join(filter(None, [self.cleaned_data["reference"], self.cleaned_data["purpose"]]))


class WindowForm(forms.Form):
    """From when to when a time line is looked at; both may be left out."""

    since = forms.DateTimeField(label="From", required=False, help_text="ISO 8601; all that there is if left out.")
    until = forms.DateTimeField(label="to", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for one in (self.fields["since"], self.fields["until"]):
            one.validators = [
                MinValueValidator(over_time.EARLIEST, BELIEVABLE), MaxValueValidator(over_time.LATEST, BELIEVABLE)
            ]  # fmt: skip
            one.widget = forms.DateTimeInput(
                {"type": "datetime-local", "class": "auto", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
            )

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = self.cleaned_data
        if said.get("since") and said.get("until") and said["since"] >= said["until"]:
            raise forms.ValidationError("It ends before it begins.")
        return said


class TimeForm(ForUser, WindowForm):
    """Whose time line, and of when."""

    case = forms.ModelChoiceField(Case.objects.all(), required=False)
    camera = forms.ModelChoiceField(Camera.objects.all(), required=False)
    unnamed = forms.ModelChoiceField(UnnamedPerson.objects.all(), required=False)
    place = forms.CharField(max_length=200, required=False)

    @property
    def subject(self) -> over_time.Subject:
        said = self.cleaned_data
        found: over_time.Subject = said["case"] or said["camera"] or said["unnamed"] or over_time.Place(said["place"])
        return found

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if not self.errors and sum(bool(said[name]) for name in ("case", "camera", "unnamed", "place")) != 1:
            raise forms.ValidationError("Say one of case, camera, unnamed and place.")
        return said


class BatchForm(PurposeForm):
    one_person = forms.BooleanField(required=False)


class WebSourceForm(forms.ModelForm):  # type: ignore[type-arg]
    address = forms.CharField(max_length=2000, error_messages={"required": "Type the address of a page or feed."})

    class Meta:
        model = WebSource
        fields = ["address", "every"]


class AgainForm(ForUser, forms.Form):
    collections = forms.ModelMultipleChoiceField(Collection.objects.all(), required=False)


class CloseStandingForm(forms.Form):
    reason = forms.CharField(max_length=300, error_messages={"required": "Say why it ends."})


class BoxForm(forms.Form):
    """A box in a picture, as fractions of its width and height."""

    left = forms.FloatField(min_value=0, max_value=1)
    top = forms.FloatField(min_value=0, max_value=1)
    right = forms.FloatField(min_value=0, max_value=1)
    bottom = forms.FloatField(min_value=0, max_value=1)

    def clean(self) -> dict[str, float]:
        box: dict[str, float] = super().clean() or {}
        if not self.errors and not (box["left"] < box["right"] and box["top"] < box["bottom"]):
            raise forms.ValidationError("The box is empty.")
        return box

    @property
    def box(self) -> tuple[float, float, float, float]:
        left, top, right, bottom = (self.cleaned_data[name] for name in ("left", "top", "right", "bottom"))
        return left, top, right, bottom


class AdjustForm(forms.Form):
    turn = forms.FloatField(min_value=-360, max_value=360)
    light = forms.FloatField(min_value=0.2, max_value=8)
    left = forms.FloatField(min_value=0, max_value=1)
    top = forms.FloatField(min_value=0, max_value=1)
    right = forms.FloatField(min_value=0, max_value=1)
    bottom = forms.FloatField(min_value=0, max_value=1)

    def clean(self) -> dict[str, float]:
        said: dict[str, float] = super().clean() or {}
        if not self.errors:
            if not (said["right"] - said["left"] > 0.01 and said["bottom"] - said["top"] > 0.01):
                raise forms.ValidationError("Nothing is left of the picture: cut less away.")
            if self.adjustment == Adjustment():
                raise forms.ValidationError("Nothing was adjusted: turn, cut or lighten the picture.")
        return said

    @property
    def adjustment(self) -> Adjustment:
        said = self.cleaned_data
        return Adjustment(said["turn"], said["light"], (said["left"], said["top"], said["right"], said["bottom"]))


class MarkForm(forms.Form):
    """photo: the case photo's face that is marked; none: the probe. shown: the photo that stands beside the probe."""

    photo = forms.IntegerField(required=False)
    shown = forms.IntegerField(required=False)
    x = forms.FloatField(min_value=0, max_value=1)
    y = forms.FloatField(min_value=0, max_value=1)
    text = forms.CharField(max_length=200, error_messages={"required": "Say what is there."})


class BeganForm(forms.Form):
    """When the moment of a clip that is shown was. t: its second; at: empty where it is not known after all."""

    t = forms.FloatField(min_value=0, max_value=1e6)
    at = forms.DateTimeField(required=False)


class EvaluationForm(forms.Form):
    folder = forms.CharField(
        max_length=500,
        label="Folder in the import folder",
        help_text="With a folder of photos for each person, or a CSV of path, person and, where you like, role "
        "(enrol, mate, stranger) and group.",
        error_messages={"required": "Name a folder of labelled photos."},
    )
    note = forms.CharField(max_length=300, required=False, help_text="What you try, kept with the figures.")

    def clean_folder(self) -> str:
        return inside(self.cleaned_data["folder"])


class ReviewForm(forms.ModelForm[Review]):
    class Meta:
        model = Review
        fields = ["status", "reason", "note"]

    @property
    def reason_words(self) -> str:
        reason = self.cleaned_data["reason"]
        return Review.Reason(reason).label if reason else ""


class CommentForm(forms.Form):
    text = forms.CharField(max_length=2000, error_messages={"required": "Write something first."})


class QuietForm(forms.Form):
    hours = forms.IntegerField(min_value=0, max_value=720)
    reason = forms.CharField(max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("hours") and not cleaned.get("reason"):
            self.add_error("reason", "Say why it is to be quiet.")
        return cleaned


class HandoverForm(forms.Form):
    """Which hours a handover is of; an empty end is now."""

    since = forms.DateTimeField(required=False)
    until = forms.DateTimeField(required=False)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        since, until = said.get("since"), said.get("until") or timezone.now()
        if since and not timedelta(0) < until - since <= timedelta(days=31):
            raise forms.ValidationError("The end is to come after the beginning, by a month at most.")
        return said


class CapacityForm(forms.Form):
    """What is to be carried, and at what prices: `capacity.Load` and `capacity.Prices`."""

    cameras = forms.IntegerField(min_value=0, max_value=1_000_000, initial=20)
    captures = forms.IntegerField(
        min_value=0, max_value=10_000_000, initial=2_000, label="Captures a day, of each camera",
        help_text="A camera at a busy door sends some thousands.",
    )  # fmt: skip
    cases = forms.IntegerField(min_value=0, max_value=100_000_000, initial=25_000, label="Cases in the gallery")
    searches = forms.IntegerField(min_value=0, max_value=10_000_000, initial=200, label="Searches a day")
    days = forms.IntegerField(min_value=0, max_value=36_500, initial=30, label="Days that captures are kept")
    peak = forms.FloatField(min_value=1, max_value=1_000, initial=4, label="The busiest minute, times the mean")
    core = forms.FloatField(min_value=0, max_value=1e9, required=False, label="A core costs a month")
    gigabyte = forms.FloatField(min_value=0, max_value=1e9, required=False, label="A gigabyte costs a month")
    images = forms.FloatField(
        min_value=0, max_value=1e9, initial=1.0, label="A cloud service asks for 1,000 images"
    )  # fmt: skip

    def said(self) -> tuple[capacity.Load, capacity.Prices]:
        """Of a form that is valid."""
        prices = {"core", "gigabyte", "images"}
        load = {name: value for name, value in self.cleaned_data.items() if name not in prices}
        return capacity.Load(**load), capacity.Prices(**{name: self.cleaned_data[name] for name in prices})
