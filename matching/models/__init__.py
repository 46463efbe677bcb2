from matching.models.agreement import Agreement, agreement
from matching.models.alert import Alert, AlertCapture, AlertComment, AlertRead, Quiet, Review
from matching.models.batch import Batch, BatchFile, BatchPicture, Shot
from matching.models.camera import Camera, CameraMinute, Capture, SitePlan, Trouble
from matching.models.clip import AlertClip
from matching.models.estimates import EstimatesPurpose
from matching.models.evaluation import Evaluation, EvaluationPair
from matching.models.face import Face, FaceModel
from matching.models.gallery_engine import GalleryChange, GalleryEngine, GalleryLog
from matching.models.index_run import IndexRun
from matching.models.keeping import KeepingRun
from matching.models.known_files import HashList, KnownHash
from matching.models.measurement import Measurement
from matching.models.message_server import MessageServer
from matching.models.pairs import CasePair, MissingFoundRun, OddPhoto
from matching.models.rates import Rates
from matching.models.report import DueReport, Report
from matching.models.search import Candidate, Mark, Opinion, Probe, ProbeBits, Search, StandingSearch
from matching.models.subscription import Delivery, Shift, Subscription
from matching.models.template import GalleryBits, GalleryCount, Template
from matching.models.unnamed import UnnamedFace, UnnamedLoss, UnnamedPerson
from matching.models.web import WebSource

__all__ = [
    "Agreement",
    "Alert",
    "AlertCapture",
    "AlertClip",
    "AlertComment",
    "AlertRead",
    "Batch",
    "BatchFile",
    "BatchPicture",
    "Camera",
    "CameraMinute",
    "Candidate",
    "Capture",
    "CasePair",
    "Delivery",
    "DueReport",
    "EstimatesPurpose",
    "Evaluation",
    "EvaluationPair",
    "Face",
    "FaceModel",
    "GalleryBits",
    "GalleryChange",
    "GalleryCount",
    "GalleryEngine",
    "GalleryLog",
    "HashList",
    "IndexRun",
    "KeepingRun",
    "KnownHash",
    "Mark",
    "Measurement",
    "MessageServer",
    "MissingFoundRun",
    "OddPhoto",
    "Opinion",
    "Probe",
    "ProbeBits",
    "Quiet",
    "Rates",
    "Report",
    "Review",
    "Search",
    "Shift",
    "Shot",
    "SitePlan",
    "StandingSearch",
    "Subscription",
    "Template",
    "Trouble",
    "UnnamedFace",
    "UnnamedLoss",
    "UnnamedPerson",
    "WebSource",
    "agreement",
]
