"""A gallery engine beside PostgreSQL is told what changes, checked, and asked for shortlists.

Triggers write each template that comes or goes into `GalleryChange`. What waits there is looked at beside whatever the
engine finds, so a search finds what PostgreSQL alone would, however far behind the engine is.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from redis import RedisError

from cases import locks
from matching.gallery.engines import FedGallery, GalleryAway, Wanted, fed, postgres
from matching.models import FaceModel, GalleryBits, GalleryChange, GalleryEngine, Template

logger = logging.getLogger(__name__)

TOGETHER = 1000
# Where more waits, PostgreSQL alone is quicker.
MOST_WAITING = 5000
# What changed since then is not told yet, so that a search finds it waiting before or after it asks the engine.
SETTLED = timedelta(seconds=5)
# The engine is left alone for so long after it did not answer.
REST_SECONDS = 30
SAID = "gallery-engine-away"


@dataclass(frozen=True)
class Difference:
    """template: its id; what: how the engine has it."""

    model: FaceModel
    template: int
    what: str

    def __str__(self) -> str:
        of = Template.objects.filter(pk=self.template).select_related("case").first()
        return f"Template {self.template} ({of.case.number if of else 'removed'}) under {self.model}: {self.what}"


def shortlists(wanted: Wanted) -> list[QuerySet[GalleryBits, int]] | None:
    """For each probe the templates to compare exactly, as `Gallery.nearest`; None where the engine is not asked."""
    if not settings.GALLERY_URL or were_away():
        return None
    try:
        engine = fed()
        if engine is None or not is_whole(engine):
            return None
        waited = _waiting()
        found = engine.nearest(wanted)
        waited |= _waiting()
    except GalleryAway as away:
        logger.warning("PostgreSQL searches alone, which is slower: %s", away)
        _say_away()
        return None
    if len(waited) > MOST_WAITING:
        return None
    # Only what is in the gallery now, and in what is searched: the engine may be behind.
    held = postgres.held(wanted)
    return [held.filter(template__in={*templates, *waited}).values_list("template", flat=True) for templates in found]


def is_whole(engine: FedGallery) -> bool:
    """Whether it was filled, so that it may be asked."""
    return GalleryEngine.objects.filter(address=engine.address, is_whole=True).exists()


def _waiting() -> set[int]:
    return set(GalleryChange.objects.values_list("template", flat=True)[: MOST_WAITING + 1])


def were_away() -> bool:
    """Whether somebody found the engine out of reach a moment ago."""
    try:
        return bool(settings.GALLERY_URL and cache.get(SAID))
    except RedisError:
        return False


def _say_away() -> None:
    try:
        cache.set(SAID, 1, REST_SECONDS)
    except RedisError:
        logger.debug("nobody else is told that the engine is away")


def waits() -> bool:
    """Whether the engine is to be told something."""
    if not settings.GALLERY_URL or were_away():
        return False
    try:
        engine = fed()
    except GalleryAway:
        # `prepare` has said why.
        return False
    settled = GalleryChange.objects.filter(at__lt=timezone.now() - SETTLED)
    return engine is not None and (not is_whole(engine) or settled.exists())


def feed(is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Tell the engine what it does not know yet, all of it at first. Returns how many templates. One does it at a time;
    stopped, it goes on where it was. Raises `GalleryAway`."""
    engine = fed()
    if engine is None:
        return 0
    with locks.held("gallery feed") as mine:
        if not mine:
            return 0
        try:
            return _fill(engine, is_stopping) + _tell(engine, is_stopping)
        except GalleryAway as away:
            logger.warning("the gallery engine is not told what changed: %s", away)
            _say_away()
            raise


def _fill(engine: FedGallery, is_stopping: Callable[[], bool]) -> int:
    row = GalleryEngine.objects.filter(address=engine.address).first()
    if row is None:
        engine.clear()
        with transaction.atomic():
            # Whoever is writing now would write down no change, and be overlooked by what follows.
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {GalleryBits._meta.db_table} IN SHARE MODE")
            stop()
            row = GalleryEngine.objects.create(address=engine.address)
    told = 0
    while not row.is_whole and not is_stopping():
        part = list(GalleryBits.objects.filter(pk__gt=row.reached).order_by("pk").values_list("pk", "model")[:TOGETHER])
        _bring(engine, part)
        told += len(part)
        row.reached, row.is_whole = part[-1][0] if part else row.reached, not part
        row.save()
    return told


def _tell(engine: FedGallery, is_stopping: Callable[[], bool]) -> int:
    told = 0
    settled = timezone.now() - SETTLED
    while not is_stopping():
        rows = GalleryChange.objects.filter(at__lt=settled).order_by("pk")
        part = list(rows.values_list("pk", "template", "model")[:TOGETHER])
        if not part:
            break
        _bring(engine, [(template, model) for _, template, model in part])
        GalleryChange.objects.filter(pk__in=[pk for pk, *_ in part]).delete()
        told += len(part)
    return told


def _bring(engine: FedGallery, templates: Collection[tuple[int, int]]) -> None:
    """These templates to the engine as they are now. templates: id, and the id of the face model."""
    of: dict[int, set[int]] = defaultdict(set)
    for template, model_id in templates:
        of[model_id].add(template)
    for model in FaceModel.objects.filter(pk__in=of):
        entries = list(postgres.entries(GalleryBits.objects.filter(model=model, template__in=of[model.pk])))
        # First what came: a case whose templates were made anew is found by the old ones or the new ones.
        engine.add(model, entries)
        engine.remove(model, of[model.pk] - {one.template for one in entries})


def stop() -> None:
    """No engine is fed any more, and nothing is written down for one."""
    GalleryEngine.objects.all().delete()
    GalleryChange.objects.all().delete()


def differences(engine: FedGallery) -> Iterator[Difference]:
    """What the engine holds otherwise than PostgreSQL does, but for what waits. Raises `GalleryAway`."""
    pair = np.dtype([("template", np.int64), ("fingerprint", np.int64)])
    for model in FaceModel.objects.order_by("pk"):
        theirs = np.sort(np.fromiter(engine.fingerprints(model), pair), order="template")
        ours = np.sort(np.fromiter(postgres.Postgres().fingerprints(model), pair), order="template")
        waiting = set(GalleryChange.objects.values_list("template", flat=True))
        both, here, there = np.intersect1d(ours["template"], theirs["template"], return_indices=True)
        other = both[ours["fingerprint"][here] != theirs["fingerprint"][there]]
        for what, templates in (
            ("missing there", np.setdiff1d(ours["template"], both)),
            ("another embedding, collection or poorness there", other),
            ("still there", np.setdiff1d(theirs["template"], both)),
        ):
            yield from (Difference(model, one, what) for one in templates.tolist() if one not in waiting)


def mend(found: Collection[Difference]) -> None:
    """Have these templates told again."""
    long_ago = timezone.now() - SETTLED
    changes = (GalleryChange(template=one.template, model=one.model.pk, at=long_ago) for one in found)
    GalleryChange.objects.bulk_create(changes, batch_size=TOGETHER)
