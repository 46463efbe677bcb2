"""What a gallery engine promises: it looks through the open cases' templates for those that are most alike."""

import hashlib
import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matching.models import FaceModel


class GalleryAway(Exception):
    """The engine does not answer, or not as it should; the text says why."""


@dataclass(frozen=True)
class Entry:
    """What an engine holds of a template. embedding: (d,) float32, unit length, as half precision keeps it."""

    template: int
    collection: int
    poorness: float
    embedding: NDArray[np.float32]

    @property
    def fingerprint(self) -> int:
        """Of all that is held: 64 bits, signed."""
        content = self.embedding.astype("<f2").tobytes() + struct.pack("<qf", self.collection, self.poorness)
        return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True)


@dataclass(frozen=True)
class Wanted:
    """What a gallery is looked through for.

    embeddings: (n, d) float32, unit length, a probe each; poorness: (n,) float32, theirs. count: how many templates of
    each. collections: ids, or None for all. most: templates poorer than this are left out.
    """

    model: FaceModel
    embeddings: NDArray[np.float32]
    poorness: NDArray[np.float32]
    count: int
    collections: Collection[int] | None = None
    most: float | None = None


class Gallery(Protocol):
    """What it finds is ranked exactly afterwards; nothing that an exhaustive scan finds first may be missing."""

    def nearest(self, wanted: Wanted) -> Sequence[Iterable[int]]:
        """For each probe the ids of the templates that are most alike, the allowance for poor pictures taken off."""

    def count(self, model: FaceModel) -> int:
        """How many templates it holds under a face model."""


class FedGallery(Gallery, Protocol):
    """One that stands beside PostgreSQL and is told what changes. Everything raises `GalleryAway`."""

    # Without name and password.
    address: str

    def fingerprints(self, model: FaceModel) -> Iterator[tuple[int, int]]:
        """Each template's id and its entry's fingerprint, in any order."""

    def add(self, model: FaceModel, entries: Sequence[Entry]) -> None:
        """Hold these, whatever was held of the same templates before."""

    def remove(self, model: FaceModel, templates: Collection[int]) -> None:
        """Hold these no longer, if it did."""

    def clear(self) -> None:
        """Hold nothing of this installation."""
