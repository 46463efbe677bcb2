"""Where cameras send what they see. A camera's own token lets it in here and nowhere else."""

import base64
import binascii
import hashlib
import uuid
from typing import Any, cast

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from matching.faces import images
from matching.models import Camera
from matching.models.camera import hash_token
from matching.watching import captures, fleet

MAX_CAPTURE_BYTES = 5 * 1024 * 1024


class CameraTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, or `Token <token>`."""

    def authenticate(self, request: Request) -> tuple[Camera, str] | None:
        parts = get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() not in (b"bearer", b"token"):
            return None
        token = parts[1].decode("latin-1")
        camera = Camera.objects.filter(token_hash=hash_token(token)).first()
        if camera is None:
            raise AuthenticationFailed("No camera has this token. Ask for a new one on the Cameras page.")
        if camera.revoked_at is not None:
            raise AuthenticationFailed(f"The token of {camera} was revoked. Ask for a new one on the Cameras page.")
        return camera, token

    def authenticate_header(self, request: HttpRequest) -> str:
        return "Bearer"


class CameraTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = CameraTokenAuthentication
    name = "cameraToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "The camera's own token, shown once when made."}


class BoxField(serializers.ListField):
    """Four numbers as JSON, or as `left,top,right,bottom` in a form."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.FloatField(min_value=0), min_length=4, max_length=4, **kwargs)

    def get_value(self, dictionary: Any) -> Any:
        value = dictionary.get(self.field_name, serializers.empty)
        return value.strip("[] ").split(",") if isinstance(value, str) else value


class CaptureSerializer(serializers.Serializer[Any]):
    """The multipart form of the edge client."""

    image = serializers.FileField(help_text="The face with half its box as margin on each side; at most 5 MB.")
    id = serializers.UUIDField(help_text="The camera's own id. Sent again, it is the same capture.")
    captured_at = serializers.DateTimeField(help_text="When the camera saw it. A time in the future counts as now.")
    detection_score = serializers.FloatField(min_value=0, max_value=1)
    box = BoxField(required=False, help_text="The face in the image: left, top, right, bottom in pixels.")
    track = serializers.UUIDField(
        required=False, help_text="Somebody whom the camera followed: its captures are one episode."
    )


class DeepLensSerializer(serializers.Serializer[Any]):
    """The JSON form that the 2018 DeepLens devices send."""

    face = serializers.CharField(help_text="The face as base64 JPEG.")
    confidence = serializers.FloatField(min_value=0, max_value=1)

    def validate_face(self, value: str) -> bytes:
        try:
            # Some devices send a data URL.
            return base64.b64decode(value.rsplit(",", 1)[-1], validate=True)
        except (binascii.Error, ValueError):
            raise serializers.ValidationError("This is not base64.") from None


class AcceptedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class MinuteSerializer(serializers.Serializer[Any]):
    minute = serializers.DateTimeField()
    frames = serializers.IntegerField(min_value=0)
    faces = serializers.IntegerField(min_value=0, help_text="In all frames together.")
    most = serializers.IntegerField(min_value=0, help_text="In one frame.")
    tracks = serializers.IntegerField(min_value=0, help_text="Persons who came into view.")
    score = serializers.FloatField(min_value=0, max_value=1, allow_null=True, default=None)


class HeartbeatSerializer(serializers.Serializer[Any]):
    """What a client says of itself twice a minute."""

    sent_at = serializers.DateTimeField(help_text="By the camera's clock: how far it is off is seen by this.")
    version = serializers.CharField(max_length=50)
    looks_at = serializers.CharField(max_length=300, allow_blank=True, default="", help_text="Its source.")
    queue = serializers.IntegerField(min_value=0, help_text="Faces that wait to be sent.")
    queue_seconds = serializers.FloatField(min_value=0, default=0, help_text="How long the oldest has waited.")
    dropped = serializers.IntegerField(min_value=0, default=0, help_text="Since its queue was made.")
    refused = serializers.IntegerField(min_value=0, default=0)
    temperature = serializers.FloatField(allow_null=True, default=None, help_text="Degrees Celsius.")
    load = serializers.FloatField(allow_null=True, default=None, help_text="Of the last minute, by cores.")
    ended = serializers.BooleanField(default=False, help_text="Its source has come to its end: silence is no trouble.")
    minutes = MinuteSerializer(many=True, required=False)


class HeartbeatsView(APIView):
    authentication_classes = [CameraTokenAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [JSONParser]

    @extend_schema(request=HeartbeatSerializer, responses={204: None}, operation_id="heartbeats_create")
    def post(self, request: Request) -> Response:
        """Say that the camera is there, how its queue is, and what it counted in whole minutes."""
        form = HeartbeatSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        report = dict(form.validated_data)
        sent_at, minutes = report.pop("sent_at"), report.pop("minutes", [])
        fleet.heard(cast(Camera, request.user), report, sent_at, minutes)
        return Response(status=204)


class CapturesView(APIView):
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
        if request.content_type.startswith("multipart/"):
            form: Any = CaptureSerializer(data=request.data)
            form.is_valid(raise_exception=True)
            data = form.validated_data
            content, field = data["image"].read(), "image"
            details = {"uid": data["id"], "captured_at": data["captured_at"], "box": data.get("box")}
            details["track"] = data.get("track")
            score = data["detection_score"]
        else:
            form = DeepLensSerializer(data=request.data)
            form.is_valid(raise_exception=True)
            content, field = form.validated_data["face"], "face"
            # These devices send no id: the picture itself tells a repeated sending.
            details = {"uid": uuid.UUID(bytes=hashlib.sha256(content).digest()[:16])}
            score = form.validated_data["confidence"]
        if len(content) > MAX_CAPTURE_BYTES:
            raise serializers.ValidationError(
                {field: f"The image has over {MAX_CAPTURE_BYTES // 2**20} MB. Send the face's crop, not the frame."}
            )
        try:
            capture = captures.receive_capture(cast(Camera, request.user), content, detection_score=score, **details)
        except images.ImageRefused as refusal:
            raise serializers.ValidationError({field: str(refusal)}) from refusal
        return Response(AcceptedSerializer({"id": capture.uid}).data, status=202)
