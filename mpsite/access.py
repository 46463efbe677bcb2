"""Who may do what: each page and API route with the permission that it asks for, and the roles that carry them.

What exists for whom is another question, which `cases.visibility` answers. A route that is not named here is refused
to everybody, and `tests/test_access.py` says so.
"""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from cases import audit
from cases.fair_use import SEARCH, WALK
from cases.models import ApiToken

SIGNED_IN = ""
# Routes of django-allauth, which look after themselves: signing in and out, one's own second factors and sessions.
OWN_ACCOUNT = ("account_", "mfa_", "socialaccount_", "usersessions_", "openid_connect_")
Rule = str | tuple[str, ...] | dict[str, str]

# What a role may do, as it is asked for below.
SEE_CASES, CHANGE_CASES, SEE_ALERTS = "cases.view_case", "cases.change_case", "matching.view_alert"
READ_SEARCHES = ("matching.add_search", "matching.view_search")
SPEAK, REVIEW = "matching.add_opinion", "matching.add_review"
ADD_PHOTOS, CHANGE_PHOTOS, REMOVE_PHOTOS = "cases.add_photo", "cases.change_photo", "cases.delete_photo"
SEE_SOURCES, CHANGE_SOURCES, IMPORT = "cases.view_importsource", "cases.change_importsource", "cases.add_importrun"
SEE_CAMERAS, ADD_CAMERAS, CHANGE_CAMERAS = "matching.view_camera", "matching.add_camera", "matching.change_camera"
EVALUATE, AUDIT = "matching.add_evaluation", "cases.view_auditevent"
MANAGE, QUERY = "cases.manage_people", "matching.query_database"


def _by_method(app: str, model: str) -> dict[str, str]:
    return {
        "GET": f"{app}.view_{model}",
        "POST": f"{app}.add_{model}",
        "PUT": f"{app}.change_{model}",
        "PATCH": f"{app}.change_{model}",
        "DELETE": f"{app}.delete_{model}",
    }


def _all(rule: Rule, *names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, rule)


ROUTES: dict[str, Rule] = {
    **_all(SIGNED_IN, "manifest", "web-worker", "offline", "system", "system-next", "schema", "api-docs"),
    **_all(SIGNED_IN, "system-accuracy", "system-model", "system-keeping", "system-capacity"),
    "signing-key": SIGNED_IN,
    **_all(
        SIGNED_IN, "api:api-root", "home", "account", "words", "accept-notice", "questions", "question-answer", "tokens"
    ),
    "token-revoke": SIGNED_IN,
    **_all(AUDIT, "audit", "audit-csv", "audit-ask"),
    **_all(MANAGE, "people", "person", "person-invite", "person-link", "person-switch", "person-sign-out"),
    **_all(
        MANAGE,
        "person-factors",
        "person-token-end",
        "person-session-end",
        "people-access",
        "person-told",
        "person-told-new",
    ),
    **_all(MANAGE, "team", "team-new", "team-remove"),
    **_all("cases.change_notice", "people-notice", "system-estimates", "message-servers", "message-server"),
    "system-capacity-measure": "cases.change_notice",
    **_all(
        SEE_ALERTS, "alerts", "alert", "handover", "handover-sheet", "case-sightings", "alert-clip", "alert-clip-video"
    ),
    **_all(SEE_ALERTS, "subscriptions", "subscription", "subscription-new", "subscription-push", "subscription-test"),
    **_all(SEE_ALERTS, "subscription-remove", "subscription-key", "subscription-confirm", "subscription-code"),
    **_all(SEE_ALERTS, "delivery-retry"),
    **_all(REVIEW, "alert-review", "alerts-review", "alert-take", "alert-comment", "alert-quiet"),
    **_all(SEE_CASES, "cases", "cases-export", "case", "case-nist", "case-photos", "case-leads", "case-linked"),
    **_all(
        SEE_CASES,
        "photo",
        "photo-original",
        "face",
        "worklists",
        "missing-found-csv",
        "collections",
        "collection-levels",
    ),
    **_all(CHANGE_CASES, "case-edit", "case-close", "case-reopen", "case-link", "pair-decide", "case-assign"),
    "place-decide": CHANGE_CASES,
    **_all(SEE_CASES, "case-desk", "case-timeline", "case-time", "tasks"),
    **_all(REVIEW, "case-note", "note-strike", "case-task", "task-done", "task-remove"),
    **_all("cases.add_case", "case-new", "case-begin"),
    **_all("cases.delete_case", "case-hold", "case-export", "case-erase", "import-lift"),
    "photo-upload": ADD_PHOTOS,
    **_all(CHANGE_PHOTOS, "photos-change", "photo-taken", "face-choose", "subject-decide", "odd-decide"),
    "photo-delete": REMOVE_PHOTOS,
    "photo-fetch": IMPORT,
    "collection-new": "cases.add_collection",
    "collection-edit": "cases.change_collection",
    **_all(SEE_SOURCES, "imports", "import-source", "import-doubts", "indexing"),
    **_all(CHANGE_SOURCES, "import-new", "import-edit", "import-remove", "import-columns", "doubt-attach"),
    **_all(IMPORT, "import-start", "import-pause", "import-stop", "problem-retry", "problems-retry"),
    **_all(IMPORT, "problem-dismiss", "indexing-pause", "indexing-resume", "work-again"),
    **_all(SEARCH, "search-new", "search-again", "search-adjust", "search-second", "face-add", "face-leave-out"),
    **_all(READ_SEARCHES, "search-history", "search", "search-image", "search-sheet", "search-export"),
    **_all(CHANGE_SOURCES, "known-files", "known-files-remove"),
    **_all(SEARCH, "search-seen", "case-seen", "alert-around"),
    "search-sample": SEARCH,
    **_all(SEARCH, "standing", "standing-notice", "standing-open", "standing-close"),
    "case-web": {"GET": SEE_CASES, "POST": SEARCH},
    **_all(SEARCH, "web-source-look", "web-source-remove"),
    **_all(SEARCH, "batches", "batch-files", "batch-start", "batch-move", "shot-began"),
    **_all(
        READ_SEARCHES, "batch", "batch-csv", "batch-files-csv", "shot", "shot-picture", "shot-face", "probe-picture"
    ),
    # The face that an alert shows is a probe, too.
    "probe": SEE_ALERTS,
    **_all(SPEAK, "candidate-decide", "marks", "mark-remove", "leads", "leads-export", "lead-sheet", "lead-zip"),
    **_all(EVALUATE, "evaluations", "evaluation", "evaluation-stop", "evaluation-remove", "evaluation-crop"),
    # Each shows only those kinds of things that one may see.
    **_all((SEE_CASES, SEE_ALERTS, SEE_CAMERAS), "map", "map-list", "api-map"),
    **_all((SEE_CASES, SEE_ALERTS, SEE_CAMERAS), "reports", "report", "report-table", "report-save", "report-change"),
    **_all((SEE_CASES, SEE_ALERTS, SEE_CAMERAS), "report-remove", "api-reports"),
    **_all(QUERY, "report-sql", "api-reports-sql"),
    **_all(SEARCH, "unnamed-list", "unnamed", "unnamed-visits", "unnamed-time", "unnamed-seen"),
    **_all(SEARCH, "camera-time", "place-time", "api-time"),
    **_all(REVIEW, "unnamed-merge", "unnamed-split", "unnamed-mark"),
    "unnamed-case": "cases.add_case",
    **_all(SEE_CAMERAS, "cameras", "camera", "camera-counts", "plan-picture"),
    **_all({"GET": SEE_CAMERAS, "POST": CHANGE_CAMERAS}, "plans", "plan"),
    **_all(ADD_CAMERAS, "camera-new", "camera-demo"),
    **_all(CHANGE_CAMERAS, "camera-edit", "camera-settings", "camera-pair", "camera-token", "camera-revoke"),
    **_all(CHANGE_CAMERAS, "camera-find", "camera-try", "camera-source", "camera-places", "camera-places-undo"),
    "camera-quiet": REVIEW,
    "plan-remove": CHANGE_CAMERAS,
    **_all(WALK, "walk", "walk-frame", "walk-alerts", "walk-end"),
    # The same over HTTP for programs.
    **_all(_by_method("cases", "collection"), "api:collection-list", "api:collection-detail"),
    **_all(_by_method("cases", "case"), "api:case-list", "api:case-detail"),
    **_all(CHANGE_CASES, "api:case-close", "api:case-reopen"),
    "api:case-nist": SEE_CASES,
    **_all(SEE_CASES, "api:pair-list", "api:pair-detail"),
    "api:pair-decide": CHANGE_CASES,
    **_all(SEARCH, "api-case-seen", "api-alert-around"),
    **_all(_by_method("cases", "photo"), "api:photo-list", "api:photo-detail"),
    **_all({"GET": SEE_CASES, "POST": REVIEW}, "api:note-list", "api:task-list"),
    "api:note-detail": SEE_CASES,
    "api:task-detail": {"GET": SEE_CASES, "DELETE": REVIEW},
    **_all(REVIEW, "api:note-strike", "api:task-done"),
    **_all(SEARCH, "api:search-list", "api:search-detail", "api:search-second", "api:search-adjust", "probe-seen"),
    **_all(SEARCH, "api:standingsearch-list", "api:standingsearch-detail", "api:standingsearch-close"),
    **_all(SEARCH, "api:batch-list", "api:batch-detail", "api:batch-files", "api:batch-start", "api:batch-persons"),
    **_all(SEARCH, "api:batch-pause", "api:batch-resume", "api:batch-cancel"),
    **_all(SPEAK, "api:lead-list", "api:lead-detail", "api:lead-decide", "api:lead-marks", "api:lead-file"),
    **_all(SEE_ALERTS, "api:alert-list", "api:alert-detail", "api:alert-clip"),
    "api:alert-review": REVIEW,
    **_all(_by_method("matching", "camera"), "api:camera-list", "api:camera-detail"),
    "api:camera-counts": SEE_CAMERAS,
    **_all(SEARCH, "api:unnamed-list", "api:unnamed-visits"),
    "api:unnamed-detail": {"GET": SEARCH, "PATCH": REVIEW},
    **_all(REVIEW, "api:unnamed-merge", "api:unnamed-split"),
    "api:unnamed-case": "cases.add_case",
    **_all(CHANGE_CAMERAS, "api:camera-change-settings", "api:camera-pair", "api:camera-revoke"),
}

_SEES = [SEE_CASES, "cases.view_photo", "cases.view_collection", SEE_ALERTS, SEE_CAMERAS]
_SEARCHES = [*_SEES, SEARCH, SPEAK, REVIEW]
_CASES = ["cases.add_case", CHANGE_CASES, ADD_PHOTOS, CHANGE_PHOTOS, REMOVE_PHOTOS]
ROLES: dict[str, list[str]] = {
    "Viewer": _SEES,
    "Reviewer": _SEARCHES,
    "Investigator": [*_SEARCHES, *_CASES, SEE_SOURCES, WALK],
    "Supervisor": [*_SEARCHES, *_CASES, SEE_SOURCES, WALK, "matching.view_search", MANAGE],
    "Camera manager": [
        SEE_CAMERAS, ADD_CAMERAS, CHANGE_CAMERAS, "matching.look_through_camera", SEE_ALERTS, SEE_CASES, WALK,
    ],
    "Analyst": [*_SEES, QUERY, "cases.see_all_teams"],
    "Auditor": [*_SEES, AUDIT, "matching.view_search", "cases.see_all_teams"],
    "Administrator": [
        *_SEARCHES, *_CASES, "cases.delete_case", "cases.add_collection", "cases.change_collection",
        "cases.delete_collection", SEE_SOURCES,
        CHANGE_SOURCES, IMPORT, ADD_CAMERAS, CHANGE_CAMERAS, "matching.look_through_camera", WALK, EVALUATE,
        "matching.view_search", "cases.see_all_teams", AUDIT, MANAGE, "cases.change_notice", QUERY,
    ],
}  # fmt: skip
# Who came with a permission that only later came to administrators.
MADE_WITH_IT = ["Supervisor", "Analyst"]
# The same for people, as sentences that begin with "may".
ROLE_WORDS = {
    "Viewer": "see cases, alerts and cameras",
    "Reviewer": "do what a viewer may, search, and decide on candidates and alerts",
    "Investigator": "do what a reviewer may, make and change cases and photos, and walk with a phone",
    "Supervisor": "do what an investigator may, see the team's searches, and see to the people of their teams",
    "Camera manager": "see cases and alerts, add and change cameras, and look through them",
    "Analyst": "see what a viewer sees, of all teams, and ask the database in SQL, without faces or names",
    "Auditor": "read everything, every search and the audit trail, of all teams; change nothing",
    "Administrator": "do all of it for all teams: people, collections, sources, cameras; not the database's own pages",
}


def may(user: Any, route: str, method: str) -> bool:
    """Whether somebody who is signed in may take this route. method: of HTTP; HEAD and OPTIONS ask as GET does."""
    if route.startswith(OWN_ACCOUNT):
        return True
    rule = ROUTES.get(route)
    if rule is None:
        return False
    if isinstance(rule, dict):
        rule = rule.get("GET" if method in ("HEAD", "OPTIONS") else method, SIGNED_IN)
    any_of = rule if isinstance(rule, tuple) else (rule,)
    return any(one == SIGNED_IN or user.has_perm(one) for one in any_of)


class ByRole(BasePermission):
    """For the API, where who asks is known only to the view."""

    def has_permission(self, request: Request, view: Any) -> bool:
        match = request.resolver_match
        if match is None or not request.user or not request.user.is_authenticated:
            return False
        method = request.method or "GET"
        if isinstance(request.auth, ApiToken) and scope_of(match.view_name, method) not in request.auth.scopes:
            return False
        return may(request.user, match.view_name, method)


def scope_of(route: str, method: str) -> str:
    """What a program's token must carry for a route."""
    if route in ("api-case-seen", "api-alert-around", "api-time", "probe-seen"):
        return ApiToken.Scope.SEARCH
    if route == "api-reports-sql" or method in ("GET", "HEAD", "OPTIONS"):
        return ApiToken.Scope.READ
    searches = ("api:search", "api:batch", "api:standing", "api:lead", "api:alert")
    return ApiToken.Scope.SEARCH if route.startswith(searches) else ApiToken.Scope.WRITE


class AccessMiddleware:
    """Refuses pages that the role does not carry. The API and the administration ask for themselves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        match = request.resolver_match
        asks_itself = hasattr(view, "cls") or not getattr(view, "login_required", True)
        if match is None or asks_itself or match.app_name == "admin" or not request.user.is_authenticated:
            return
        if not may(request.user, match.view_name, request.method or "GET"):
            audit.refused(request)
            raise PermissionDenied


def make_roles(**kwargs: Any) -> None:
    """The roles, with what they carry, after each migration. Where they come to an installation that has people, these
    keep what they could do before."""
    for app in ("cases", "matching"):
        create_permissions(apps.get_app_config(app), verbosity=0)
    is_first = not Group.objects.filter(name__in=ROLES).exists()
    for name, carried in ROLES.items():
        role, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            role.permissions.set(Permission.objects.filter(pk__in=[_permission(one).pk for one in carried]))
    # What came after an installation had its roles.
    administrator = Group.objects.filter(name="Administrator").first()
    for name in (MANAGE, "cases.change_notice", QUERY):
        if (
            administrator
            and not Group.objects.filter(permissions=_permission(name)).exclude(name__in=MADE_WITH_IT).exists()
        ):
            administrator.permissions.add(_permission(name))
    if is_first:
        reviewer = Group.objects.get(name="Reviewer")
        reviewer.user_set.add(*User.objects.filter(groups=None, is_superuser=False))


def _permission(name: str) -> Permission:
    app, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)
