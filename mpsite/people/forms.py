from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db.models import Case, When
from django.utils.html import format_html

from cases.models import Notice, Team
from cases.visibility import is_name_taken
from mpsite.access import ROLE_WORDS
from mpsite.people import flow


class RolesField(forms.ModelMultipleChoiceField[Group]):
    """Roles, each with what it may, in words."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, role: Any) -> str:
        words = ROLE_WORDS.get(role.name, "made here; the administration says what it carries")
        return format_html("<b>{}</b>: {}", role.name, words)


class PlaceForm(forms.Form):
    """What somebody may do, with whom, and until when their training counts."""

    roles = RolesField(Group.objects.none(), required=False)
    teams = forms.ModelMultipleChoiceField(
        Team.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="They see what names one of their teams, and what names none.",
    )
    good_until = forms.DateField(
        label="Training counts until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="After this day they make no search. Empty: not asked for.",
    )
    note = forms.CharField(label="Which training", max_length=200, required=False)

    def __init__(self, *args: Any, manager: User, person: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = {role.pk for role in flow.roles(manager)}
        roles, teams = self.fields["roles"], self.fields["teams"]
        # From the least to the most, then those that were made here.
        order = Case(*(When(name=name, then=at) for at, name in enumerate(ROLE_WORDS)), default=len(ROLE_WORDS))
        roles.queryset = Group.objects.filter(pk__in=given).order_by(order, "name")  # type: ignore[attr-defined]
        teams.queryset = flow.teams(manager)  # type: ignore[attr-defined]
        if person is not None:
            training = getattr(person, "training", None)
            self.initial = {
                "roles": list(person.groups.all()),
                "teams": list(person.teams.all()),
                "good_until": training and training.good_until,
                "note": training.note if training else "",
            }
        else:
            self.initial = {"teams": list(manager.teams.all())}

    @property
    def placed(self) -> dict[str, Any]:
        """As `flow.place` takes it."""
        said = self.cleaned_data
        training = {"good_until": said["good_until"], "note": said["note"]}
        return {"to_roles": said["roles"], "to_teams": said["teams"], "training": training}


class InviteForm(PlaceForm):
    field_order = ["username", "first_name", "last_name", "email"]
    username = forms.CharField(
        label="Sign-in name",
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        error_messages={"required": "Give the name that they sign in with."},
    )
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    email = forms.EmailField(required=False)

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exists():
            raise forms.ValidationError("Choose another sign-in name: this one is taken.")
        return name

    @property
    def invited(self) -> dict[str, str]:
        """As `flow.invite` takes it."""
        return {name: self.cleaned_data[name] for name in ("username", "first_name", "last_name", "email")}


class TeamForm(forms.ModelForm[Team]):
    class Meta:
        model = Team
        fields = ["name"]

    def __init__(self, *args: Any, manager: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.manager = manager

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if is_name_taken(Team, name, self.manager, self.instance if self.instance.pk else None):
            raise forms.ValidationError("There is a team of this name already.")
        return name


class NoticeForm(forms.ModelForm[Notice]):
    class Meta:
        model = Notice
        fields = ["text", "is_active"]
        widgets = {"text": forms.Textarea(attrs={"rows": 8})}
