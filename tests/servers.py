"""PostgreSQL and Redis for the tests, on a folder that goes when they end. Loaded before Django reads its settings."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from mpsite import embedded

folder = Path(tempfile.mkdtemp(prefix="sightline-tests-"))
# The database's own user must reach its folder where the tests run as root.
folder.chmod(0o755)
os.environ["SIGHTLINE_DATA"] = str(folder)
os.environ.pop("FACE_MODEL", None)
atexit.register(shutil.rmtree, folder, ignore_errors=True)
embedded.attach_or_start()
