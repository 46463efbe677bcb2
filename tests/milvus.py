"""The small Milvus that comes as a package, as a server that any process reaches."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.product import free_port


@contextmanager
def service(folder: Path, port: int = 0) -> Iterator[str]:
    """Its address for `GALLERY_URL`."""
    port = port or free_port()
    command = ["milvus_lite", "server", "--data-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield f"milvus://127.0.0.1:{port}/sightline"
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    from pymilvus import MilvusClient

    deadline = time.monotonic() + 60
    while True:
        with suppress(Exception):
            MilvusClient(uri=f"http://127.0.0.1:{port}", timeout=2).list_collections()
            return
        assert process.poll() is None, "milvus-lite does not start"
        assert time.monotonic() < deadline
        time.sleep(0.2)
