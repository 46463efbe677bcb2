"""Searches and alerts over HTTP, for people's own programs: user tokens and sessions."""

from typing import Any

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from cases import audit, private_files
from cases.api import SeenSerializer, VisibleOnly, VisibleRelated, check
from cases.filters import SearchedCases
from cases.models import Collection
from cases.visibility import SearchRefused, visible
from matching.api.parsers import JSONParser
from matching.faces.engines import EngineUnavailable
from matching.faces.face_models import NoFaceModel
from matching.faces.images import ImageRefused
from matching.filters import AlertFilter
from matching.forms import AdjustForm
from matching.models import Alert, AlertClip, Candidate, Probe, Review, Search
from matching.searching import adjusting, pictures, second_opinion
from matching.telling import notifying

# What a search is refused with, in words for whoever asked.
REFUSALS = (FileNotFoundError, ImageRefused, NoFaceModel, EngineUnavailable, SearchRefused)


class CandidateSerializer(SeenSerializer[Candidate]):
    case_number = serializers.CharField(source="case.number", read_only=True)
    case_name = serializers.CharField(source="case.display_name", read_only=True)
    face_url = serializers.SerializerMethodField()
    strength_note = serializers.CharField(source="strength_why", read_only=True)
    face_confirmed = serializers.SerializerMethodField(
        help_text="Whether the case photo's face is known to be the person: the only one, or confirmed by somebody."
    )

    class Meta:
        model = Candidate
        fields = [
            "id", "rank", "similarity", "case", "case_number", "case_name", "face_url",
            "strength", "strength_note", "found_by", "face_confirmed", "decision", "remembered", "found_at",
            "second_rank", "second_similarity",
        ]  # fmt: skip

    def get_face_url(self, candidate: Candidate) -> str | None:
        return reverse("face", args=[candidate.face_id]) if candidate.face_id else None

    def get_face_confirmed(self, candidate: Candidate) -> bool:
        return candidate.face is not None and candidate.face.is_settled


class ProbeSerializer(SeenSerializer[Probe]):
    box = serializers.SerializerMethodField(help_text="left, top, right, bottom as fractions of the upright picture.")
    too_poor = serializers.BooleanField(
        source="is_too_poor", read_only=True, help_text="So little is left of the face that it is like anybody."
    )
    candidates = CandidateSerializer(many=True, read_only=True)

    class Meta:
        model = Probe
        fields = [
            "id", "position", "box", "detection_score", "size", "sharpness", "poorness", "too_poor",
            "yaw", "pitch", "roll", "candidates",
        ]  # fmt: skip

    def get_box(self, probe: Probe) -> list[float]:
        return [probe.left, probe.top, probe.right, probe.bottom]


class SearchSerializer(SeenSerializer[Search]):
    image = serializers.FileField(write_only=True)
    collections = VisibleRelated(many=True, queryset=Collection.objects.all(), required=False)
    probes = ProbeSerializer(many=True, read_only=True)
    second = serializers.CharField(
        source="second.name", default=None, read_only=True, help_text="The face model asked as well."
    )
    page = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Search
        fields = [
            "id", "image", "purpose", "reference", "collections", "filters", "filename", "gallery_size", "milliseconds",
            "own_time", "own_latitude", "own_longitude", "file_note", "turned", "adjusted_from", "adjustment", "second",
            "created_at", "page", "probes",
        ]  # fmt: skip
        read_only_fields = [
            "filename", "filters", "gallery_size", "milliseconds", "own_time", "own_latitude", "own_longitude",
            "file_note", "turned", "adjusted_from", "adjustment", "second",
        ]  # fmt: skip

    def get_fields(self) -> dict[str, Any]:
        """With a field for each filter that narrows the cases, by its own name."""
        narrowing = {
            name: serializers.CharField(required=False, write_only=True, help_text=str(filter_.label))
            for name, filter_ in SearchedCases.base_filters.items()
        }
        return {**super().get_fields(), **narrowing}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        narrowed = SearchedCases({name: attrs[name] for name in SearchedCases.base_filters if name in attrs})
        if not narrowed.is_valid():
            raise serializers.ValidationError(narrowed.errors)
        return {**attrs, "narrowed": narrowed}

    def create(self, validated_data: dict[str, Any]) -> Search:
        upload = validated_data["image"]
        try:
            return pictures.search_image(
                upload.read(),
                upload.name,
                user=audit.signed_in(self.context["request"]),
                purpose=validated_data["purpose"],
                reference=validated_data.get("reference", ""),
                collections=validated_data.get("collections", []),
                narrowed=validated_data["narrowed"],
            )
        except (ImageRefused, NoFaceModel, EngineUnavailable, SearchRefused) as problem:
            raise serializers.ValidationError({"image": str(problem)}) from problem


class AdjustSerializer(serializers.Serializer[Any]):
    turn = serializers.FloatField(default=0, help_text="Degrees clockwise.")
    light = serializers.FloatField(default=1, help_text="By which each value is multiplied.")
    left = serializers.FloatField(default=0, help_text="What is cut out, as fractions of the turned picture.")
    top = serializers.FloatField(default=0)
    right = serializers.FloatField(default=1)
    bottom = serializers.FloatField(default=1)


def _candidates(user: Any) -> Any:
    shown = visible(Candidate, user).select_related(
        "case", "face", "probe__search__model", "probe__search__measurement"
    )
    return Prefetch("probes__candidates", shown)


class SearchViewSet(
    mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Search]
):
    """Post a picture and a purpose; the answer holds every face found with its candidates, best first."""

    queryset = Search.objects.select_related("model", "measurement").prefetch_related("collections", "probes__model")
    serializer_class = SearchSerializer
    parser_classes = [MultiPartParser, FormParser]

    def get_queryset(self) -> QuerySet[Search]:
        """One's own, and everybody's by permission."""
        found = super().get_queryset().prefetch_related(_candidates(self.request.user))
        may = Search.listed(self.request.user) if self.action == "list" else visible(Search, self.request.user)
        return found.filter(pk__in=may.values("pk"))

    def perform_create(self, serializer: Any) -> None:
        search = serializer.save()
        audit.record(self.request, "searched", search, search.purpose)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        search = self.get_object()
        audit.record(request, "viewed", search, search.purpose)
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(request=None, responses=SearchSerializer)
    @action(detail=True, methods=["post"], parser_classes=[JSONParser, FormParser])
    def second(self, request: Request, pk: str) -> Response:
        """Ask the second face model as well: `second_rank` and `second_similarity` of each candidate."""
        search = self.get_object()
        if not search.image:
            raise serializers.ValidationError({"image": "A second opinion is had of single pictures, not of a batch."})
        try:
            second_opinion.ask(search, audit.signed_in(request))
        except (second_opinion.NoSecondModel, *REFUSALS) as problem:
            raise serializers.ValidationError(str(problem)) from problem
        audit.record(request, "asked second model", search, f"{search.second}: {search.purpose}")
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=AdjustSerializer, responses={201: SearchSerializer})
    @action(detail=True, methods=["post"], parser_classes=[JSONParser, FormParser])
    def adjust(self, request: Request, pk: str) -> Response:
        """The same picture turned, cut or lightened: a search of its own, which names the one it was made from."""
        old = self.get_object()
        if not old.image:
            raise serializers.ValidationError({"image": "A batch has no picture of its own to adjust."})
        said = AdjustSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        form = AdjustForm(said.validated_data)
        check(form)
        try:
            search = adjusting.search_adjusted(old, form.adjustment, audit.signed_in(request))
        except REFUSALS as problem:
            raise serializers.ValidationError({"image": str(problem)}) from problem
        audit.record(request, "searched", search, f"{search.purpose} ({form.adjustment.words})")
        return Response(self.get_serializer(search).data, status=201)


class AlertSerializer(SeenSerializer[Alert]):
    case_number = serializers.CharField(source="case.number", read_only=True, allow_null=True)
    case_name = serializers.CharField(source="title", read_only=True)
    camera_name = serializers.CharField(source="camera.name", read_only=True)
    strength_note = serializers.CharField(source="strength_why", read_only=True)
    probe_url = serializers.SerializerMethodField()
    clip_sha256 = serializers.CharField(
        source="clip.sha256", default="", read_only=True, help_text="Of the ten seconds around it, where they are kept."
    )

    class Meta:
        model = Alert
        fields = [
            "id", "kind", "status", "case", "case_number", "case_name", "camera", "camera_name", "similarity",
            "strength", "strength_note", "found_by", "visits", "last_visit_at", "assigned_to", "seen_before",
            "capture_count", "folded_count",
            "first_captured_at", "last_captured_at", "updated_at", "probe_url", "clip_sha256",
        ]  # fmt: skip

    @extend_schema_field(str)
    def get_probe_url(self, alert: Alert) -> str:
        return reverse("probe", args=[alert.best_capture.probe.pk])


class ReviewSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=Review.Word.choices)
    note = serializers.CharField(allow_blank=True, default="")
    reason = serializers.ChoiceField(choices=Review.Reason.choices, allow_blank=True, default="")


class AlertViewSet(VisibleOnly, viewsets.ReadOnlyModelViewSet[Alert]):
    queryset = Alert.objects.select_related("case", "camera", "model", "best_capture__probe", "clip")
    serializer_class = AlertSerializer
    filterset_class = AlertFilter

    def get_object(self) -> Alert:
        """One that became part of another is answered as that one."""
        pk = str(self.kwargs["pk"])
        joined = Alert.everything.filter(pk=pk, joined_to__isnull=False).first() if pk.isdecimal() else None
        if joined is not None:
            self.kwargs["pk"] = joined.joined_to_id
        alert: Alert = super().get_object()
        return alert

    @extend_schema(responses={(200, "video/webm"): bytes})
    @action(detail=True, methods=["get"])
    def clip(self, request: Request, pk: str) -> HttpResponse:
        """The ten seconds around it, where its collection keeps them."""
        clip = get_object_or_404(AlertClip, alert=self.get_object())
        answer = private_files.video(request, clip.file)
        audit.record(request, "played clip", clip.alert, f"SHA-256 {clip.sha256}")
        return answer

    @extend_schema(request=ReviewSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def review(self, request: Request, pk: str) -> Response:
        """Confirm or dismiss; `new` takes that back."""
        alert = self.get_object()
        form = ReviewSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        try:
            notifying.review(alert, said["status"], said["note"], audit.signed_in(request), said["reason"])
        except notifying.ReasonMissing as missing:
            raise serializers.ValidationError({"reason": [str(missing)]}) from missing
        audit.record(request, form.validated_data["status"], alert, form.validated_data["note"])
        return Response(self.get_serializer(alert).data)
