"""A legal hold binds whoever deletes, by whichever way: pages, the API, the administration, a program."""

from typing import Any

from django.db.models import ProtectedError
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from cases.models.case import Case
from cases.models.photo import Photo


def words(thing: Any) -> str:
    """Which hold keeps a thing, in words; empty where none does."""
    case = thing if isinstance(thing, Case) else getattr(thing, "case", None)
    if not isinstance(case, Case) or not case.held_at:
        return ""
    return f"{case.number} is under a legal hold: {case.held_reason}"


@receiver(pre_delete, sender=Case)
@receiver(pre_delete, sender=Photo)
def _keep_held(sender: Any, instance: Any, **kwargs: Any) -> None:
    if said := words(instance):
        raise ProtectedError(said, {instance})
