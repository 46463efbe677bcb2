"""What an idle process has in memory: no library of which it has not needed anything yet."""

import os
import subprocess
import sys

import pytest

from tests.product import ROOT

# Each takes between 5 and 80 MB, in each process that loads it.
LARGE = {
    "aiohttp", "apprise", "av", "boto3", "bs4", "cv2", "dlib", "faiss", "feedparser", "fontTools", "fpdf", "lxml",
    "onnxruntime", "openpyxl", "openvino", "pandas", "pyarrow", "pymilvus", "pymupdf", "pywebpush", "scipy", "sklearn",
}  # fmt: skip
WEB = "import mpsite.asgi; from django.urls import get_resolver; get_resolver().url_patterns"
# All that the tasks load which are due every few seconds.
WORKER = """
import django; django.setup()
import mpsite.celery; mpsite.celery.app.loader.import_default_modules()
from cases import importing, work
from matching.evaluating import evaluation
from matching.gallery import measuring, missing_found
from matching.indexing import bulk, changing_over, second_model
from matching.searching import batches, web_sources
from matching.telling import notifying
from matching.watching import captures, fleet, newcomers
"""


@pytest.mark.parametrize("loads", [WEB, WORKER], ids=["web", "worker"])
def test_what_waits_has_loaded_no_large_library(loads):
    code = f"{loads}\nimport sys; print(*sys.modules)"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "mpsite.settings", "CELERY_SKIP_CHECKS": "yes"}
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "django.db" in loaded
    assert not LARGE & set(loaded)
