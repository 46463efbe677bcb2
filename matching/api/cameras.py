"""Cameras over HTTP, for people's own programs: list, change, pair, what each runs and counted."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cases import audit
from cases.api import OwnedSerializer, VisibleOnly, check
from matching.camera_forms import CameraSettingsForm, StreamField
from matching.models import Camera
from matching.watching import fleet, here, tokens


class OptionalBoolean(serializers.BooleanField):
    """One that a form may leave out without saying no."""

    default_empty_html = serializers.empty


class CameraSerializer(OwnedSerializer[Camera]):
    preview = OptionalBoolean(required=False, help_text="People who may look through cameras see its picture.")
    settings = serializers.JSONField(source="asked_settings", read_only=True)
    stream = serializers.CharField(
        write_only=True, required=False, allow_blank=True,
        help_text="The address of its stream, which this machine then watches; empty ends that. Kept sealed.",
    )  # fmt: skip
    watched_here = serializers.CharField(
        source="source_words",
        read_only=True,
        help_text="Where this machine watches it: the address without a password.",
    )
    state = serializers.ChoiceField(["online", "late", "offline", "never", "revoked"], read_only=True)

    class Meta:
        model = Camera
        fields = [
            "id", "name", "place", "teams", "latitude", "longitude", "thing", "preview", "notes", "settings",
            "created_at", "stream", "watched_here", "state", "last_seen_at", "heartbeat_at", "report", "clock_offset",
            "revoked_at",
        ]  # fmt: skip
        read_only_fields = ["last_seen_at", "heartbeat_at", "report", "clock_offset", "revoked_at"]

    def validate_stream(self, value: str) -> str:
        try:
            return StreamField(required=False).clean(value)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages) from None

    def update(self, instance: Camera, validated_data: Any) -> Camera:
        source = validated_data.pop("stream", None)
        camera: Camera = super().update(instance, validated_data)
        if source is not None:
            here.watch(camera, source)
        return camera

    def validate_thing(self, value: str | None) -> str | None:
        return value or None


class CameraSettingsSerializer(serializers.Serializer[Any]):
    fps = serializers.FloatField(required=False, allow_null=True)
    min_score = serializers.FloatField(required=False, allow_null=True)
    min_size = serializers.IntegerField(required=False, allow_null=True)
    detector = serializers.CharField(required=False, allow_null=True)
    turn = serializers.ChoiceField([0, 90, 180, 270], required=False, allow_null=True, help_text="Degrees clockwise.")
    zones = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        required=False,
        help_text="left, top, right, bottom",
    )
    sleep = serializers.ListField(child=serializers.TimeField(format="%H:%M"), required=False, help_text="from, until")


class PairingSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    until = serializers.DateTimeField()


class PartSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    people = serializers.FloatField(help_text="In view, mean of all frames.")
    most = serializers.IntegerField(help_text="In one frame.")
    tracks = serializers.IntegerField(help_text="Persons who came into view.")
    frames = serializers.IntegerField()


class CameraWithTokenSerializer(CameraSerializer):
    token = serializers.CharField(read_only=True, help_text="Shown this once.")

    class Meta(CameraSerializer.Meta):
        fields = [*CameraSerializer.Meta.fields, "token"]


class CameraViewSet(
    VisibleOnly,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.ListModelMixin,
    viewsets.GenericViewSet[Camera],
):
    queryset = Camera.objects.all()
    serializer_class = CameraSerializer

    @extend_schema(request=CameraSerializer, responses={201: CameraWithTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a camera. The answer holds its token, this once."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        teams, source = form.validated_data.pop("teams", []), form.validated_data.pop("stream", "")
        camera = Camera(**form.validated_data, created_by_id=request.user.pk)
        token = camera.issue_token()
        camera.teams.set(teams)
        if source:
            here.watch(camera, source)
        audit.record(request, "added", camera)
        return Response({**self.get_serializer(camera).data, "token": token}, status=201)

    @extend_schema(
        parameters=[OpenApiParameter("span", enum=list(fleet.SPANS), description="By hours; a month by days.")],
        responses=PartSerializer(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def counts(self, request: Request, pk: str) -> Response:
        """People in view, as a lower bound, over the last hour, day, week or month."""
        span = request.query_params.get("span", "day")
        if span not in fleet.SPANS:
            raise serializers.ValidationError({"span": f"One of {', '.join(fleet.SPANS)}."})
        return Response(PartSerializer(fleet.counts(self.get_object(), span), many=True).data)

    @extend_schema(request=CameraSettingsSerializer, responses=CameraSettingsSerializer)
    @action(detail=True, methods=["put"], url_path="settings")
    def change_settings(self, request: Request, pk: str) -> Response:
        """What its client is asked to run, all of it; what is left out the client decides."""
        camera = self.get_object()
        if not isinstance(request.data, dict):
            raise serializers.ValidationError("An object, please.")
        sleep = request.data.get("sleep") or [None]
        form = CameraSettingsForm({**request.data, "sleep_from": sleep[0], "sleep_until": sleep[-1]}, camera=camera)
        check(form)
        fleet.change_settings(camera, form.settings())
        audit.record(request, "changed settings", camera, json.dumps(camera.asked_settings))
        return Response(camera.asked_settings)

    @extend_schema(request=None, responses={201: PairingSerializer})
    @action(detail=True, methods=["post"])
    def pair(self, request: Request, pk: str) -> Response:
        """A one-time code by which its client gets its token itself: `POST /api/v1/pair/`."""
        camera = self.get_object()
        code = tokens.begin_pairing(camera)
        audit.record(request, "gave pairing code", camera)
        return Response({"code": code, "until": camera.pairing_until}, status=201)

    @extend_schema(request=None, responses=CameraSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, pk: str) -> Response:
        """End the camera's token."""
        camera = self.get_object()
        camera.revoke()
        audit.record(request, "revoked", camera)
        return Response(self.get_serializer(camera).data)
