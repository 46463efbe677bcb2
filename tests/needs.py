"""What a test needs that not every machine has; without it the test is skipped and says so."""

import os
import shutil
import subprocess
import tempfile

import pytest

from tests.archives import HAS_LIBARCHIVE
from tests.broker import MOSQUITTO
from tests.faces import EVAL, PACK, RETAIL_FILES, retail
from tests.pooler import PGBOUNCER

pack = pytest.mark.skipif(not PACK.is_dir(), reason="no InsightFace pack here: set SIGHTLINE_TEST_PACK to one")
eval_ = pytest.mark.skipif(not EVAL.is_dir(), reason="the labelled photos are not here")
HAS_RETAIL = all(path.is_file() for path in RETAIL_FILES)
retail_pack = pytest.mark.skipif(not HAS_RETAIL, reason="the files of the pack retail are not here")
# Those that the edge client has detectors for.
OF_THE_CLIENT = ["dlib", pytest.param(str(PACK), marks=pack, id="insightface")]
ENGINES = [
    *OF_THE_CLIENT,
    pytest.param(str(retail()) if HAS_RETAIL else "", marks=retail_pack, id="retail"),
]


def _mounts() -> bool:
    """Whether a small disk can be made: by root, where no container forbids it."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
        return True


small_disk = pytest.mark.skipif(not _mounts(), reason="only root can mount a small disk, and not in every container")
pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None, reason="Debian's pgbouncer is not installed: apt-get install pgbouncer"
)
mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="Debian's mosquitto is not installed: apt-get install mosquitto"
)
libarchive = pytest.mark.skipif(
    not HAS_LIBARCHIVE, reason="Debian's libarchive is not installed: apt-get install libarchive13"
)
