"""Where cameras send what they see. A camera's own token lets it in here and nowhere else."""

import base64
import binascii
import hashlib
import json
import uuid
from typing import Any, cast

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from matching.api.parsers import JSONParser
from matching.api.throttles import PatientScopedThrottle
from matching.faces import images
from matching.models import Camera
from matching.watching import captures, fleet, live, tokens

MAX_CAPTURE_BYTES = 5 * 1024 * 1024
MAX_BATCH = 100


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


class CaptureBatchSerializer(serializers.Serializer[Any]):
    """Besides `captures` one file a capture, named by its id."""

    captures = serializers.JSONField(help_text="A list of objects with the fields of a single capture but its image.")

    def validate_captures(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise serializers.ValidationError("A list of objects, please.")
        if len(value) > MAX_BATCH:
            raise serializers.ValidationError(f"At most {MAX_BATCH} at a time.")
        return value


class ResultSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    accepted = serializers.BooleanField()
    detail = serializers.CharField(help_text="Why not, where it was not.")


class ResultsSerializer(serializers.Serializer[Any]):
    results = ResultSerializer(many=True)


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
    client = serializers.CharField(max_length=40, default="", help_text="The same as long as its queue folder is.")
    source_away = serializers.FloatField(allow_null=True, default=None, help_text="Seconds without a frame, if so.")
    detectors = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=20, default=list, help_text="Which it could use."
    )
    runs = serializers.DictField(
        allow_null=True, default=None, help_text="The settings it goes by. Who says this is answered with settings."
    )
    problem = serializers.CharField(
        max_length=300, allow_blank=True, default="", help_text="What it cannot do as asked."
    )
    minutes = MinuteSerializer(many=True, required=False)


class OrdersSerializer(serializers.Serializer[Any]):
    settings = serializers.DictField(help_text="What the client is asked to run; what is missing it decides.")
    rotate = serializers.BooleanField(help_text="Its token is old: it should ask for another.")


class PairSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=40, help_text="As shown on the camera's page.")


class PairedSerializer(serializers.Serializer[Any]):
    camera = serializers.CharField()
    token = serializers.CharField(help_text="Shown this once.")


def keep_report(camera: Camera, said: Any) -> dict[str, Any]:
    """A client's report, by HTTP or from a broker, and what it held. Raises `ValidationError`."""
    form = HeartbeatSerializer(data=said)
    form.is_valid(raise_exception=True)
    report = dict(form.validated_data)
    sent_at, minutes = report.pop("sent_at"), report.pop("minutes", [])
    fleet.heard(camera, report, sent_at, minutes)
    return report


class HeartbeatsView(APIView):
    throttle_classes: list[Any] = []
    authentication_classes = [CameraTokenAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [JSONParser]

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
        if keep_report(camera, request.data)["runs"] is None:
            return Response(status=204)
        return Response({"settings": live.settings_of(camera), "rotate": tokens.is_due(camera)})


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
            uid = keep_capture(camera, request.data)
        else:
            uid = keep_deeplens(camera, request.data)
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
                keep_capture(cast(Camera, request.user), {**details, "image": request.FILES.get(uid)})
                results.append({"id": uid, "accepted": True, "detail": ""})
            except serializers.ValidationError as refusal:
                results.append({"id": uid, "accepted": False, "detail": json.dumps(refusal.detail)})
        return Response({"results": results}, status=202)


def keep_capture(camera: Camera, data: Any) -> uuid.UUID:
    """One capture in the form of the edge client. Returns its id. Raises `ValidationError`."""
    form = CaptureSerializer(data=data)
    form.is_valid(raise_exception=True)
    said = form.validated_data
    return _keep(
        camera, "image", said["image"].read(), uid=said["id"], captured_at=said["captured_at"], box=said.get("box"),
        track=said.get("track"), detection_score=said["detection_score"],
    )  # fmt: skip


def keep_deeplens(camera: Camera, data: Any) -> uuid.UUID:
    """One capture in the form of the DeepLens devices. Returns its id. Raises `ValidationError`."""
    form = DeepLensSerializer(data=data)
    form.is_valid(raise_exception=True)
    content = form.validated_data["face"]
    # These devices send no id: the picture itself tells a repeated sending.
    uid = uuid.UUID(bytes=hashlib.sha256(content).digest()[:16])
    return _keep(camera, "face", content, uid=uid, detection_score=form.validated_data["confidence"])


def _keep(camera: Camera, field: str, content: bytes, **details: Any) -> uuid.UUID:
    if len(content) > MAX_CAPTURE_BYTES:
        raise serializers.ValidationError(
            {field: f"The image has over {MAX_CAPTURE_BYTES // 2**20} MB. Send the face's crop, not the frame."}
        )
    try:
        return captures.receive_capture(camera, content, **details).uid
    except images.ImageRefused as refusal:
        raise serializers.ValidationError({field: str(refusal)}) from refusal
