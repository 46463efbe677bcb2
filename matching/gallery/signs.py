"""An embedding as bits, each the side of a plane on which it lies: two that are alike lie on the same side of most.

The planes are the rows of a Hadamard matrix, turned by random signs, as many times over as it takes for SIGNS of them:
an embedding of 128 numbers says in 1,024 such bits nearly all that it says, in its own 128 signs far less
(docs/performance.md, "Vector search").
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from matching.faces.engines import Embeddings

SIGNS = 1024


def signs(embeddings: Embeddings) -> NDArray[np.bool_]:
    """(n, d) embeddings as (n, SIGNS) bits."""
    return np.asarray(embeddings @ _planes(embeddings.shape[1]) > 0)


def text(bits: NDArray[np.bool_]) -> str:
    """(SIGNS,) bits as PostgreSQL reads them."""
    return (bits.astype(np.uint8) + ord("0")).tobytes().decode()


@lru_cache
def _planes(dimensions: int) -> NDArray[np.float32]:
    """(d, SIGNS): what lies in the gallery was made with these, so they are the same everywhere and for ever."""
    side = 1 << (dimensions - 1).bit_length()
    hadamard = np.ones((1, 1), np.float32)
    while len(hadamard) < side:
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    times = -(-SIGNS // side)
    turns = np.frombuffer(hashlib.shake_256(b"sightline").digest(times * side), np.uint8) % 2 * 2.0 - 1
    turned = np.vstack([hadamard * turn for turn in turns.reshape(times, side)])
    return np.ascontiguousarray(turned[:SIGNS, :dimensions].T, np.float32)
