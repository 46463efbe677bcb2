"""How people sign in, by django-allauth, and for how long they stay so."""

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from cases import sessions
from cases.sealed import seal, unseal

# Where somebody must get who has yet to set up a second factor, and what every page needs.
ALWAYS = ("/accounts/", "/static/", "/manifest.webmanifest", "/worker.js", "/offline/", "/healthz/")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by administrators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class AgencyAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Whom the agency's own provider lets in has an account here, without a role until an administrator gives one."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of second factors are kept sealed."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)


class SessionMiddleware:
    """Ends sessions that have idled or lasted too long, and asks for a second factor where one is required."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            if over := sessions.over(request.session):
                logout(request)
                messages.info(request, over)
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
            sessions.note(request.session)
            asks = settings.REQUIRE_SECOND_FACTOR and not request.path.startswith(ALWAYS)
            if asks and not is_mfa_enabled(request.user):
                messages.info(request, "A second factor is required here. Set one up to go on.")
                return redirect("mfa_index")
        return self.get_response(request)
