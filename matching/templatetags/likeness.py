"""Template filters for similarities: two decimals, and an honest word on what one is worth."""

from django import template
from django.utils import timezone

from matching.evaluating import figures
from matching.gallery import calibration, strengths
from matching.models import Alert, BatchFile, Candidate, Face, Probe, Search
from matching.searching import years as between_years

register = template.Library()


@register.filter
def first_candidate(search: Search) -> Candidate | None:
    """The most alike of all its faces' candidates."""
    firsts = [first for probe in search.probes.all() for first in list(probe.candidates.all())[:1]]
    return max(firsts, key=lambda one: one.worth, default=None)


@register.filter
def first_probe(search: Search) -> Probe | None:
    """The face of its most alike candidate, or any."""
    first = first_candidate(search)
    return next((one for one in search.probes.all() if first is None or one.pk == first.probe_id), None)


@register.filter
def decided(search: Search) -> list[Candidate]:
    """The candidates on which somebody has decided, those rejected last."""
    found = [one for probe in search.probes.all() for one in probe.candidates.all() if one.decision]
    return sorted(found, key=lambda one: (one.decision == Candidate.Decision.REJECTED, one.rank))


@register.filter
def similarity(value: float) -> str:
    """Two decimals, cut rather than rounded, so that 0.999 does not read as the same picture."""
    return f"{int(value * 100) / 100:.2f}"


@register.filter
def strength(likeness: Alert | Candidate) -> calibration.Strength:
    """What an alert's or a candidate's similarity was worth when it was found."""
    return strengths.of(likeness)


@register.filter
def worth(alert: Alert) -> calibration.Strength | None:
    """The same of an alert; of a stranger there is nothing to say."""
    return strengths.of(alert) if alert.case_id else None


@register.filter
def years(face: Face | None, search: Search) -> str:
    """What the years between a case photo and a searched picture do to their likeness."""
    return between_years.words(face, search) if face else ""


@register.filter
def share(fraction: float | str | None) -> str:
    """A share of persons in words; empty where there is none."""
    return figures.share(fraction) if isinstance(fraction, float) else ""


@register.filter
def errors(fraction: float | None) -> str:
    """The same of errors: says so where too few were counted."""
    return figures.share(fraction)


@register.filter
def once_in(fraction: float) -> str:
    """A rate as the number of times among which it happens once."""
    return f"{1 / fraction:,.0f}" if fraction < 0.1 else f"{1 / fraction:.1f}"


@register.filter
def clock(second: float) -> str:
    """A second of a clip as it is read: 0:07.2, 1:02:13.0."""
    minutes, rest = divmod(second, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


@register.filter
def moment(second: float, file: BatchFile) -> str:
    """A second of a clip: the day and time of it where somebody said when the clip began, else by its own clock."""
    at = file.at(second)
    return f"{timezone.localtime(at):%-d %b %Y %H:%M:%S}" if at else clock(second)


@register.filter
def unlocalise(number: float) -> str:
    """A number as addresses have it."""
    return repr(number)


@register.filter
def percent(fraction: float) -> str:
    """A fraction of a picture's side as a CSS length."""
    return f"{fraction * 100:.3f}%"


@register.filter
def minus(a: float, b: float) -> float:
    return a - b
