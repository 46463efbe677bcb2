from django import forms

from cases.models import Collection
from matching.faces.images import FORMAT_WORDS, MAX_BYTES
from matching.models import Camera


class SearchForm(forms.Form):
    image = forms.FileField(
        error_messages={
            "required": f"Choose, drop or paste a picture: {FORMAT_WORDS}.",
            "empty": "The file is empty. Send it again.",
        }
    )
    purpose = forms.CharField(
        max_length=300,
        error_messages={"required": "Say what the search is for: it is kept with your name."},
    )
    collections = forms.ModelMultipleChoiceField(
        Collection.objects.all(), required=False, widget=forms.CheckboxSelectMultiple
    )

    def clean_image(self) -> object:
        image = self.cleaned_data["image"]
        if image.size > MAX_BYTES:
            raise forms.ValidationError(
                f"{image.name} has {image.size / 2**20:.0f} MB; the limit is {MAX_BYTES // 2**20} MB. "
                "Send a smaller one."
            )
        return image


class AgainForm(forms.Form):
    collections = forms.ModelMultipleChoiceField(Collection.objects.all(), required=False)


class CameraForm(forms.ModelForm[Camera]):
    class Meta:
        model = Camera
        fields = ["name", "place"]
        error_messages = {"name": {"unique": "There is a camera of this name already."}}
