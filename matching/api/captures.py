"""Where cameras send what they see. A camera's own token lets it in here and nowhere else."""

import json
from typing import Any, cast

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from matching import ingest
from matching.api.parsers import ClipParser, JSONParser, ReportParser
from matching.api.throttles import PatientScopedThrottle
from matching.ingest import CaptureSerializer, ClipSerializer, DeepLensSerializer, HeartbeatSerializer
from matching.models import Camera
from matching.watching import alert_clips, live, tokens


class CameraTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, or `Token <token>`."""

    def authenticate(self, request: Request) -> tuple[Camera, str] | None:
        parts = get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() not in (b"bearer", b"token"):
            return None
        token = parts[1].decode("latin-1")
        try:
            camera = tokens.camera_of(token)
        except tokens.TokenRefused as refusal:
            raise AuthenticationFailed(str(refusal)) from refusal
        return camera, token

    def authenticate_header(self, request: HttpRequest) -> str:
        return "Bearer"


class CameraTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = CameraTokenAuthentication
    name = "cameraToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "The camera's own token, shown once when made."}


class CaptureBatchSerializer(serializers.Serializer[Any]):
    """Besides `captures` one file a capture, named by its id."""

    captures = serializers.JSONField(help_text="A list of objects with the fields of a single capture but its image.")

    def validate_captures(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise serializers.ValidationError("A list of objects, please.")
        if len(value) > ingest.MAX_BATCH:
            raise serializers.ValidationError(f"At most {ingest.MAX_BATCH} at a time.")
        ingest.plain(value)
        return value


class ResultSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    accepted = serializers.BooleanField()
    detail = serializers.CharField(help_text="Why not, where it was not.")


class ResultsSerializer(serializers.Serializer[Any]):
    results = ResultSerializer(many=True)


class AcceptedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class OrdersSerializer(serializers.Serializer[Any]):
    settings = serializers.DictField(help_text="What the client is asked to run; what is missing it decides.")
    rotate = serializers.BooleanField(help_text="Its token is old: it should ask for another.")
    clips = serializers.ListField(
        child=serializers.UUIDField(),
        help_text="Captures around which it is asked for the seconds: POST /api/v1/clips/.",
    )


class PairSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=40, help_text="As shown on the camera's page.")


class PairedSerializer(serializers.Serializer[Any]):
    camera = serializers.CharField()
    token = serializers.CharField(help_text="Shown this once.")


class HeartbeatsView(APIView):
    throttle_classes: list[Any] = []
    authentication_classes = [CameraTokenAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [ReportParser]

    @extend_schema(
        request=HeartbeatSerializer,
        responses={
            200: OrdersSerializer,
            204: OpenApiResponse(description="To a client that does not say what it runs."),
        },
        operation_id="heartbeats_create",
    )
    def post(self, request: Request) -> Response:
        """Say that the camera is there, how its queue is, and what it counted in whole minutes."""
        camera = cast(Camera, request.user)
        if ingest.report(camera, request.data)["runs"] is None:
            return Response(status=204)
        return Response(
            {
                "settings": live.settings_of(camera),
                "rotate": tokens.is_due(camera),
                "clips": alert_clips.asked_of(camera),
            }
        )


class ClipsView(APIView):
    throttle_classes: list[Any] = []
    authentication_classes = [CameraTokenAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [ClipParser]

    @extend_schema(
        request=ClipSerializer,
        responses={202: None, 404: OpenApiResponse(description="Nobody asked for it, or it has come already.")},
        operation_id="clips_create",
    )
    def post(self, request: Request) -> Response:
        """The seconds around a capture, for which the client was asked."""
        try:
            ingest.clip(cast(Camera, request.user), request.data)
        except alert_clips.NotAskedFor:
            raise NotFound("Nobody asks for the seconds around this capture.") from None
        return Response(status=202)


class PairView(APIView):
    """A one-time code from the Cameras page for a token, so that nobody copies one."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[Any] = []
    parser_classes = [JSONParser]
    throttle_classes = [PatientScopedThrottle]
    throttle_scope = "pair"

    @extend_schema(request=PairSerializer, responses={201: PairedSerializer}, operation_id="pair", auth=[])
    def post(self, request: Request) -> Response:
        """Spend a pairing code. The token is shown this once; it ends the one that the camera had."""
        form = PairSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            camera, token = tokens.pair(form.validated_data["code"])
        except tokens.CodeRefused as refusal:
            raise serializers.ValidationError({"code": str(refusal)}) from refusal
        return Response({"camera": camera.name, "token": token}, status=201)


class RotateView(APIView):
    throttle_classes: list[Any] = []
    authentication_classes = [CameraTokenAuthentication]
    permission_classes = [IsAuthenticated]

    @extend_schema(request=None, responses={201: PairedSerializer}, operation_id="rotate")
    def post(self, request: Request) -> Response:
        """Another token for this camera. The old one is good until the new one is used for the first time."""
        camera = cast(Camera, request.user)
        return Response({"camera": camera.name, "token": tokens.rotate(camera)}, status=201)


class CapturesView(APIView):
    # A camera is never turned away: what it sends was seen once.
    throttle_classes: list[Any] = []
    authentication_classes = [CameraTokenAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [MultiPartParser, JSONParser]

    @extend_schema(
        request={"multipart/form-data": CaptureSerializer, "application/json": DeepLensSerializer},
        responses={202: AcceptedSerializer},
        operation_id="captures_create",
    )
    def post(self, request: Request) -> Response:
        """Keep one face crop and have it compared with the gallery. What was answered with 202 is not lost."""
        camera = cast(Camera, request.user)
        if request.content_type.startswith("multipart/"):
            uid = ingest.capture(camera, request.data)
        else:
            uid = ingest.deeplens(camera, request.data)
        return Response(AcceptedSerializer({"id": uid}).data, status=202)


class CaptureBatchView(APIView):
    throttle_classes: list[Any] = []
    authentication_classes = [CameraTokenAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": CaptureBatchSerializer},
        responses={202: ResultsSerializer},
        operation_id="captures_batch",
    )
    def post(self, request: Request) -> Response:
        """Keep several, as a client does that was away: each is answered by itself, and one bad one spoils no other."""
        form = CaptureBatchSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        results = []
        for details in form.validated_data["captures"]:
            uid = str(details.get("id", ""))
            try:
                ingest.capture(cast(Camera, request.user), {**details, "image": request.FILES.get(uid)})
                results.append({"id": uid, "accepted": True, "detail": ""})
            except serializers.ValidationError as refusal:
                results.append({"id": uid, "accepted": False, "detail": json.dumps(refusal.detail)})
        return Response({"results": results}, status=202)
