from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from cases.api import CaseViewSet, CollectionViewSet, PhotoViewSet
from cases.desk_api import NoteViewSet, TaskViewSet
from matching.api.analysis import SqlView
from matching.api.batches import BatchViewSet
from matching.api.cameras import CameraViewSet
from matching.api.captures import CaptureBatchView, CapturesView, ClipsView, HeartbeatsView, PairView, RotateView
from matching.api.leads import LeadViewSet
from matching.api.looking_back import AroundView, SeenCaseView, SeenProbeView, StandingViewSet
from matching.api.map import MapView
from matching.api.over_time import OverTimeView
from matching.api.pairs import PairViewSet
from matching.api.reports import ReportsView
from matching.api.tokens import TokenView
from matching.api.unnamed import UnnamedViewSet
from matching.api.views import AlertViewSet, SearchViewSet

# The one page that others wrote sets styles in its own markup.
api_docs = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

router = DefaultRouter()
router.register("collections", CollectionViewSet)
router.register("cases", CaseViewSet)
router.register("photos", PhotoViewSet)
router.register("notes", NoteViewSet, basename="note")
router.register("tasks", TaskViewSet, basename="task")
router.register("searches", SearchViewSet)
router.register("batches", BatchViewSet)
router.register("leads", LeadViewSet, basename="lead")
router.register("pairs", PairViewSet, basename="pair")
router.register("standing", StandingViewSet)
router.register("alerts", AlertViewSet)
router.register("cameras", CameraViewSet)
router.register("unnamed", UnnamedViewSet, basename="unnamed")

urlpatterns = [
    path("v1/heartbeats/", HeartbeatsView.as_view(), name="heartbeats"),
    path("v1/pair/", PairView.as_view(), name="pair"),
    path("v1/rotate/", RotateView.as_view(), name="rotate"),
    path("v1/clips/", ClipsView.as_view(), name="clips"),
    path("v1/captures/batch/", CaptureBatchView.as_view(), name="captures-batch"),
    path("v1/captures/", CapturesView.as_view(), name="captures"),
    path("v1/probes/<int:pk>/seen/", SeenProbeView.as_view(), name="probe-seen"),
    path("v1/cases/<int:pk>/seen/", SeenCaseView.as_view(), name="api-case-seen"),
    path("v1/time/", OverTimeView.as_view(), name="api-time"),
    path("v1/alerts/<int:pk>/around/", AroundView.as_view(), name="api-alert-around"),
    path("v1/reports/sql/", SqlView.as_view(), name="api-reports-sql"),
    path("v1/reports/", ReportsView.as_view(), name="api-reports"),
    path("v1/map/", MapView.as_view(), name="api-map"),
    path("v1/token/", TokenView.as_view(), name="api-token"),
    path("v1/", include((router.urls, "api"))),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/",
        api_docs,
        name="api-docs",
    ),
]
