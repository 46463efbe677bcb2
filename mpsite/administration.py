"""Django's administration: for superusers, with a row for every change, and bound by a legal hold as pages are."""

from collections.abc import Iterable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.admin.utils import NestedObjects
from django.db import models, router
from django.http import HttpRequest

from cases import audit
from cases.models import holds


class Audited:
    """Beside a model's administration: what is added, changed and deleted is written down, one by one or in bulk."""

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        audit.record(request, "created", obj, _said(message))
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        audit.record(request, "changed", obj, _said(message))
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Iterable[models.Model]) -> Any:
        for obj in queryset:
            audit.record(request, "deleted", obj)
        return super().log_deletions(request, queryset)  # type: ignore[misc]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What keeps a deletion from being done is named, a legal hold on anything that would go with it too."""
        to_delete, counts, perms, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        first = next(iter(objs), None)
        if first is not None:
            collector = NestedObjects(using=router.db_for_write(type(first)))
            collector.collect(objs)
            going = [one for found in collector.data.values() for one in found]
            protected = [*protected, *sorted({words for one in going if (words := holds.words(one))})]
        return to_delete, counts, perms, protected


class Administration(admin.AdminSite):
    site_header = site_title = "Sightline: database"
    index_title = "For superusers; people, roles and teams have pages of their own"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        own = admin_class or admin.ModelAdmin
        super().register(model_or_iterable, type(f"Audited{own.__name__}", (Audited, own), {}), **options)

    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """One door for all: whoever administers signs in as everybody does, second factor and all."""
        return secure_admin_login(super().login)(request, extra_context)


def _said(message: Any) -> str:
    """Which fields, as Django's own log says it."""
    if not isinstance(message, list):
        return str(message)
    changes: list[dict[str, Any]] = [next(iter(one.values()), {}) for one in message]
    return ", ".join(str(name) for change in changes for name in change.get("fields", []))
