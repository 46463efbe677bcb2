"""Where a face or a case's person was seen before, and standing searches, over HTTP."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import audit
from cases.api import SeenSerializer, VisibleRelated, check
from cases.models import Case
from cases.visibility import SearchRefused, visible
from matching.faces import face_models
from matching.forms import LookBackForm
from matching.models import Alert, Probe, Search, StandingSearch
from matching.searching import around, looking_back, standing


class VisitSerializer(serializers.Serializer[Any]):
    camera = serializers.CharField(source="camera.name", default=None)
    place = serializers.CharField(source="camera.place", default="")
    search = serializers.UUIDField(source="search.pk", default=None, help_text="Where it was searched, not seen.")
    first = serializers.DateTimeField()
    last = serializers.DateTimeField()
    times = serializers.IntegerField()
    similarity = serializers.FloatField()
    strength = serializers.CharField(source="strength.word")
    strength_note = serializers.CharField(source="strength.why")
    face_url = serializers.SerializerMethodField()

    def get_face_url(self, visit: looking_back.Visit) -> str:
        return reverse("probe", args=[visit.best.pk])


class LookedBackSerializer(serializers.Serializer[Any]):
    faces = serializers.IntegerField(help_text="How many kept faces were looked at.")
    former = serializers.IntegerField(help_text="Faces of a former face model, which cannot be compared.")
    visits = VisitSerializer(many=True, help_text="The latest first.")


class SeenProbeView(APIView):
    @extend_schema(responses=LookedBackSerializer, operation_id="probes_seen")
    def get(self, request: Request, pk: int) -> Response:
        """Where else the face of a search was seen."""
        probe = get_object_or_404(
            visible(Probe.objects.select_related("search", "model"), request.user), pk=pk, search__isnull=False
        )
        try:
            found = looking_back.for_probe(probe, audit.signed_in(request))
        except SearchRefused as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal
        audit.record(request, "looked back", probe.search or probe, probe.search.purpose if probe.search else "")
        return Response(LookedBackSerializer(found).data)


class SeenCaseView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("purpose", required=True, description="What it is for: kept with your name."),
            OpenApiParameter("reference", description="A case or tip number, where the collection asks for one."),
        ],
        responses=LookedBackSerializer,
        operation_id="cases_seen",
    )
    def get(self, request: Request, pk: int) -> Response:
        """Where a case's person may have been seen."""
        case = get_object_or_404(visible(Case, request.user), pk=pk)
        form = LookBackForm(request.query_params)
        check(form)
        try:
            found = looking_back.for_case(case, face_models.active(), audit.signed_in(request), **form.cleaned_data)
        except (face_models.NoFaceModel, SearchRefused) as problem:
            raise serializers.ValidationError(str(problem)) from problem
        audit.record(request, "looked back", case, form.why)
        return Response(LookedBackSerializer(found).data)


class WaySerializer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="on foot, by bicycle or by car, along the straight line.")
    minutes = serializers.IntegerField()
    at = serializers.DateTimeField(help_text="When somebody is there at the earliest.")


class NearSerializer(serializers.Serializer[Any]):
    camera = serializers.IntegerField(source="camera.pk")
    name = serializers.CharField(source="camera.name")
    place = serializers.CharField(source="camera.place")
    kilometres = serializers.FloatField(allow_null=True, help_text="null: nobody knows where it stands.")
    direction = serializers.CharField(help_text="north, north-east, ...")
    ways = WaySerializer(many=True)
    went_on = serializers.IntegerField(
        source="went_on.times", default=0, help_text="How often people came there next from the alert's camera."
    )
    went_on_minutes = serializers.FloatField(
        source="went_on.minutes", default=None, help_text="How long they took, in the middle of these times."
    )
    captures = serializers.IntegerField(help_text="Faces of anybody, in the time looked at.")
    visits = VisitSerializer(many=True, help_text="Of faces like the alert's, the most alike first.")


class AroundSerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    near = NearSerializer(many=True, help_text="Where to look first.")
    more = serializers.IntegerField(help_text="Cameras within reach that are not listed.")
    far = serializers.IntegerField(help_text="Cameras that nobody reaches in the time.")
    left = serializers.IntegerField(help_text="How often people left the alert's camera for another.")


class AroundView(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("hours", int, enum=around.HOURS, description="Before and after; 2 if not said.")],
        responses=AroundSerializer,
        operation_id="alerts_around",
    )
    def get(self, request: Request, pk: int) -> Response:
        """Which cameras somebody can have passed before or after an alert, and where to look first."""
        alerts = Alert.objects.select_related("case__collection", "camera")
        alert = get_object_or_404(visible(alerts, request.user), pk=pk)
        asked = serializers.ChoiceField(around.HOURS).run_validation(request.query_params.get("hours", around.HOURS[1]))
        try:
            found = around.around(alert, audit.signed_in(request), int(asked))
        except SearchRefused as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal
        audit.record(request, "looked around", alert.case or alert.camera, around.words(alert, int(asked)))
        return Response(AroundSerializer(found).data)


class StandingSerializer(SeenSerializer[StandingSearch]):
    search = VisibleRelated(queryset=Search.objects.all())
    purpose = serializers.CharField(source="search.purpose", read_only=True)
    fresh = serializers.IntegerField(read_only=True, help_text="Likenesses since its owner last looked.")
    came = serializers.IntegerField(read_only=True, help_text="All that came since it was opened.")

    class Meta:
        model = StandingSearch
        fields = ["id", "search", "purpose", "opened_at", "fresh", "came"]
        read_only_fields = ["opened_at"]


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)


class StandingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[StandingSearch]):
    """One's own standing searches, the oldest first."""

    queryset = StandingSearch.objects.all()
    serializer_class = StandingSerializer

    def get_queryset(self) -> QuerySet[StandingSearch]:
        return standing.kept_open(audit.signed_in(self.request))

    @extend_schema(request=StandingSerializer, responses={201: StandingSerializer})
    def create(self, request: Request) -> Response:
        """Keep a search open: whoever comes into the gallery is compared with its faces."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        search = form.validated_data["search"]
        try:
            is_new = standing.keep_open(search, audit.signed_in(request))
        except SearchRefused as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal
        if is_new:
            audit.record(request, "kept open", search, search.purpose)
        return Response(self.get_serializer(self.get_queryset().get(search=search)).data, status=201)

    @extend_schema(request=ReasonSerializer, responses={204: None})
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """End it, with the reason."""
        one = self.get_object()
        form = ReasonSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if standing.close(one, form.validated_data["reason"]):
            audit.record(request, "closed standing search", one.search, form.validated_data["reason"])
        return Response(status=204)
