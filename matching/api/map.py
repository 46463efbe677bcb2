"""What stands where, over HTTP: the map's own way, and anybody else's."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import audit
from cases.api import check
from matching import places
from matching.map_forms import MapForm
from matching.views.maps import look


class PlacedSerializer(serializers.Serializer[Any]):
    """Where something stands: in the world, or on a plan."""

    latitude = serializers.FloatField(
        source="up", allow_null=True, help_text="Degrees; of several things their mean. On a plan null."
    )
    longitude = serializers.FloatField(source="right", allow_null=True)
    x = serializers.FloatField(
        source="right", allow_null=True, help_text="On a plan: from its left edge, 0..1. In the world null."
    )
    y = serializers.FloatField(source="up", allow_null=True, help_text="On a plan: from its top, 0..1.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        said: dict[str, Any] = super().to_representation(instance)
        return said | dict.fromkeys(("latitude", "longitude") if self.context["plan"] else ("x", "y"))


class PointSerializer(PlacedSerializer):
    kind = serializers.ChoiceField(list(places.KINDS))
    count = serializers.IntegerField(help_text="How many things lie together here.")
    title = serializers.CharField()
    link = serializers.CharField(help_text="Empty: zoom in, they are several.")
    state = serializers.CharField(help_text="A camera's state, an alert's likeness, a case's status.")
    at = serializers.DateTimeField(allow_null=True, help_text="When it was last seen.")


class StepSerializer(PlacedSerializer):
    alert = serializers.IntegerField(source="alert.pk")
    kilometres = serializers.FloatField(allow_null=True, help_text="From the step before. On a plan null.")
    hours = serializers.FloatField()
    far = serializers.BooleanField(help_text="Nobody comes so far so fast.")


class MapSerializer(serializers.Serializer[Any]):
    points = PointSerializer(
        many=True,
        help_text="What lies together in 64 pixels of the map, or at a camera of a plan, is one point of a kind.",
    )
    path = StepSerializer(many=True, help_text="Of one case: where cameras may have seen its person, in order.")


class MapView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("show", many=True, enum=list(places.KINDS)),
            *(
                OpenApiParameter(name, description=str(field.help_text))
                for name, field in MapForm.base_fields.items()
                if name != "show"
            ),
        ],
        responses=MapSerializer,
        operation_id="map",
    )
    def get(self, request: Request) -> Response:
        """Cameras, alerts, confirmed sightings, last-seen places and pictures in a window of the map, or the first
        three on a plan of a site."""
        user = audit.signed_in(request)
        form = MapForm(request.query_params, user=user)
        check(form)
        asked = form.asked()
        look(request, form)
        found = {
            "points": places.points(user, form.window(), asked),
            "path": places.path(user, asked),
        }
        return Response(MapSerializer(found, context={"plan": asked.plan}).data)
