"""Sheets of paper, as PDF."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pymupdf_fonts
from django.contrib.auth.models import User
from django.utils import timezone

if TYPE_CHECKING:
    from matching.searching.a4 import Sheet

# FiraGO has Latin, Cyrillic, Greek, Arabic, Hebrew, Thai, Georgian and Devanagari letters.
FONTS = {"": "figo", "B": "figbo"}


@contextmanager
def sheet(title: str, printed_by: User, reference: str, what: str) -> Iterator[Sheet]:
    """A sheet to be written on. reference: the audit row of its printing. what: what it is, for the foot."""
    # With its fonts fpdf2 takes 16 MB of memory, of each process that could print.
    from matching.searching.a4 import Sheet

    made = Sheet(
        f"Sightline, {title}. Printed {time(timezone.now())} by {printed_by}; audit reference {reference}. {what}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for style, name in FONTS.items():
            path = Path(folder, f"{name}.ttf")
            path.write_bytes(pymupdf_fonts.myfont(name))
            made.add_font("body", style, path)
        made.set_text_shaping(True)
        made.set_title(title)
        made.add_page()
        yield made


def time(at: datetime) -> str:
    return f"{timezone.localtime(at):%-d %b %Y %H:%M %Z}"
