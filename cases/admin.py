from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from cases import audit
from cases.models import AuditEvent, Case, Collection, Notice, Photo, Team, Training
from cases.visibility import visible


class SeenAdmin(admin.ModelAdmin[Any]):
    """The administration shows what exists for whoever looks, as every page does."""

    def get_queryset(self, request: HttpRequest) -> Any:
        return visible(super().get_queryset(request), request.user)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        for field in form.base_fields.values():
            rows = getattr(field, "queryset", None)
            if rows is not None and hasattr(rows.model, "within"):
                field.queryset = visible(rows, request.user)  # type: ignore[attr-defined]
        return form


@admin.register(Collection)
class CollectionAdmin(SeenAdmin):
    list_display = ["name", "alert_level", "description"]
    search_fields = ["name"]


class PhotoInline(admin.TabularInline[Photo, Case]):
    model = Photo
    fields = ["filename", "view", "kind", "status", "status_note"]
    readonly_fields = ["filename", "status", "status_note"]
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin[Team]):
    list_display = ["name"]
    filter_horizontal = ["members"]


@admin.register(Training)
class TrainingAdmin(admin.ModelAdmin[Training]):
    list_display = ["user", "good_until", "note"]


@admin.register(Notice)
class NoticeAdmin(admin.ModelAdmin[Notice]):
    list_display = ["__str__", "is_active", "changed_at"]


@admin.action(description="Close the chosen cases")
def close(modeladmin: Any, request: HttpRequest, queryset: Any) -> None:
    for case in queryset:
        if case.close("closed in the administration", by=audit.signed_in(request)):
            audit.record(request, "closed", case, "closed in the administration")


@admin.action(description="Reopen the chosen cases")
def reopen(modeladmin: Any, request: HttpRequest, queryset: Any) -> None:
    for case in queryset:
        if case.reopen():
            audit.record(request, "reopened", case)


@admin.register(Case)
class CaseAdmin(SeenAdmin):
    list_display = ["number", "name", "collection", "sex", "last_seen_on", "last_seen_place", "status"]
    list_filter = ["collection", "status", "sex"]
    search_fields = ["number", "name", "other_names", "last_seen_place", "agency"]
    readonly_fields = ["status", "closed_at", "closed_reason"]
    date_hierarchy = "last_seen_on"
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    inlines = [PhotoInline]
    actions = [close, reopen]

    def view_on_site(self, obj: Case) -> str:
        return obj.get_absolute_url()


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin[AuditEvent]):
    list_display = ["at", "username", "action", "target_type", "target_label", "why", "address"]
    list_filter = ["action", "target_type"]
    search_fields = ["username", "target_label", "why"]
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
