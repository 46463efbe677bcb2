"""Thin Celery wrappers around what is done with what cameras sent."""

from celery import shared_task

from cases.tasks import BULK, URGENT, stopping


@shared_task(queue=URGENT)
def match_capture(capture_id: int) -> None:
    from matching.watching import captures

    captures.match_waiting(capture_id)


@shared_task(queue=URGENT)
def get_ready() -> None:
    from matching.watching import captures

    captures.get_ready()


@shared_task
def look_back() -> None:
    from matching.watching import newcomers

    newcomers.look_back(must_stop=stopping.is_set)


@shared_task
def look_after() -> None:
    from matching.watching import fleet

    fleet.look_after()


@shared_task(queue=BULK)
def forget() -> None:
    from matching.watching import fleet, newcomers, retention

    newcomers.close_lapsed()
    retention.forget()
    fleet.forget_counts()


@shared_task(queue=BULK)
def regroup() -> None:
    from cases import work
    from matching.unnamed import grouping

    with work.attempt("unnamed people", 0, "Unnamed people"):
        grouping.regroup(stopping.is_set)
