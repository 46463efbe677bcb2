"""What one shift hands over to the next: what waits and since when, what happened, who did what and has what."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.utils import timezone

from cases import desk
from cases.models import Case, CaseNote, ImportRun
from cases.visibility import visible
from matching.gallery import calibration
from matching.models import Alert, Batch, Candidate, Opinion, Review, Search, Trouble
from matching.searching import deciding

# Lines of a section; what is left is counted.
LISTED = 12
LEFT = "somebody who left"


@dataclass(frozen=True)
class Line:
    """name: what it is about. at: when it began or happened. who: whose it is, or who did it; empty: nobody, or no
    person."""

    name: str
    words: str = ""
    link: str = ""
    at: datetime | None = None
    who: str = ""
    is_late: bool = False

    @property
    def text(self) -> str:
        return ": ".join(filter(None, [self.name, self.words]))


@dataclass(frozen=True)
class Section:
    """summary: the whole in a sentence. more: how many lines were left out."""

    title: str
    summary: str
    lines: list[Line] = field(default_factory=list)
    more: int = 0


@dataclass
class Person:
    """What somebody did in that time, and has now."""

    name: str
    searches: int = 0
    words: int = 0
    confirmed: int = 0
    dismissed: int = 0
    has_alerts: int = 0
    has_cases: int = 0
    has_tasks: int = 0


@dataclass(frozen=True)
class Handover:
    """waits: what the next shift finds; empty: nothing. happened: what this one had."""

    since: datetime
    until: datetime
    waits: list[Section]
    happened: list[Section]
    people: list[Person]


def of(reader: User, since: datetime, until: datetime) -> Handover:
    """The handover of some hours, of what this reader sees. What waits is as of now."""
    reads_searches = reader.has_perm("matching.add_search") or reader.has_perm("matching.view_search")
    waits = [_open_alerts(reader), _second_words(reader), _tasks(reader), _troubles(reader), _imports_held_up(reader)]
    happened = [
        _alerts(reader, since, until),
        _leads(reader, since, until) if reads_searches else None,
        _cases(reader, since, until),
        _notes(reader, since, until),
        _searches(reader, since, until) if reads_searches else None,
        _batches(reader, since, until) if reads_searches else None,
        _imports(reader, since, until) if reader.has_perm("cases.view_importsource") else None,
        _cameras(reader, since, until),
    ]
    people = _people(reader, since, until, reads_searches)
    return Handover(since, until, list(filter(None, waits)), list(filter(None, happened)), people)


def _section(title: str, summary: str, rows: QuerySet[Any] | list[Any], line: Any) -> Section:
    number = len(rows) if isinstance(rows, list) else rows.count()
    return Section(title, summary, [line(row) for row in rows[:LISTED]], max(number - LISTED, 0))


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{number:,} {word}" for word, number in counts if number)


# What waits.


def _open_alerts(reader: User) -> Section | None:
    waiting = visible(Alert, reader).filter(status__in=Alert.OPEN).order_by("created_at")
    if not (number := waiting.count()):
        return None
    free = waiting.filter(assigned_to=None).count()
    oldest = timezone.localtime(waiting[0].created_at)
    summary = f"{_counted(number, 'alert')}, {free:,} taken by nobody; the oldest since {oldest:%-d %b %H:%M}."
    rows = waiting.select_related("case", "camera", "assigned_to")
    return _section("Alerts", summary, rows, _alert)


def _alert(alert: Alert) -> Line:
    strength = calibration.LABELS.get(alert.strength, "").lower()
    words = f"{strength or 'not measured'} {alert.similarity:.2f}"
    status = "" if alert.status == Alert.Status.NEW else f", {alert.get_status_display().lower()}"
    who = str(alert.assigned_to or "")
    name, link = f"{alert.title} at {alert.camera}", alert.get_absolute_url()
    return Line(name, words + status, link, alert.first_captured_at, who)


def _second_words(reader: User) -> Section | None:
    lists = deciding.decided(reader)
    rows = list(lists["waiting"][: LISTED + 1])
    if not rows:
        return None
    summary = f"{_counted(lists['waiting'].count(), 'lead waits', 'leads wait')} for a word."
    return _section("Leads", summary, rows, _lead)


def _lead(lead: Candidate) -> Line:
    search = lead.probe.search
    last = list(lead.opinions.all())[-1:]
    by = str(last[0].user or LEFT) if last else ""
    words = f"{lead.get_decision_display().lower()}; {search.purpose if search else ''}"
    return Line(str(lead.case), words, lead.get_absolute_url(), last[0].at if last else None, by)


def _tasks(reader: User) -> Section | None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    due = desk.tasks(reader)["all"].filter(due_on__lte=tomorrow)
    if not (number := due.count()):
        return None
    late = due.filter(due_on__lt=timezone.localdate()).count()
    summary = f"{_counted(number, 'task')} until tomorrow" + (f", {late:,} of them late." if late else ".")

    def line(task: Any) -> Line:
        when = f"late, was due {task.due_on:%-d %b}" if task.is_late else f"until {task.due_on:%-d %b}"
        link, who = task.case.get_absolute_url(), str(task.assigned_to or "")
        return Line(str(task.case), f"{task.text}, {when}", link, None, who, task.is_late)

    return _section("Tasks", summary, due, line)


def _troubles(reader: User) -> Section | None:
    rows = visible(Trouble, reader).filter(ended_at=None).select_related("camera").order_by("began_at")
    if not (number := rows.count()):
        return None
    return _section("Cameras in trouble", f"{_counted(number, 'trouble')}.", rows, _trouble)


def _trouble(trouble: Trouble) -> Line:
    ended = f", well again {timezone.localtime(trouble.ended_at):%-d %b %H:%M}" if trouble.ended_at else ""
    link = f"/cameras/{trouble.camera_id}/"
    return Line(str(trouble.camera), f"{trouble.get_kind_display().lower()}{ended}", link, trouble.began_at)


def _imports_held_up(reader: User) -> Section | None:
    if not reader.has_perm("cases.view_importsource"):
        return None
    unfinished = visible(ImportRun, reader).filter(status__in=ImportRun.UNFINISHED).select_related("source")
    if not (number := unfinished.count()):
        return None
    return _section("Imports", f"{_counted(number, 'import is', 'imports are')} not done.", unfinished, _import)


def _import(run: ImportRun) -> Line:
    did = _listed((what, count) for what, count in run.tally if what in ("new", "changed", "closed", "refused"))
    return Line(
        f"{run.source}, {run.get_status_display().lower()}",
        did or run.note,
        run.source.get_absolute_url(),
        run.started_at,
    )


# What happened.


def _alerts(reader: User, since: datetime, until: datetime) -> Section:
    came = visible(Alert, reader).filter(created_at__gte=since, created_at__lt=until)
    number = came.count()
    strengths = Counter(came.values_list("strength", flat=True))
    became: Counter[str] = Counter()
    for status, count in came.order_by().values_list("status").annotate(Count("pk")):
        became[str(Alert.Status(status).label).lower()] += count
    summary = "No alert came."
    if number:
        by_strength = _listed((label.lower(), strengths[word]) for word, label in calibration.LABELS.items())
        summary = f"{_counted(number, 'alert')} came ({by_strength}); now {_listed(became.items())}."
    sure = came.filter(status=Alert.Status.CONFIRMED).select_related("case", "camera", "assigned_to")
    return _section("Alerts", summary, sure, _alert)


def _leads(reader: User, since: datetime, until: datetime) -> Section | None:
    said = visible(Opinion, reader).filter(at__gte=since, at__lt=until, candidate__probe__search__isnull=False)
    leads = deciding.decided(reader)
    ids = said.values("candidate")
    confirmed = leads["confirmed"].filter(pk__in=ids)
    counts = [("confirmed", confirmed.count())]
    counts += [("proposed", (leads["waiting"] | leads["proposed"]).filter(pk__in=ids).count())]
    counts += [("disputed", leads["disputed"].filter(pk__in=ids).count())]
    if not any(number for _, number in counts):
        return None
    return _section("Leads", f"{_listed(counts)}.", confirmed, _lead)


def _cases(reader: User, since: datetime, until: datetime) -> Section:
    seen = visible(Case, reader).select_related("collection")
    opened = seen.filter(created_at__gte=since, created_at__lt=until).count()
    ended = seen.filter(closed_at__gte=since, closed_at__lt=until).select_related("closed_by").order_by("-closed_at")
    number = ended.count()
    outcomes: Counter[str] = Counter()
    for outcome, count in ended.order_by().values_list("outcome").annotate(Count("pk")):
        outcomes[str(Case.Outcome(outcome).label).lower()] += count
    summary = f"{_counted(opened, 'case')} opened, {number:,} closed"
    summary += f" ({_listed(outcomes.items())})." if number else "."

    def line(case: Case) -> Line:
        said = ", ".join(filter(None, [case.get_outcome_display() if case.outcome else "Closed", case.closed_reason]))
        return Line(str(case), said, case.get_absolute_url(), case.closed_at, str(case.closed_by or ""))

    return _section("Cases", summary, ended, line)


def _notes(reader: User, since: datetime, until: datetime) -> Section | None:
    rows = visible(CaseNote, reader).filter(at__gte=since, at__lt=until, struck_at=None).select_related("case", "user")
    if not (number := rows.count()):
        return None

    def line(note: CaseNote) -> Line:
        link, who = note.case.get_absolute_url(), str(note.user or LEFT)
        return Line(str(note.case), note.text[:300], link, note.at, who)

    return _section("Notes", f"{_counted(number, 'note')}.", rows, line)


def _searches(reader: User, since: datetime, until: datetime) -> Section:
    rows = visible(Search, reader).filter(created_at__gte=since, created_at__lt=until).exclude(image="")
    number = rows.count()

    def line(search: Search) -> Line:
        words = ", ".join(filter(None, [search.purpose, search.reference]))
        return Line(words, "", search.get_absolute_url(), search.created_at, str(search.user or LEFT))

    summary = f"{_counted(number, 'search', 'searches')}." if number else "Nobody searched."
    return _section("Searches", summary, rows.select_related("user"), line)


def _batches(reader: User, since: datetime, until: datetime) -> Section | None:
    rows = visible(Batch, reader).filter(created_at__lt=until).exclude(finished_at__lt=since)
    rows = rows.exclude(status=Batch.Status.COLLECTING).exclude(source__isnull=False, finished_at__isnull=False)
    if not (number := rows.count()):
        return None

    def line(batch: Batch) -> Line:
        words = f"{batch.get_status_display().lower()}, {batch.done:,} of {batch.total:,}"
        link, who = batch.get_absolute_url(), str(batch.search.user or LEFT)
        return Line(batch.search.purpose, words, link, batch.created_at, who)

    return _section("Batches", f"{_counted(number, 'batch', 'batches')}.", rows.select_related("search__user"), line)


def _imports(reader: User, since: datetime, until: datetime) -> Section | None:
    rows = visible(ImportRun, reader).filter(started_at__lt=until, finished_at__gte=since, finished_at__lt=until)
    if not (number := rows.count()):
        return None
    return _section("Imports", f"{_counted(number, 'import')} ended.", rows.select_related("source"), _import)


def _cameras(reader: User, since: datetime, until: datetime) -> Section | None:
    rows = visible(Trouble, reader).filter(began_at__lt=until).exclude(ended_at=None).exclude(ended_at__lt=since)
    if not (number := rows.count()):
        return None
    summary = f"{_counted(number, 'trouble')} that ended."
    return _section("Cameras", summary, rows.select_related("camera"), _trouble)


def _people(reader: User, since: datetime, until: datetime, reads_searches: bool) -> list[Person]:
    people: dict[str, Person] = {}

    def add(what: str, rows: QuerySet[Any], who: str) -> None:
        named = rows.exclude(**{who: None}).order_by().values_list(f"{who}__username").annotate(number=Count("pk"))
        for name, number in named:
            setattr(people.setdefault(name, Person(name)), what, number)

    when = {"at__gte": since, "at__lt": until}
    said = visible(Review, reader).filter(**when)
    if reads_searches:
        add("searches", visible(Search, reader).filter(created_at__gte=since, created_at__lt=until), "user")
        add("words", visible(Opinion, reader).filter(**when).exclude(word=""), "user")
    add("confirmed", said.filter(status=Review.Word.CONFIRMED), "user")
    add("dismissed", said.filter(status=Review.Word.DISMISSED), "user")
    add("has_alerts", visible(Alert, reader).filter(status__in=Alert.OPEN), "assigned_to")
    add("has_cases", visible(Case, reader).filter(status=Case.Status.OPEN), "assigned_to")
    add("has_tasks", desk.tasks(reader)["all"], "assigned_to")
    return sorted(people.values(), key=lambda one: one.name)
