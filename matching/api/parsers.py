"""Bodies as they come from anybody."""

from typing import Any

from django.conf import settings
from rest_framework import parsers

from matching import ingest


class JSONParser(parsers.JSONParser):
    """Refuses what is too large, nested too deep, or holds values that no column can keep."""

    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return ingest.document(stream.read(self.most + 1), self.most)


class ReportParser(JSONParser):
    most = ingest.MAX_REPORT_BYTES


class ClipParser(JSONParser):
    most = ingest.MAX_CLIP_BYTES
