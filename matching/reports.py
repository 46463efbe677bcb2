"""Questions that people ask of what is kept: how many, when, where, by whom. Each answer is a table of whoever asks."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Avg, Case, CharField, Count, F, FloatField, Max, QuerySet, Sum, Value, When
from django.db.models import functions as fn
from django.db.models.functions import Cast, NullIf
from django.utils import timezone

from cases.models import Case as Person
from cases.models import Photo
from cases.nearness import Place, within
from cases.visibility import visible
from matching.gallery import calibration
from matching.models import Alert, CameraMinute, Capture, Opinion, Review, Search

MOST_ROWS, MOST_LINES = 5000, 8
STEPS = {
    "": "All together", "hour": "Hour", "day": "Day", "week": "Week", "month": "Month", "time": "Hour of the day",
    "weekday": "Day of the week",
}  # fmt: skip
TRUNCATED = {"hour": fn.TruncHour, "day": fn.TruncDay, "week": fn.TruncWeek, "month": fn.TruncMonth}
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
# What a group's values are called, where that is not how they are kept.
WORDS: dict[str, dict[Any, str]] = {
    "strength": calibration.LABELS,
    "status": {value: str(label) for value, label in Alert.Status.choices},
    "kind": {value: str(label) for value, label in Alert.Kind.choices},
    "word": {value: str(label) for value, label in [*Review.Word.choices, *Opinion.Word.choices]},
    "capture": {value: str(label) for value, label in Capture.Status.choices},
    "case": {value: str(label) for value, label in Person.Status.choices},
    "sex": {value: str(label) for value, label in Person.Sex.choices},
}
NUMBER = Count("pk")


@dataclass(frozen=True)
class Group:
    """value: a lookup or an expression. words: which of `WORDS` name its values."""

    label: str
    value: Any
    words: str = ""


@dataclass(frozen=True)
class Subject:
    """rows: those that exist for somebody. at: the time by which they are counted. measures: what is counted, the first
    is drawn. camera, collection: the way to those, where a report is narrowed to one; up, right: to coordinates."""

    label: str
    permission: str
    rows: Callable[[Any], QuerySet[Any]]
    at: str
    groups: dict[str, Group]
    measures: dict[str, Any] = field(default_factory=lambda: {"Number": NUMBER})
    camera: str = ""
    collection: str = ""
    up: str = ""
    right: str = ""


CAMERA = {"camera": Group("Camera", "camera__name"), "place": Group("Place", "camera__place")}
POINT = {"up": "camera__latitude", "right": "camera__longitude"}
RETURNING = Case(
    When(visits=1, then=Value("New")), When(visits__gt=1, then=Value("Returning")), default=Value("Not counted")
)
FRAMES = NullIf(Sum("frames"), 0)

SUBJECTS = {
    "alerts": Subject(
        "Alerts", "matching.view_alert", lambda user: visible(Alert, user), "first_captured_at",
        {**CAMERA, "collection": Group("Collection", "case__collection__name"),
         "strength": Group("Likeness", "strength", "strength"), "status": Group("State", "status", "status"),
         "kind": Group("Kind", "kind", "kind"), "visitor": Group("Visitor", RETURNING)},
        {"Alerts": NUMBER, "Captures in them": Sum("capture_count")}, "camera", "case__collection", **POINT,
    ),
    "decisions": Subject(
        "Decisions on alerts", "matching.view_alert", lambda user: visible(Review, user).exclude(status="new"), "at",
        {"reviewer": Group("Reviewer", "user__username"), "word": Group("Word", "status", "word"),
         "camera": Group("Camera", "alert__camera__name"), "place": Group("Place", "alert__camera__place"),
         "collection": Group("Collection", "alert__case__collection__name"),
         "strength": Group("Likeness", "alert__strength", "strength")},
        {"Decisions": NUMBER}, "alert__camera", "alert__case__collection",
        "alert__camera__latitude", "alert__camera__longitude",
    ),
    "opinions": Subject(
        "Decisions on candidates", "matching.view_search", lambda user: visible(Opinion, user).exclude(word=""), "at",
        {"reviewer": Group("Reviewer", "user__username"), "word": Group("Word", "word", "word"),
         "collection": Group("Collection", "candidate__case__collection__name"),
         "strength": Group("Likeness", "candidate__strength", "strength")},
        {"Decisions": NUMBER}, collection="candidate__case__collection",
    ),
    "searches": Subject(
        "Searches", "matching.view_search", lambda user: visible(Search, user), "created_at",
        {"reviewer": Group("Who", "user__username")},
        {"Searches": NUMBER, "Milliseconds, mean": Avg("milliseconds")},
    ),
    "captures": Subject(
        "Faces that cameras sent", "matching.view_camera", lambda user: visible(Capture, user), "captured_at",
        {**CAMERA, "status": Group("What became of them", "status", "capture")},
        {"Faces": NUMBER, "Detection score, mean": Avg("detection_score")}, "camera", **POINT,
    ),
    "counts": Subject(
        "People in view", "matching.view_camera", lambda user: visible(CameraMinute, user), "minute", dict(CAMERA),
        {"People in view, mean (a lower bound)": Cast(Sum("faces"), FloatField()) / Cast(FRAMES, FloatField()),
         "Most at once": Max("most"), "Came into view": Sum("tracks"), "Detection score, mean": Avg("score")},
        "camera", **POINT,
    ),
    "cases": Subject(
        "Cases", "cases.view_case", lambda user: visible(Person, user), "created_at",
        {"collection": Group("Collection", "collection__name"), "status": Group("State", "status", "case"),
         "sex": Group("Sex", "sex", "sex")},
        {"Cases": NUMBER}, collection="collection", up="latitude", right="longitude",
    ),
    "photos": Subject(
        "Photos, by where their files say they were taken", "cases.view_case", lambda user: visible(Photo, user),
        "created_at", {"collection": Group("Collection", "case__collection__name"),
                       "case": Group("Case", "case__number")},
        {"Photos": NUMBER}, collection="case__collection", up="own_latitude", right="own_longitude",
    ),
}  # fmt: skip

# Asked from the start. Each is what the form would say.
SEEDS: dict[str, dict[str, Any]] = {
    "Faces by camera and hour": {"subject": "captures", "step": "hour", "by": "camera", "days": 2},
    "Average and most people in view": {"subject": "counts", "step": "day", "by": "camera", "days": 30},
    "Photos within 10 km of a place": {"subject": "photos", "by": "case", "near": "Portland, Oregon", "km": 10},
    "Detection scores over a day": {"subject": "captures", "step": "time", "measure": 1, "days": 7},
    "New against returning": {"subject": "alerts", "step": "week", "by": "visitor", "days": 90},
}


@dataclass(frozen=True)
class Asked:
    """A question, as its form has read it. since, until: None for without an end. measure: which is drawn."""

    subject: str
    step: str = ""
    by: str = ""
    since: datetime | None = None
    until: datetime | None = None
    camera: Any = None
    collection: Any = None
    near: Place | None = None
    km: float = 10.0
    measure: int = 0


@dataclass(frozen=True)
class Table:
    """headings: when, by what, and the measures. rows: in the order of time, then of the largest. is_cut: there are
    more, earlier or smaller ones."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]
    is_cut: bool
    asked: Asked
    # Of each row, where its time is one of the clock.
    times: Sequence[datetime]

    @property
    def dimensions(self) -> int:
        """How many of the columns say when and by what."""
        return bool(self.asked.step) + bool(self.asked.by)

    @property
    def drawn_place(self) -> int:
        """Which column is drawn."""
        return self.dimensions + self.asked.measure


def subjects_of(user: Any) -> dict[str, Subject]:
    """What somebody may ask about."""
    return {name: subject for name, subject in SUBJECTS.items() if user.has_perm(subject.permission)}


def answer(asked: Asked, user: Any) -> Table:
    """What is kept says to a question, of what exists for this person."""
    subject = SUBJECTS[asked.subject]
    rows = _narrowed(subject, asked, user)
    named: dict[str, Any] = {}
    headings: list[str] = []
    if asked.step:
        named["_when"], heading = _when(subject.at, asked.step), STEPS[asked.step]
        headings.append(heading)
    if asked.by:
        group = subject.groups[asked.by]
        value = F(group.value) if isinstance(group.value, str) else group.value
        named["_what"] = Cast(value, CharField())
        headings.append(group.label)
    measured = {f"_measure{number}": measure for number, measure in enumerate(subject.measures.values())}
    if named:
        found = rows.annotate(**named).values(*named).annotate(**measured)
        what = ["_what"] if asked.by else []
        if asked.step in TRUNCATED:
            # The latest, of which no time is cut in two.
            found = found.order_by("-_when", "-_measure0", *what)
            lines, is_cut = _whole_times(list(found[: MOST_ROWS + 1]))
        else:
            found = found.order_by(*(["_when"] if asked.step else []), "-_measure0", *what)
            lines = list(found[: MOST_ROWS + 1])
            lines, is_cut = lines[:MOST_ROWS], len(lines) > MOST_ROWS
    else:
        lines, is_cut = [rows.aggregate(**measured)], False
    table = [
        [
            *(_said(name, line[name], subject, asked) for name in named),
            *(_number(line[name], of) for name, of in zip(measured, subject.measures, strict=True)),
        ]
        for line in lines
    ]
    times = [line["_when"] for line in lines] if asked.step in TRUNCATED else []
    return Table([*headings, *subject.measures], table, is_cut, asked, times)


def _whole_times(lines: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Rows that come latest first, in the order of time, and whether there are more than may be shown."""
    is_cut = len(lines) > MOST_ROWS
    if is_cut:
        # One time alone may have more rows than that; then its largest are shown.
        whole = [line for line in lines if line["_when"] != lines[-1]["_when"]]
        lines = whole or lines[:MOST_ROWS]
    return sorted(lines, key=lambda line: (line["_when"] is None, line["_when"] or 0)), is_cut


def parquet(table: Table) -> bytes:
    """The table as Parquet, its columns by their headings: texts and numbers."""
    # Takes 100 MB that a process without such a file need not have.
    import pyarrow
    import pyarrow.parquet

    columns = [list(column) for column in zip(*table.rows, strict=True)] or [[] for _ in table.headings]
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(dict(zip(table.headings, columns, strict=True))), file)
    return file.getvalue()


def drawn(table: Table) -> dict[str, Any] | None:
    """What is drawn of a table over time: its measure, a line for each of the largest groups. None: nothing is."""
    if not table.times:
        return None
    place = table.drawn_place
    missing = _number(None, table.headings[place])
    sums: dict[str, float] = {}
    values: dict[str, dict[datetime, Any]] = {}
    for at, row in zip(table.times, table.rows, strict=True):
        name = str(row[1]) if table.asked.by else table.headings[place]
        values.setdefault(name, {})[at] = row[place]
        sums[name] = sums.get(name, 0.0) + (row[place] or 0)
    moments = sorted(set(table.times))
    largest = sorted(sums, key=lambda name: -sums[name])[:MOST_LINES]
    return {
        "times": [moment.timestamp() for moment in moments],
        "lines": [{"name": name, "values": [values[name].get(at, missing) for at in moments]} for name in largest],
        "left_out": len(sums) - len(largest),
    }


def _narrowed(subject: Subject, asked: Asked, user: Any) -> QuerySet[Any]:
    rows = subject.rows(user).order_by()
    if asked.since:
        rows = rows.filter(**{f"{subject.at}__gte": asked.since})
    if asked.until:
        rows = rows.filter(**{f"{subject.at}__lt": asked.until})
    if asked.camera and subject.camera:
        rows = rows.filter(**{subject.camera: asked.camera})
    if asked.collection and subject.collection:
        rows = rows.filter(**{subject.collection: asked.collection})
    if asked.near and subject.up:
        rows = within(rows, F(subject.up), F(subject.right), asked.near, asked.km)
    return rows


def _when(at: str, step: str) -> Any:
    if step == "time":
        return fn.ExtractHour(at)
    return fn.ExtractIsoWeekDay(at) if step == "weekday" else TRUNCATED[step](at)


def _said(name: str, value: Any, subject: Subject, asked: Asked) -> Any:
    """A time or a group as it stands in the table."""
    if name == "_what":
        words = WORDS.get(subject.groups[asked.by].words, {})
        return words.get(value or "", value) or "–"
    if asked.step == "time":
        return f"{value:02d}:00"
    if asked.step == "weekday":
        return WEEKDAYS[value - 1]
    form = "%Y-%m-%d %H:%M" if asked.step == "hour" else "%Y-%m" if asked.step == "month" else "%Y-%m-%d"
    return f"{timezone.localtime(value):{form}}"


def _number(value: Any, heading: str) -> Any:
    """A measure as it stands in the table. Of nothing there is none, but a mean of nothing is not known."""
    if value is None:
        return None if "mean" in heading else 0
    return round(value, 3) if isinstance(value, float) else value
