"""What people say of candidates, over HTTP: leads, opinions, marks; each sees what the pages would show them."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cases import audit, exports
from cases.api import Conflict, SeenSerializer, VisibleRelated
from cases.visibility import visible
from matching.api.views import CandidateSerializer
from matching.models import Candidate, Mark, Opinion
from matching.searching import deciding, lead_file


class OpinionSerializer(SeenSerializer[Opinion]):
    user = serializers.CharField(source="user.username", default=None)

    class Meta:
        model = Opinion
        fields = ["user", "word", "note", "at"]


class MarkSerializer(SeenSerializer[Mark]):
    user = serializers.CharField(source="user.username", default=None, read_only=True)
    serializer_related_field = VisibleRelated
    x = serializers.FloatField(min_value=0, max_value=1)
    y = serializers.FloatField(min_value=0, max_value=1)

    class Meta:
        model = Mark
        fields = ["id", "face", "x", "y", "text", "user", "at"]
        read_only_fields = ["at"]


class LeadSerializer(CandidateSerializer):
    """A candidate with what was said of it: without others' notes and marks until the asker has said their own word."""

    search = serializers.UUIDField(source="probe.search_id", read_only=True)
    page = serializers.CharField(source="get_absolute_url", read_only=True)
    opinions = serializers.SerializerMethodField()
    marks = serializers.SerializerMethodField()

    class Meta(CandidateSerializer.Meta):
        fields = [*CandidateSerializer.Meta.fields, "search", "page", "opinions", "marks"]

    @extend_schema_field(OpinionSerializer(many=True))
    def get_opinions(self, candidate: Candidate) -> Any:
        said = deciding.said_of(candidate, self.context["request"].user)
        shown = OpinionSerializer(said.standing, many=True).data
        return [{**one, "note": ""} for one in shown] if said.hidden else shown

    @extend_schema_field(MarkSerializer(many=True))
    def get_marks(self, candidate: Candidate) -> Any:
        user = self.context["request"].user
        marks = candidate.marks.select_related("user")
        hidden = deciding.said_of(candidate, user).hidden
        return MarkSerializer(marks.filter(user=user) if hidden else marks, many=True).data


class WordSerializer(serializers.Serializer[Any]):
    word = serializers.ChoiceField(choices=Opinion.Word.choices, allow_blank=True, help_text="Empty: taken back.")
    note = serializers.CharField(max_length=500, allow_blank=True, default="")


@extend_schema(
    parameters=[OpenApiParameter("list", enum=["waiting", "proposed", "disputed", "confirmed"], description="Which.")]
)
class LeadViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Candidate]):
    """Candidates of searches. Listed are those on which somebody has decided; any may be read and decided by its id."""

    queryset = Candidate.objects.filter(probe__search__isnull=False).select_related(
        "probe__search__model", "probe__search__measurement", "case__collection", "face"
    )
    serializer_class = LeadSerializer

    def get_queryset(self) -> QuerySet[Candidate]:
        if self.action != "list":
            return visible(super().get_queryset(), self.request.user)
        lists = deciding.decided(audit.signed_in(self.request))
        return lists.get(self.request.query_params.get("list", "waiting"), lists["waiting"])

    @extend_schema(request=WordSerializer, responses=LeadSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Say that it may be the person, that it is not, or take one's own word back."""
        candidate = self.get_object()
        form = WordSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        word, note = form.validated_data["word"], form.validated_data["note"]
        deciding.say(candidate, word, audit.signed_in(request), note)
        audit.record(request, Opinion.Word(word).label.lower(), candidate.case, f"candidate {candidate.pk}: {note}")
        return Response(self.get_serializer(candidate).data)

    @extend_schema(
        responses={(200, "application/zip"): bytes, 409: OpenApiResponse(description="It is no confirmed lead.")}
    )
    @action(detail=True, methods=["get"])
    def file(self, request: Request, pk: str) -> HttpResponse:
        """A confirmed lead as one signed zip: sheet, pictures, what was said, who did what."""
        candidate = self.get_object()
        if candidate.decision != Candidate.Decision.CONFIRMED:
            raise Conflict("It is no confirmed lead.")
        row = audit.record(request, "took along lead", candidate.case, f"candidate {candidate.pk}")
        content = lead_file.packed(candidate, audit.signed_in(request), str(row.pk))
        return exports.whole(f"lead-{candidate.pk}.zip", content, "application/zip")

    @extend_schema(request=MarkSerializer, responses={201: MarkSerializer})
    @action(detail=True, methods=["post"])
    def marks(self, request: Request, pk: str) -> Response:
        """Mark a place on the probe (`face` null) or on one of the case's photos."""
        candidate = self.get_object()
        form = MarkSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        face = form.validated_data.get("face")
        if face is not None and face.case_id != candidate.case_id:
            raise serializers.ValidationError({"face": "It is not in a photo of this case."})
        mark = form.save(candidate=candidate, user=request.user)
        audit.record(request, "marked", candidate.case, f"candidate {candidate.pk}: {mark.text}")
        return Response(MarkSerializer(mark).data, status=201)
