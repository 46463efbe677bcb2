"""People, roles and teams on pages of their own."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from cases import audit
from cases.models import AuditEvent, Collection, Notice, Team
from cases.visibility import sees_all, visible
from matching.models import Camera
from mpsite.access import ROLE_WORDS
from mpsite.people import flow
from mpsite.people.forms import InviteForm, NoticeForm, PlaceForm, TeamForm


def people(request: HttpRequest) -> HttpResponse:
    manager = audit.signed_in(request)
    context = {
        "people": flow.people(manager),
        "teams": flow.teams(manager).annotate(number=Count("members")),
        "roles": ROLE_WORDS,
        "today": timezone.localdate(),
    }
    return render(request, "people/list.html", context)


def invite(request: HttpRequest) -> HttpResponse:
    manager = audit.signed_in(request)
    form = InviteForm(request.POST or None, manager=manager)
    if request.method == "POST" and form.is_valid():
        placed = form.placed
        if not placed["to_teams"] and not sees_all(manager):
            form.add_error("teams", "Choose one of your teams at least.")
        else:
            person = flow.invite(**form.invited)
            flow.place(manager, person, **placed)
            audit.record(request, "invited", person, _placed(person))
            return _link(request, person)
    return render(request, "people/invite.html", {"form": form}, status=422 if form.errors else 200)


def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they may, with whom, by what they are signed in."""
    manager = audit.signed_in(request)
    one = _one(request, pk)
    form = PlaceForm(request.POST or None, manager=manager, person=one)
    if request.method == "POST" and form.is_valid():
        before = _placed(one)
        try:
            flow.place(manager, one, **form.placed)
        except flow.NotYours as refusal:
            form.add_error(None, str(refusal))
        else:
            after = _placed(one)
            audit.record(request, "placed", one, f"{before} → {after}" if after != before else after)
            messages.success(request, f"{one} is saved. What is open on their screens follows within seconds.")
            return redirect("person", pk)
    context = {
        "person": one,
        "form": form,
        "tokens": flow.tokens(manager).filter(user=one),
        "sessions": flow.sessions(manager).filter(user=one),
        "rows": AuditEvent.objects.filter(user=one)[:10] if manager.has_perm("cases.view_auditevent") else None,
        "now": timezone.now(),
    }
    return render(request, "people/person.html", context, status=422 if form.errors else 200)


@require_POST
def person_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link by which somebody chooses a password; it is shown once."""
    one = _one(request, pk)
    try:
        flow.check(audit.signed_in(request), one)
    except flow.NotYours as refusal:
        messages.error(request, str(refusal))
        return redirect("person", pk)
    audit.record(request, "gave sign-in link", one)
    return _link(request, one)


@require_POST
def person_switch(request: HttpRequest, pk: int) -> HttpResponse:
    one, on = _one(request, pk), request.POST.get("on") == "yes"
    try:
        flow.switch(audit.signed_in(request), one, on=on)
    except flow.NotYours as refusal:
        messages.error(request, str(refusal))
    else:
        audit.record(request, "switched on" if on else "switched off", one)
        said = "may sign in again." if on else "is signed out everywhere, and let in no more."
        messages.success(request, f"{one} {said}")
    return redirect("person", pk)


@require_POST
def person_sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    one = _one(request, pk)
    flow.check(audit.signed_in(request), one)
    number = flow.end_sessions(one)
    audit.record(request, "signed out everywhere", one, f"{number} sessions")
    messages.success(request, f"{one} is signed out in {number} place{'' if number == 1 else 's'}.")
    return redirect("person", pk)


@require_POST
def person_factors(request: HttpRequest, pk: int) -> HttpResponse:
    """For somebody who has lost their second factor."""
    one = _one(request, pk)
    try:
        flow.remove_factors(audit.signed_in(request), one)
    except flow.NotYours as refusal:
        messages.error(request, str(refusal))
    else:
        audit.record(request, "removed second factor", one)
        messages.success(request, f"{one} signs in by password alone until they set up another.")
    return redirect("person", pk)


def access(request: HttpRequest) -> HttpResponse:
    """Everybody's tokens and sessions."""
    manager = audit.signed_in(request)
    context = {
        "tokens": flow.tokens(manager).order_by("user__username", "name"),
        "sessions": flow.sessions(manager),
        "now": timezone.now(),
    }
    return render(request, "people/access.html", context)


@require_POST
def token_end(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(flow.tokens(audit.signed_in(request)), pk=pk)
    flow.check(audit.signed_in(request), token.user)
    audit.record(request, "revoked token", token)
    token.delete()
    messages.success(request, f"{token.name} of {token.user} is let in no more.")
    return _back(request, token.user_id)


@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    session: UserSession = get_object_or_404(flow.sessions(audit.signed_in(request)), pk=pk)
    flow.check(audit.signed_in(request), session.user)
    audit.record(request, "ended session", session.user, f"{session.ip}, {session.user_agent[:100]}")
    session.end()
    messages.success(request, f"{session.user} is signed out there.")
    return _back(request, session.user_id)


def team_new(request: HttpRequest) -> HttpResponse:
    return _team(request, None)


def team(request: HttpRequest, pk: int) -> HttpResponse:
    return _team(request, get_object_or_404(flow.teams(audit.signed_in(request)), pk=pk))


@require_POST
def team_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Only where nothing names it: else what it had would be everybody's."""
    one = get_object_or_404(flow.teams(audit.signed_in(request)), pk=pk)
    if one.collection_set.exists() or one.camera_set.exists():
        messages.error(request, f"{one} has collections or cameras. Give them to another team first.")
        return redirect("team", pk)
    audit.record(request, "removed", one)
    one.delete()
    return redirect("people")


def _team(request: HttpRequest, one: Team | None) -> HttpResponse:
    """A team's name, who is in it, and what its members see."""
    manager = audit.signed_in(request)
    form = TeamForm(request.POST or None, instance=one, manager=manager)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        if one is None and not sees_all(manager):
            saved.members.add(manager)
        audit.record(request, "changed" if one else "created", saved, ", ".join(form.changed_data))
        messages.success(request, f"{saved} is saved.")
        return redirect("team", saved.pk)
    context: dict[str, Any] = {"team": one, "form": form}
    if one is not None:
        context |= {
            "members": flow.people(manager).filter(teams=one),
            "collections": visible(Collection, manager).filter(teams=one),
            "cameras": visible(Camera, manager).filter(teams=one),
        }
    return render(request, "people/team.html", context, status=422 if form.errors else 200)


def notice(request: HttpRequest) -> HttpResponse:
    """What everybody accepts after signing in."""
    latest = Notice.objects.first()
    form = NoticeForm(request.POST or None, instance=latest)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        audit.record(request, "changed notice", saved, ", ".join(form.changed_data))
        messages.success(
            request, "Saved: everybody is asked at their next page." if saved.is_active else "Switched off."
        )
        return redirect("people")
    return render(request, "people/notice.html", {"form": form}, status=422 if form.errors else 200)


@method_decorator(login_not_required, name="dispatch")
class Welcome(PasswordResetConfirmView):
    """Somebody who was invited, or has lost their password, chooses one by a link that works once."""

    template_name = "people/welcome.html"
    success_url = reverse_lazy("account_login")
    reset_url_token = "set"  # noqa: S105 - a word in the address

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is set. Sign in with it.")
        audit.record_as(form.user, "chose password", form.user, "by a sign-in link", self.request.META["REMOTE_ADDR"])
        return super().form_valid(form)


def _one(request: HttpRequest, pk: int) -> User:
    return get_object_or_404(flow.people(audit.signed_in(request)), pk=pk)


def _back(request: HttpRequest, person_id: int) -> HttpResponse:
    return redirect("people-access") if request.POST.get("next") == "access" else redirect("person", person_id)


def _link(request: HttpRequest, one: User) -> HttpResponse:
    context = {"person": one, "link": request.build_absolute_uri(flow.link_of(one))}
    return render(request, "people/link.html", context)


def _placed(one: User) -> str:
    """What somebody may and with whom, for the audit trail."""
    fresh = User.objects.get(pk=one.pk)
    roles = ", ".join(role.name for role in fresh.groups.order_by("name")) or "no role"
    teams = ", ".join(found.name for found in fresh.teams.all()) or "no team"
    training = getattr(fresh, "training", None)
    return f"{roles}; {teams}{f'; training until {training.good_until}' if training else ''}"
