"""A case's notes and tasks over HTTP, by the same rules as on its page."""

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cases import audit, desk
from cases.api import Conflict, SeenSerializer, VisibleOnly
from cases.models import CaseNote, CaseTask


class NoteSerializer(SeenSerializer[CaseNote]):
    user = serializers.CharField(read_only=True, allow_null=True, help_text="Who wrote it, a username.")

    class Meta:
        model = CaseNote
        fields = ["id", "case", "text", "user", "at", "struck_at"]
        read_only_fields = ["at", "struck_at"]


class TaskSerializer(SeenSerializer[CaseTask]):
    assigned_to = serializers.CharField(
        required=False, allow_null=True, help_text="A username; left out or null: nobody's yet."
    )
    made_by = serializers.CharField(read_only=True, allow_null=True)
    done_by = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = CaseTask
        fields = ["id", "case", "text", "due_on", "assigned_to", "made_by", "made_at", "done_by", "done_at"]
        read_only_fields = ["made_at", "done_at"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        name = attrs.pop("assigned_to", None)
        if name:
            attrs["assigned_to"] = desk.who_may_do(attrs["case"]).filter(username=name).first()
            if attrs["assigned_to"] is None:
                raise serializers.ValidationError(
                    {"assigned_to": "Nobody of that name sees this case and decides on what is found of it."}
                )
        return attrs


class OfCaseFilter(django_filters.FilterSet):
    # A number, as of `PhotoFilter`.
    case = django_filters.NumberFilter("case")


class TaskFilter(OfCaseFilter):
    done = django_filters.BooleanFilter("done_at", lookup_expr="isnull", exclude=True, label="Done")
    assigned_to = django_filters.CharFilter("assigned_to__username", label="A username")


class NoteViewSet(
    VisibleOnly, mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.ListModelMixin,
    viewsets.GenericViewSet[CaseNote],
):  # fmt: skip
    """Notes are never changed; one's own can be struck out."""

    queryset = CaseNote.objects.select_related("case", "user")
    serializer_class = NoteSerializer
    filterset_class = OfCaseFilter

    def perform_create(self, serializer: Any) -> None:
        note = serializer.save(user=audit.signed_in(self.request))
        audit.record(self.request, "noted", note.case, note.text)

    @extend_schema(request=None, responses=NoteSerializer)
    @action(detail=True, methods=["post"])
    def strike(self, request: Request, pk: str) -> Response:
        """Strike one's own note out, or have it stand again."""
        note = self.get_object()
        try:
            desk.strike(note, audit.signed_in(request))
        except desk.NotYours as refusal:
            raise Conflict(str(refusal)) from refusal
        audit.record(request, "struck out" if note.struck_at else "noted again", note.case, note.text)
        return Response(self.get_serializer(note).data)


class TaskViewSet(
    VisibleOnly, mixins.CreateModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, mixins.ListModelMixin,
    viewsets.GenericViewSet[CaseTask],
):  # fmt: skip
    queryset = CaseTask.objects.select_related("case", "assigned_to", "made_by", "done_by")
    serializer_class = TaskSerializer
    filterset_class = TaskFilter

    def perform_create(self, serializer: Any) -> None:
        task = serializer.save(made_by=audit.signed_in(self.request))
        audit.record(self.request, "asked for", task.case, desk.words(task))

    def perform_destroy(self, instance: CaseTask) -> None:
        audit.record(self.request, "removed task", instance.case, instance.text)
        instance.delete()

    @extend_schema(request=None, responses=TaskSerializer)
    @action(detail=True, methods=["post"])
    def done(self, request: Request, pk: str) -> Response:
        """It is done, or is to be done after all."""
        task = self.get_object()
        desk.settle(task, audit.signed_in(request))
        audit.record(request, "did" if task.done_at else "reopened task", task.case, task.text)
        return Response(self.get_serializer(task).data)
