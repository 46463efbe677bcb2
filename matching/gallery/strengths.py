"""What each likeness was worth, in words: worked out once, when it was found, and kept with it.

Pages, sheets, tables, messages and the API all show what stands in the row, so they agree with each other and with what
people saw when they decided.
"""

from cases.models import Photo
from matching.gallery import calibration
from matching.gallery.calibration import Calibration, Strength
from matching.models import Alert, Candidate, Search

OTHER_FACE = "Another face of this picture is more like this case, and both cannot be its person."


def of(likeness: Alert | Candidate) -> Strength:
    """As it is kept."""
    return Strength(likeness.strength, likeness.strength_why)


def of_second(candidate: Candidate) -> Strength:
    """What the second face model's similarity was worth."""
    return Strength(candidate.second_strength, candidate.second_strength_why)


def judge_alert(alert: Alert) -> None:
    """Word an alert's similarity by the gallery, or the captures, that it was found in. Not saved."""
    calibrated = calibration.by(alert.model, alert.measurement)
    nouns = {"among": "capture", "candidate": "most similar capture"} if alert.seen_before else {}
    nouns["found_by"] = alert.found_by
    found = calibration.strength(
        calibrated, alert.similarity, alert.gallery_size, alert.allowance, alert.commonness, **nouns
    )
    alert.strength, alert.strength_why = found.word, found.why


def judge(candidate: Candidate, calibrated: Calibration, cases: int) -> None:
    """Word a candidate's similarity. cases: as many as were searched. Not saved."""
    found = calibration.strength(
        calibrated,
        candidate.similarity,
        cases,
        candidate.allowance,
        candidate.commonness,
        found_by=candidate.found_by,
    )
    candidate.strength, candidate.strength_why = found.word, found.why


def judge_second(
    candidate: Candidate, calibrated: Calibration, cases: int, found_by: str = Photo.Kind.PHOTOGRAPH
) -> None:
    """The same of the second model's. found_by: the kind of picture that it found the case by. Not saved."""
    if candidate.second_similarity is not None:
        found = calibration.strength(
            calibrated,
            candidate.second_similarity,
            cases,
            candidate.second_allowance,
            candidate.second_commonness,
            found_by=found_by,
        )
        candidate.second_strength, candidate.second_strength_why = found.word, found.why


def one_face_a_case(search: Search) -> None:
    """Two faces of one picture are not one person: where both are strong for a case, the less alike loses its word."""
    strong = Candidate.objects.filter(probe__search=search, strength="strong").order_by("pk")
    by_case: dict[int, list[Candidate]] = {}
    for candidate in strong:
        by_case.setdefault(candidate.case_id, []).append(candidate)
    lost = []
    for rivals in by_case.values():
        for candidate in sorted(rivals, key=lambda one: -one.worth)[1:]:
            candidate.strength = "weak"
            candidate.strength_why = f"{OTHER_FACE} {candidate.strength_why}"[:400]
            lost.append(candidate)
    Candidate.objects.bulk_update(lost, ["strength", "strength_why"])


def write_missing() -> None:
    """What was found before words were kept, worded as it was shown then."""
    alerts = Alert.objects.filter(strength_why="", case__isnull=False).select_related("model", "measurement")
    for alert in alerts.iterator(chunk_size=500):
        judge_alert(alert)
        Alert.objects.filter(pk=alert.pk).update(strength=alert.strength, strength_why=alert.strength_why)
    without = Candidate.objects.filter(strength="", probe__search__isnull=False)
    known: dict[object, tuple[Calibration, int, Calibration | None, int]] = {}
    while batch := list(without.select_related("probe__search")[:2000]):
        for candidate in batch:
            search = candidate.probe.searched
            if search.pk not in known:
                second = calibration.by(search.second, search.second_measurement) if search.second else None
                first = calibration.by(search.model, search.measurement)
                known = {search.pk: (first, search.gallery_size, second, search.second_size)}
            first, cases, second, second_cases = known[search.pk]
            judge(candidate, first, cases)
            if second is not None:
                judge_second(candidate, second, second_cases)
        Candidate.objects.bulk_update(batch, ["strength", "strength_why", "second_strength", "second_strength_why"])
