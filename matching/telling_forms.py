"""Forms of who is told of what, and of the servers by which they are told."""

from datetime import time
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib.auth.models import User
from django.forms import BoundField
from django.utils import timezone

from cases.forms import ForUser
from cases.models import Case
from cases.visibility import visible
from matching.models import Subscription
from matching.telling import outward, servers
from matching.telling.ways import check_host


class SubscriptionForm(ForUser, forms.ModelForm[Subscription]):
    class Meta:
        model = Subscription
        fields = [
            "address", "name", "strength", "only_mine", "collection", "case", "camera", "place", "hours_from",
            "hours_until", "wait_minutes", "digest_minutes", "handover_times", "with_pictures", "visitors",
            "operations", "is_active",
        ]  # fmt: skip
        widgets = {
            "address": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "hours_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "hours_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    case = forms.CharField(
        required=False, max_length=50, label="Only this case", help_text="Its number; empty: every case."
    )

    # What is asked, in three questions; of each the fields that most people leave as they are.
    QUESTIONS = (
        ("Where?", ("address",), ("name", "with_pictures", "is_active")),
        ("Of what?", ("strength", "only_mine"), (
            "collection", "case", "camera", "place", "visitors", "operations", "handover_times",
        )),
        ("When?", ("hours_from", "hours_until"), ("wait_minutes", "digest_minutes")),
    )  # fmt: skip

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        if self.instance.user_id != user.pk:
            self.fields["only_mine"].label = f"only cases that {self.instance.user} sees to"
        if not self.instance.pk:
            del self.fields["is_active"]
        else:
            # Never shown again; left empty, it stays.
            self.initial["address"] = ""
            self.initial["case"] = self.instance.case.number if self.instance.case else ""
            self.fields["address"].required = False
            self.fields["address"].help_text = "Kept sealed. Left empty, it stays as it is."
            if self.instance.way == Subscription.Way.BROWSER:
                del self.fields["address"]

    @property
    def questions(self) -> list[tuple[str, list[BoundField], list[BoundField], bool]]:
        """Each with its fields, its folded ones, and whether those are to be seen."""
        found = []
        for title, plain, folded in self.QUESTIONS:
            shown, hidden = ([self[name] for name in names if name in self.fields] for names in (plain, folded))
            is_open = any(map(_is_said, hidden))
            found.append((title, shown, hidden, is_open))
        return found

    def clean_address(self) -> str:
        """As it is kept; another one has to be confirmed by its owner, where anybody could have typed it."""
        address: str = self.cleaned_data["address"]
        if not address:
            return str(self.instance.address)
        try:
            address = outward.check(address)
        except outward.AddressRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        self.instance.way = outward.kind(address)
        is_own = self.instance.user_id == self.user.pk
        self.instance.set_by = None if is_own else self.user
        self.instance.confirmed_at = timezone.now() if is_own and not self.instance.needs_code else None
        return address

    def clean_name(self) -> str:
        """Empty: told by its address, as much of that as its owner needs."""
        name: str = self.cleaned_data["name"].strip()
        if address := "" if name else self.cleaned_data.get("address", ""):
            name = servers.masked(address) if self.instance.needs_code else address.split(":", 1)[0].capitalize()
        return name or self.instance.name

    def clean_case(self) -> Case | None:
        number = self.cleaned_data["case"]
        if not number:
            return None
        found = visible(Case, self.user).filter(number=number)
        if len(found) != 1:
            raise forms.ValidationError("No case has this number." if not found else "Several cases have this number.")
        return found[0]

    def clean_handover_times(self) -> str:
        """Times of day in order, however they were parted."""
        typed = self.cleaned_data["handover_times"].replace(",", " ").replace(";", " ").split()
        try:
            times = sorted({time.fromisoformat(one if ":" in one else f"{int(one):02}:00") for one in typed})
        except ValueError as problem:
            raise forms.ValidationError("Give times of day, as 06:00 14:00 22:00.") from problem
        found = " ".join(f"{one:%H:%M}" for one in times)
        if found != self.instance.handover_times:
            # Not of a shift that ended before.
            self.instance.handover_set_at = timezone.now()
        return found

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if bool(cleaned.get("hours_from")) != bool(cleaned.get("hours_until")):
            self.add_error("hours_until", "Give both times, or none.")
        return cleaned


def _is_said(field: BoundField) -> bool:
    """Whether something stands in a field that is not there by itself, or something is wrong with it."""
    by_itself = (True,) if field.name == "is_active" else (None, "", False, 0, "0")
    return bool(field.errors) or field.value() not in by_itself


class _ServerForm(forms.Form):
    """Secrets are not shown; left empty they stay as they were, for the same account at the same place only."""

    SECRETS: tuple[str, ...]
    KEPT_WHILE: tuple[str, ...]

    def __init__(self, data: Any = None, *, kept: dict[str, Any], auto_id: str) -> None:
        shown = {name: value for name, value in kept.items() if name not in self.SECRETS}
        super().__init__(data, initial=shown, auto_id=auto_id)
        self.kept = kept

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if all(said.get(name) == self.kept.get(name) for name in self.KEPT_WHILE):
            said |= {name: self.kept.get(name, "") for name in self.SECRETS if not said.get(name)}
        return said


class MailServerForm(_ServerForm):
    """By which server this installation's own mail leaves."""

    SECRETS, KEPT_WHILE = ("password",), ("host", "user")

    host = forms.CharField(label="Server", max_length=253, help_text="smtp.agency.example")
    security = forms.ChoiceField(choices=servers.SECURITY)
    port = forms.IntegerField(min_value=1, max_value=65535, initial=587)
    user = forms.CharField(label="Name to sign in with", max_length=200, required=False, help_text="Empty: none.")
    password = forms.CharField(
        max_length=500, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    sender = forms.EmailField(label="From", help_text="The address that messages come from.")

    def clean_host(self) -> str:
        host: str = self.cleaned_data["host"].strip()
        try:
            check_host(host)
        except outward.AddressRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return host

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if said.get("user") and not said.get("password"):
            self.add_error("password", "Give the password of that name.")
        if said.get("user") and said.get("security") == "none":
            self.add_error("security", "A password does not leave without encryption. Choose STARTTLS or TLS.")
        return said


class SmsServiceForm(_ServerForm):
    """By which service this installation's own text messages leave."""

    SECRETS, KEPT_WHILE = ("secret", "address"), ("service", "account")

    service = forms.ChoiceField(choices=[(name, words) for name, (words, *_) in servers.SMS.items()])
    account = forms.CharField(max_length=200, required=False, help_text="Account SID, API key, plan or access key.")
    secret = forms.CharField(
        max_length=500,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Auth token, API secret or secret key.",
    )
    sender = forms.CharField(
        max_length=50, required=False, help_text="The number or name that messages come from; of Amazon SNS the region."
    )
    address = forms.CharField(
        label="Its Apprise address",
        max_length=500,
        required=False,
        help_text="Only of another service: with {to} where the number stands.",
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        service = said.get("service", "")
        if service == "other" and "{to}" not in said.get("address", ""):
            self.add_error("address", "Write {to} where the number is to stand.")
        needed = servers.SMS[service][2] if service else ()
        for name, words in zip(("account", "secret", "sender"), needed, strict=False):
            if not said.get(name):
                self.add_error(name, f"{servers.SMS[service][0]} needs it: {words}.")
        if service and not self.errors:
            try:
                servers.check_sms(said)
            except outward.AddressRefused as refusal:
                self.add_error("address" if service == "other" else "sender", str(refusal))
        return said


class PushForm(forms.Form):
    """What a browser says of its push service."""

    endpoint = forms.URLField(max_length=1000, assume_scheme="https")
    keys = forms.JSONField()
    name = forms.CharField(max_length=100)

    def clean_endpoint(self) -> str:
        endpoint: str = self.cleaned_data["endpoint"]
        try:
            check_host(urlsplit(endpoint).hostname or "")
        except outward.AddressRefused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return endpoint

    def clean_keys(self) -> dict[str, str]:
        keys = self.cleaned_data["keys"]
        if not isinstance(keys, dict) or not all(isinstance(keys.get(name), str) for name in ("p256dh", "auth")):
            raise forms.ValidationError("The browser's keys are missing.")
        return {name: keys[name][:200] for name in ("p256dh", "auth")}
