"""Time lines over HTTP: what was seen when, in a window, of a case, a camera, an unnamed person or a place."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import audit
from cases.api import check
from matching import over_time
from matching.forms import TimeForm


class WindowSerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()


class BarSerializer(serializers.Serializer[Any]):
    window = WindowSerializer()
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="By kind: faces, alerts, photos.")


class EventSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    title = serializers.CharField()
    link = serializers.CharField()
    picture = serializers.CharField(help_text="The address of its face; empty: none is kept.")


class OverTimeSerializer(serializers.Serializer[Any]):
    window = WindowSerializer()
    whole = WindowSerializer(allow_null=True, help_text="From the first to the last; null: nothing was seen.")
    step = serializers.CharField(source="step.words", help_text="How long a bar is.")
    bars = BarSerializer(many=True, help_text="Only those in which something was seen.")
    totals = serializers.DictField(child=serializers.IntegerField())
    events = EventSerializer(many=True, help_text=f"The latest {over_time.LISTED} in the window.")


class OverTimeView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("case", int, description="Whose: exactly one of these four."),
            OpenApiParameter("camera", int),
            OpenApiParameter("unnamed", int),
            OpenApiParameter("place", description="All cameras that stand there, by its words."),
            OpenApiParameter("since", description="ISO 8601; from the first if not said."),
            OpenApiParameter("until", description="ISO 8601; to the last if not said."),
        ],
        responses=OverTimeSerializer,
        operation_id="time",
    )
    def get(self, request: Request) -> Response:
        """What was seen when: counted in bars, and the latest one by one."""
        user = audit.signed_in(request)
        form = TimeForm(request.query_params, user=user)
        check(form)
        said = form.cleaned_data
        found = over_time.look(form.subject, user, said["since"], said["until"])
        return Response(OverTimeSerializer(found).data)
