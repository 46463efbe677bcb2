"""Candidates as a table that people take along: of one search, or those on which somebody has decided."""

from matching.models import Candidate

COLUMNS = [
    "candidate", "search", "searched at", "purpose", "reference", "face", "rank", "case", "name", "collection",
    "similarity", "strength", "why", "found by", "decision", "said",
]  # fmt: skip


def row(candidate: Candidate) -> list[object]:
    """A candidate as it is taken along, headed `COLUMNS`. What was noted beside a word stays here: others may not have
    said theirs yet."""
    probe, search = candidate.probe, candidate.probe.search
    said = "; ".join(
        f"{one.user or 'somebody who left'}: {one.get_word_display().lower()}" for one in candidate.opinions.all()
    )
    return [
        candidate.pk, str(search.pk) if search else "", search.created_at.isoformat() if search else "",
        search.purpose if search else "", search.reference if search else "", probe.position + 1, candidate.rank,
        candidate.case.number, candidate.case.display_name, str(candidate.case.collection),
        round(candidate.similarity, 4), candidate.strength, candidate.strength_why, candidate.found_by,
        candidate.get_decision_display(), said,
    ]  # fmt: skip
