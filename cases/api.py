"""Cases, their photos and collections over HTTP."""

from collections.abc import Mapping
from copy import copy
from typing import Any, TypeVar, cast

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models, transaction
from django.db.models import CheckConstraint, ProtectedError, RestrictedError
from django.forms import BaseForm
from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from cases import audit, exports, taken_along
from cases.filters import CaseFilter, PhotoFilter
from cases.models import Case, Collection, Photo, PhotoAlreadyThere, add_photo, remove_photo
from cases.visibility import TeamsRefused, is_name_taken, sees_all, teams_after, visible

Model = TypeVar("Model", bound=models.Model)


def check(form: BaseForm) -> None:
    """A form of the pages that a call is read by. Raises `ValidationError` with its sentences by field."""
    if not form.is_valid():
        raise serializers.ValidationError({name: list(map(str, found)) for name, found in form.errors.items()})


def sent(request: Request) -> Mapping[str, Any]:
    """What a call says, as a form reads it. One that is no object says nothing."""
    return request.data if isinstance(request.data, Mapping) else {}


class VisibleRelated(serializers.PrimaryKeyRelatedField[Any]):
    """One of those that exist for whoever asks."""

    def get_queryset(self) -> Any:
        found = super().get_queryset()
        return None if found is None else visible(found, self.context["request"].user)


class SeenSerializer(serializers.ModelSerializer[Model]):
    """A row of which every related field takes only what exists for whoever asks, and which is refused in words where
    its values cannot stand together."""

    serializer_related_field = VisibleRelated

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        model: Any = cast(Any, self.Meta).model
        checks = [one for one in model._meta.constraints if isinstance(one, CheckConstraint)]
        if checks:
            row = copy(self.instance) if self.instance else model()
            for name in {field.name for field in model._meta.concrete_fields} & attrs.keys():
                setattr(row, name, attrs[name])
        for constraint in checks:
            try:
                constraint.validate(model, row)
            except DjangoValidationError as wrong:
                raise serializers.ValidationError(wrong.messages) from wrong
        return attrs


class OwnedSerializer(SeenSerializer[Model]):
    """A row that teams own, with the fields `name` and `teams`."""

    def validate_name(self, value: str) -> str:
        model: Any = cast(Any, self.Meta).model
        if is_name_taken(model, value, self._user, self.instance):
            raise serializers.ValidationError(f"There is a {model._meta.verbose_name} of this name already.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if self.instance is None and "teams" not in attrs and not sees_all(self._user):
            attrs["teams"] = list(self._user.teams.all())
        if "teams" in attrs:
            before = None if self.instance is None else cast(Any, self.instance).teams.all()
            try:
                attrs["teams"] = teams_after(self._user, attrs["teams"], before)
            except TeamsRefused as refusal:
                raise serializers.ValidationError({"teams": str(refusal)}) from refusal
        return attrs

    def to_representation(self, instance: Any) -> dict[str, Any]:
        said = super().to_representation(instance)
        if not sees_all(self._user):
            said["teams"] = [pk for pk in said["teams"] if pk in {team.pk for team in self._user.teams.all()}]
        return said

    @property
    def _user(self) -> Any:
        return self.context["request"].user


class VisibleOnly:
    """A set of views on what exists for whoever asks."""

    request: Any

    def get_queryset(self) -> Any:
        found = super().get_queryset()  # type: ignore[misc]
        return visible(found, self.request.user)


class Conflict(APIException):
    status_code, default_code = 409, "conflict"


class CollectionSerializer(OwnedSerializer[Collection]):
    class Meta:
        model = Collection
        fields = [
            "id", "name", "teams", "description", "kind", "alert_level", "reviewers", "look_back_days", "search_days",
            "clip_days", "unnamed_days", "needs_reference", "needs_reason", "episode_seconds", "stop_when_confirmed",
            "far_apart",
        ]  # fmt: skip


class PhotoSerializer(SeenSerializer[Photo]):
    image = serializers.FileField(write_only=True)
    url = serializers.SerializerMethodField(help_text="The upright picture, as JPEG; needs a sign-in.")

    class Meta:
        model = Photo
        fields = [
            "id", "case", "image", "url", "filename", "view", "kind", "taken_on", "own_time", "own_latitude",
            "own_longitude", "file_note", "status", "status_note", "created_at",
        ]  # fmt: skip
        read_only_fields = [
            "filename", "own_time", "own_latitude", "own_longitude", "file_note", "status", "status_note",
        ]  # fmt: skip

    def get_url(self, photo: Photo) -> str:
        return reverse("photo", args=[photo.pk])

    def create(self, validated_data: dict[str, Any]) -> Photo:
        upload = validated_data["image"]
        try:
            return add_photo(
                validated_data["case"],
                upload.read(),
                upload.name,
                view=validated_data.get("view", Photo.View.FRONT),
                kind=validated_data.get("kind", Photo.Kind.PHOTOGRAPH),
                uploaded_by=audit.signed_in(self.context["request"]),
            )
        except PhotoAlreadyThere as there:
            raise serializers.ValidationError({"image": f"{there} It is photo {there.photo.pk}."}) from there


class CaseSerializer(SeenSerializer[Case]):
    photos = PhotoSerializer(many=True, read_only=True)
    closed_by = serializers.CharField(read_only=True, allow_null=True, help_text="A username; null: its source.")
    assigned_to = serializers.CharField(read_only=True, allow_null=True, help_text="A username: who sees to it.")

    class Meta:
        model = Case
        fields = [
            "id", "collection", "number", "name", "other_names", "sex", "age_from", "age_to", "born_on", "born_from",
            "born_to", "height_from", "height_to", "weight_from", "weight_to", "hair", "eyes", "complexion", "race",
            "marks", "clothing", "dental", "dna", "vehicle", "languages", "category", "other_numbers", "latitude",
            "longitude", "last_seen_on", "last_seen_place", "circumstances", "agency", "contact", "source_url",
            "as_written", "exclusions", "status", "closed_at", "closed_by", "closed_reason", "outcome", "ended_on",
            "assigned_to", "created_at", "updated_at", "photos",
        ]  # fmt: skip
        read_only_fields = ["status", "closed_at", "closed_reason", "outcome", "ended_on", "exclusions"]


class CloseSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=300)
    outcome = serializers.ChoiceField(Case.Outcome.choices, required=False, default=Case.Outcome.UNKNOWN)
    ended_on = serializers.DateField(required=False, default=None, allow_null=True, help_text="The day of the outcome.")


class CollectionViewSet(VisibleOnly, viewsets.ModelViewSet[Collection]):
    queryset = Collection.objects.all()
    serializer_class = CollectionSerializer

    def perform_create(self, serializer: Any) -> None:
        audit.record(self.request, "created", serializer.save())

    def perform_update(self, serializer: Any) -> None:
        audit.record(self.request, "changed", serializer.save(), ", ".join(serializer.validated_data))

    def perform_destroy(self, instance: Collection) -> None:
        if instance.cases.exists():
            raise Conflict("The collection has cases. Move or delete them first.")
        try:
            with transaction.atomic():
                audit.record(self.request, "deleted", instance)
                instance.delete()
        except (ProtectedError, RestrictedError) as problem:
            raise Conflict("The collection is in use. Remove what refers to it first.") from problem


class CaseViewSet(
    VisibleOnly, mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, mixins.ListModelMixin,
    viewsets.GenericViewSet[Case],
):  # fmt: skip
    """Cases are closed and reopened, never deleted here."""

    queryset = Case.objects.select_related("closed_by", "assigned_to").prefetch_related("photos")
    serializer_class = CaseSerializer
    filterset_class = CaseFilter

    def perform_create(self, serializer: Any) -> None:
        audit.record(self.request, "created", serializer.save())

    def perform_update(self, serializer: Any) -> None:
        audit.record(self.request, "changed", serializer.save(), ", ".join(serializer.validated_data))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        audit.record(request, "viewed", self.get_object())
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(request=CloseSerializer, responses=CaseSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: str) -> Response:
        """Take the case out of the gallery."""
        case = self.get_object()
        form = CloseSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        if case.close(said["reason"], said["outcome"], said["ended_on"], audit.signed_in(request)):
            audit.record(request, "closed", case, said["reason"])
        return Response(CaseSerializer(case, context=self.get_serializer_context()).data)

    @extend_schema(
        responses={
            (200, "application/octet-stream"): bytes,
            409: OpenApiResponse(description="The case has no photo of a face that could be read."),
        }
    )
    @action(detail=True, methods=["get"])
    def nist(self, request: Request, pk: str) -> HttpResponse:
        """Its photos as ANSI/NIST-ITL records of type 10."""
        case = self.get_object()
        photos = taken_along.faces(case)
        if not photos:
            raise Conflict("The case has no photo of a face that could be read.")
        event = audit.record(request, "exported", case, f"{len(photos)} photos as ANSI/NIST-ITL")
        return exports.whole(f"{case.pk}.an2", taken_along.nist(case, photos, str(event.pk)))

    @extend_schema(request=None, responses=CaseSerializer)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, pk: str) -> Response:
        """Bring the case back into the gallery."""
        case = self.get_object()
        if case.reopen():
            audit.record(request, "reopened", case)
        return Response(CaseSerializer(case, context=self.get_serializer_context()).data)


class PhotoViewSet(
    VisibleOnly, mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, mixins.ListModelMixin,
    viewsets.GenericViewSet[Photo],
):  # fmt: skip
    """A photo is indexed after it is posted: its `status` tells how that ended."""

    queryset = Photo.objects.select_related("case")
    serializer_class = PhotoSerializer
    parser_classes = [MultiPartParser, FormParser]
    filterset_class = PhotoFilter

    def perform_create(self, serializer: Any) -> None:
        photo = serializer.save()
        audit.record(self.request, "added photo", photo.case, photo.filename)

    def perform_destroy(self, instance: Photo) -> None:
        if instance.case.held_at:
            raise Conflict(f"The case is under a legal hold: {instance.case.held_reason}")
        audit.record(self.request, "removed photo", instance.case, instance.filename)
        remove_photo(instance)
