"""WHO is looked for: collections, cases, their photos; where they were imported from; the audit trail."""

from cases.models import holds
from cases.models.audit import AuditEvent, AuditQuestion
from cases.models.case import Case
from cases.models.collection import Collection
from cases.models.conditions import Notice, Training
from cases.models.desk import CaseNote, CaseTask
from cases.models.imports import ImportDoubt, ImportedCase, ImportProblem, ImportRun, ImportSeen, ImportSource
from cases.models.keys import KeyPrint
from cases.models.photo import (
    OwnData,
    Photo,
    PhotoAlreadyThere,
    add_photo,
    change_photos,
    display_path,
    original_path,
    remove_photo,
    replace_photo,
)
from cases.models.process import ProcessBeat
from cases.models.team import Team, TeamOwned
from cases.models.token import ApiToken
from cases.models.tombstone import Tombstone
from cases.models.town import Town
from cases.models.work import FailedWork

__all__ = [
    "ApiToken",
    "AuditEvent",
    "AuditQuestion",
    "Case",
    "CaseNote",
    "CaseTask",
    "Collection",
    "FailedWork",
    "ImportDoubt",
    "ImportProblem",
    "ImportRun",
    "ImportSeen",
    "ImportSource",
    "ImportedCase",
    "KeyPrint",
    "Notice",
    "OwnData",
    "Photo",
    "PhotoAlreadyThere",
    "ProcessBeat",
    "Team",
    "TeamOwned",
    "Tombstone",
    "Town",
    "Training",
    "add_photo",
    "change_photos",
    "display_path",
    "holds",
    "original_path",
    "remove_photo",
    "replace_photo",
]
