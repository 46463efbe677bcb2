"""An image in, faces out. Plain Python and numpy: nothing here knows of Django."""

from functools import lru_cache
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
    "DetectedFace",
    "Detection",
    "Embeddings",
    "Engine",
    "EngineUnavailable",
    "Quality",
    "Recipe",
    "load",
    "overlap",
]

DLIB = "dlib"


@lru_cache(maxsize=4)
def load(source: str, recipe: Recipe | None = None, threads: int | None = None) -> Engine:
    """The engine for `dlib` or for a pack's folder, loaded once a process. Raises `EngineUnavailable`.

    recipe: the best that is known for the weights if None. threads: that one call uses; all cores or `FACE_THREADS` if
    None. Where many threads call, 1 is fastest.
    """
    if source == DLIB:
        from matching.faces.engines.dlib import DlibEngine

        return DlibEngine(recipe)
    from matching.faces.engines.insightface import InsightFaceEngine

    return InsightFaceEngine(Path(source), recipe, threads)
