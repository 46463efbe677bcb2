"""Who asks, by the token of a person's program."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed

from cases.models import ApiToken


class TokenAuthentication(authentication.TokenAuthentication):
    """`Authorization: Token …`; raises `AuthenticationFailed` for one that is unknown, over or revoked."""

    def authenticate_credentials(self, key: str) -> Any:
        found = ApiToken.find(key)
        if found is None:
            raise AuthenticationFailed("The token is unknown, over or revoked.")
        return found.user, found


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "matching.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        said = "As `Token …`, from the page of your account."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": said}
