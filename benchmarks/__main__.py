"""`make bench`: prints the tables of docs/performance.md and docs/accuracy.md. Name some to run only those."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path


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
    from benchmarks import (
        accuracy,
        comparing,
        curves,
        indexing,
        killing,
        live,
        open_set,
        poor_direction,
        registry,
        searching,
    )

    chosen = {
        "accuracy": accuracy,
        "open_set": open_set,
        "curves": curves,
        "poor_direction": poor_direction,
        "searching": searching,
        "indexing": indexing,
        "comparing": comparing,
        "registry": registry,
        "killing": killing,
        "live": live,
    }
    wanted = [word for word in sys.argv[1:] if not word.startswith("--") and word != "dlib"] or list(chosen)
    if unknown := set(wanted) - set(chosen):
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(chosen)}.")
    for name in wanted:
        print(f"\n## {name}\n")
        chosen[name].run()


main()
