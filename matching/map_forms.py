"""What somebody wants to see on the map, and where they look."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from cases.forms import ForUser
from cases.models import Case, Collection
from matching import places
from matching.models import SitePlan

SPANS = [("1", "A day"), ("7", "A week"), ("30", "A month"), ("365", "A year"), ("", "Ever")]
LABELS = {"days": "How far back", "collection": "Collection", "strength": "Likeness", "plan": "Where"}
STRENGTHS = [("", "Any likeness"), ("strong", "Strong"), ("fair", "Fair"), ("weak", "Weak")]


class MapForm(ForUser, forms.Form):
    """Everything is optional: without it the whole world, with all that may be seen there. A plan of a site is shown
    whole."""

    show = forms.MultipleChoiceField(choices=list(places.KINDS.items()), required=False)
    days = forms.ChoiceField(
        choices=SPANS, required=False, help_text="How many days back alerts, sightings and searches go."
    )
    since = forms.DateTimeField(
        required=False, help_text="Alerts, sightings and searches from then on, instead of `days`."
    )
    until = forms.DateTimeField(required=False, help_text="Alerts, sightings and searches until then.")
    collection = forms.ModelChoiceField(Collection.objects.all(), required=False, empty_label="All collections")
    strength = forms.ChoiceField(choices=STRENGTHS, required=False)
    case = forms.ModelChoiceField(Case.objects.all(), required=False, help_text="One person alone.")
    plan = forms.ModelChoiceField(
        SitePlan.objects.all(),
        required=False,
        empty_label="The world",
        help_text="A plan of a site, on which cameras, alerts and sightings stand, instead of a window of the world.",
    )
    west = forms.FloatField(min_value=-540, max_value=540, required=False, help_text="Degrees; beyond 180 it goes on.")
    east = forms.FloatField(min_value=-540, max_value=540, required=False)
    south = forms.FloatField(min_value=-90, max_value=90, required=False)
    north = forms.FloatField(min_value=-90, max_value=90, required=False)
    zoom = forms.IntegerField(
        min_value=0, max_value=20, required=False, help_text="0: the world in 256 pixels; each more doubles that."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, words in LABELS.items():
            self.fields[name].widget.attrs["aria-label"] = words
        if not self.user.has_perm("matching.view_camera"):
            self.fields["plan"] = forms.ModelChoiceField(SitePlan.objects.none(), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = self.cleaned_data
        for low, high in (("west", "east"), ("south", "north"), ("since", "until")):
            one, other = cleaned.get(low), cleaned.get(high)
            if one is not None and other is not None and one > other:
                self.add_error(low, f"{low.capitalize()} lies beyond {high}.")
        return cleaned

    def window(self) -> places.Window:
        given = {name: self.cleaned_data[name] for name in ("west", "south", "east", "north", "zoom")}
        return places.Window(**{name: value for name, value in given.items() if value is not None})

    def asked(self) -> places.Asked:
        said = self.cleaned_data
        since = said["since"]
        if since is None and said["days"]:
            since = timezone.now() - timedelta(days=int(said["days"]))
        return places.Asked(
            kinds=tuple(said["show"]) or tuple(places.KINDS),
            since=since,
            until=said["until"],
            collection=said["collection"],
            strength=said["strength"],
            case=said["case"],
            plan=said["plan"],
        )
