"""A token for a program, given for a name and password."""

from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
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
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=ApiToken.Scope.choices),
        default=[ApiToken.Scope.READ],
        allow_empty=False,
        help_text="What it may; without a word only read.",
    )
    name = serializers.CharField(max_length=100, default="by password", help_text="Which program has it.")


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    scopes = serializers.ListField(child=serializers.CharField())


class TooManyAttempts(APIException):
    status_code, default_code = 429, "throttled"


class TokenView(APIView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes = [PatientScopedThrottle]
    throttle_scope = "token"

    @extend_schema(request=CredentialsSerializer, responses=TokenSerializer, operation_id="token", auth=[])
    def post(self, request: Request) -> Response:
        """A token for 30 days that may what it asks for. One who has a second factor makes it on their page."""
        form = CredentialsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        said = form.validated_data
        try:
            user = get_adapter(request).authenticate(
                request._request, username=said["username"], password=said["password"]
            )
        except ValidationError as refusal:
            raise TooManyAttempts(" ".join(refusal.messages)) from refusal
        if not isinstance(user, User) or not user.is_active:
            raise serializers.ValidationError({"detail": "Name and password do not fit."})
        if settings.REQUIRE_SECOND_FACTOR or is_mfa_enabled(user):
            raise serializers.ValidationError(
                {
                    "detail": "A password is not enough here: make a token on your page, "
                    "where your second factor is asked for."
                }
            )
        until = timezone.now() + timedelta(days=DAYS)
        made, text = ApiToken.issue(user, said["name"], sorted({*said["scopes"]}), until)
        audit.record_as(
            user, "made token", made, f"by password: {', '.join(made.scopes)}", request.META.get("REMOTE_ADDR")
        )
        return Response({"token": text, "expires_at": until, "scopes": made.scopes})
