from django.urls import path

from cases.views import cases, collections, imports, photos

urlpatterns = [
    path("collections/", collections.collection_list, name="collections"),
    path("collections/new/", collections.collection_new, name="collection-new"),
    path("collections/<int:pk>/edit/", collections.collection_edit, name="collection-edit"),
    path("cases/", cases.case_list, name="cases"),
    path("cases/new/", cases.case_new, name="case-new"),
    path("cases/begin/", cases.case_begin, name="case-begin"),
    path("cases/<int:pk>/", cases.case_detail, name="case"),
    path("cases/<int:pk>/edit/", cases.case_edit, name="case-edit"),
    path("cases/<int:pk>/close/", cases.case_close, name="case-close"),
    path("cases/<int:pk>/reopen/", cases.case_reopen, name="case-reopen"),
    path("cases/<int:pk>/photos/", photos.photo_upload, name="photo-upload"),
    path("imports/", imports.import_list, name="imports"),
    path("imports/new/", imports.import_new, name="import-new"),
    path("imports/<int:pk>/", imports.import_source, name="import-source"),
    path("imports/<int:pk>/edit/", imports.import_edit, name="import-edit"),
    path("imports/<int:pk>/remove/", imports.import_remove, name="import-remove"),
    path("imports/<int:pk>/columns/", imports.import_columns, name="import-columns"),
    path("imports/<int:pk>/start/", imports.import_start, name="import-start"),
    path("imports/<int:pk>/retry/", imports.problems_retry, name="problems-retry"),
    path("imports/runs/<int:pk>/pause/", imports.import_pause, name="import-pause"),
    path("imports/runs/<int:pk>/stop/", imports.import_stop, name="import-stop"),
    path("imports/problems/<int:pk>/retry/", imports.problem_retry, name="problem-retry"),
    path("imports/problems/<int:pk>/dismiss/", imports.problem_dismiss, name="problem-dismiss"),
    path("photos/<int:pk>/fetch/", photos.photo_fetch, name="photo-fetch"),
    path("photos/<int:pk>/", photos.photo_image, name="photo"),
    path("photos/<int:pk>/original/", photos.photo_original, name="photo-original"),
    path("photos/<int:pk>/view/", photos.photo_view, name="photo-view"),
    path("photos/<int:pk>/delete/", photos.photo_delete, name="photo-delete"),
]
