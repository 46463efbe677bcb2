"""A confirmed lead, or a search's candidates, on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db.models import F, Max

from matching.gallery import calibration, strengths
from matching.models import Candidate, Opinion, Probe, Search
from matching.searching import paper, years
from matching.searching.batch_results import seen_by
from matching.searching.paper import time
from matching.searching.workbench import linked

if TYPE_CHECKING:
    from matching.searching.a4 import Sheet

FOOT = "A lead, no identification."
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


def lead_sheet(candidate: Candidate, printed_by: User, reference: str) -> bytes:
    """A confirmed lead as PDF. reference: the audit row of its printing."""
    case, search = candidate.case, _search(candidate.probe)
    worth = strengths.of(candidate)
    with paper.sheet(f"lead {candidate.pk}", printed_by, reference, FOOT) as sheet:
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
    with paper.sheet(f"candidates of search {search.pk}", printed_by, reference, FOOT) as sheet:
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


def _candidate(sheet: Sheet, search: Search, candidate: Candidate) -> None:
    worth, case, top = strengths.of(candidate), candidate.case, sheet.get_y()
    sheet.picture(candidate.face.crop if candidate.face else None, 16, top, 18, "")
    sheet.set_left_margin(38)
    sheet.set_xy(38, top)
    said = f"; {candidate.get_decision_display().lower()}" if candidate.decision else ""
    sheet.set_font("body", "B", 10)
    sheet.lines(f"{candidate.rank}. {case.display_name}{said}", 5)
    sheet.set_font("body", "", 9)
    sheet.lines(f"{case.number}, {case.collection.name}", 4.4)
    sheet.lines(f"Similarity {candidate.similarity:.2f}, {worth.label}. {worth.why}", 4.4)
    sheet.set_left_margin(16)
    sheet.set_xy(16, max(sheet.get_y(), top + 19) + 2)


def _how(sheet: Sheet, search: Search) -> None:
    calibrated = calibration.by(search.model, search.measurement)
    sheet.heading("The search")
    sheet.facts(
        {
            "Purpose": search.purpose,
            "Case or tip number": search.reference,
            "Searched": f"{time(search.created_at)} by {search.user or 'somebody who left'}",
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
    said = f"{opinion.user or 'Somebody who left'}, {time(opinion.at)}: "
    return said + opinion.get_word_display() + (f". {opinion.note}" if opinion.note else "")


def _search(probe: Probe) -> Search:
    if probe.search is None:
        raise ValueError("A capture's candidates become alerts, not leads.")
    return probe.search
