from django.urls import path

from matching.views import alerts, cameras, faces, indexing, searches, system, worklists

urlpatterns = [
    path("alerts/", alerts.alert_list, name="alerts"),
    path("alerts/<int:pk>/", alerts.alert_detail, name="alert"),
    path("alerts/<int:pk>/review/", alerts.alert_review, name="alert-review"),
    path("search/", searches.search_new, name="search-new"),
    path("search/<uuid:pk>/", searches.search_detail, name="search"),
    path("search/<uuid:pk>/again/", searches.search_again, name="search-again"),
    path("search/<uuid:pk>/image/", faces.search_image, name="search-image"),
    path("candidates/<int:pk>/decide/", searches.candidate_decide, name="candidate-decide"),
    path("faces/<int:pk>/", faces.face_crop, name="face"),
    path("faces/<int:pk>/choose/", faces.face_choose, name="face-choose"),
    path("probes/<int:pk>/", faces.probe_crop, name="probe"),
    path("cases/<int:pk>/photos/shown/", faces.case_photos, name="case-photos"),
    path("cases/<int:pk>/sightings/", alerts.case_sightings, name="case-sightings"),
    path("cases/<int:pk>/linked/", worklists.case_linked, name="case-linked"),
    path("imports/indexing/", indexing.indexing, name="indexing"),
    path("imports/indexing/pause/", indexing.indexing_pause, name="indexing-pause"),
    path("imports/indexing/resume/", indexing.indexing_resume, name="indexing-resume"),
    path("worklists/", worklists.worklist, name="worklists"),
    path("worklists/pairs/<int:pk>/", worklists.pair_decide, name="pair-decide"),
    path("worklists/photos/<int:pk>/", worklists.odd_decide, name="odd-decide"),
    path("cameras/", cameras.camera_list, name="cameras"),
    path("cameras/new/", cameras.camera_new, name="camera-new"),
    path("cameras/demo/", cameras.camera_demo, name="camera-demo"),
    path("cameras/<int:pk>/token/", cameras.camera_token, name="camera-token"),
    path("cameras/<int:pk>/revoke/", cameras.camera_revoke, name="camera-revoke"),
    path("system/", system.system, name="system"),
    path("healthz/", system.healthz, name="healthz"),
]
