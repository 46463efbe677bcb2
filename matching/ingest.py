"""What comes in from cameras: one set of rules for captures, reports and counts, whichever way they came.

HTTP and MQTT bring a document here and translate the answer, nothing more. What is wrong with a document is a
`ValidationError` in words, so nothing that a camera can write gets as far as the database and breaks there.
"""

import base64
import binascii
import hashlib
import json
import math
import re
import uuid
from datetime import UTC, datetime
from typing import Any

from django.core.files.base import ContentFile
from rest_framework import serializers
from rest_framework.exceptions import Throttled, ValidationError

from edge_client import streams
from matching.faces import images
from matching.models import Camera
from matching.watching import alert_clips, captures, fleet, limits

MAX_CAPTURE_BYTES = 5 * 2**20
MAX_BATCH = 100
# A client sends at most 4 MB of pictures, as base64.
MAX_CLIP_BYTES = 6 * 2**20
# A client sends at most 500 minutes at a time, of some 120 bytes each.
MAX_REPORT_BYTES = 512 * 1024
MOST_MINUTES = 1440
# What a client says of its settings is sent back and shown, so it stays as small as settings are.
MOST_SETTINGS_BYTES = 8 * 1024
DEEPEST = 12
# Far beyond what a camera can count, and within what every column and sum holds.
MOST_COUNTED = 1_000_000
# A device without a clock begins in 1970, and is put right by how far it is off.
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# The words by which DeepLens devices count faces, and the most that one frame can show.
COUNTS = ("faces", "face_count", "count", "number_of_faces")
MOST_FACES = 10_000


def document(body: bytes, most: int) -> Any:
    """A JSON document as plain values. most: bytes. Raises `ValidationError`."""
    if len(body) > most:
        raise ValidationError({"document": [f"It has {len(body):,} bytes; the limit is {most:,}."]})
    try:
        said = json.loads(body)
    except RecursionError:
        raise ValidationError({"document": ["It is nested too deep."]}) from None
    except ValueError:
        raise ValidationError({"document": ["It is no JSON."]}) from None
    return plain(said)


def plain(said: Any) -> Any:
    """The document itself, where the database can keep each of its values. Raises `ValidationError`."""
    if problem := _problem(said, 0):
        raise ValidationError({"document": [problem]})
    return said


def _problem(value: Any, depth: int) -> str:
    if depth > DEEPEST:
        return "It is nested too deep."
    if isinstance(value, str):
        if "\0" in value:
            return "A text holds a NUL character, which no text may."
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            return "A text holds half a character (a lone surrogate)."
    elif isinstance(value, float):
        if not math.isfinite(value):
            return "A number is infinite, or none at all."
    elif isinstance(value, int):
        if abs(value) >= 2**63:
            return "A whole number has more than 63 bits."
    elif isinstance(value, dict):
        return next(filter(None, (_problem(one, depth + 1) for pair in value.items() for one in pair)), "")
    elif isinstance(value, list | tuple):
        return next(filter(None, (_problem(one, depth + 1) for one in value)), "")
    return ""


class FiniteField(serializers.FloatField):
    """Neither infinite nor "not a number", which JSON of Python's kind and forms can say."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not math.isfinite(value):
            raise ValidationError("A finite number, please.")
        return value


class MomentField(serializers.DateTimeField):
    """A time that stays a time when a clock's error is added to it."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            moment: datetime = super().to_internal_value(value)
            fits = EARLIEST <= moment < LATEST
        except OverflowError:
            fits = False
        if not fits:
            raise ValidationError("A time from 1970 to 2099, please.")
        return moment


class CountField(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": MOST_COUNTED, **kwargs})


class BoxField(serializers.ListField):
    """Four numbers as JSON, or as `left,top,right,bottom` in a form."""

    def __init__(self, **kwargs: Any) -> None:
        side = FiniteField(min_value=0, max_value=MOST_COUNTED)
        super().__init__(child=side, min_length=4, max_length=4, **kwargs)

    def get_value(self, dictionary: Any) -> Any:
        value = dictionary.get(self.field_name, serializers.empty)
        return value.strip("[] ").split(",") if isinstance(value, str) else value


class CaptureSerializer(serializers.Serializer[Any]):
    """The form of the edge client."""

    image = serializers.FileField(help_text="The face with half its box as margin on each side; at most 5 MB.")
    id = serializers.UUIDField(help_text="The camera's own id. Sent again, it is the same capture.")
    captured_at = MomentField(help_text="When the camera saw it. A time in the future counts as now.")
    detection_score = FiniteField(min_value=0, max_value=1)
    box = BoxField(required=False, help_text="The face in the image: left, top, right, bottom in pixels.")
    track = serializers.UUIDField(
        required=False, help_text="Somebody whom the camera followed: its captures are one episode."
    )


class DeepLensSerializer(serializers.Serializer[Any]):
    """The JSON form that the 2018 DeepLens devices send."""

    face = serializers.CharField(help_text="The face as base64 JPEG.", max_length=MAX_CAPTURE_BYTES * 3 // 2)
    confidence = FiniteField(min_value=0, max_value=1)

    def validate_face(self, value: str) -> bytes:
        # Some devices send a data URL.
        return _base64(value.rsplit(",", 1)[-1])


class ClipFrameSerializer(serializers.Serializer[Any]):
    at = MomentField(help_text="When it was taken, by the camera's clock.")
    jpeg = serializers.CharField(help_text="As base64.", max_length=MAX_CLIP_BYTES)

    def validate_jpeg(self, value: str) -> bytes:
        return _base64(value)


class ClipSerializer(serializers.Serializer[Any]):
    """The seconds around a face, as single frames."""

    id = serializers.UUIDField(help_text="Of the capture.")
    frames = ClipFrameSerializer(  # type: ignore[call-arg]
        many=True, max_length=alert_clips.MOST_FRAMES, help_text="None where the client no longer has them."
    )


class MinuteSerializer(serializers.Serializer[Any]):
    minute = MomentField()
    frames = CountField()
    faces = CountField(help_text="In all frames together.")
    most = CountField(help_text="In one frame.")
    tracks = CountField(help_text="Persons who came into view.")
    score = FiniteField(min_value=0, max_value=1, allow_null=True, default=None)


class ShareBoxField(serializers.ListField):
    """left, top, right, bottom as fractions of the picture."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=FiniteField(min_value=0, max_value=1), min_length=4, max_length=4, **kwargs)


class SeesSerializer(serializers.Serializer[Any]):
    """What a client can see, and what of it is no person."""

    frame = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MOST_COUNTED), min_length=2, max_length=2,
        help_text="Its width and height, pixels.",
    )  # fmt: skip
    smallest_face = CountField(
        allow_null=True, default=None, help_text="How wide a face must be to be found, pixels of the frame."
    )
    follows_by = serializers.CharField(
        max_length=20, allow_blank=True, default="", help_text="face or colours: how it knows somebody again."
    )
    still = serializers.ListField(
        child=ShareBoxField(), max_length=20, default=list, help_text="Faces that do not move, and are not sent."
    )
    unseen = serializers.CharField(
        max_length=100, allow_blank=True, default="", help_text="Why nothing can be seen, if so."
    )
    unseen_seconds = FiniteField(min_value=0, max_value=MOST_COUNTED, default=0, help_text="And for how long.")


class HeartbeatSerializer(serializers.Serializer[Any]):
    """What a client says of itself twice a minute."""

    sent_at = MomentField(help_text="By the camera's clock: how far it is off is seen by this.")
    version = serializers.CharField(max_length=50)
    looks_at = serializers.CharField(max_length=300, allow_blank=True, default="", help_text="Its source.")
    queue = serializers.IntegerField(min_value=0, max_value=2**53, help_text="Faces that wait to be sent.")
    queue_seconds = FiniteField(min_value=0, default=0, help_text="How long the oldest has waited.")
    dropped = serializers.IntegerField(min_value=0, max_value=2**53, default=0, help_text="Since its queue was made.")
    refused = serializers.IntegerField(min_value=0, max_value=2**53, default=0)
    temperature = FiniteField(allow_null=True, default=None, help_text="Degrees Celsius.")
    load = FiniteField(allow_null=True, default=None, help_text="Of the last minute, by cores.")
    ended = serializers.BooleanField(default=False, help_text="Its source has come to its end: silence is no trouble.")
    client = serializers.CharField(max_length=40, default="", help_text="The same as long as its queue folder is.")
    source_away = FiniteField(allow_null=True, default=None, help_text="Seconds without a frame, if so.")
    detectors = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=20, default=list, help_text="Which it could use."
    )
    runs = serializers.DictField(
        allow_null=True, default=None, help_text="The settings it goes by. Who says this is answered with settings."
    )
    sees = SeesSerializer(allow_null=True, default=None)
    problem = serializers.CharField(
        max_length=300, allow_blank=True, default="", help_text="What it cannot do as asked."
    )
    minutes = MinuteSerializer(many=True, required=False, max_length=MOST_MINUTES)  # type: ignore[call-arg]

    def validate_runs(self, value: Any) -> Any:
        size = len(json.dumps(value))
        if size > MOST_SETTINGS_BYTES:
            raise ValidationError(f"The settings have {size:,} bytes; the limit is {MOST_SETTINGS_BYTES:,}.")
        return value


def capture(camera: Camera, said: Any) -> uuid.UUID:
    """Keep one face in the form of the edge client, its image as a file or as base64. Returns its id.

    Raises `ValidationError`.
    """
    form = CaptureSerializer(data=_with_file(said))
    form.is_valid(raise_exception=True)
    fields = form.validated_data
    return _keep(
        camera, "image", fields["image"].read(), uid=fields["id"], captured_at=fields["captured_at"],
        box=fields.get("box"), track=fields.get("track"), detection_score=fields["detection_score"],
    )  # fmt: skip


def deeplens(camera: Camera, said: Any) -> uuid.UUID:
    """Keep one face in the form of the DeepLens devices. Returns its id. Raises `ValidationError`."""
    form = DeepLensSerializer(data=plain(said))
    form.is_valid(raise_exception=True)
    content = form.validated_data["face"]
    # These devices send no id: the picture itself tells a repeated sending.
    uid = uuid.UUID(bytes=hashlib.sha256(content).digest()[:16])
    return _keep(camera, "face", content, uid=uid, detection_score=form.validated_data["confidence"])


def report(camera: Camera, said: Any) -> dict[str, Any]:
    """Keep a client's report with its counts; returns what it held. Raises `ValidationError`."""
    form = HeartbeatSerializer(data=plain(said))
    form.is_valid(raise_exception=True)
    fields = dict(form.validated_data)
    sent_at, minutes = fields.pop("sent_at"), fields.pop("minutes", [])
    # Older clients, and others' own, may name a password with their source.
    fields["looks_at"] = streams.shown(fields["looks_at"])
    fields["problem"] = re.sub(r"\w+://\S+", lambda found: streams.shown(found[0]), fields["problem"])
    _count(camera, minutes=len(minutes))
    fleet.heard(camera, fields, sent_at, minutes)
    return fields


def clip(camera: Camera, said: Any) -> None:
    """Keep the seconds around a face. Raises `ValidationError`, `NotAskedFor`."""
    form = ClipSerializer(data=plain(said))
    form.is_valid(raise_exception=True)
    frames = [(one["at"], one["jpeg"]) for one in form.validated_data["frames"]]
    _count(camera, bytes=sum(len(jpeg) for _, jpeg in frames))
    try:
        alert_clips.keep(camera, form.validated_data["id"], frames)
    except images.ImageRefused as refusal:
        raise ValidationError({"frames": str(refusal)}) from refusal


def infer(camera: Camera, said: Any) -> None:
    """A DeepLens's face with its confidence, or how many faces a frame had. Raises `ValidationError`."""
    plain(said)
    count = said
    if isinstance(said, dict):
        if isinstance(said.get("face"), str):
            deeplens(camera, said)
            return
        count = next((said[word] for word in COUNTS if isinstance(said.get(word), int)), None)
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count < MOST_FACES:
        raise ValidationError({"infer": [f"Neither a face with its confidence nor a number as {', '.join(COUNTS)}."]})
    fleet.counted(camera, count)


def _with_file(said: Any) -> Any:
    """The same with its image as a file, as forms have it. A document that is no object is refused by the form."""
    image = said.get("image") if hasattr(said, "get") else None
    if not isinstance(image, str):
        return said
    if len(image) > MAX_CAPTURE_BYTES * 3 // 2:
        raise ValidationError({"image": [_too_large()]})
    try:
        content = _base64(image)
    except ValidationError as refusal:
        raise ValidationError({"image": refusal.detail}) from None
    return {**plain({**said, "image": ""}), "image": ContentFile(content, "face.jpg")}


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValidationError("This is not base64.") from None


def _count(camera: Camera, **sent: int) -> None:
    """Raises `Throttled` where a camera has sent as much as it may within the hour: a stolen token fills no disk."""
    if what := limits.exceeded(camera, **sent):
        raise Throttled(wait=limits.seconds_left(), detail=f"This camera has sent as many {what} as it may in an hour.")


def _too_large() -> str:
    return f"The image has over {MAX_CAPTURE_BYTES // 2**20} MB. Send the face's crop, not the frame."


def _keep(camera: Camera, field: str, content: bytes, **details: Any) -> uuid.UUID:
    if len(content) > MAX_CAPTURE_BYTES:
        raise ValidationError({field: _too_large()})
    _count(camera, captures=1, bytes=len(content))
    try:
        return captures.receive_capture(camera, content, **details).uid
    except images.ImageRefused as refusal:
        raise ValidationError({field: str(refusal)}) from refusal
