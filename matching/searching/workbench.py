"""What an investigator sees of a search at one time: a face, its candidates, and the one that is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import F, Max, Q

from cases.models import Case, Collection
from cases.visibility import visible
from matching.gallery import calibration, strengths
from matching.models import Candidate, CasePair, Face, Probe, Search
from matching.searching import years

WORDS = ("strong", "fair")
# What a likeness must be worth to be called fair: as seldom among strangers.
FAIR = 0.1
MOST_PHOTOS = 12


@dataclass(frozen=True)
class Likely:
    """A candidate with what its likeness is worth."""

    candidate: Candidate
    strength: calibration.Strength


@dataclass(frozen=True)
class Met:
    """A face of a picture of several. number: where it stands, from the left. best: its candidate worth most."""

    probe: Probe
    number: int
    best: Likely | None


@dataclass(frozen=True)
class Workbench:
    """faces: the search's probes, the one with the strongest candidate first. met: the same of a picture of several,
    each with its best candidate. better, weaker: the face's candidates, those worth a look, and those to be expected by
    chance or rejected before. shown: the one that is compared; None where none is worth a look and none was asked for.
    photos: the faces in all photos of the case that is shown; photo: the one beside the probe, the most alike unless
    another is asked for. linked: the cases that people linked with it, each with how.
    """

    faces: Sequence[Probe]
    face: Probe
    met: Sequence[Met]
    better: Sequence[Likely]
    weaker: Sequence[Likely]
    shown: Likely | None
    photos: Sequence[Face]
    photo: Face | None
    linked: Sequence[tuple[str, Case]]

    @property
    def number(self) -> int:
        own = next((one.number for one in self.met if one.probe == self.face), None)
        return own or list(self.faces).index(self.face) + 1

    @property
    def around(self) -> Sequence[Probe]:
        """The face before, this one, and the next: a batch has too many to show all."""
        at, count = self.number - 1, len(self.faces)
        return [self.faces[i % count] for i in sorted({at - 1, at, at + 1} if count > 2 else range(count))]


def workbench(
    search: Search, user: User, face: int | None = None, candidate: int | None = None, photo: int | None = None
) -> Workbench | None:
    """face, candidate, photo: ids of those to show; the first where none is named. None for a picture without a face.

    face: a probe's. photo: a face's of the case that is shown.
    """
    worth = Max(F("candidates__similarity") - F("candidates__allowance") - F("candidates__commonness"))
    probes = search.probes.select_related("model", "search").defer("embedding").annotate(worth=worth)
    faces = sorted(probes, key=_promise, reverse=True)
    if not faces:
        return None
    meant = next((probe for probe in faces if probe.pk == face), faces[0])
    candidates = (
        visible(Candidate, user)
        .filter(probe=meant)
        .select_related("case__collection", "face__model", "face__photo__case", "remembered")
    )
    likely = [
        Likely(one, strengths.of(one))
        # Those that a standing search found later stand where they belong.
        for one in sorted(candidates, key=lambda one: -one.worth)
    ]
    # Who was said not to be this person before is not put before people again, unless nobody else is left.
    fresh = [one for one in likely if not one.candidate.was_rejected]
    calibrated = calibration.by(search.model, search.measurement)
    promising = [one for one in fresh if _is_worth_a_look(one, search, calibrated)]
    # Somebody who was said not to be this person may be the only one alike; of mere strangers none is put forward.
    is_somebody = any(one.strength.word in WORDS for one in likely) and not meant.is_too_poor
    better = promising or (fresh[:1] or likely[:1] if is_somebody else [])
    weaker = [one for one in likely if one not in better]
    shown = next((one for one in likely if one.candidate.pk == candidate), better[0] if better else None)
    photos = _photos(search, shown.candidate) if shown else []
    most_alike = shown.candidate.face if shown else None
    return Workbench(
        faces,
        meant,
        _met(faces, user) if search.image and len(faces) > 1 else [],
        better,
        weaker,
        shown,
        photos,
        next((one for one in photos if one.pk == photo), most_alike),
        linked(shown.candidate.case, user) if shown else [],
    )


def _met(faces: Sequence[Probe], user: User) -> list[Met]:
    candidates = visible(Candidate, user).filter(probe__in=faces).select_related("case", "remembered")
    best: dict[int, Candidate] = {}
    for one in candidates:
        known = best.get(one.probe_id)
        if not one.was_rejected and (known is None or known.worth < one.worth):
            best[one.probe_id] = one
    places = {probe.pk: number for number, probe in enumerate(sorted(faces, key=lambda one: one.left), start=1)}
    return [
        Met(probe, places[probe.pk], Likely(best[probe.pk], strengths.of(best[probe.pk])) if probe.pk in best else None)
        for probe in faces
    ]


def linked(case: Case, user: User) -> list[tuple[str, Case]]:
    """The cases that people linked with one: in words, how, and which."""
    pairs = visible(CasePair, user).filter(Q(first=case) | Q(second=case))
    pairs = pairs.filter(decision__in=[CasePair.Decision.RELATED, CasePair.Decision.SAME])
    return [
        (pair.get_decision_display(), pair.other(case.pk))
        for pair in pairs.select_related("first__collection", "second__collection")
    ]


def _is_worth_a_look(one: Likely, search: Search, calibrated: calibration.Calibration) -> bool:
    """What is fair or better; of a sketch, which no word measures, what would be by photographs; and across many years
    or of a child as much more as the case's collection asks for."""
    candidate = one.candidate
    share = FAIR
    if candidate.face and years.says_less(candidate.face, search):
        share = years.SHOWN[Collection.FarApart(candidate.case.collection.far_apart)]
    least = calibrated.threshold(share, search.gallery_size) if share < 1 else -2.0
    return one.strength.word in WORDS or bool(candidate.decision) or candidate.worth >= least


def _photos(search: Search, candidate: Candidate) -> list[Face]:
    """Where the case's person is in each of its photos, under the model that was searched with."""
    faces = Face.objects.filter(case=candidate.case_id, model=search.model, is_subject=True)
    return list(faces.select_related("photo__case", "model").order_by("photo__view", "photo")[:MOST_PHOTOS])


def _promise(probe: Probe) -> tuple[bool, float]:
    """How much a face's best candidate is worth beside the others'."""
    worth: float | None = getattr(probe, "worth", None)
    return not probe.is_too_poor, -2.0 if worth is None else worth
