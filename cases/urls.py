from django.urls import path

from cases.views import cases, collections, photos

urlpatterns = [
    path("collections/", collections.collection_list, name="collections"),
    path("collections/new/", collections.collection_new, name="collection-new"),
    path("collections/<int:pk>/edit/", collections.collection_edit, name="collection-edit"),
    path("cases/", cases.case_list, name="cases"),
    path("cases/new/", cases.case_new, name="case-new"),
    path("cases/<int:pk>/", cases.case_detail, name="case"),
    path("cases/<int:pk>/edit/", cases.case_edit, name="case-edit"),
    path("cases/<int:pk>/close/", cases.case_close, name="case-close"),
    path("cases/<int:pk>/reopen/", cases.case_reopen, name="case-reopen"),
    path("cases/<int:pk>/photos/", photos.photo_upload, name="photo-upload"),
    path("photos/<int:pk>/", photos.photo_image, name="photo"),
    path("photos/<int:pk>/original/", photos.photo_original, name="photo-original"),
    path("photos/<int:pk>/view/", photos.photo_view, name="photo-view"),
    path("photos/<int:pk>/delete/", photos.photo_delete, name="photo-delete"),
]
