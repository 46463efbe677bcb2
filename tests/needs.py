"""What a test needs that not every machine has; without it the test is skipped and says so."""

import os

import pytest

from tests.broker import MOSQUITTO
from tests.faces import EVAL, PACK

pack = pytest.mark.skipif(not PACK.is_dir(), reason="no InsightFace pack here: set SIGHTLINE_TEST_PACK to one")
eval_ = pytest.mark.skipif(not EVAL.is_dir(), reason="the labelled photos are not here")
ENGINES = ["dlib", pytest.param(str(PACK), marks=pack, id="insightface")]
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="Debian's mosquitto is not installed: apt-get install mosquitto"
)
