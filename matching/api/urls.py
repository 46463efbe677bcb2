from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from cases.api import CaseViewSet, CollectionViewSet, PhotoViewSet
from matching.api.batches import BatchViewSet
from matching.api.cameras import CameraViewSet
from matching.api.captures import CaptureBatchView, CapturesView, HeartbeatsView, PairView, RotateView
from matching.api.leads import LeadViewSet
from matching.api.looking_back import SeenCaseView, SeenProbeView, StandingViewSet
from matching.api.map import MapView
from matching.api.pairs import PairViewSet
from matching.api.tokens import TokenView
from matching.api.views import AlertViewSet, SearchViewSet

# The one page that others wrote sets styles in its own markup.
api_docs = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

router = DefaultRouter()
router.register("collections", CollectionViewSet)
router.register("cases", CaseViewSet)
router.register("photos", PhotoViewSet)
router.register("searches", SearchViewSet)
router.register("batches", BatchViewSet)
router.register("leads", LeadViewSet, basename="lead")
router.register("pairs", PairViewSet, basename="pair")
router.register("standing", StandingViewSet)
router.register("alerts", AlertViewSet)
router.register("cameras", CameraViewSet)

urlpatterns = [
    path("v1/heartbeats/", HeartbeatsView.as_view(), name="heartbeats"),
    path("v1/pair/", PairView.as_view(), name="pair"),
    path("v1/rotate/", RotateView.as_view(), name="rotate"),
    path("v1/captures/batch/", CaptureBatchView.as_view(), name="captures-batch"),
    path("v1/captures/", CapturesView.as_view(), name="captures"),
    path("v1/probes/<int:pk>/seen/", SeenProbeView.as_view(), name="probe-seen"),
    path("v1/cases/<int:pk>/seen/", SeenCaseView.as_view(), name="api-case-seen"),
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
