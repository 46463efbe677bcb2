"""How people sign in, by django-allauth, and for how long they stay so."""

import ipaddress
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from cases import audit, fair_use, sessions
from cases.models import ApiToken
from cases.sealed import seal, unseal
from mpsite import guessing

ACCEPTED, TOLD = "accepted_notice", "told_of_guesses"
# Where somebody must get who has yet to set up a second factor, and what every page needs.
ALWAYS = ("/accounts/", "/static/", "/manifest.webmanifest", "/worker.js", "/offline/", "/healthz/")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by administrators."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            self._login_failed_rl_usage = guessing.attempt(request, str(credentials.get("username", "")))
        except guessing.TooMany:
            raise self.validation_error("too_many_login_attempts") from None

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR", ""))


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
            _tell_of_guesses(request)
            asks = settings.REQUIRE_SECOND_FACTOR and not request.path.startswith(ALWAYS)
            if asks and not is_mfa_enabled(request.user):
                messages.info(request, "A second factor is required here. Set one up to go on.")
                return redirect("mfa_index")
            asks = not request.path.startswith((*ALWAYS, "/api/", "/notice/", "/metrics"))
            if asks and ACCEPTED not in request.session and (said := fair_use.notice()):
                if request.method == "GET" and not request.headers.get("HX-Request"):
                    return render(request, "notice.html", {"notice": said, "next": request.get_full_path()})
                raise PermissionDenied("Accept the notice first: open any page.")
        answer = self.get_response(request)
        guessing.remember(request, answer)
        return answer


def _tell_of_guesses(request: HttpRequest) -> None:
    """Once after signing in: how often a wrong password was tried for one's name since the time before."""
    if request.session.get(TOLD):
        return
    request.session[TOLD] = True
    number, address = audit.guesses(audit.signed_in(request))
    if number:
        messages.warning(
            request,
            f"A wrong password was tried for your name {number} time{'' if number == 1 else 's'} since you last signed "
            f"in, last from {address or 'an unknown address'}. If that was not you, tell an administrator.",
        )


@receiver(post_save, sender=User)
def _end_tokens(sender: type[User], instance: User, **kwargs: Any) -> None:
    """With a new password the programs that the old one let in are let in no more, as sessions are not."""
    # Django sets this for a password that somebody chose, not where it only stores a known one more safely.
    if getattr(instance, "_password", None) is not None:
        ApiToken.objects.filter(user=instance).delete()


@require_POST
def accept_notice(request: HttpRequest) -> HttpResponse:
    """For this session; the trail says who accepted and when."""
    request.session[ACCEPTED] = True
    audit.record(request, "accepted notice", audit.signed_in(request))
    to = request.POST.get("next", "/")
    return redirect(to if url_has_allowed_host_and_scheme(to, {request.get_host()}) else "/")


def own_account(request: HttpRequest) -> HttpResponse:
    """One's own account; where Sightline was reached by a number, for which browsers keep no passkeys, it says so."""
    host = request.get_host()
    number = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        address = ipaddress.ip_address(number.strip("[]"))
    except ValueError:
        return render(request, "account.html")
    port = host.removeprefix(number)
    by_name = f"{request.scheme}://localhost{port}{request.path}"
    return render(request, "account.html", {"is_number": True, "is_own": address.is_loopback, "by_name": by_name})
