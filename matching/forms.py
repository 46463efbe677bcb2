from django import forms

from cases.import_forms import inside
from cases.models import Collection
from matching.faces.images import FORMAT_WORDS, MAX_BYTES
from matching.models import Camera
from matching.searching.adjusting import Adjustment


class PurposeForm(forms.Form):
    """What every search says of itself, and among which collections."""

    purpose = forms.CharField(
        max_length=300,
        error_messages={"required": "Say what the search is for: it is kept with your name."},
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


class BatchForm(PurposeForm):
    one_person = forms.BooleanField(required=False)


class AgainForm(forms.Form):
    collections = forms.ModelMultipleChoiceField(Collection.objects.all(), required=False)


class CloseStandingForm(forms.Form):
    reason = forms.CharField(max_length=300, error_messages={"required": "Say why it is closed."})


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


class CameraForm(forms.ModelForm[Camera]):
    class Meta:
        model = Camera
        fields = ["name", "place"]
        error_messages = {"name": {"unique": "There is a camera of this name already."}}
