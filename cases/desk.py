"""A case as people work on it: who sees to it, what is noted, what is still to be done."""

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from cases.models import Case, CaseNote, CaseTask
from cases.visibility import visible, who_may, who_sees


class NotYours(Exception):
    """Somebody else wrote it; the text says so."""


def who_may_have(case: Case) -> QuerySet[User]:
    """Those to whom a case can be given: they see it and may change it."""
    return who_sees(who_may("cases.change_case"), case.collection).order_by("username")


def who_may_do(case: Case) -> QuerySet[User]:
    """Those who can be asked to do something for a case: they see it and decide on what is found of it."""
    return who_sees(who_may("matching.add_review"), case.collection).order_by("username")


def assign(case: Case, to: User | None) -> None:
    case.assigned_to = to
    case.save(update_fields=["assigned_to", "updated_at"])


def strike(note: CaseNote, user: User) -> None:
    """Take a note back, or have it stand again; it stays to be read. Raises `NotYours`."""
    if note.user_id != user.pk:
        raise NotYours("Only whoever wrote a note takes it back.")
    note.struck_at = None if note.struck_at else timezone.now()
    note.save(update_fields=["struck_at"])


def settle(task: CaseTask, user: User) -> None:
    """A task is done, or is to be done after all."""
    undone = task.done_at is not None
    task.done_at, task.done_by = (None, None) if undone else (timezone.now(), user)
    task.save(update_fields=["done_at", "done_by"])


def words(task: CaseTask) -> str:
    """A task as the trail has it: what, until when, of whom."""
    until = f" until {task.due_on:%Y-%m-%d}" if task.due_on else ""
    return f"{task}{until}, of {task.assigned_to or 'nobody'}"


def tasks(user: User) -> dict[str, QuerySet[CaseTask]]:
    """Lists of tasks of cases that this person sees: their own first."""
    seen = visible(CaseTask, user).select_related("case", "assigned_to", "done_by")
    open_ = seen.filter(done_at=None)
    return {
        "mine": open_.filter(assigned_to=user),
        "nobody": open_.filter(assigned_to=None),
        "all": open_,
        "done": seen.exclude(done_at=None).order_by("-done_at"),
    }


def due(user: User) -> QuerySet[CaseTask]:
    """What this person is to do today, or should have done."""
    mine = Q(assigned_to=user, done_at=None, due_on__lte=timezone.localdate())
    return visible(CaseTask, user).filter(mine).select_related("case")
