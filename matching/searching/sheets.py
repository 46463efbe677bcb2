"""A confirmed lead, or a search's candidates, on paper."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pymupdf_fonts
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db.models import F, Max
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from matching.gallery import calibration, strengths
from matching.models import Candidate, Opinion, Probe, Search
from matching.searching import years
from matching.searching.batch_results import seen_by
from matching.searching.workbench import linked

# FiraGO has Latin, Cyrillic, Greek, Arabic, Hebrew, Thai, Georgian and Devanagari letters.
FONTS = {"": "figo", "B": "figbo"}
NO_IDENTIFICATION = (
    "This is a lead and no identification. A face search proposes people who look alike; it can be wrong. It must not "
    "be the only ground for an arrest, a notification of relatives or any other step against or about a person. "
    "Confirm it by other means."
)
NOT_WORTH = (
    "A similarity is the cosine of two embeddings, -1 to 1; it is no percentage and no probability that both pictures "
    "show one person. How often strangers are this alike says how surprising the likeness is by chance, nothing more; "
    "relatives, twins and poor pictures are alike more often."
)
# Faces of a search, and candidates of a face, that are printed.
FACES, LISTED = 40, 20


class _Sheet(FPDF):
    """An A4 page in our font, with a foot that says what it is."""

    def __init__(self, foot: str) -> None:
        super().__init__()
        self._foot = foot
        self.set_margin(16)
        self.set_auto_page_break(True, margin=24)

    def footer(self) -> None:
        self.set_y(-18)
        self.set_font("body", size=8)
        self.set_text_color(90)
        self.multi_cell(0, 3.6, f"{self._foot} Page {self.page_no()}.", align="L")
        self.set_text_color(0)

    def heading(self, text: str, size: int = 12) -> None:
        self.set_font("body", "B", size)
        self.multi_cell(0, size * 0.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1)

    def paragraph(self, text: str, bold: bool = False) -> None:
        self.set_font("body", "B" if bold else "", 10)
        self.multi_cell(0, 5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1.5)

    def facts(self, rows: dict[str, str]) -> None:
        for name, value in rows.items():
            if value:
                self.set_font("body", "", 10)
                self.set_text_color(90)
                self.cell(42, 5, name)
                self.set_text_color(0)
                self.multi_cell(0, 5, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)

    def picture(self, file: FieldFile | None, x: float, y: float, side: float, caption: str) -> None:
        self.set_xy(x, y + side + 1)
        self.set_font("body", size=9)
        self.cell(side, 4, caption)
        if file and file.name and default_storage.exists(file.name):
            with file.open() as content:
                self.image(content.read(), x, y, side, side, keep_aspect_ratio=True)
        else:
            self.rect(x, y, side, side)
            self.set_xy(x, y + side / 2)
            self.cell(side, 5, "The picture was removed", align="C")


@contextmanager
def _sheet(title: str, printed_by: User, reference: str) -> Iterator[_Sheet]:
    sheet = _Sheet(
        f"Sightline, {title}. Printed {_time(timezone.now())} by {printed_by}; audit reference {reference}. "
        "A lead, no identification."
    )
    with tempfile.TemporaryDirectory() as folder:
        for style, name in FONTS.items():
            path = Path(folder, f"{name}.ttf")
            path.write_bytes(pymupdf_fonts.myfont(name))
            sheet.add_font("body", style, path)
        sheet.set_text_shaping(True)
        sheet.set_title(title)
        sheet.add_page()
        yield sheet


def lead_sheet(candidate: Candidate, printed_by: User, reference: str) -> bytes:
    """A confirmed lead as PDF. reference: the audit row of its printing."""
    case, search = candidate.case, _search(candidate.probe)
    worth = strengths.of(candidate)
    with _sheet(f"lead {candidate.pk}", printed_by, reference) as sheet:
        sheet.heading(f"Lead: may be {case.display_name}", 18)
        sheet.paragraph(NO_IDENTIFICATION, bold=True)
        top = sheet.get_y() + 1
        sheet.picture(candidate.probe.crop, 16, top, 84, f"Searched: {search.filename}")
        sheet.picture(candidate.face.crop if candidate.face else None, 110, top, 84, f"Case photo of {case.number}")
        sheet.set_xy(16, top + 92)
        sheet.heading("What the likeness is worth")
        sheet.paragraph(f"Similarity {candidate.similarity:.2f}, rank {candidate.rank}: {worth.label}. {worth.why}")
        if candidate.face and (apart := years.words(candidate.face, search)):
            sheet.paragraph(apart)
        for how, other in linked(case, printed_by):
            sheet.paragraph(f"{how}: {other.display_name} ({other.number}). A face model may take one for the other.")
        sheet.paragraph(NOT_WORTH)
        if candidate.probe.weaknesses:
            sheet.paragraph(f"The searched picture: {', '.join(candidate.probe.weaknesses)}.")
        if candidate.face and candidate.face.weaknesses:
            sheet.paragraph(f"The case photo: {', '.join(candidate.face.weaknesses)}.")
        sheet.heading("The case")
        sheet.facts(
            {
                "Case": f"{case.number}, {case.collection.name}",
                "Name": ", also ".join(filter(None, [case.display_name, case.other_names])),
                "Sex, age then": ", ".join(filter(None, [case.get_sex_display(), case.age])),
                **dict(case.description),
                case.seen_label: ", ".join(
                    filter(None, [f"{case.last_seen_on:%-d %b %Y}" if case.last_seen_on else "", case.last_seen_place])
                ),
                "Agency, contact": ", ".join(filter(None, [case.agency, case.contact])),
                "Source": case.source_url,
            }
        )
        sheet.heading("Who decided, when and why")
        for opinion in candidate.opinions.select_related("user"):
            sheet.paragraph(_opinion(opinion))
        for mark in candidate.marks.select_related("user"):
            where = "case photo" if mark.face_id else "searched picture"
            sheet.paragraph(f"Marked by {mark.user or 'somebody who left'} on the {where}: {mark.text}")
        _how(sheet, search)
        return bytes(sheet.output())


def candidate_list(search: Search, printed_by: User, reference: str) -> bytes:
    """Each face of a search with its candidates as PDF. reference: the audit row of its printing."""
    with _sheet(f"candidates of search {search.pk}", printed_by, reference) as sheet:
        sheet.heading(f"Candidates: {search.purpose}", 18)
        sheet.paragraph(NO_IDENTIFICATION, bold=True)
        worth = Max(F("candidates__similarity") - F("candidates__allowance") - F("candidates__commonness"))
        ordered = search.probes.annotate(worth=worth).order_by(F("worth").desc(nulls_last=True), "position")
        probes = list(ordered.prefetch_related(seen_by(printed_by), "candidates__face__model")[:FACES])
        left = search.probes.count() - len(probes)
        if left:
            sheet.paragraph(f"The {FACES} faces with the strongest candidates; {left:,} more are not printed.")
        for number, probe in enumerate(probes, start=1):
            if sheet.get_y() > 220:
                sheet.add_page()
            top = sheet.get_y()
            sheet.picture(probe.crop, 16, top, 34, f"Face {number} of {len(probes)}")
            sheet.set_xy(16, top + 42)
            for candidate in list(probe.candidates.all())[:LISTED]:
                if sheet.get_y() > 250:
                    sheet.add_page()
                _candidate(sheet, search, candidate)
            sheet.ln(4)
        if not probes:
            sheet.paragraph("No face was found in this picture.")
        _how(sheet, search)
        return bytes(sheet.output())


def _candidate(sheet: _Sheet, search: Search, candidate: Candidate) -> None:
    worth, case, top = strengths.of(candidate), candidate.case, sheet.get_y()
    sheet.picture(candidate.face.crop if candidate.face else None, 16, top, 18, "")
    sheet.set_left_margin(38)
    sheet.set_xy(38, top)
    said = f"; {candidate.get_decision_display().lower()}" if candidate.decision else ""
    sheet.set_font("body", "B", 10)
    sheet.multi_cell(0, 5, f"{candidate.rank}. {case.display_name}{said}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.set_font("body", "", 9)
    sheet.multi_cell(0, 4.4, f"{case.number}, {case.collection.name}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    sheet.multi_cell(
        0,
        4.4,
        f"Similarity {candidate.similarity:.2f}, {worth.label}. {worth.why}",
        new_x=XPos.LMARGIN,
        new_y=YPos.NEXT,
    )
    sheet.set_left_margin(16)
    sheet.set_xy(16, max(sheet.get_y(), top + 19) + 2)


def _how(sheet: _Sheet, search: Search) -> None:
    calibrated = calibration.by(search.model, search.measurement)
    sheet.heading("The search")
    sheet.facts(
        {
            "Purpose": search.purpose,
            "Case or tip number": search.reference,
            "Searched": f"{_time(search.created_at)} by {search.user or 'somebody who left'}",
            "Among": f"{search.gallery_size:,} cases",
            "Face model": f"{search.model.name}, weights {search.model.fingerprint[:16]}, recipe {search.model.recipe}",
            "Error rates": f"measured on {calibrated.measured_on}"
            if calibrated.measured_on
            else "not measured for this face model: an estimate",
            "Search": str(search.pk),
        }
    )
    sheet.paragraph(f"Among {search.gallery_size:,} cases, at least so alike are:")
    rows = {}
    for similarity in (0.3, 0.4, 0.5, 0.6):
        missed = calibrated.missed(similarity)
        own = "" if missed is None else f"; {1 - missed:.0%} of pictures of one person"
        rows[f"{similarity:.2f}"] = f"{_share(calibrated.fpir(similarity, search.gallery_size))} of strangers{own}"
    sheet.facts(rows)


def _share(fraction: float) -> str:
    return "less than 1 in 10,000" if fraction < 1e-4 else f"{fraction:.2%}" if fraction < 0.1 else f"{fraction:.0%}"


def _opinion(opinion: Opinion) -> str:
    said = f"{opinion.user or 'Somebody who left'}, {_time(opinion.at)}: "
    return said + opinion.get_word_display() + (f". {opinion.note}" if opinion.note else "")


def _time(at: datetime) -> str:
    return f"{timezone.localtime(at):%-d %b %Y %H:%M %Z}"


def _search(probe: Probe) -> Search:
    if probe.search is None:
        raise ValueError("A capture's candidates become alerts, not leads.")
    return probe.search
