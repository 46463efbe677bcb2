"""An image in, faces out. Plain Python and numpy: nothing here knows of Django."""

import threading
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from matching.faces.engines.base import (
    MOST_FACES,
    DetectedFace,
    Detection,
    Embeddings,
    Engine,
    EngineUnavailable,
    Quality,
    Recipe,
    overlap,
)

__all__ = [
    "DLIB",
    "MOST_FACES",
    "NAMED",
    "DetectedFace",
    "Detection",
    "Embeddings",
    "Engine",
    "EngineUnavailable",
    "Named",
    "Quality",
    "Recipe",
    "forget",
    "load",
    "make",
    "overlap",
]

DLIB = "dlib"


@dataclass(frozen=True)
class Named:
    """An engine that goes by a name instead of a pack's folder.

    engine: its class, as module and name, loaded when it is used. is_fallback: pages say that a better one should take
    its place.
    """

    label: str
    licence: str
    engine: str
    is_fallback: bool = False


# A new engine is a file here and a line in this table; a pack needs neither.
NAMED = {
    DLIB: Named(
        "dlib ResNet",
        "dlib's models are in the public domain (CC0).",
        "matching.faces.engines.dlib.DlibEngine",
        is_fallback=True,
    ),
}


@dataclass
class _Held:
    engine: Engine | None = None


# One at a time: of six who search at once after a start each would load its own.
_loading = threading.Lock()


def load(source: str, recipe: Recipe | None = None, threads: int | None = None) -> Engine:
    """The engine of a name in `NAMED`, or for a pack's folder, loaded once a process. Raises `EngineUnavailable`.

    recipe: the best that is known for the weights if None. threads: that one call uses; all cores or `FACE_THREADS` if
    None. Where many threads call, 1 is fastest.
    """
    held = _held(source, recipe, threads)
    if held.engine is None:
        with _loading:
            if held.engine is None:
                held.engine = make(source, recipe, threads)
    return held.engine


@lru_cache(maxsize=4)
def _held(source: str, recipe: Recipe | None, threads: int | None) -> _Held:
    return _Held()


def forget() -> None:
    """Have all be loaded anew."""
    _held.cache_clear()


def make(source: str, recipe: Recipe | None = None, threads: int | None = None) -> Engine:
    """As `load`, one that is nobody else's."""
    if source in NAMED:
        module, _, name = NAMED[source].engine.rpartition(".")
        made: Engine = getattr(import_module(module), name)(recipe, threads)
        return made
    from matching.faces.engines.pack import PackEngine

    return PackEngine(Path(source), recipe, threads)
