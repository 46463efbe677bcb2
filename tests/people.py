"""People with roles, as tests need them."""

from django.contrib.auth.models import Group, User

PASSWORD = "a-long-password"


def person(name: str, *roles: str, **fields: str) -> User:
    """Somebody who can sign in, with the roles named."""
    made = User.objects.create_user(name, password=PASSWORD, **fields)
    made.groups.set(Group.objects.filter(name__in=roles))
    return made
