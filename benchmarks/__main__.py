"""`make bench`: prints the tables of docs/performance.md and docs/accuracy.md. Name some to run only those."""

import atexit
import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

ALL = (
    "accuracy", "open_set",
    "alike", "strangers", "curves", "strengths", "poor_direction", "searching", "vectors", "milvus",
    "indexing", "comparing",
    "batches", "evidence", "interlaced", "far_away", "looking_back", "same_face", "best_shots", "edge", "passing",
    "memory",
    "registry", "hostile", "missing_found", "rates", "map", "over_time", "reporting", "unnamed",
    "killing", "waiting", "bridges", "backlog", "live", "field", "load",
)  # fmt: skip
# Some of them in short, with a row in history.csv: `make bench-quick`.
QUICK = "quick"


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="sightline-bench-"))
    # The database's own user must reach its folder where this runs as root.
    folder.chmod(0o755)
    # Run last of all at the end, after the servers have left the folder.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["SIGHTLINE_DATA"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "mpsite.settings"
    from mpsite import embedded

    embedded.attach_or_start()
    import django

    django.setup()
    wanted = [
        word for word in sys.argv[1:] if not word.startswith("--") and word not in ("dlib", "retail", "512")
    ] or list(ALL)
    if unknown := set(wanted) - {*ALL, QUICK}:
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join((*ALL, QUICK))}.")
    for name in wanted:
        print(f"\n## {name}\n")
        import_module(f"benchmarks.{name}").run()


main()
