"""All that happened to a case, the latest first: by people, cameras, searches and sources, as one reader may see it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Q, Window
from django.db.models.functions import Coalesce, Rank
from django.urls import reverse

from cases.models import AuditEvent, Case, Photo
from cases.visibility import visible
from matching.models import Alert, AlertComment, Candidate, CasePair, Opinion, Review

# What a reader may choose to see, in their words.
KINDS = {
    "case": "Case and photos",
    "searches": "Searches and leads",
    "cameras": "Cameras",
    "desk": "Notes and tasks",
    "taken": "Taken along",
}
# Of the trail what happened to the case itself. Who looked is for auditors; decisions have rows of their own.
TRAIL = {
    "created": ("case", "Case opened"),
    "changed": ("case", "Case changed"),
    "closed": ("case", "Case closed"),
    "changed outcome": ("case", "Outcome put right"),
    "reopened": ("case", "Case reopened"),
    "held": ("case", "Legal hold"),
    "ended hold": ("case", "Legal hold ended"),
    "changed photo": ("case", "Photo changed"),
    "removed photo": ("case", "Photo removed"),
    "attached photo": ("case", "Photo given to the case"),
    "chose face": ("case", "Said which face is the person"),
    "checked photo": ("case", "Photo checked"),
    "looked around": ("searches", "Looked around an alert"),
    "looked back": ("searches", "Looked for in what was seen before"),
    "added web source": ("searches", "Watched on the web"),
    "removed web source": ("searches", "No longer watched on the web"),
    "said place": ("case", "Said which place it is"),
    "assigned": ("desk", "Given"),
    "removed task": ("desk", "Task removed"),
    "exported": ("taken", "Taken along"),
    "printed lead": ("taken", "Lead printed"),
    "took along lead": ("taken", "Lead taken along"),
    "downloaded photo": ("taken", "Photo downloaded"),
}
SOMEBODY = "somebody who left"


@dataclass(frozen=True)
class Happening:
    """who: a username; empty: no person, as a camera or a source. picture: its address; empty: none."""

    at: datetime
    kind: str
    what: str
    who: str = ""
    words: str = ""
    link: str = ""
    picture: str = ""
    is_struck: bool = False


def of(case: Case, reader: User, kind: str = "", before: datetime | None = None, most: int = 30) -> list[Happening]:
    """What happened to a case before a moment, at most so many, the latest first.

    kind: of `KINDS`; empty: all of them. Of a proposal that waits for the reader's own word nobody's note is told.
    """
    happened = list(_trail(case, kind, before, most))
    for name, sources in SOURCES.items():
        if name == "cameras" and not reader.has_perm("matching.view_alert"):
            continue
        for source in sources if kind in ("", name) else []:
            happened += source(case, reader, before, most)
    ordered = sorted(happened, key=lambda one: one.at, reverse=True)
    # What happened at the same moment stays on one page, for the next begins before it.
    return [one for number, one in enumerate(ordered) if number < most or one.at == ordered[most - 1].at]


def _latest(rows: Any, when: str, before: datetime | None, most: int) -> Any:
    """The latest so many rows, and those of the same moment as the last of them."""
    rows = rows.filter(**{f"{when}__lt": before}) if before else rows
    place = Window(Rank(), order_by=F(when).desc())
    return rows.annotate(place=place).filter(place__lte=most).order_by(F(when).desc(), "-pk")


def _reads_searches(reader: User) -> bool:
    return reader.has_perm("matching.add_search") or reader.has_perm("matching.view_search")


def _trail(case: Case, kind: str, before: datetime | None, most: int) -> Iterator[Happening]:
    told = [action for action, (of_kind, _) in TRAIL.items() if kind in ("", of_kind)]
    rows = AuditEvent.objects.filter(target_type="case", target_id=str(case.pk), action__in=told)
    for row in _latest(rows, "at", before, most):
        of_kind, what = TRAIL[row.action]
        yield Happening(row.at, of_kind, what, "" if row.user_id is None else row.username, row.why)


def _imported(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    """What an import opened: of that the trail has no row."""
    source = case.imported_from.select_related("source").first()
    by_hand = AuditEvent.objects.filter(target_type="case", target_id=str(case.pk), action="created")
    if source and (before is None or case.created_at < before) and not by_hand.exists():
        yield Happening(case.created_at, "case", "Case opened", words=f"by the import of {source.source}")


def _photos(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    """Photos that came together are one happening: so all are read, and a page never ends within them."""
    if not reader.has_perm("cases.view_photo"):
        return
    rows = case.photos.select_related("uploaded_by").order_by("-created_at", "-pk")

    def together(photo: Photo) -> tuple[object, datetime]:
        return photo.uploaded_by, photo.created_at.replace(second=0, microsecond=0)

    for (who, _), group in groupby(rows, together):
        photos = list(group)
        if before and photos[0].created_at >= before:
            continue
        shown = next((photo for photo in photos if photo.display), None)
        what = "Photo added" if len(photos) == 1 else f"{len(photos)} photos added"
        picture = reverse("photo", args=[shown.pk]) if shown else ""
        names = ", ".join(photo.filename for photo in photos[:3] if photo.filename)
        yield Happening(photos[0].created_at, "case", what, str(who or ""), names, picture=picture)


def _candidates(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    """Searches in which the case was a candidate worth a look, by the most alike of their faces."""
    if not _reads_searches(reader):
        return
    rows = visible(Candidate, reader).filter(case=case, probe__search__isnull=False)
    best = rows.exclude(strength="weak").order_by("probe__search_id", "-similarity").distinct("probe__search_id")
    rows = Candidate.objects.filter(pk__in=best.values("pk")).annotate(
        came=Coalesce("found_at", "probe__search__created_at")
    )
    for row in _latest(rows.select_related("probe__search__user"), "came", before, most):
        search = row.probe.search
        said = f"{row.strength or 'not measured'} {row.similarity:.2f}, rank {row.rank}: {search.purpose}"
        by, picture = str(search.user or SOMEBODY), reverse("probe", args=[row.probe_id])
        yield Happening(row.came, "searches", "Candidate of a search", by, said, row.get_absolute_url(), picture)


def _opinions(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    if not _reads_searches(reader):
        return
    rows = visible(Opinion, reader).filter(candidate__case=case, candidate__probe__search__isnull=False)
    spoken = set(rows.filter(user=reader).exclude(word="").values_list("candidate", flat=True))
    for row in _latest(rows.select_related("user", "candidate__probe"), "at", before, most):
        waits = row.candidate.decision == Candidate.Decision.POSSIBLE and row.candidate_id not in spoken
        note = "its note is yours to read once you have said your own word" if waits and row.note else row.note
        link = row.candidate.get_absolute_url()
        picture = reverse("probe", args=[row.candidate.probe_id])
        yield Happening(row.at, "searches", row.get_word_display(), str(row.user or SOMEBODY), note, link, picture)


def _pairs(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    rows = visible(CasePair, reader).filter(Q(first=case) | Q(second=case), decided_at__isnull=False)
    for row in _latest(rows.exclude(decision="").select_related("first", "second"), "decided_at", before, most):
        other = row.other(case.pk)
        what = f"{row.get_decision_display()}: {other.display_name} ({other.number})"
        yield Happening(row.decided_at, "searches", what, row.who, row.reason, other.get_absolute_url())


def _alerts(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    rows = visible(Alert, reader).filter(case=case).select_related("camera", "best_capture__probe")
    for row in _latest(rows, "first_captured_at", before, most):
        picture = reverse("probe", args=[row.best_capture.probe.pk])
        said = f"{row.strength or 'not measured'} {row.similarity:.2f}; {row.get_status_display().lower()}"
        yield Happening(
            row.first_captured_at, "cameras", f"Seen by {row.camera}", "", said, row.get_absolute_url(), picture
        )


def _reviews(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    rows = visible(Review, reader).filter(alert__case=case)
    spoken = set(rows.filter(user=reader).values_list("alert", flat=True))
    for row in _latest(rows.select_related("user", "alert__camera"), "at", before, most):
        waits = row.alert.status == Alert.Status.PROPOSED and row.alert_id not in spoken
        said = "" if waits else ": ".join(filter(None, [row.get_reason_display() if row.reason else "", row.note]))
        what = f"{row.get_status_display()}, {row.alert.camera}"
        yield Happening(row.at, "cameras", what, str(row.user or SOMEBODY), said, row.alert.get_absolute_url())


def _comments(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    rows = visible(AlertComment, reader).filter(alert__case=case).select_related("user", "alert__camera")
    for row in _latest(rows, "at", before, most):
        what, link = f"Said of {row.alert.camera}", row.alert.get_absolute_url()
        yield Happening(row.at, "cameras", what, str(row.user or SOMEBODY), row.text, link)


def _notes(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    for row in _latest(case.notes.select_related("user"), "at", before, most):
        struck = row.struck_at is not None
        yield Happening(row.at, "desk", "Note", str(row.user or SOMEBODY), row.text, is_struck=struck)


def _tasks(case: Case, reader: User, before: datetime | None, most: int) -> Iterator[Happening]:
    rows = case.tasks.select_related("made_by", "done_by", "assigned_to")
    for row in _latest(rows.filter(done_at__isnull=False), "done_at", before, most):
        yield Happening(row.done_at, "desk", "Task done", str(row.done_by or SOMEBODY), row.text)
    for row in _latest(rows, "made_at", before, most):
        until = f"until {row.due_on:%-d %b %Y}" if row.due_on else ""
        said = ", ".join(filter(None, [row.text, str(row.assigned_to or ""), until]))
        yield Happening(row.made_at, "desk", "Task", str(row.made_by or SOMEBODY), said)


Source = Callable[[Case, User, datetime | None, int], Iterator[Happening]]
SOURCES: dict[str, list[Source]] = {
    "case": [_imported, _photos],
    "searches": [_candidates, _opinions, _pairs],
    "cameras": [_alerts, _reviews, _comments],
    "desk": [_notes, _tasks],
}
