from matching.models.agreement import Agreement, agreement
from matching.models.alert import Alert, AlertCapture, AlertComment, AlertRead, Delivery, Quiet, Review, Subscription
from matching.models.batch import Batch, BatchFile, Shot
from matching.models.camera import Camera, CameraMinute, Capture, SitePlan, Trouble
from matching.models.evaluation import Evaluation, EvaluationPair
from matching.models.face import Face, FaceModel
from matching.models.index_run import IndexRun
from matching.models.keeping import KeepingRun
from matching.models.measurement import Measurement
from matching.models.pairs import CasePair, OddPhoto
from matching.models.search import Candidate, Mark, Opinion, Probe, ProbeBits, Search, StandingSearch
from matching.models.template import GalleryBits, GalleryCount, Template

__all__ = [
    "Agreement",
    "Alert",
    "AlertCapture",
    "AlertComment",
    "AlertRead",
    "Batch",
    "BatchFile",
    "Camera",
    "CameraMinute",
    "Candidate",
    "Capture",
    "CasePair",
    "Delivery",
    "Evaluation",
    "EvaluationPair",
    "Face",
    "FaceModel",
    "GalleryBits",
    "GalleryCount",
    "IndexRun",
    "KeepingRun",
    "Mark",
    "Measurement",
    "OddPhoto",
    "Opinion",
    "Probe",
    "ProbeBits",
    "Quiet",
    "Review",
    "Search",
    "Shot",
    "SitePlan",
    "StandingSearch",
    "Subscription",
    "Template",
    "Trouble",
    "agreement",
]
