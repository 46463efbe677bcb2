"""PostgreSQL's bits in the memory of this process, which looks through them several times as quickly.

Triggers write each template that comes or goes into `GalleryLog`, with the transaction that did it. Before each search
a process reads what was written since, and takes over what is settled: what transactions did that have ended. What is
not, and may yet be taken back, is looked at beside whatever is found.
"""

import math
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from matching.gallery import calibration, copying, signs
from matching.gallery.engines import postgres
from matching.gallery.engines.base import Wanted
from matching.models import FaceModel, GalleryLog

# Templates that lie together. What changes is added to the last of them; smaller ones take longer to look through.
BLOCK = 65_536
# Where more has changed it is read anew, and where more is unsettled PostgreSQL alone is quicker.
MOST_CHANGED = 5_000
# It is read anew so often, too; the log goes further back.
ANEW_SECONDS, LOGGED = 3600, timedelta(hours=2)

_ROW = copying.row(
    ("template", ">i8"),
    ("collection", ">i8"),
    ("poorness", ">f8"),
    ("bits", [("count", ">i4"), ("bytes", "u1", signs.SIGNS // 8)]),
)


@dataclass(frozen=True)
class Block:
    """Some templates. template: (n,) int64, 0 where none is any more; words: (SIGNS / 64, n) uint64, their bits."""

    template: NDArray[np.int64]
    collection: NDArray[np.int64]
    poorness: NDArray[np.float32]
    words: NDArray[np.uint64]

    def without(self, templates: NDArray[np.int64]) -> "Block":
        """The same, but for these templates."""
        gone = np.isin(self.template, templates)
        return replace(self, template=np.where(gone, 0, self.template)) if gone.any() else self

    def among(self, wanted: Wanted) -> NDArray[np.bool_]:
        """(n,): which are looked through."""
        chosen = self.template > 0
        if wanted.collections is not None:
            chosen &= np.isin(self.collection, list(wanted.collections))
        if wanted.most is not None:
            chosen &= self.poorness <= wanted.most
        return chosen

    def order(self, words: NDArray[np.uint64], poorness: float) -> NDArray[Any]:
        """(n,): how far each is from a probe, the least first, as `postgres._order`. words: (SIGNS / 64,), its bits."""
        away = np.zeros(len(self.template), np.uint16)
        other, count = np.empty_like(self.words[0]), np.empty(len(away), np.uint8)
        for own, word in zip(self.words, words, strict=True):
            np.bitwise_xor(own, word, out=other)
            away += np.bitwise_count(other, out=count)
        if not postgres.is_poor(poorness):
            return away
        allowed = calibration.allowance(np.array(poorness, np.float32), self.poorness)
        return away + allowed * np.float32(signs.SIGNS / math.pi)


@dataclass
class _Held:
    """A face model's gallery. before: what transactions before this one did is in it; owed: templates of which it
    is not known whether they are, because a transaction that changed them had not ended."""

    blocks: list[Block]
    before: int
    owed: set[int]
    read_at: float

    def is_good(self, settled: int) -> bool:
        """Where transactions count from the beginning again, the database is another one."""
        return self.before <= settled and time.monotonic() - self.read_at < ANEW_SECONDS


class Memory:
    """`Gallery`, of this process."""

    def __init__(self) -> None:
        self._of: dict[int, _Held] = {}
        self._lock = threading.Lock()

    def nearest(self, wanted: Wanted) -> Sequence[Iterable[int]]:
        with self._lock:
            blocks, unsettled = self._now(wanted.model)
        if len(unsettled) > MOST_CHANGED:
            return postgres.Postgres().nearest(wanted)
        probes = [
            (np.packbits(bits).view(np.uint64), float(poorness))
            for bits, poorness in zip(signs.signs(wanted.embeddings), wanted.poorness, strict=True)
        ]
        templates: list[NDArray[np.int64]] = []
        orders: list[list[NDArray[Any]]] = [[] for _ in probes]
        for block in blocks:
            chosen = block.among(wanted)
            these = slice(None) if chosen.all() else chosen
            templates.append(block.template[these])
            # All probes while its bits are at hand.
            for order, probe in zip(orders, probes, strict=True):
                order.append(block.order(*probe)[these])
        ids = np.concatenate(templates) if templates else np.empty(0, np.int64)
        found = [ids[_least(np.concatenate(order), wanted.count)].tolist() if len(ids) else [] for order in orders]
        if not unsettled:
            return found
        held = postgres.held(wanted)
        return [held.filter(template__in={*one, *unsettled}).values_list("template", flat=True) for one in found]

    def count(self, model: FaceModel) -> int:
        with self._lock:
            blocks, unsettled = self._now(model)
        if unsettled:
            return postgres.Postgres().count(model)
        return sum(int(np.count_nonzero(block.template)) for block in blocks)

    def _now(self, model: FaceModel) -> tuple[list[Block], set[int]]:
        """The gallery as far as it is settled, and templates of which it is not known."""
        held = self._of.get(model.pk)
        settled, changed, unsettled = _changes(model, held.before if held else 0)
        if len(unsettled) > MOST_CHANGED:
            return [], unsettled
        due = (changed | held.owed) - unsettled if held else changed
        if held is None or not held.is_good(settled) or len(due) > MOST_CHANGED:
            # What this transaction itself did is read as well, and may be taken back.
            held = _Held(list(_read(model)), settled, unsettled, time.monotonic())
            # Of a former face model nobody asks any more.
            self._of = {pk: one for pk, one in self._of.items() if held.read_at - one.read_at < 2 * ANEW_SECONDS}
            self._of[model.pk] = held
        else:
            if due:
                held.blocks = _put(held.blocks, due, list(_read(model, due)))
            held.before, held.owed = settled, (held.owed | changed) - due
        return held.blocks, unsettled


def _least(numbers: NDArray[Any], count: int) -> NDArray[np.intp]:
    """Where the least of them are, in any order."""
    if len(numbers) <= count:
        return np.arange(len(numbers))
    border = np.partition(numbers, count)[count]
    below = np.flatnonzero(numbers < border)
    return np.concatenate([below, np.flatnonzero(numbers == border)[: count - len(below)]])


def tidy_log() -> None:
    """End what everybody has read."""
    GalleryLog.objects.filter(at__lt=timezone.now() - LOGGED).delete()


_CHANGES = """
SELECT settled,
    ARRAY(SELECT template FROM matching_gallerylog
        WHERE model = %(model)s AND transaction >= %(before)s AND transaction < settled LIMIT %(most)s),
    ARRAY(SELECT template FROM matching_gallerylog WHERE model = %(model)s AND transaction >= settled LIMIT %(most)s)
FROM (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS settled) AS now
"""
_ROWS = """
SELECT template_id, collection_id, poorness, bits FROM matching_gallerybits
WHERE model_id = %(model)s AND (%(all)s OR template_id = ANY(%(templates)s))
"""


def _changes(model: FaceModel, before: int) -> tuple[int, set[int], set[int]]:
    """Below which number every transaction has ended; what was changed since a number by such, and by others."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGES, {"model": model.pk, "before": before, "most": MOST_CHANGED + 1})
        settled, changed, unsettled = cursor.fetchone()
    return settled, set(changed), set(unsettled)


def _read(model: FaceModel, templates: set[int] | None = None) -> Iterator[Block]:
    """What the database holds, or of it these templates, in blocks."""
    values = {"model": model.pk, "all": templates is None, "templates": list(templates or ())}
    return map(_block, copying.blocks(_ROWS, values, _ROW, BLOCK))


def _block(read: NDArray[Any]) -> Block:
    words = np.ascontiguousarray(read["bits"]["bytes"]).view(np.uint64)
    return Block(
        read["template"].astype(np.int64),
        read["collection"].astype(np.int64),
        read["poorness"].astype(np.float32),
        np.ascontiguousarray(words.T),
    )


def _put(blocks: list[Block], changed: set[int], read: list[Block]) -> list[Block]:
    """The same with these templates as they are now, at the end; searches that go on have the former blocks."""
    gone = np.fromiter(changed, np.int64)
    kept = [block.without(gone) for block in blocks]
    for block in read:
        if kept and len(kept[-1].template) + len(block.template) <= BLOCK:
            last = kept.pop()
            block = Block(
                np.concatenate([last.template, block.template]),
                np.concatenate([last.collection, block.collection]),
                np.concatenate([last.poorness, block.poorness]),
                np.concatenate([last.words, block.words], axis=1),
            )
        kept.append(block)
    return kept
