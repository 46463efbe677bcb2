"""Runs in a process of its own (`children`): strangers' bytes in, pixels or files out. Whatever kills it kills it
alone."""

import json
import os
import resource
import select
import signal
import sys
from typing import Any

from matching.faces.children import HEAD, write

# Seconds without a question after which it ends.
IDLE = 120


def main(memory: int, seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # It writes no file.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    while select.select([0], [], [], IDLE)[0]:
        asked = _read()
        if asked is None:
            return
        # Should nobody be left to end it, it ends by itself.
        signal.setitimer(signal.ITIMER_REAL, seconds * 2)
        _answer(*asked)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _read() -> tuple[dict[str, Any], bytes] | None:
    head = _exactly(HEAD.size)
    if len(head) < HEAD.size:
        return None
    said, size = HEAD.unpack(head)
    return json.loads(_exactly(said)), _exactly(size)


def _exactly(size: int) -> bytes:
    return sys.stdin.buffer.read(size)


def _answer(asked: dict[str, Any], content: bytes) -> None:
    # Loaded under the limits, and by none but the one that needs them.
    from matching.faces import archives, clips, images

    out = sys.stdout.fileno()
    try:
        if asked["what"] == "image":
            opened = images.decode(content, whole=asked["whole"], page=asked["page"])
            said = {
                "shape": opened.rgb.shape,
                "scale": opened.scale,
                "origin": vars(opened.origin),
                "note": opened.note,
                "regions": opened.marked,
            }
            write(out, said, opened.rgb.data.cast("B"))
        elif asked["what"] == "stored":
            write(out, {"stored": images.how_stored(content)})
        elif asked["what"] == "pages":
            write(out, {"pages": images.count_pages(content)})
        elif asked["what"] == "length":
            write(out, {"length": clips.length(os.fsdecode(asked["path"]))})
        elif asked["what"] == "archive":
            for told, portion in archives.files(os.fsdecode(asked["path"]), asked["kind"]):
                signal.setitimer(signal.ITIMER_REAL, 600)
                write(out, told, portion)
            write(out, {"end": True})
        else:
            frames = clips.Frames(os.fsdecode(asked["path"]), asked["after"], every=asked["every"])
            for second, rgb in frames:
                signal.setitimer(signal.ITIMER_REAL, 600)
                write(out, {"second": second, "shape": rgb.shape}, rgb.data.cast("B"))
            write(out, {"end": True, "whole": frames.is_whole})
    except (images.ImageRefused, clips.ClipRefused, archives.ArchiveRefused) as refusal:
        write(out, {"refused": type(refusal).__name__, "text": str(refusal)})
    except MemoryError:
        write(out, {"refused": "ImageTooLarge", "text": "It takes more memory to read than any picture should."})


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
