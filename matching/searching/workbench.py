"""What an investigator sees of a search at one time: a face, its candidates, and the one that is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from matching.gallery import calibration
from matching.models import Candidate, Probe, Search

WORDS = ("strong", "fair")


@dataclass(frozen=True)
class Likely:
    """A candidate with what its likeness is worth."""

    candidate: Candidate
    strength: calibration.Strength


@dataclass(frozen=True)
class Workbench:
    """faces: the search's probes, the one with the strongest candidate first. better, weaker: the face's candidates,
    those worth a look and those to be expected by chance; the first is always among the better."""

    faces: Sequence[Probe]
    face: Probe
    better: Sequence[Likely]
    weaker: Sequence[Likely]
    shown: Likely | None

    @property
    def number(self) -> int:
        return list(self.faces).index(self.face) + 1


def workbench(search: Search, face: int | None = None, candidate: int | None = None) -> Workbench | None:
    """face, candidate: ids of those to show; the first where none is named. None for a picture without a face."""
    probes = search.probes.select_related("model").prefetch_related(
        "candidates__case__collection", "candidates__face__model"
    )
    faces = sorted(probes, key=_promise, reverse=True)
    if not faces:
        return None
    meant = next((probe for probe in faces if probe.pk == face), faces[0])
    calibrated = calibration.by(search.model, search.measurement)
    likely = [
        Likely(one, calibration.strength(calibrated, one.similarity, search.gallery_size, one.allowance))
        for one in meant.candidates.all()
    ]
    better = [one for place, one in enumerate(likely) if not place or one.strength.word in WORDS]
    weaker = [one for one in likely if one not in better]
    shown = next((one for one in likely if one.candidate.pk == candidate), likely[0] if likely else None)
    return Workbench(faces, meant, better, weaker, shown)


def _promise(probe: Probe) -> tuple[bool, float]:
    """How much a face's best candidate is worth beside the others'."""
    first = next(iter(probe.candidates.all()), None)
    return not probe.is_too_poor, -2.0 if first is None else first.similarity - first.allowance
