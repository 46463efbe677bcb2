"""Every page, call and picture needs a sign-in; what needs none is named here."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from mpsite.access import OWN_ACCOUNT

# A code lets a camera in; what makes the console an app says nothing of anybody.
OPEN = {"healthz", "readyz", "metrics", "api-token", "pair", "manifest", "web-worker", "offline", "static-renamed"}
# A link that works once lets somebody choose a password.
OPEN |= {"welcome"}


def every_path(resolver: URLResolver, prefix: str = ""):
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            if entry.app_name != "admin":
                yield from every_path(entry, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            yield entry.name, prefix + str(entry.pattern)


def concrete(pattern: str) -> str:
    import re

    path = pattern.replace("<uuid:pk>", "7d9f6b52-5e0f-4b0e-9d3f-1f4a7f9a1c11").replace("<int:pk>", "1")
    path = path.replace("<drf_format_suffix:format>", ".json")
    path = path.replace("<uidb64>", "MQ").replace("<token>", "set")
    path = re.sub(r"\(\?P<format>[^)]*\)", "json", path)
    path = re.sub(r"\(\?P<pk>[^)]*\)", "1", path)
    return "/" + re.sub(r"[\^$?\\]", "", path)


PATHS = [
    (name, concrete(path))
    for name, path in every_path(get_resolver())
    if name not in OPEN and not name.startswith(OWN_ACCOUNT)
]


@pytest.mark.parametrize(("name", "path"), PATHS, ids=[path for _, path in PATHS])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_gets_nothing(db, name, path, method):
    answer = getattr(Client(), method)(path)
    assert answer.status_code in (302, 401, 403, 405), f"{path} answered {answer.status_code}"
    if answer.status_code == 302:
        assert answer.url.startswith("/accounts/login/") or path == "/"


def test_the_administration_sends_a_stranger_to_the_door(db):
    assert Client().get("/admin/cases/case/").url.startswith("/accounts/login/")


def test_the_data_folder_has_no_address(as_admin, settings):
    assert not settings.MEDIA_URL.strip("/")
    assert as_admin.get("/media/photos/x.jpg").status_code == 404
