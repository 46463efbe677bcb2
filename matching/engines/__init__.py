"""An image in, faces out. Plain Python and numpy: nothing here knows of Django."""

from functools import lru_cache
from pathlib import Path

from matching.engines.base import DetectedFace, Engine, EngineUnavailable, Quality

__all__ = ["DLIB", "DetectedFace", "Engine", "EngineUnavailable", "Quality", "load"]

DLIB = "dlib"


@lru_cache(maxsize=2)
def load(source: str) -> Engine:
    """The engine for `dlib` or for a pack's folder, loaded once a process. Raises `EngineUnavailable`."""
    if source == DLIB:
        from matching.engines.dlib import DlibEngine

        return DlibEngine()
    from matching.engines.insightface import InsightFaceEngine

    return InsightFaceEngine(Path(source))
