"""A token for a program, given for a name and password."""

from datetime import timedelta
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cases import audit
from cases.models import ApiToken
from matching.api.throttles import PatientScopedThrottle

DAYS = 30


class CredentialsSerializer(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=200, style={"input_type": "password"})


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class TokenView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes = [PatientScopedThrottle]
    throttle_scope = "token"

    @extend_schema(request=CredentialsSerializer, responses=TokenSerializer, operation_id="token", auth=[])
    def post(self, request: Request) -> Response:
        """A token that may all that its owner may, for 30 days. One who has a second factor makes it on their page."""
        form = CredentialsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = authenticate(request, **form.validated_data)
        if not isinstance(user, User):
            raise serializers.ValidationError({"detail": "Name and password do not fit."})
        if settings.REQUIRE_SECOND_FACTOR or is_mfa_enabled(user):
            raise serializers.ValidationError(
                {
                    "detail": "A password is not enough here: make a token on your page, "
                    "where your second factor is asked for."
                }
            )
        until = timezone.now() + timedelta(days=DAYS)
        made, text = ApiToken.issue(user, "by password", list(ApiToken.Scope.values), until)
        audit.record_as(user, "made token", made, "by password", request.META.get("REMOTE_ADDR"))
        return Response({"token": text, "expires_at": until})
