"""The handover of some hours, on the screen and on paper."""

from datetime import datetime, time, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from cases import audit, exports
from matching.forms import HandoverForm
from matching.telling import handover as handing
from matching.telling import handover_sheet as paper

HOURS = (8, 12, 24)


def handover(request: HttpRequest) -> HttpResponse:
    form, since, until = _asked(request)
    reader = audit.signed_in(request)
    audit.record_once(request, "read handover", reader, f"{since:%Y-%m-%d %H:%M} on", of=f"{since:%Y%m%d%H}")
    context = {
        "handed": handing.of(reader, since, until),
        "form": form,
        "choices": _choices(),
        "query": request.GET.urlencode(),
        "since": _typed(since),
        "until": _typed(until),
    }
    return render(request, "handover.html", context, status=422 if form.errors else 200)


def handover_sheet(request: HttpRequest) -> HttpResponse:
    _, since, until = _asked(request)
    reader = audit.signed_in(request)
    event = audit.record(request, "printed handover", reader, f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}")
    made = paper.sheet(handing.of(reader, since, until), reader, str(event.pk))
    return exports.whole(f"handover-{until:%Y-%m-%d-%H%M}.pdf", made)


def _asked(request: HttpRequest) -> tuple[HandoverForm, datetime, datetime]:
    """The hours that were asked for; without a wish, or where they cannot be, the last eight."""
    form, now = HandoverForm(request.GET or None), timezone.localtime()
    if form.is_valid() and form.cleaned_data["since"]:
        return form, form.cleaned_data["since"], form.cleaned_data["until"] or now
    return form, now - timedelta(hours=HOURS[0]), now


def _choices() -> list[tuple[str, str, str]]:
    """Hours that shifts have, each with its words, beginning and end."""
    now = timezone.localtime()
    night = datetime.combine(now.date() - timedelta(days=1), time(18), now.tzinfo)
    morning = min(now, night + timedelta(hours=12))
    found = [(f"Last {hours} h", now - timedelta(hours=hours), now) for hours in HOURS]
    found += [("Last night", night, morning), ("Last 7 days", now - timedelta(days=7), now)]
    return [(words, _typed(since), _typed(until)) for words, since, until in found]


def _typed(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}"
