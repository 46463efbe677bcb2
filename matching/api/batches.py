"""Batches over HTTP: begun, filled with files, started, polled, read."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from cases import audit
from cases.api import SeenSerializer, VisibleRelated
from cases.filters import SearchedCases
from cases.models import Collection
from cases.visibility import SearchRefused
from matching.api.parsers import JSONParser
from matching.api.views import CandidateSerializer
from matching.faces.face_models import NoFaceModel
from matching.models import Batch, Search
from matching.searching import batch_results, batches, tasks
from matching.unnamed import seen


class PlaceSerializer(serializers.Serializer[Any]):
    file = serializers.CharField(source="shot.name")
    since = serializers.FloatField(help_text="Second of the clip; null: a picture.")
    until = serializers.FloatField()
    seen_from = serializers.SerializerMethodField(help_text="The time of it, where somebody said when the clip began.")
    seen_until = serializers.SerializerMethodField()

    address = serializers.CharField(source="shot.file.address", help_text='On the web; "": it was sent.')
    found_on = serializers.CharField(source="shot.file.found_on", help_text="The page or feed that names it.")
    fetched_at = serializers.DateTimeField(source="shot.file.fetched_at")
    posted_at = serializers.DateTimeField(
        source="shot.posted_at", help_text="As the feed or the network's export says; null: nothing does."
    )

    def get_seen_from(self, place: batch_results.Place) -> datetime | None:
        return place.shot.file.at(place.since)

    def get_seen_until(self, place: batch_results.Place) -> datetime | None:
        return place.shot.file.at(place.until)


class PersonSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="1 for who was met most often.")
    probe = serializers.IntegerField(source="probe.pk")
    places = PlaceSerializer(many=True)
    candidates = CandidateSerializer(source="probe.candidates", many=True)
    unnamed = serializers.IntegerField(
        source="unnamed.pk", allow_null=True, help_text="With whom they are grouped, where they resemble nobody."
    )


class BatchSerializer(SeenSerializer[Batch]):
    id = serializers.UUIDField(source="pk", read_only=True)
    purpose = serializers.CharField(source="search.purpose", max_length=300)
    reference = serializers.CharField(source="search.reference", max_length=100, required=False)
    collections = VisibleRelated(
        source="search.collections", many=True, queryset=Collection.objects.all(), required=False
    )
    page = serializers.CharField(source="get_absolute_url", read_only=True)

    class Meta:
        model = Batch
        fields = [
            "id", "purpose", "reference", "collections", "one_person", "status", "error", "total", "done", "problems",
            "created_at", "finished_at", "page",
        ]  # fmt: skip
        read_only_fields = ["status", "error", "total", "done", "problems", "finished_at"]

    def get_fields(self) -> dict[str, Any]:
        """With a field for each filter that narrows the cases, by its own name."""
        narrowing = {
            name: serializers.CharField(required=False, write_only=True, help_text=str(filter_.label))
            for name, filter_ in SearchedCases.base_filters.items()
        }
        return {**super().get_fields(), **narrowing}

    def create(self, validated_data: dict[str, Any]) -> Batch:
        narrowed = SearchedCases({n: validated_data[n] for n in SearchedCases.base_filters if n in validated_data})
        if not narrowed.is_valid():
            raise serializers.ValidationError(narrowed.errors)
        search = validated_data["search"]
        try:
            return batches.begin(
                user=audit.signed_in(self.context["request"]),
                purpose=search["purpose"],
                reference=search.get("reference", ""),
                collections=search.get("collections", []),
                narrowed=narrowed,
                one_person=validated_data.get("one_person", False),
            )
        except (NoFaceModel, SearchRefused) as problem:
            raise serializers.ValidationError(str(problem)) from problem


class FilesSerializer(serializers.Serializer[Any]):
    files = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), required=False, help_text="Pictures, zips, clips."
    )
    addresses = serializers.CharField(
        required=False, help_text="On the web, one a line: pictures, pages, RSS or Atom feeds."
    )


class TakenSerializer(serializers.Serializer[Any]):
    files = serializers.IntegerField(help_text="How many the batch has now.")
    refused = serializers.ListField(child=serializers.CharField(), help_text="What was not taken, and why.")


class BatchViewSet(
    mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet[Batch]
):
    """Begin a batch, send its files, start it, poll `status` until it is `done`, read `persons`."""

    queryset = Batch.objects.select_related("search__model", "search__measurement").prefetch_related(
        "search__collections"
    )
    serializer_class = BatchSerializer

    def get_queryset(self) -> QuerySet[Batch]:
        """One's own, and everybody's by permission."""
        return super().get_queryset().filter(search__in=Search.listed(audit.signed_in(self.request)))

    def perform_create(self, serializer: Any) -> None:
        batch = serializer.save()
        audit.record(self.request, "began batch", batch.search, batch.search.purpose)

    @extend_schema(request={"multipart/form-data": FilesSerializer}, responses=TakenSerializer)
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser, FormParser])
    def files(self, request: Request, pk: str) -> Response:
        """Add files or addresses; may be called again and again until it is started."""
        batch = self.get_object()
        refused = []
        try:
            lines = request.POST.get("addresses", "").splitlines()
            refused += batches.add_addresses(batch, lines, audit.signed_in(request))
        except batches.BatchRefused as refusal:
            refused.append(str(refusal))
        for upload in request.FILES.getlist("files"):
            try:
                batches.add(batch, upload, upload.name or "file", audit.signed_in(request))
            except batches.BatchRefused as refusal:
                refused.append(str(refusal))
        return Response(TakenSerializer({"files": batch.files.count(), "refused": refused}).data)

    @extend_schema(request=None, responses=BatchSerializer)
    @action(detail=True, methods=["post"], parser_classes=[JSONParser, FormParser])
    def start(self, request: Request, pk: str) -> Response:
        """No more files come: search them."""
        batch = self.get_object()
        try:
            batches.start(batch)
        except (batches.BatchRefused, SearchRefused) as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal
        audit.record(request, "searched batch", batch.search, batch.search.purpose)
        transaction.on_commit(lambda: tasks.run_batch.delay(str(batch.pk)), robust=True)
        return Response(self.get_serializer(batch).data)

    @extend_schema(request=None, responses=BatchSerializer)
    @action(detail=True, methods=["post"], parser_classes=[JSONParser, FormParser])
    def pause(self, request: Request, pk: str) -> Response:
        """Have it rest after the step it is at."""
        return self._moved("paused batch", batches.pause)

    @extend_schema(request=None, responses=BatchSerializer)
    @action(detail=True, methods=["post"], parser_classes=[JSONParser, FormParser])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on with it."""
        answer = self._moved("resumed batch", batches.resume)
        transaction.on_commit(lambda: tasks.run_batch.delay(pk), robust=True)
        return answer

    @extend_schema(request=None, responses=BatchSerializer)
    @action(detail=True, methods=["post"], parser_classes=[JSONParser, FormParser])
    def cancel(self, request: Request, pk: str) -> Response:
        """End it without searching."""
        return self._moved("cancelled batch", batches.cancel)

    def _moved(self, what: str, move: Callable[[Batch], bool]) -> Response:
        batch = self.get_object()
        if move(batch):
            audit.record(self.request, what, batch.search)
        return Response(self.get_serializer(batch).data)

    @extend_schema(responses=PersonSerializer(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def persons(self, request: Request, pk: str) -> Response:
        """Each person who was met, with where and with the candidates."""
        batch = self.get_object()
        audit.record(request, "viewed", batch.search, batch.search.purpose)
        probes = batch.search.probes.order_by("position").prefetch_related(
            "shots",
            batch_results.seen_by(audit.signed_in(request)),
            "candidates__probe__search__model",
            "candidates__probe__search__measurement",
        )
        return Response(
            PersonSerializer(
                batch_results.people(list(probes), seen.among(probes, audit.signed_in(request))), many=True
            ).data
        )
