"""What a message says: who, where, when, how alike and what that is worth, and a link."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from cases import audit, sealed_files
from cases.forms import problems
from matching import analysis, reports
from matching.gallery import strengths
from matching.models import Alert, Delivery, Report, Shift, WebSource
from matching.report_forms import ReportForm
from matching.telling import handover, handover_sheet

# Of a report that is mailed; the page has all.
MOST_LINES = 60


def link(path: str) -> str:
    """An address that works outside; empty where the installation does not know its own."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else ""


def of(delivery: Delivery) -> tuple[str, str, str]:
    """A message's title, text and link."""
    if (alert := delivery.alert) is not None:
        return f"Sightline: {alert.case or alert.title}", _alert(alert), link(alert.get_absolute_url())
    if (trouble := delivery.trouble) is not None:
        camera, what = trouble.camera, trouble.get_kind_display().lower()
        where = f"{camera} ({camera.place})" if camera.place else str(camera)
        since = f"since {_time(trouble.began_at)}"
        said = f"is well again; it was in trouble ({what}) {since}" if delivery.is_over else f"{what}, {since}"
        return f"Sightline: camera {camera}", f"{where} {said}.", link(f"/cameras/{camera.pk}/")
    if (standing := delivery.standing) is not None:
        said = f'Your standing search "{standing.search.purpose}" was closed: {standing.closed_reason}'
        return "Sightline: a standing search was closed", said, link("/standing/")
    if (shift := delivery.shift) is not None:
        return _handover(shift)
    if (due := delivery.due_report) is not None:
        return _report(due.report)
    candidate = delivery.candidate
    assert candidate is not None  # noqa: S101 - the database has it: a delivery is of one thing
    search = candidate.probe.search
    source = WebSource.objects.filter(batches__search=search).first()
    where = f"The web ({source.address})" if source else f'Your standing search "{search.purpose if search else ""}"'
    said = (
        f"{where} has a new likeness: {candidate.case.display_name} "
        f"({candidate.case.number}), similarity {candidate.similarity:.2f}. Not confirmed: compare before acting."
    )
    return f"Sightline: {candidate.case}", said, link(candidate.get_absolute_url())


def _handover(shift: Shift) -> tuple[str, str, str]:
    handed = handover.of(shift.subscription.user, shift.since, shift.until)
    asked = urlencode(
        {
            name: f"{timezone.localtime(at):%Y-%m-%dT%H:%M}"
            for name, at in (("since", shift.since), ("until", shift.until))
        }
    )
    title = f"Sightline: handover, {_time(shift.since)} to {timezone.localtime(shift.until):%H:%M}"
    return title, handover_sheet.text(handed), link(f"/handover/?{asked}")


def _report(report: Report) -> tuple[str, str, str]:
    """A kept question with its answer, of what its owner sees now."""
    if report.sql:
        return _sql(report)
    form = ReportForm(report.asked, user=report.user)
    title, path = f"Sightline: {report}", report.get_absolute_url()
    if not form.is_valid():
        return title, f"This report cannot be made any more: {problems(form)} Open it to ask anew.", link(path)
    table = reports.answer(form.asked(), report.user)
    return title, _lines(table.headings, table.rows) or "Nothing of it was kept in that time.", link(path)


def _sql(report: Report) -> tuple[str, str, str]:
    """The same of a question in SQL, which leaves its row in the trail each time."""
    title, path = f"Sightline: {report}", report.get_absolute_url()
    if not Report.may_ask_in_sql(report.user):
        return title, "You may not ask in SQL any more, so this question was not asked.", link(path)
    audit.record_as(report.user, "asked in SQL", report, report.sql)
    try:
        answer = analysis.ask(report.sql)
    except analysis.QuestionRefused as refusal:
        return title, f"This question was not answered. {refusal} Open it to ask anew.", link(path)
    return title, _lines(answer.headings, answer.rows) or "No row is so.", link(path)


def _lines(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table as a mail has it; empty without rows."""
    lines = [" | ".join("" if cell is None else str(cell) for cell in row) for row in [headings, *rows[:MOST_LINES]]]
    if (more := len(rows) - MOST_LINES) > 0:
        lines.append(f"… and {more} rows more.")
    return "\n".join(lines) if rows else ""


def digest(alerts: Sequence[Alert]) -> tuple[str, str, str]:
    """Several alerts in one message: what came late, by camera, and weak ones."""
    late = sorted((one for one in alerts if one.is_late), key=lambda one: (str(one.camera), one.first_captured_at))
    parts = []
    for camera, of_camera in groupby(late, key=lambda one: one.camera):
        where = f"{camera}, {camera.place}" if camera.place else str(camera)
        parts += [f"{where}: told late, for it waited on its way.", *(f"Seen {_line(one)}" for one in of_camera), ""]
    weak = [one for one in alerts if not one.is_late]
    parts += [f"{_line(one)}, at {one.camera}" for one in weak]
    parts.append("Weak likenesses are what strangers reach now and then. Not confirmed: compare before acting.")
    number = f"{len(alerts)} {'weak ' if not late else ''}alert{'' if len(alerts) == 1 else 's'}"
    return f"Sightline: {number}{', told late' if not weak else ''}", "\n".join(parts), link("/alerts/")


def _line(alert: Alert) -> str:
    likeness = f"similarity {alert.similarity:.2f}, {strengths.of(alert).label.lower()}"
    return f"{_time(alert.first_captured_at)}: {alert.case or alert.title}, {likeness}"


def visits(alert: Alert) -> str:
    """What is known of somebody's earlier visits, by the face alone."""
    if not alert.visits:
        return ""
    if alert.last_visit_at is None:
        return "Not seen before."
    today = "First seen today; seen" if alert.first_today else "Seen"
    return f"{today} {alert.visits} times, before this {timezone.localtime(alert.last_visit_at):%Y-%m-%d %H:%M}."


def _alert(alert: Alert) -> str:
    case = alert.case
    where = f"{alert.camera}, {alert.camera.place}" if alert.camera.place else str(alert.camera)
    if case is None:
        lines = [
            f"A stranger at {where}, {_time(alert.first_captured_at)}: none of {alert.gallery_size:,} known people.",
            visits(alert),
            f"The most similar of them has similarity {alert.similarity:.2f}. Somebody known is taken for a stranger "
            "now and then: look before acting.",
        ]
        return "\n".join(filter(None, lines))
    if alert.kind == Alert.Kind.GREETING:
        lines = [
            f"{case.display_name} ({case.number}, {case.collection}) at {where}, {_time(alert.first_captured_at)}.",
            visits(alert),
            f"Similarity {alert.similarity:.2f}, {strengths.of(alert).label}.",
        ]
        return "\n".join(filter(None, lines))
    person = [case.get_sex_display(), f"{case.age} when {case.seen_label.lower()}" if case.age else ""]
    seen = " ".join(filter(None, [f"{case.last_seen_on:%Y-%m-%d}" if case.last_seen_on else "", case.last_seen_place]))
    lines = [
        f"{'Seen before: a' if alert.seen_before else 'A'} face like {case.display_name} ({case.number}, "
        f"{case.collection}) at {where}, {_time(alert.first_captured_at)}.",
        f"Person: {', '.join(filter(None, person))}.",
        f"{case.seen_label}: {seen}." if seen else "",
        f"Similarity {alert.similarity:.2f}, {strengths.of(alert).label}. {alert.strength_why}",
        "Not confirmed: compare before acting.",
    ]
    return "\n".join(filter(None, lines))


def _time(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


@contextmanager
def pictures(alert: Alert | None) -> Iterator[list[Path]]:
    """The two faces, for a way that is marked for pictures; None: none."""
    files = [alert.best_capture.probe.crop, alert.best_face.crop if alert.best_face else None] if alert else []
    with ExitStack() as opened:
        paths = []
        for file in files:
            with suppress(FileNotFoundError):
                paths += [opened.enter_context(sealed_files.on_disk(file, ".jpg"))] if file else []
        yield paths
