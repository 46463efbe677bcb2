"""Captures that resemble cases join the alerts of their episodes, or begin them: as many together as a worker saw."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, reduce
from operator import or_

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from cases.models import Case, Collection
from matching.gallery import calibration, strengths
from matching.gallery import search as gallery
from matching.models import Alert, AlertCapture, Capture, FaceModel
from matching.telling import joining, notifying, settled

# What a capture changes of the alert that it joins.
JOINED = [
    "best_capture", "best_face", "model", "similarity", "allowance", "commonness", "measurement", "gallery_size",
    "first_captured_at", "last_captured_at", "capture_count", "folded_count", "updated_at", "strength",
    "strength_why", "found_by",
]  # fmt: skip


@dataclass(frozen=True)
class Likeness:
    """A capture that resembles a case. among: the collections in which it was found. visits, last_visit_at: as `Alert`
    has them."""

    capture: Capture
    hit: gallery.Hit
    among: Sequence[int]
    visits: int = 0
    last_visit_at: datetime | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Camera and case, by their ids."""
        return self.capture.camera_id, self.hit.case_id


def join_or_raise(likenesses: Sequence[Likeness], model: FaceModel) -> list[Alert]:
    """Add each capture to the episode it falls into, or begin one: an alert, or a greeting of somebody known. Runs
    inside the caller's transaction. Returns the alert of each.

    An alert that several of them join is written and announced once.
    """
    return _Together(likenesses, model).alerts() if likenesses else []


def one_writer(places: Iterable[tuple[int, int]]) -> None:
    """Wait for one's turn: two captures of one moment cannot both begin an episode.

    places: cameras with a case, or with 0 for strangers, by their ids. Everybody asks for several in the same order,
    so that no two wait for each other.
    """
    cameras, cases = zip(*sorted(set(places)), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(camera, person) FROM unnest(%s::int[], %s::int[]) AS place(camera, person)",
            [list(cameras), list(cases)],
        )


@dataclass(eq=False)
class _Episode:
    """An alert as some captures find and change it. was: how strong it was told to be; empty of a new one. tracks: whom
    the camera followed in it. entries: not yet written."""

    alert: Alert
    was: str = ""
    tracks: set[uuid.UUID | None] = field(default_factory=set)
    entries: list[AlertCapture] = field(default_factory=list)
    is_new: bool = False
    is_changed: bool = False

    def holds(self, one: Likeness, gap: timedelta) -> bool:
        alert, at = self.alert, one.capture.captured_at
        if alert.seen_before or (alert.camera_id, alert.case_id) != one.place:
            return False
        # Somebody whom the camera followed is one episode, however long they stood there.
        is_followed = one.capture.track is not None and one.capture.track in self.tracks
        return is_followed or (alert.first_captured_at <= at + gap and alert.last_captured_at >= at - gap)


class _Together:
    """The likenesses of a group of captures, and all that is asked for them once."""

    def __init__(self, likenesses: Sequence[Likeness], model: FaceModel) -> None:
        one_writer(one.place for one in likenesses)
        self._likenesses, self._model = likenesses, model
        self._cases = Case.objects.select_related("collection").in_bulk({one.hit.case_id for one in likenesses})
        self._settled = settled.places(self._cases, {one.capture.camera_id for one in likenesses})
        self._size = cache(lambda among: gallery.size(model, among))
        self._measurement = cache(lambda: calibration.latest(model))
        self._episodes = self._near()

    def alerts(self) -> list[Alert]:
        joined = [self._join(one) for one in self._likenesses]
        self._write()
        for episode in self._episodes:
            alert = episode.alert
            if episode.is_changed:
                risen = bool(episode.was) and notifying.STEPS.index(alert.strength) > notifying.STEPS.index(episode.was)
                notifying.announce(alert, is_new=episode.is_new, risen=risen and alert.status in Alert.OPEN)
        return [episode.alert for episode in joined]

    def _near(self) -> list[_Episode]:
        """The alerts that they may join."""
        tracks = {one.capture.track for one in self._likenesses if one.capture.track}
        followed: dict[int, set[uuid.UUID | None]] = defaultdict(set)
        if tracks:
            entries = AlertCapture.objects.filter(capture__track__in=tracks, case__in=self._cases)
            for alert, track in entries.values_list("alert", "capture__track"):
                followed[alert].add(track)
        fits = reduce(or_, (self._fits(one) for one in self._likenesses), Q(pk__in=list(followed)))
        found = Alert.objects.filter(fits, seen_before=False).select_related("measurement")
        return [_Episode(alert, alert.strength, followed[alert.pk]) for alert in found]

    def _fits(self, one: Likeness) -> Q:
        at, gap = one.capture.captured_at, self._gap(one)
        near = Q(first_captured_at__lte=at + gap, last_captured_at__gte=at - gap)
        return near & Q(camera=one.capture.camera_id, case=one.hit.case_id)

    def _gap(self, one: Likeness) -> timedelta:
        return timedelta(seconds=self._cases[one.hit.case_id].collection.episode_seconds)

    def _join(self, one: Likeness) -> _Episode:
        capture, hit, case = one.capture, one.hit, self._cases[one.hit.case_id]
        before = settled.before(capture, case, self._model, hit.similarity - hit.allowance, self._settled)
        if before is not None:
            episode = self._known(before)
        else:
            found = [episode for episode in self._episodes if episode.holds(one, self._gap(one))]
            episode = self._bridge(found) if len(found) > 1 else found[0] if found else self._begin(one)
            # As they were just read, so that nobody asks for them again.
            alert, alert.case, alert.camera = episode.alert, case, capture.camera
            if alert.model_id == self._model.pk:
                alert.model = self._model
            if alert.model_id != self._model.pk or hit.worth > alert.worth:
                self._show(alert, one)
            strengths.judge_alert(alert)
        episode.alert.count(capture, is_folded=before is not None)
        episode.is_changed = True
        episode.tracks.add(capture.track)
        entry = AlertCapture(alert=episode.alert, capture=capture, case_id=hit.case_id, similarity=hit.similarity)
        episode.entries.append(entry)
        return episode

    def _begin(self, one: Likeness) -> _Episode:
        case, capture = self._cases[one.hit.case_id], one.capture
        is_greeting = case.collection.kind == Collection.Kind.KNOWN
        alert = Alert(
            case=case,
            camera=capture.camera,
            kind=Alert.Kind.GREETING if is_greeting else Alert.Kind.SOUGHT,
            status=Alert.Status.GREETED if is_greeting else Alert.Status.NEW,
            first_captured_at=capture.captured_at,
            last_captured_at=capture.captured_at,
            visits=one.visits,
            last_visit_at=one.last_visit_at,
        )
        self._show(alert, one)
        self._episodes.append(_Episode(alert, is_new=True))
        return self._episodes[-1]

    def _show(self, alert: Alert, one: Likeness) -> None:
        """Show an alert by this capture, the most alike of it."""
        hit = one.hit
        alert.best_capture, alert.best_face_id, alert.model = one.capture, hit.face_id, self._model
        alert.similarity, alert.allowance, alert.commonness = hit.similarity, hit.allowance, hit.commonness
        alert.found_by = hit.found_by
        alert.gallery_size, alert.measurement = self._size(tuple(one.among)), self._measurement()

    def _known(self, alert: Alert) -> _Episode:
        """An alert that was asked for by itself, as it is here already."""
        for episode in self._episodes:
            if episode.alert.pk == alert.pk:
                return episode
        self._episodes.append(_Episode(alert, alert.strength))
        return self._episodes[-1]

    def _bridge(self, found: list[_Episode]) -> _Episode:
        """The one that these come to, once a capture lies between them."""
        self._write()
        alert = joining.together([episode.alert for episode in found])
        into = next(episode for episode in found if episode.alert.pk == alert.pk)
        into.alert = alert
        # What nobody was told of yet does not count: of it they are told as of a rise.
        into.was = max((one.was for one in found if not one.is_new), key=notifying.STEPS.index, default="")
        gone = set(Alert.everything.filter(joined_to=alert).values_list("pk", flat=True))
        for episode in [one for one in found if one.alert.pk in gone]:
            # Whoever joined it a moment ago is in the other now.
            episode.alert = alert
            into.tracks |= episode.tracks
            self._episodes.remove(episode)
        return into

    def _write(self) -> None:
        """Write what has changed, in the order in which whoever locks several of a case does."""
        changed = [episode for episode in self._episodes if episode.entries]
        for alert in sorted((one.alert for one in changed), key=lambda alert: (alert.pk is None, alert.pk or 0)):
            # A joining capture leaves alone what a reviewer may be writing.
            alert.save(update_fields=None if alert.pk is None else JOINED)
        AlertCapture.objects.bulk_create(entry for episode in changed for entry in episode.entries)
        for episode in changed:
            episode.entries.clear()


def close_case(case: Case) -> None:
    """Nobody need see to alerts of a case that was closed. Inside the caller's transaction."""
    for alert in Alert.objects.select_for_update().filter(case=case, status__in=Alert.OPEN).order_by("pk"):
        move(alert, Alert.Status.CLOSED)


def reopen_case(case: Case) -> None:
    """They wait again, as people had left them."""
    for alert in Alert.objects.select_for_update().filter(case=case, status=Alert.Status.CLOSED).order_by("pk"):
        move(alert, notifying.status_of(alert))


def move(alert: Alert, status: Alert.Status) -> None:
    alert.status, alert.updated_at = status, timezone.now()
    alert.save(update_fields=["status", "updated_at"])
    notifying.announce(alert, is_new=False)
