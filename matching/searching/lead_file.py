"""A confirmed lead as one signed file: the sheet, the pictures, all that was said, and who did what."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePath

from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q
from django.db.models.fields.files import FieldFile

from cases import exports, signing, taken_along
from cases.models import AuditEvent, Photo
from matching.faces import images, regions
from matching.models import Candidate, Face
from matching.models.face import FaceFields
from matching.searching import candidate_tables, sheets

AUDITED = ["at", "username", "action", "target_type", "target_id", "why", "hash"]


def packed(candidate: Candidate, printed_by: User, reference: str) -> bytes:
    """reference: the audit row of its making."""
    files = {
        "lead.pdf": sheets.lead_sheet(candidate, printed_by, reference),
        "lead.json": json.dumps(_said(candidate), cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode(),
        "audit.csv": "".join(exports.lines(AUDITED, _audited(candidate))).encode(),
        **dict(_pictures(candidate)),
    }
    return signing.packed(files)


def _said(candidate: Candidate) -> dict[str, object]:
    case = candidate.case
    return {
        "candidate": dict(zip(candidate_tables.COLUMNS, candidate_tables.row(candidate), strict=True)),
        "case": dict(zip(taken_along.COLUMNS, taken_along.row(case), strict=True)),
        "said": [
            {"by": str(one.user or "somebody who left"), "word": one.word, "note": one.note, "at": one.at}
            for one in candidate.opinions.select_related("user")
        ],
        "marks": [
            {"on": "case photo" if one.face_id else "searched picture", "x": one.x, "y": one.y, "text": one.text}
            for one in candidate.marks.all()
        ],
    }


def _audited(candidate: Candidate) -> Iterator[list[object]]:
    """The trail's rows of the search, and those of the case that name this candidate."""
    search = candidate.probe.search
    of_search = Q(target_type="search", target_id=str(search.pk) if search else "")
    of_case = Q(target_type="case", target_id=str(candidate.case_id), why__regex=rf"candidate {candidate.pk}(\D|$)")
    for row in AuditEvent.objects.filter(of_search | of_case).order_by("pk").values_list(*AUDITED):
        yield list(row)


def _pictures(candidate: Candidate) -> Iterator[tuple[str, bytes]]:
    search, face = candidate.probe.search, candidate.face
    crops = [("searched-face", candidate.probe.crop), ("case-face", face.crop if face else None)]
    for name, file in crops:
        yield from _file(name, file)
    if search:
        yield from _marked("searched-picture", search.image, candidate.probe, "Searched face", search.turned)
    faces = Face.objects.filter(case=candidate.case_id, model=candidate.probe.model_id, is_subject=True)
    subjects = {one.photo_id: one for one in faces.defer("embedding")}
    for photo in Photo.objects.filter(case=candidate.case_id).exclude(view=Photo.View.WITHDRAWN):
        name, subject = f"case-photos/{photo.pk}", subjects.get(photo.pk)
        yield from _marked(name, photo.image, subject, candidate.case.display_name, photo.turned)


def _marked(name: str, file: FieldFile, face: FaceFields | None, who: str, turned: int) -> Iterator[tuple[str, bytes]]:
    """A picture, and beside it an XMP file that says where the face lies."""
    for path, content in _file(name, file):
        yield path, content
        if face is not None:
            with suppress(images.ImageRefused):
                width, height, orientation = images.stored(content)
                box = regions.stored((face.left, face.top, face.right, face.bottom), orientation, turned)
                yield f"{path}.xmp", regions.sidecar([(who, box)], width, height)


def _file(name: str, file: FieldFile | None) -> Iterator[tuple[str, bytes]]:
    if file and file.name and default_storage.exists(file.name):
        with file.open() as content:
            yield f"{name}{PurePath(file.name).suffix}", content.read()
