"""The memory of an idle Sightline, process by process: what each has for itself and its part of what they share."""

import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.common import table
from tests.product import Product, start

IDLE_SECONDS = 30


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        # The database's own user must reach its folder where this runs as root.
        Path(folder).chmod(0o755)
        product = start(Path(folder) / "data")
        try:
            product.wait_until_up()
            time.sleep(IDLE_SECONDS)
            rows = [(_name(process), process.memory_full_info().pss / 1e6) for process in _processes(product, folder)]
        finally:
            product.stop()
    postgres = sum(size for name, size in rows if name == "PostgreSQL")
    rows = [*(row for row in rows if row[0] != "PostgreSQL"), ("PostgreSQL", postgres)]
    rows.append(("all", sum(size for _, size in rows)))
    table(("process", "MB"), *((name, f"{size:.0f}") for name, size in rows))


def _processes(product: Product, folder: str) -> list[psutil.Process]:
    """The supervisor with its children, and PostgreSQL, which stands for itself."""
    supervisor = psutil.Process(product.process.pid)
    found = [supervisor, *supervisor.children(recursive=True)]
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or [])
        if "postgres" in words and folder in words and process not in found:
            found += [process, *process.children(recursive=True)]
    return list(dict.fromkeys(found))


def _name(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    parts = {
        "redis-server": "Redis", "uvicorn": "web", "worker@": "worker", "importer@": "importer", "beat": "scheduler",
        "quickstart": "supervisor",
    }  # fmt: skip
    return next((name for part, name in parts.items() if part in words), "PostgreSQL")
