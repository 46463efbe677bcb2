"""OpenCV, loaded when something of it is first used: it takes 16 MB, and an idle process looks at no picture."""

from typing import Any


def __getattr__(name: str) -> Any:
    import cv2

    return getattr(cv2, name)
