"""The one place that decides what exists for whom.

A model says by `belongs_to` through what it is seen: groups of lookups that lead to what teams own (a collection, a
camera, a search). A row is seen where each group has a way to something that is seen. A model that says nothing can't
be asked for: a new one that is forgotten here fails loudly, and in `tests/test_access.py`.
"""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet

from cases.models import Collection, Team, TeamOwned

Row = TypeVar("Row", bound=Model)
SEE_ALL = "cases.see_all_teams"
NOTHING = "No collection is your team's: there is nobody to search for. Ask an administrator."


def sees_all(user: User | AnonymousUser) -> bool:
    return user.has_perm(SEE_ALL)


def visible(rows: type[Row] | QuerySet[Row], user: Any) -> QuerySet[Row]:
    """Those of the rows that exist for this person. Raises `AttributeError` for a model that belongs to nobody."""
    found = rows if isinstance(rows, QuerySet) else rows._default_manager.all()
    if not user.is_authenticated:
        return found.none()
    if sees_all(user):
        return found
    model: Any = found.model
    if hasattr(model, "within"):
        return found.filter(pk__in=model.within(user).values("pk"))
    for ways in model.belongs_to:
        found = found.filter(reduce(or_, (_by(model, way, user) for way in ways)))
    return found


def counts_all(user: User) -> bool:
    """Whether there is no collection that this person does not see: only then are all cases theirs to count."""
    return sees_all(user) or visible(Collection, user).count() == Collection.objects.count()


def collections_counted(user: User) -> list[int] | None:
    """The collections whose cases are counted for somebody; None: all."""
    return None if counts_all(user) else list(visible(Collection, user).values_list("pk", flat=True))


def _by(model: Any, way: str, user: User) -> Q:
    """Whether a lookup leads to something that is seen; an alternative way leads nowhere where it is empty."""
    owner = model
    for step in way.split("__"):
        owner = owner._meta.get_field(step).related_model
    return Q(**{f"{way}__in": owner.within(user).values("pk")})


def who_sees(people: QuerySet[User], *owned: TeamOwned) -> QuerySet[User]:
    """Those of the people for whom each of these things exists, however many they are: what `visible` says, the other
    way round."""
    for one in owned:
        teams = list(one.teams.values_list("pk", flat=True))
        if teams:
            people = people.filter(Q(teams__in=teams) | Q(pk__in=who_may(SEE_ALL).values("pk")))
    return people.distinct()


def seen_to(manager: User) -> QuerySet[User]:
    """Those whom somebody who may manage people sees to: everybody, or those of their own teams."""
    if not manager.has_perm("cases.manage_people"):
        return User.objects.none()
    if sees_all(manager):
        return User.objects.all()
    return User.objects.filter(teams__in=manager.teams.all(), is_superuser=False).distinct()


def who_may(permission: str) -> QuerySet[User]:
    """Everybody who has a permission, by a role or by themselves."""
    return User.objects.with_perm(permission, backend=settings.AUTHENTICATION_BACKENDS[0])


def searchable(user: User | None, wanted: Any = ()) -> list[Collection]:
    """The collections that a search of this person goes through; an empty list: all there are.

    wanted: those they chose; none: all they see but of known people. Raises `SearchRefused` where they see none.
    """
    chosen = list(wanted)
    sought = Collection.objects.exclude(kind=Collection.Kind.KNOWN)
    if user is None or sees_all(user):
        return chosen if chosen or sought.count() == Collection.objects.count() else list(sought)
    seen = visible(Collection, user)
    found = list(seen.filter(pk__in=[one.pk for one in chosen]) if chosen else visible(sought, user))
    if not found and Collection.objects.exists():
        raise SearchRefused(NOTHING)
    return found


def teams_after(user: Any, chosen: Iterable[Team], before: Iterable[Team] | None = None) -> list[Team]:
    """Whose something is after somebody saved it. before: whose it was; None: it is new.

    Only somebody who sees all teams opens a thing to everybody or closes one that was everybody's; others choose among
    their own teams and leave the rest as it was. Raises `TeamsRefused`.
    """
    chosen = list(chosen)
    if sees_all(user):
        return chosen
    mine = set(user.teams.all())
    was = None if before is None else list(before)
    if was == [] and chosen:
        raise TeamsRefused("It is everybody's. Only somebody who sees all teams can give it to one.")
    if was == [] or (was is None and not mine):
        return []
    kept = [team for team in chosen if team in mine]
    if not kept:
        raise TeamsRefused("Choose one of your teams at least: without one everybody would see it.")
    return [*kept, *(team for team in was or [] if team not in mine)]


def is_name_taken(rows: type[Row], name: str, user: Any, but: Row | None = None) -> bool:
    """Whether another of those that this person sees has the name. What they don't see does not tell itself so."""
    found = visible(rows, user).filter(name=name)
    return found.exclude(pk=but.pk if but else None).exists()


class TeamsRefused(Exception):
    """A thing cannot be given to these teams by this person; the text says why."""


class SearchRefused(PermissionDenied):
    """Somebody may not make this search; the text says why, and what to do."""
