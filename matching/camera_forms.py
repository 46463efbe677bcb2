from typing import Any
from urllib.parse import quote, urlsplit

from django import forms
from django.core.files.base import ContentFile
from django.utils import timezone

from cases.forms import ForUser, Grouped, OwnedForm
from cases.models import Collection
from cases.visibility import is_name_taken, visible
from matching.faces import images
from matching.models import Camera, SitePlan

MAX_FRAME_BYTES = 5 * 2**20
STREAMS = ("rtsp", "rtsps", "http", "https", "mqtt", "mqtts")


class StreamField(forms.CharField):
    """The address of a stream that this machine is to watch."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=500, **kwargs,
            widget=forms.TextInput(
                attrs={"placeholder": "rtsp://name:password@10.0.0.7/stream1", "autocomplete": "off"}
            ),
        )  # fmt: skip

    def clean(self, value: Any) -> str:
        address: str = super().clean(value)
        if not address:
            return ""
        try:
            parts = urlsplit(address)
            is_stream = parts.scheme in STREAMS and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            is_stream = False
        if not is_stream:
            raise forms.ValidationError(
                f"A stream's address begins with {', '.join(f'{one}://' for one in STREAMS)} and names the camera: "
                "rtsp://10.0.0.7/stream1. The camera's handbook has its path."
            )
        if parts.scheme.startswith("mqtt") and not parts.path.strip("/"):
            raise forms.ValidationError(
                "After the broker stands a topic: mqtt://broker/frigate/<camera>/person/snapshot."
            )
        if any(letter.isspace() for letter in address):
            raise forms.ValidationError("An address has no spaces: write %20 for one.")
        return address


class SourceForm(forms.Form):
    """The address of a camera that this machine watches."""

    source = StreamField(label="Address of its stream")


class FindForm(forms.Form):
    """Cameras in the network, or the streams of one."""

    device = forms.CharField(
        label="Address of the camera", max_length=300, required=False,
        help_text="Where you know it, as 10.0.0.7. Empty: all cameras are asked who is there.",
        widget=forms.TextInput(attrs={"placeholder": "10.0.0.7", "autocomplete": "off"}),
    )  # fmt: skip
    user = forms.CharField(
        label="Its user", max_length=100, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    password = forms.CharField(
        label="Its password", max_length=200, required=False, strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def clean_device(self) -> str:
        asked: str = self.cleaned_data["device"]
        if not asked:
            return ""
        address = asked if "://" in asked else f"http://{asked}"
        try:
            parts = urlsplit(address)
            is_one = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            is_one = False
        if not is_one or any(letter.isspace() for letter in address):
            raise forms.ValidationError(f"“{asked}” is no address of a camera: write 10.0.0.7 or http://10.0.0.7:8000.")
        return str(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())

    @property
    def address(self) -> str:
        """With user and password; empty where all are asked."""
        said = self.cleaned_data
        if not said["device"] or not said["user"]:
            return str(said["device"])
        parts = urlsplit(said["device"])
        sign_in = f"{quote(said['user'], safe='')}:{quote(said['password'], safe='')}"
        return str(parts._replace(netloc=f"{sign_in}@{parts.netloc}").geturl())


class CameraForm(OwnedForm, forms.ModelForm[Camera]):
    source = StreamField(
        label="Address of its stream", required=False,
        help_text="This machine then watches it. Empty: it has a client of its own, which is paired by a code.",
    )  # fmt: skip

    class Meta:
        model = Camera
        fields = ["name", "place", "teams"]
        widgets = {"teams": forms.CheckboxSelectMultiple}


class CameraEditForm(Grouped, OwnedForm, forms.ModelForm[Camera]):
    class Meta:
        model = Camera
        fields = [
            "name", "teams", "notes", "place", "plan", "latitude", "longitude", "strangers", "visits_from", "greets",
            "preview", "thing",
        ]  # fmt: skip
        labels = {"plan": "Stands on the plan", "preview": "May be looked through"}
        widgets = {
            "notes": forms.Textarea(attrs={"rows": 4}),
            "teams": forms.CheckboxSelectMultiple,
            "greets": forms.CheckboxSelectMultiple,
        }

    GROUPS = {
        "name": "The camera", "place": "Where it stands", "strangers": "Whom it tells of", "preview": "How it is used",
    }  # fmt: skip

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        self.fields["visits_from"].required = False

    def clean_visits_from(self) -> int:
        return self.cleaned_data["visits_from"] or 1

    def clean_strangers(self) -> bool:
        strangers: bool = self.cleaned_data["strangers"]
        known = visible(Collection, self.user).filter(kind=Collection.Kind.KNOWN)
        if strangers and not known.exists():
            raise forms.ValidationError("Nobody is known yet: make a collection of known people first.")
        return strangers


class ZonesField(forms.CharField):
    """Zones, one a line, as left, top, right, bottom in fractions of the picture."""

    widget = forms.Textarea(attrs={"rows": 3, "placeholder": "0, 0.5, 1, 1"})

    def to_python(self, value: Any) -> Any:
        lines = [",".join(str(side) for side in one) for one in value] if isinstance(value, list) else None
        zones = []
        for line in lines if lines is not None else (super().to_python(value) or "").splitlines():
            if not line.strip():
                continue
            try:
                left, top, right, bottom = sides = [float(side) for side in line.split(",")]
            except ValueError:
                raise forms.ValidationError(f"“{line.strip()}” is no left, top, right, bottom.") from None
            if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
                raise forms.ValidationError(
                    f"“{line.strip()}”: sides are fractions, as 0, 0.5, 1, 1 for the lower half."
                )
            zones.append(sides)
        return zones or None

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(", ".join(f"{side:g}" for side in zone) for zone in value)


class CameraSettingsForm(forms.Form):
    """What a camera's client is asked to run. What is left empty the client decides by its own options."""

    fps = forms.FloatField(
        label="Frames a second",
        required=False,
        min_value=0.05,
        max_value=30,
        help_text="To look at; its own: as many as its machine has time for, 1 to 4.",
    )
    min_score = forms.FloatField(
        label="Detection threshold", required=False, min_value=0, max_value=1, help_text="0 to 1; its own: 0.8."
    )
    min_size = forms.IntegerField(
        label="Smallest face", required=False, min_value=0, max_value=4000, help_text="Pixels; its own: 0."
    )
    detector = forms.CharField(max_length=100, required=False, help_text="One that its client has.")
    turn = forms.TypedChoiceField(
        label="Turn the picture", required=False, coerce=int, empty_value=None,
        choices=[
            ("", "as it finds by trying"), (0, "not"), (90, "by 90°, clockwise"),
            (180, "by 180°: it hangs upside down"), (270, "by 270°, clockwise"),
        ],
    )  # fmt: skip
    sleep_from = forms.TimeField(label="Sleeps from", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    sleep_until = forms.TimeField(label="until", required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    zones = ZonesField(
        required=False, help_text="Only faces in one of them are sent: left, top, right, bottom, a line each."
    )

    def __init__(self, *args: Any, camera: Camera, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known = camera.report.get("detectors") or []
        now = camera.asked_settings
        sleep = now.get("sleep") or ["", ""]
        self.initial = {**now, "sleep_from": sleep[0], "sleep_until": sleep[1]}
        if self._known:
            choices = [("", "its own choice"), *((name, name) for name in self._known)]
            self.fields["detector"].widget = forms.Select(choices=choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("sleep_from")) != bool(cleaned.get("sleep_until")):
            self.add_error("sleep_until", "Give both times, or none.")
        detector = cleaned.get("detector")
        if detector and self._known and detector not in self._known:
            self.add_error("detector", f"Its client has {', '.join(self._known)}.")
        return cleaned

    def settings(self) -> dict[str, Any]:
        """As the client takes them."""
        said = dict(self.cleaned_data)
        begin, end = said.pop("sleep_from"), said.pop("sleep_until")
        said["sleep"] = [f"{begin:%H:%M}", f"{end:%H:%M}"] if begin else None
        said["time_zone"] = timezone.get_current_timezone_name() if begin else None
        said["detector"] = said["detector"] or None
        return said


class WalkForm(forms.Form):
    purpose = forms.CharField(max_length=300, help_text="Kept with your name and the time.")
    reference = forms.CharField(
        label="Case or tip number", max_length=100, required=False, help_text="Where a collection asks for one."
    )
    place = forms.CharField(max_length=200, help_text="Where you walk: shown on each alert.")
    minutes = forms.IntegerField(min_value=1, max_value=60, initial=30, help_text="Up to 60; begin again for more.")


class FrameForm(forms.Form):
    id = forms.UUIDField()
    image = forms.FileField()

    def clean_image(self) -> Any:
        image = self.cleaned_data["image"]
        if image.size > MAX_FRAME_BYTES:
            raise forms.ValidationError(f"A frame has at most {MAX_FRAME_BYTES // 2**20} MB.")
        return image


class PlanForm(ForUser, forms.ModelForm[SitePlan]):
    class Meta:
        model = SitePlan
        fields = ["name", "image"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if is_name_taken(SitePlan, name, self.user):
            raise forms.ValidationError("There is a plan of this name already.")
        return name

    def clean_image(self) -> Any:
        try:
            opened = images.open_image(self.cleaned_data["image"].read())
        except images.ImageRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return ContentFile(images.to_jpeg(opened.rgb), name="plan.jpg")


class PlaceOnPlanForm(ForUser, forms.Form):
    camera = forms.ModelChoiceField(Camera.objects.all())
    x = forms.FloatField(min_value=0, max_value=1)
    y = forms.FloatField(min_value=0, max_value=1)
