"""Every request that changes something or reads of persons leaves a row, also one that its view has not thought of.

A view that knows more (which case, why) writes its own row by `cases.audit.record`; for any other this writes one that
names the route. Reads are written once an hour for each person and address.
"""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse

from cases import audit

READ = ("GET", "HEAD", "OPTIONS")
# Pages that show nobody: the system's own, one's own account, forms that are still empty.
SHOWS_NOBODY = {
    "manifest", "web-worker", "offline", "schema", "api-docs", "api:api-root", "home", "account", "tokens", "system",
    "system-next", "system-accuracy", "system-model", "system-capacity", "message-servers", "subscription-confirm",
    "indexing", "collections", "collection-new", "collection-edit", "collection-levels", "audit",
    "audit-csv", "questions", "evaluations", "evaluation", "subscriptions", "subscription", "subscription-new",
    "standing-notice", "plans", "plan", "plan-picture", "cameras", "camera", "camera-edit", "camera-settings",
    "camera-counts", "api:collection-list", "api:collection-detail", "api:camera-list", "api:camera-detail",
    "api:camera-counts", "import-new", "import-edit", "person-invite",
    "people-notice", "team-new", "welcome", "healthz", "readyz", "metrics", "case-begin", "notice",
    "alert-clip", "camera-places",
}  # fmt: skip
# Signing in, of which allauth's signals write; and one's own factors and sessions, which are no one else's.
SIGNS_IN = ("account_login", "account_logout", "account_inactive", "account_signup", "account_reauthenticate")


class TrailMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        match = request.resolver_match
        if match is None or not isinstance(request.user, User) or answer.status_code >= 400 or audit.was_told(request):
            return answer
        route, path = match.view_name, request.get_full_path()
        if request.method in READ:
            shows = answer.status_code < 300 and route not in SHOWS_NOBODY
            if shows and not route.startswith(("account_", "mfa_", "socialaccount_", "usersessions_", "admin:jsi18n")):
                audit.record_path_once(request, "viewed", route, path)
        elif not route.startswith(SIGNS_IN):
            audit.record_path(request, "changed", route, path)
        return answer
