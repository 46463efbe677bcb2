from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from cases import audit
from cases.admin import SeenAdmin
from matching.models import Alert, Camera, Delivery, FaceModel, Review, Search


@admin.register(Camera)
class CameraAdmin(SeenAdmin):
    list_display = ["name", "place", "last_seen_at", "revoked_at"]
    search_fields = ["name", "place"]
    actions = ["new_token", "revoke"]

    def save_model(self, request: HttpRequest, obj: Camera, form: Any, change: bool) -> None:
        if change:
            obj.save()
            return
        obj.created_by_id = request.user.pk
        self._show(request, obj, obj.issue_token())

    @admin.action(description="Give a new token (ends the old one)")
    def new_token(self, request: HttpRequest, queryset: Any) -> None:
        for camera in queryset:
            self._show(request, camera, camera.issue_token())
            audit.record(request, "gave new token", camera)

    @admin.action(description="Revoke the token")
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        for camera in queryset:
            camera.revoke()
            audit.record(request, "revoked", camera)

    def _show(self, request: HttpRequest, camera: Camera, token: str) -> None:
        self.message_user(request, f"Token of {camera}, shown this once: {token}", messages.WARNING)


class ReadOnlyAdmin(SeenAdmin):
    """Rows that the product writes: to be looked at here, not edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ["case", "camera", "status", "similarity", "capture_count", "first_captured_at"]
    list_filter = ["status", "camera"]


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ["alert", "status", "user", "note", "at"]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "subscription", "status", "attempts", "next_attempt_at", "error"]
    list_filter = ["status"]


@admin.register(Search)
class SearchAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "user", "purpose", "filename"]
    fields = ["user", "purpose", "filename", "collections", "model", "gallery_size", "milliseconds"]


@admin.register(FaceModel)
class FaceModelAdmin(admin.ModelAdmin[FaceModel]):
    list_display = ["name", "dimensions", "is_active", "is_fallback", "source"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
