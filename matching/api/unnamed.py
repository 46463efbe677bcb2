"""People whom nobody has named, over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cases import audit
from cases.api import SeenSerializer, check, sent
from cases.forms import BeginForm
from matching.models import UnnamedFace, UnnamedPerson
from matching.unnamed import by_hand, seen
from matching.unnamed_forms import MergeForm, PeopleForm, SayForm, SplitForm, VisitsForm


class UnnamedSerializer(SeenSerializer[UnnamedPerson]):
    case = serializers.IntegerField(source="seen_case", read_only=True, help_text="That was made of them.")
    times = serializers.IntegerField(read_only=True, help_text="Visits: until not seen for five minutes is one.")
    places = serializers.IntegerField(read_only=True, help_text="At how many cameras.")
    batches = serializers.IntegerField(read_only=True, help_text="In how many of them.")
    first = serializers.DateTimeField(read_only=True)
    last = serializers.DateTimeField(read_only=True)
    face_url = serializers.SerializerMethodField()

    class Meta:
        model = UnnamedPerson
        fields = ["id", "mark", "note", "case", "times", "places", "batches", "first", "last", "face_url"]

    def get_face_url(self, person: UnnamedPerson) -> str:
        return reverse("probe", args=[getattr(person, "best")])  # noqa: B009 - annotated


class VisitSerializer(serializers.Serializer[Any]):
    camera = serializers.IntegerField(source="camera.pk", allow_null=True, help_text="None: met in a batch.")
    batch = serializers.UUIDField(source="shot.file.batch_id", allow_null=True)
    picture = serializers.CharField(source="shot.name", allow_null=True, help_text="Of the batch: its name there.")
    dated_by = serializers.ChoiceField(choices=UnnamedFace.DatedBy.choices)
    first = serializers.DateTimeField()
    last = serializers.DateTimeField()
    faces = serializers.SerializerMethodField(help_text="Ids, by which they are split off.")

    def get_faces(self, visit: seen.VisitHere) -> list[int]:
        return [face.pk for face in visit.faces]


class AlikeSerializer(serializers.Serializer[Any]):
    person = serializers.IntegerField(source="person.pk")
    similarity = serializers.FloatField()
    strength = serializers.CharField(source="strength.word")
    strength_note = serializers.CharField(source="strength.why")


class CompanionSerializer(serializers.Serializer[Any]):
    person = serializers.IntegerField(source="person.pk")
    together = serializers.IntegerField(help_text="At how many visits they came within a minute of each other.")
    expected = serializers.FloatField(help_text="At how many by chance.")


class PicturedSerializer(serializers.Serializer[Any]):
    person = serializers.IntegerField(source="person.pk")
    pictures = serializers.IntegerField(help_text="Of batches, and stretches of clips.")


class AboutSerializer(UnnamedSerializer):
    visits = VisitSerializer(many=True, read_only=True)
    alike = AlikeSerializer(many=True, read_only=True, help_text="Who may be the same person.")
    companions = CompanionSerializer(many=True, read_only=True)
    pictured_with = PicturedSerializer(many=True, read_only=True, help_text="Who stands in the same pictures.")

    class Meta(UnnamedSerializer.Meta):
        fields = [*UnnamedSerializer.Meta.fields, "visits", "alike", "companions", "pictured_with"]


class SaySerializer(serializers.Serializer[Any]):
    mark = serializers.ChoiceField(choices=UnnamedPerson.Mark.values, allow_blank=True, required=False)
    note = serializers.CharField(max_length=300, allow_blank=True, required=False)


class OtherSerializer(serializers.Serializer[Any]):
    other = serializers.IntegerField()


class FacesSerializer(serializers.Serializer[Any]):
    faces = serializers.ListField(child=serializers.IntegerField(), required=False)
    joined_from = serializers.IntegerField(required=False, help_text="All that came from this person by a merge.")


class CollectionSerializer(serializers.Serializer[Any]):
    collection = serializers.IntegerField()


class MadeSerializer(serializers.Serializer[Any]):
    case = serializers.IntegerField()
    number = serializers.CharField()


class DaySerializer(serializers.Serializer[Any]):
    day = serializers.DateField()
    visitors = serializers.IntegerField()
    new = serializers.IntegerField(help_text="Never seen before in the days that are kept.")
    returning = serializers.IntegerField()
    stay = serializers.FloatField(allow_null=True, help_text="Minutes, the mean of those who were seen twice.")
    hours = serializers.ListField(child=serializers.IntegerField(), help_text="How many came in each hour, 0 to 23.")


@contextmanager
def _refusals_said() -> Iterator[None]:
    try:
        yield
    except by_hand.HandRefused as refusal:
        raise serializers.ValidationError(str(refusal)) from refusal


class UnnamedViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[UnnamedPerson]):
    """People whom cameras saw and nobody has named."""

    queryset = UnnamedPerson.objects.none()
    serializer_class = UnnamedSerializer

    def get_queryset(self) -> QuerySet[UnnamedPerson]:
        user = audit.signed_in(self.request)
        if self.action != "list":
            return seen.people(user)
        form = PeopleForm(self.request.query_params, user=user)
        check(form)
        return form.people()

    @extend_schema(
        parameters=[
            OpenApiParameter("order", enum=list(seen.ORDERS)),
            OpenApiParameter(
                "who", enum=["interest", "staff", "returning", "batches"], description="All but staff without it."
            ),
            OpenApiParameter("camera", int),
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)

    @extend_schema(responses=AboutSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One of them, with their visits, who may be the same, and who comes with them."""
        person, user = self.get_object(), audit.signed_in(request)
        about = {
            "visits": VisitSerializer(seen.visits(person, user), many=True).data,
            "alike": AlikeSerializer(seen.alike(person, user), many=True).data,
            "companions": CompanionSerializer(seen.companions(person, user), many=True).data,
            "pictured_with": PicturedSerializer(seen.pictured_with(person, user), many=True).data,
        }
        return Response(self.get_serializer(person).data | about)

    @extend_schema(request=SaySerializer, responses=UnnamedSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who they are to us: staff, of interest, nobody in particular."""
        person = self.get_object()
        form = SayForm({"mark": person.mark, "note": person.note, **sent(request)}, instance=person)
        check(form)
        by_hand.say(person, form.cleaned_data["mark"], form.cleaned_data["note"])
        audit.record(request, "marked", person, f"{person.get_mark_display()} {person.note}".strip())
        return self._answer(person)

    @extend_schema(request=OtherSerializer, responses=UnnamedSerializer)
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        """Another is the same person: their faces come here."""
        person = self.get_object()
        form = MergeForm(sent(request), user=request.user)
        check(form)
        name = str(form.cleaned_data["other"])
        with _refusals_said():
            by_hand.merge(person, form.cleaned_data["other"])
        audit.record(request, "merged", person, f"with {name}")
        return self._answer(person)

    @extend_schema(request=FacesSerializer, responses={201: UnnamedSerializer})
    @action(detail=True, methods=["post"])
    def split(self, request: Request, pk: str) -> Response:
        """Some of the faces show somebody else. Answers who that is."""
        person = self.get_object()
        form = SplitForm(sent(request), user=request.user, person=person)
        check(form)
        with _refusals_said():
            other = by_hand.split(person, form.chosen())
        audit.record(request, "split", person, f"into {other}")
        return self._answer(other, status=201)

    @extend_schema(request=CollectionSerializer, responses={201: MadeSerializer})
    @action(detail=True, methods=["post"])
    def case(self, request: Request, pk: str) -> Response:
        """A case made of their best pictures, or a known person."""
        person = self.get_object()
        form = BeginForm(sent(request), user=request.user)
        check(form)
        with _refusals_said():
            case = by_hand.begin_case(person, form.cleaned_data["collection"], audit.signed_in(request))
        audit.record(request, "created", case, f"from {person}")
        return Response({"case": case.pk, "number": case.number}, status=201)

    @extend_schema(
        parameters=[OpenApiParameter("camera", int), OpenApiParameter("days", int, enum=[7, 28, 90])],
        responses=DaySerializer(many=True),
        filters=False,
    )
    @action(detail=False, pagination_class=None)
    def visits(self, request: Request) -> Response:
        """Visitors by day, the latest first: new, returning, how long they stayed, and in which hours they came."""
        form = VisitsForm(request.query_params, user=request.user)
        check(form)
        return Response(DaySerializer(form.days_asked(), many=True).data)

    def _answer(self, person: UnnamedPerson, status: int = 200) -> Response:
        found = self.get_queryset().get(pk=person.pk)
        return Response(UnnamedSerializer(found, context=self.get_serializer_context()).data, status=status)
