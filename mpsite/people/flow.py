"""People who use Sightline: who may see to whom, and what is done: invited, given roles and teams, switched off.

Whoever sees all teams sees to everybody. Others who may manage people see to those of their own teams, give roles that
carry no more than their own, and teams that they are in; so nobody lifts themselves or a friend above themselves.
"""

from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from cases.models import ApiToken, Team, Training
from cases.visibility import SEE_ALL, seen_to, sees_all, visible


class NotYours(PermissionDenied):
    """Something about a person is not this manager's to change; the text says what."""


def people(manager: User) -> QuerySet[User]:
    """Those whom somebody sees to, with whether they have a second factor (`has_factor`)."""
    found = (
        seen_to(manager)
        .order_by("username")
        .annotate(has_factor=Exists(Authenticator.objects.filter(user=OuterRef("pk"))))
    )
    return found.prefetch_related("groups", "teams").select_related("training")


def teams(manager: User) -> QuerySet[Team]:
    return visible(Team, manager)


def roles(manager: User) -> list[Group]:
    """The roles that somebody may give and take."""
    every = Group.objects.order_by("name").prefetch_related("permissions__content_type")
    if manager.is_superuser:
        return list(every)
    own = manager.get_all_permissions()
    return [role for role in every if _carried(role) <= own and (sees_all(manager) or SEE_ALL not in _carried(role))]


def _carried(role: Group) -> set[str]:
    return {f"{one.content_type.app_label}.{one.codename}" for one in role.permissions.all()}


def check(manager: User, person: User) -> None:
    """Raises `NotYours` for a person who may more than whoever would change them."""
    if person.is_superuser and not manager.is_superuser:
        raise NotYours(f"{person} is a superuser: only another superuser changes that account.")
    above = set(person.groups.all()) - set(roles(manager))
    if above:
        named = ", ".join(sorted(role.name for role in above))
        raise NotYours(f"{person} is {named}, which is more than your own role carries.")


def invite(username: str, *, first_name: str, last_name: str, email: str) -> User:
    """An account without a password, which the person chooses by the link of `link_of`; its roles and teams are given
    by `place`."""
    person = User(username=username, first_name=first_name, last_name=last_name, email=email)
    person.set_unusable_password()
    person.save()
    return person


def place(
    manager: User, person: User, *, to_roles: Iterable[Group], to_teams: Iterable[Team], training: dict[str, Any]
) -> None:
    """Give roles and teams; those that are not this manager's to give or take stay. Raises `NotYours`."""
    check(manager, person)
    wanted, own_teams = list(to_teams), set(teams(manager))
    with transaction.atomic():
        keep = [team for team in person.teams.all() if team not in own_teams]
        if not sees_all(manager) and not wanted and not keep:
            raise NotYours("Choose one of your teams at least; to send somebody away, switch the account off.")
        person.groups.set(to_roles)
        person.teams.set([*keep, *wanted])
        if training["good_until"] is None:
            Training.objects.filter(user=person).delete()
        else:
            Training.objects.update_or_create(user=person, defaults=training)


def link_of(person: User) -> str:
    """A path by which a person chooses a password, once, within three days."""
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("welcome", args=[uid, default_token_generator.make_token(person)])


def switch(manager: User, person: User, *, on: bool) -> None:
    """Let a person in, or no more: then their sessions and tokens end as well. Raises `NotYours`."""
    check(manager, person)
    if person == manager:
        raise NotYours("That is your own account. Somebody else switches it off.")
    person.is_active = on
    person.save(update_fields=["is_active"])
    if not on:
        end_sessions(person)
        ApiToken.objects.filter(user=person).delete()


def end_sessions(person: User) -> int:
    """Sign a person out everywhere. Returns from how many places."""
    sessions = UserSession.objects.purge_and_list(person)
    for session in sessions:
        session.end()
    return len(sessions)


def remove_factors(manager: User, person: User) -> None:
    """Let somebody who has lost their second factor set up another. Raises `NotYours`."""
    check(manager, person)
    Authenticator.objects.filter(user=person).delete()


def tokens(manager: User) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(user__in=people(manager).values("pk")).select_related("user")


def sessions(manager: User) -> QuerySet[UserSession]:
    found: QuerySet[UserSession] = UserSession.objects.filter(user__in=people(manager).values("pk"))
    return found.select_related("user").order_by("-last_seen_at")
