"""Networks in half precision (bfloat16), by OpenVINO, on processors that calculate in it: nearly twice as fast.

What it does to likenesses was measured to be less than what saving a picture again does: docs/accuracy.md. So machines
with such a processor and without one share a gallery.
"""

import logging
import os
import queue
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# How alike two outputs of one network are at least, as cosine.
SAME = 0.97
FLAGS = {"avx512_bf16", "amx_bf16"}


@lru_cache(maxsize=1)
def is_here() -> bool:
    """Whether this processor calculates in bfloat16, as Linux says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return False
    return any(FLAGS & set(line.split()) for line in lines if line.startswith("flags"))


def options(threads: int) -> dict[str, Any]:
    """How OpenVINO is to calculate. threads: of one call, 0 for all cores; with one, as many calls go on at once as
    there are cores."""
    precision = {"INFERENCE_PRECISION_HINT": "bf16" if is_here() else "f32"}
    if threads == 1:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return {**precision, "NUM_STREAMS": cores, "INFERENCE_NUM_THREADS": cores}
    return {**precision, "NUM_STREAMS": 1, **({"INFERENCE_NUM_THREADS": threads} if threads else {})}


# What OpenVINO does once in a process locked it up for good, the interpreter's lock held, where several threads came to
# it first. So each network is asked for the first time by one thread alone.
_first_time = threading.Lock()


class Requests:
    """A compiled network that several threads ask at once: each takes a request that nobody else is at."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        with _first_time:
            self(np.zeros(list(compiled.inputs[0].shape), np.float32))

    def __call__(self, blob: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The network's outputs in its own order."""
        try:
            request = self._free.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        try:
            found = request.infer({0: np.ascontiguousarray(blob)})
            return [np.asarray(found[place], np.float32) for place in range(len(self._compiled.outputs))]
        finally:
            self._free.put(request)


class HalfSession:
    """What InsightFace's library asks of an onnxruntime session, of an ONNX file. Safe to call from several threads."""

    def __init__(self, path: Path, threads: int) -> None:
        self._path, self._options = path, options(threads)
        self._lock = threading.Lock()
        # A network is compiled for each shape that comes: a detector has two, a recogniser one.
        self._compiled: dict[tuple[int, ...], tuple[Requests, dict[str, int]]] = {}

    def run(self, names: list[str], feeds: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        ((name, blob),) = feeds.items()
        ask, places = self._for(name, blob.shape)
        found = ask(blob)
        return [found[places[one]] for one in names]

    def _for(self, name: str, shape: tuple[int, ...]) -> tuple[Requests, dict[str, int]]:
        with self._lock:
            if shape not in self._compiled:
                import openvino

                core = openvino.Core()
                network = core.read_model(str(self._path))
                network.reshape({name: list(shape)})
                compiled = core.compile_model(network, "CPU", self._options)
                places = {one: place for place, said in enumerate(compiled.outputs) for one in said.get_names()}
                self._compiled[shape] = Requests(compiled), places
            return self._compiled[shape]


def agree(full: Any, half: HalfSession, names: list[str], name: str, side: int) -> bool:
    """Whether a network says the same in both precisions of a picture of noise, (1, 3, side, side), input `name`."""
    blob = np.random.default_rng(0).standard_normal((1, 3, side, side)).astype(np.float32)
    try:
        pairs = zip(full.run(names, {name: blob}), half.run(names, {name: blob}), strict=True)
        return all(_cosine(one.ravel(), other.ravel()) > SAME for one, other in pairs)
    except Exception:  # a network that OpenVINO does not know, in whatever way it says so
        logger.warning("OpenVINO cannot run the network.", exc_info=True)
        return False


def _cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))
