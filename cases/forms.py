from datetime import date
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from cases import codes
from cases.models import ApiToken, Case, Collection, Photo, Team
from cases.visibility import TeamsRefused, is_name_taken, sees_all, teams_after, visible


def problems(*wrong: forms.BaseForm) -> str:
    """What is wrong with forms, in one line of their own sentences."""
    return " ".join(str(error) for form in wrong for found in form.errors.values() for error in found)


class Grouped(forms.BaseForm):
    """A form whose fields stand under headings. GROUPS: the headings, by the name of the first field of each."""

    GROUPS: dict[str, str]

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields under their headings."""
        found: list[tuple[str, list[forms.BoundField]]] = []
        for field in self:
            if field.name in self.GROUPS:
                found.append((self.GROUPS[field.name], []))
            found[-1][1].append(field)
        return found


class ForUser(forms.BaseForm):
    """A form in which a person chooses only among what they see; what they don't see stays as it was."""

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
                field.queryset = visible(field.queryset, user)

    def _clean_fields(self) -> None:
        super()._clean_fields()  # type: ignore[misc]
        instance = getattr(self, "instance", None)
        if instance is None or instance.pk is None:
            return
        for name, field in self.fields.items():
            if not isinstance(field, forms.ModelChoiceField) or name not in self.cleaned_data or name == "teams":
                continue
            seen, now = cast("QuerySet[Any]", field.queryset), getattr(instance, name)
            if isinstance(field, forms.ModelMultipleChoiceField):
                self.cleaned_data[name] = [*self.cleaned_data[name], *now.exclude(pk__in=seen.values("pk"))]
            elif self.cleaned_data[name] is None and now is not None and not seen.filter(pk=now.pk).exists():
                self.cleaned_data[name] = now


class OwnedForm(ForUser):
    """A form of what teams own, with the fields `name` and `teams`."""

    cleaned_data: dict[str, Any]
    instance: Any

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        if self.instance.pk is None and not sees_all(user):
            self.initial["teams"] = list(user.teams.all())
        if self.instance.pk is not None and not sees_all(user) and not self.instance.teams.exists():
            # It is everybody's, and stays so.
            del self.fields["teams"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if is_name_taken(type(self.instance), name, self.user, self.instance if self.instance.pk else None):
            raise forms.ValidationError(f"There is a {self.instance._meta.verbose_name} of this name already.")
        return name

    def clean_teams(self) -> list[Team]:
        before = None if self.instance.pk is None else self.instance.teams.all()
        try:
            return teams_after(self.user, self.cleaned_data["teams"], before)
        except TeamsRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class CollectionForm(Grouped, OwnedForm, forms.ModelForm[Collection]):
    class Meta:
        model = Collection
        fields = [
            "name", "kind", "description", "teams", "needs_reference", "far_apart", "alert_level", "episode_seconds",
            "stop_when_confirmed", "reviewers", "needs_reason", "look_back_days", "search_days", "clip_days",
            "unnamed_days",
        ]  # fmt: skip
        widgets = {"description": forms.Textarea(attrs={"rows": 2}), "teams": forms.CheckboxSelectMultiple}

    GROUPS = {
        "name": "The collection", "needs_reference": "Searches", "alert_level": "Alerts", "reviewers": "Decisions",
        "look_back_days": "For how long",
    }  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("far_apart", "clip_days", "unnamed_days"):
            self.fields[name].required = False

    def clean_clip_days(self) -> int:
        return self.cleaned_data["clip_days"] or 0

    def clean_unnamed_days(self) -> int:
        return self.cleaned_data["unnamed_days"] or 0

    def clean_far_apart(self) -> str:
        asked: str = self.cleaned_data["far_apart"]
        return asked or self.instance.far_apart


class CaseForm(Grouped, ForUser, forms.ModelForm[Case]):
    source_url = forms.URLField(label="Source link", max_length=500, required=False, assume_scheme="https")

    class Meta:
        model = Case
        fields = [
            "collection", "number", "name", "other_names", "sex", "age_from", "age_to", "born_on", "born_from",
            "born_to", "last_seen_on", "last_seen_place", "latitude", "longitude", "circumstances", "height_from",
            "height_to", "weight_from", "weight_to", "hair", "eyes", "complexion", "race", "marks", "clothing",
            "vehicle", "languages", "category", "dental", "dna", "agency", "contact", "other_numbers", "source_url",
        ]  # fmt: skip
        widgets = {
            "last_seen_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "born_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "marks": forms.Textarea(attrs={"rows": 2}),
            "clothing": forms.Textarea(attrs={"rows": 2}),
            "circumstances": forms.Textarea(attrs={"rows": 4}),
            "hair": forms.TextInput(attrs={"list": "codes-hair"}),
            "eyes": forms.TextInput(attrs={"list": "codes-eyes"}),
            "complexion": forms.TextInput(attrs={"list": "codes-skin"}),
        }

    GROUPS = {
        "collection": "The person", "last_seen_on": "When and where", "height_from": "What they look like",
        "vehicle": "What else is known", "agency": "Who knows more",
    }  # fmt: skip

    @property
    def suggestions(self) -> dict[str, list[str]]:
        """What NCIC's tables know, to choose from or to type over."""
        tables = {"hair": codes.HAIR, "eyes": codes.EYES, "skin": codes.SKIN}
        return {name: sorted(set(table.values())) for name, table in tables.items()}


class BeginForm(ForUser, forms.Form):
    """A case begun by its photos, which come as files named `photos`."""

    collection = forms.ModelChoiceField(Collection.objects.all(), empty_label=None)


class TakenForm(forms.ModelForm[Photo]):
    class Meta:
        model = Photo
        fields = ["taken_on"]

    def clean_taken_on(self) -> date | None:
        taken: date | None = self.cleaned_data["taken_on"]
        if taken is not None and taken > timezone.localdate():
            raise forms.ValidationError("That day is still to come.")
        return taken


class ChangePhotosForm(ForUser, forms.Form):
    """Another view or kind for some of a case's photos; left empty, it stays as it is."""

    photo = forms.ModelMultipleChoiceField(
        Photo.objects.none(), error_messages={"required": "Choose the photos that are to be changed."}
    )
    kind = forms.ChoiceField(choices=[("", "Kind as it is"), *Photo.Kind.choices], required=False)
    view = forms.ChoiceField(choices=[("", "View as it is"), *Photo.View.choices], required=False)

    def __init__(self, *args: Any, case: Case, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        photos = cast("forms.ModelMultipleChoiceField[Photo]", self.fields["photo"])
        photos.queryset = visible(case.photos.all(), self.user)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if not self.errors and not found["kind"] and not found["view"]:
            raise forms.ValidationError("Choose what the photos are: a kind or a view.")
        return found


class TokenForm(forms.Form):
    name = forms.CharField(max_length=100, help_text="Which program it is for.")
    scopes = forms.MultipleChoiceField(
        choices=ApiToken.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        label="It may",
        error_messages={"required": "Say what the program may do."},
    )
    days = forms.IntegerField(min_value=1, max_value=366, initial=90, label="For days")


class QuestionForm(forms.Form):
    text = forms.CharField(max_length=300, error_messages={"required": "Say what you ask."})


class AnswerForm(forms.Form):
    answer = forms.CharField(max_length=2000, error_messages={"required": "Say what it was for."})


class HoldForm(forms.Form):
    reason = forms.CharField(max_length=300, required=False)


class EraseForm(forms.Form):
    """The case's number is typed again, for nothing brings it back."""

    number = forms.CharField(max_length=50)
    why = forms.CharField(max_length=300, error_messages={"required": "Say who asked for it."})


class LiftForm(forms.Form):
    """Whom to let come back, and why."""

    number = forms.CharField(max_length=200)
    why = forms.CharField(max_length=300)


class CloseForm(forms.Form):
    """How a case ended."""

    outcome = forms.ChoiceField(
        choices=[("", "What became of it"), *Case.Outcome.choices[1:]],
        error_messages={"required": "Say what became of the person, or of the case."},
    )
    ended_on = forms.DateField(required=False)
    reason = forms.CharField(max_length=300, required=False)

    def clean_ended_on(self) -> date | None:
        day: date | None = self.cleaned_data["ended_on"]
        if day is not None and day > timezone.localdate():
            raise forms.ValidationError("That day is still to come.")
        return day

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("outcome") == Case.Outcome.OTHER and not said.get("reason"):
            self.add_error("reason", "Say in words what became of it.")
        return said

    @property
    def words(self) -> str:
        """As the audit trail keeps it."""
        said = self.cleaned_data
        day = f"{said['ended_on']:%Y-%m-%d}" if said["ended_on"] else ""
        return ", ".join(filter(None, [Case.Outcome(said["outcome"]).label, day, said["reason"]]))


class NoteForm(forms.Form):
    text = forms.CharField(max_length=5000, error_messages={"required": "Write something first."})


class AssignForm(forms.Form):
    """Who is to see to something; empty: nobody. people: among whom to choose."""

    to = forms.CharField(max_length=150, required=False)

    def __init__(self, *args: Any, people: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people

    def clean_to(self) -> User | None:
        name = self.cleaned_data["to"]
        found = self.people.filter(username=name).first()
        if name and found is None:
            raise forms.ValidationError("Nobody of that name may see to it.")
        return found


class TaskForm(AssignForm):
    text = forms.CharField(max_length=300, error_messages={"required": "Say what is to be done."})
    due_on = forms.DateField(required=False, error_messages={"invalid": "Give the day as 2026-12-31."})
