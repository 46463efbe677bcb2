"""Metrics for Prometheus: what django-prometheus counts of pages, and what the database knows of the work."""

import hmac
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Avg, Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django_prometheus.exports import ExportToDjangoView
from prometheus_client.core import REGISTRY, GaugeMetricFamily


class WorkCollector:
    """Counts of the last day, and what waits, read when they are asked for. No name and no face is in them."""

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from cases.models import ProcessBeat
        from matching.models import Alert, Capture, Delivery, Search

        now = timezone.now()
        day = now - timedelta(days=1)
        captures = GaugeMetricFamily("sightline_captures", "Captures of the last day by status", labels=["status"])
        for status, number in _counts(Capture.objects.filter(received_at__gte=day), "status"):
            captures.add_metric([status], number)
        yield captures
        oldest = Capture.objects.filter(status=Capture.Status.PENDING).aggregate(at=Min("received_at"))["at"]
        waits = (now - oldest).total_seconds() if oldest else 0
        yield GaugeMetricFamily("sightline_oldest_capture_seconds", "How long the oldest capture waits", value=waits)
        alerts = GaugeMetricFamily(
            "sightline_alerts",
            "Alerts of the last day; dismissed ones are false alarms",
            labels=["kind", "strength", "status"],
        )
        rows = Alert.objects.filter(created_at__gte=day).order_by().values_list("kind", "strength", "status")
        for kind, strength, status, number in rows.annotate(number=Count("pk")):
            alerts.add_metric([kind, strength or "unknown", status], number)
        yield alerts
        deliveries = GaugeMetricFamily("sightline_deliveries", "Messages of the last day", labels=["status"])
        for status, number in _counts(Delivery.objects.filter(next_attempt_at__gte=day), "status"):
            deliveries.add_metric([status], number)
        yield deliveries
        took = Search.objects.filter(created_at__gte=day).aggregate(mean=Avg("milliseconds"), number=Count("pk"))
        yield GaugeMetricFamily("sightline_searches", "Searches of the last day", value=took["number"])
        yield GaugeMetricFamily(
            "sightline_search_seconds",
            "What one took on average, face model and gallery",
            value=(took["mean"] or 0) / 1e3,
        )
        beats = GaugeMetricFamily(
            "sightline_process_silent_seconds", "Since when a process said that it is at work", labels=["kind", "host"]
        )
        for beat in ProcessBeat.objects.all():
            beats.add_metric([beat.kind, beat.host], (now - beat.at).total_seconds())
        yield beats
        versions = GaugeMetricFamily("sightline_version", "The version of Sightline that says this", labels=["version"])
        versions.add_metric([settings.VERSION], 1)
        yield versions
        yield GaugeMetricFamily("sightline_time_seconds", "When this was read", value=time.time())


def _counts(rows: Any, by: str) -> Any:
    return rows.order_by().values_list(by).annotate(number=Count("pk"))


def register() -> None:
    REGISTRY.register(WorkCollector())


@login_not_required
def metrics(request: HttpRequest) -> HttpResponse:
    """For whoever has the token in `METRICS_TOKEN`; without one nothing is told."""
    said = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not hmac.compare_digest(said.encode(), settings.METRICS_TOKEN.encode()):
        raise Http404
    answer: HttpResponse = ExportToDjangoView(request)
    return answer
