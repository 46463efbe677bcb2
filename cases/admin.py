from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from cases import audit
from cases.models import AuditEvent, Case, Collection, Photo


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin[Collection]):
    list_display = ["name", "alert_level", "description"]
    search_fields = ["name"]


class PhotoInline(admin.TabularInline[Photo, Case]):
    model = Photo
    fields = ["filename", "view", "status", "status_note"]
    readonly_fields = ["filename", "status", "status_note"]
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.action(description="Close the chosen cases")
def close(modeladmin: Any, request: HttpRequest, queryset: Any) -> None:
    for case in queryset:
        if case.close("closed in the administration"):
            audit.record(request, "closed", case, "closed in the administration")


@admin.action(description="Reopen the chosen cases")
def reopen(modeladmin: Any, request: HttpRequest, queryset: Any) -> None:
    for case in queryset:
        if case.reopen():
            audit.record(request, "reopened", case)


@admin.register(Case)
class CaseAdmin(admin.ModelAdmin[Case]):
    list_display = ["number", "name", "collection", "sex", "last_seen_on", "last_seen_place", "status"]
    list_filter = ["collection", "status", "sex"]
    search_fields = ["number", "name", "other_names", "last_seen_place", "agency"]
    readonly_fields = ["status", "closed_at", "closed_reason"]
    date_hierarchy = "last_seen_on"
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    inlines = [PhotoInline]
    actions = [close, reopen]

    def save_model(self, request: HttpRequest, obj: Case, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(request, "changed" if change else "created", obj, ", ".join(form.changed_data))

    def delete_model(self, request: HttpRequest, obj: Case) -> None:
        audit.record(request, "deleted", obj)
        super().delete_model(request, obj)

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
