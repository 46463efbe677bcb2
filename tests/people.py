"""People with roles, as tests need them."""

from django.contrib.auth.models import Group, User

from cases.models import ApiToken

PASSWORD = "a-long-password"


def person(name: str, *roles: str, **fields: str) -> User:
    """Somebody who can sign in, with the roles named."""
    made = User.objects.create_user(name, password=PASSWORD, **fields)
    made.groups.set(Group.objects.filter(name__in=roles))
    return made


def api_token(user: User, *scopes: str) -> str:
    """The text of a token by which a program of theirs signs in; without scopes it may all that they may."""
    return ApiToken.issue(user, "test", list(scopes or ApiToken.Scope.values), None)[1]
