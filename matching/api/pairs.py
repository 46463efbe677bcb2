"""People who are missing beside people found without a name, over HTTP."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cases import audit
from cases.api import SeenSerializer
from cases.visibility import visible
from matching.gallery import missing_found
from matching.indexing import worklists
from matching.models import CasePair

DECISIONS = ("same", "pursued", "ruled_out")


class PointSerializer(serializers.Serializer[Any]):
    words = serializers.CharField()
    weight = serializers.FloatField(help_text="A power of ten; below 0 it speaks against the pair.")


class PairSerializer(SeenSerializer[CasePair]):
    missing = serializers.IntegerField(source="missing.pk")
    found = serializers.IntegerField(source="found.pk")
    points = serializers.SerializerMethodField()
    decided_by = serializers.SerializerMethodField()

    class Meta:
        model = CasePair
        fields = [
            "id", "missing", "found", "weight", "similarity", "strength", "strength_why", "points", "decision", "means",
            "reason", "decided_by", "decided_at",
        ]  # fmt: skip

    @extend_schema_field(PointSerializer(many=True))
    def get_points(self, pair: CasePair) -> Any:
        return PointSerializer(missing_found.points(pair), many=True).data

    def get_decided_by(self, pair: CasePair) -> str:
        return pair.who if pair.decision else ""


class DecisionSerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(choices=DECISIONS, allow_blank=True, help_text="Empty: taken back.")
    means = serializers.ChoiceField(
        choices=[value for value in CasePair.Means.values if value], allow_blank=True, default=""
    )
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")


@extend_schema(
    parameters=[
        OpenApiParameter("decision", enum=["open", *DECISIONS], description="What was decided; all without it."),
        OpenApiParameter("case", int, description="Those of one case."),
    ]
)
class PairViewSet(mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[CasePair]):
    """Pairs of a missing person and one found without a name, those first for which most speaks."""

    queryset = CasePair.objects.none()
    serializer_class = PairSerializer

    def get_queryset(self) -> QuerySet[CasePair]:
        asked = self.request.query_params.get("decision", "")
        decisions = ["" if asked == "open" else asked] if asked else CasePair.Decision.values
        found = visible(worklists.missing_and_found(decisions), self.request.user)
        case = self.request.query_params.get("case", "")
        if not case:
            return found
        if not (case.isdecimal() and len(case) < 19):
            raise serializers.ValidationError({"case": "Give a case's id."})
        return found.filter(first=int(case)) | found.filter(second=int(case))

    @extend_schema(request=DecisionSerializer, responses=PairSerializer)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: str) -> Response:
        """Say that they are the same person, that it is looked into, or by what somebody is ruled out; for good."""
        pair = self.get_object()
        form = DecisionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            worklists.decide_pair(pair, user=audit.signed_in(request), **form.validated_data)
        except worklists.CannotLink as problem:
            raise serializers.ValidationError({"reason": str(problem)}) from problem
        for case in (pair.first, pair.second):
            audit.record(request, "compared", case, f"{pair}: {pair.said}")
        return Response(self.get_serializer(pair).data)
