"""Whether what is said of a likeness happens: strangers of LFW against its enrolled cases, before and after they grow.

`strengths dlib` for that model (slow).
"""

import sys
from collections import Counter

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from benchmarks import labelled
from benchmarks.common import fresh_database, table
from benchmarks.open_set import Probe, enrol, search_all
from cases.filters import SearchedCases
from cases.models import Case, Collection
from matching.gallery import calibration, comparing, measuring
from matching.gallery import search as gallery
from matching.models import FaceModel
from tests import faces

SIZES = (100, 1000, 1950)
SAID = (3, 10, 30, 100)


def run() -> None:
    if not labelled.LFW.is_dir():
        print("LFW is not here: nothing to measure.")
        return
    model = fresh_database("dlib" if "dlib" in sys.argv or not faces.PACK.is_dir() else None)
    photos = labelled.lfw("enrol")
    # Those whom the mates show come first, so that each size has some to miss.
    probed = {photo.person for photo in labelled.lfw("mate")}
    photos.sort(key=lambda photo: photo.person not in probed)
    found = None
    said, words, alarms = [], list[tuple[str, ...]](), list[tuple[str, ...]]()
    for start, size in zip((0, *SIZES), SIZES, strict=False):
        enrol(photos[start:size])
        Case.objects.filter(pk__in=list(Case.objects.values_list("pk", flat=True)[::2])).update(sex="female")
        Case.objects.filter(sex="").update(sex="male")
        comparing.compare_new(model)
        measuring.measure(model)
        found = found or search_all()
        women = SearchedCases({"sex": "female"}).qs
        shipped, own = calibration.shipped(model), calibration.of(model)
        said.append((f"{size:,}", "shipped", *_happened(model, shipped, found.strangers)))
        if calibration.latest(model):
            said.append((f"{size:,}", "its own", *_happened(model, own, found.strangers)))
        said.append((f"of {size:,} one sex", "in force", *_happened(model, own, found.strangers, women)))
        enrolled = {case.number for case in Case.objects.all()}
        mates = [probe for probe in found.mates if probe.person in enrolled]
        words += _words(model, own, size, found.strangers, mates)
        alarms += _alarms(model, own, size, found.strangers, mates)
    print(f"{model}: a stranger's best candidate is as alike as is said to happen once in so many searches\n")
    table(("cases", "curve", *(f"once in {searches}: happened once in" for searches in SAID)), *said)
    print("\nWords for the first candidate\n")
    table(("cases", "of", "strong", "fair", "weak"), *words)
    print("\nAlert levels\n")
    table(("cases", "level", "from similarity", "strangers who raise one, of 1,000", "mates who raise none"), *alarms)


def _best(model: FaceModel, probes: list[Probe], women: QuerySet[Case] | None = None) -> NDArray[np.float64]:
    hits = [gallery.search(model, probe.embedding, limit=1, cases=women)[0] for probe in probes]
    return np.array([hit.similarity - hit.allowance for hit in hits])


def _happened(
    model: FaceModel, calibrated: calibration.Calibration, strangers: list[Probe], women: QuerySet[Case] | None = None
) -> list[str]:
    cases = gallery.size(model, cases=women)
    fpirs = np.array([calibrated.fpir(float(best), cases) for best in _best(model, strangers, women)])
    counts = [int(np.sum(fpirs <= 1 / searches)) for searches in SAID]
    return [f"{len(fpirs) / count:.1f} ({count})" if count else "never" for count in counts]


def _words(
    model: FaceModel, calibrated: calibration.Calibration, size: int, strangers: list[Probe], mates: list[Probe]
) -> list[tuple[str, ...]]:
    numbers = dict(Case.objects.values_list("pk", "number"))
    rows = []
    for label, probes in (("mates, where it is right", mates), ("strangers", strangers)):
        counts: Counter[str] = Counter()
        for probe in probes:
            hit = gallery.search(model, probe.embedding, limit=1)[0]
            if probes is strangers or numbers[hit.case_id] == probe.person:
                counts[calibration.strength(calibrated, hit.similarity, size, hit.allowance).word] += 1
        rows.append((f"{size:,}", label, *(str(counts[word]) for word in ("strong", "fair", "weak"))))
    return rows


def _alarms(
    model: FaceModel, calibrated: calibration.Calibration, size: int, strangers: list[Probe], mates: list[Probe]
) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    numbers = dict(Case.objects.values_list("pk", "number"))
    best = _best(model, strangers)
    for level, rate in calibration.LEVELS.items():
        threshold = calibrated.threshold(rate, size)
        missed = 0
        for mate in mates:
            hits = gallery.search(model, mate.embedding, limit=3, at_least=threshold)
            missed += mate.person not in {numbers[hit.case_id] for hit in hits}
        label = Collection.AlertLevel(level).label
        alarmed = f"{np.mean(best >= threshold) * 1000:.0f}"
        rows.append((f"{size:,}", label, f"{threshold:.3f}", alarmed, f"{missed} of {len(mates)}"))
    return rows
