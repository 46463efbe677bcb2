"""Sheets of paper: an A4 page with our font, headings, facts, pictures, and a foot that says what it is."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pymupdf_fonts
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from fpdf import FPDF
from fpdf.enums import XPos, YPos

# FiraGO has Latin, Cyrillic, Greek, Arabic, Hebrew, Thai, Georgian and Devanagari letters.
FONTS = {"": "figo", "B": "figbo"}


class Sheet(FPDF):
    """An A4 page in our font, with a foot that says what it is."""

    def __init__(self, foot: str) -> None:
        super().__init__()
        self._foot = foot
        self.set_margin(16)
        self.set_auto_page_break(True, margin=24)

    def footer(self) -> None:
        self.set_y(-18)
        self.set_font("body", size=8)
        self.set_text_color(90)
        self.multi_cell(0, 3.6, f"{self._foot} Page {self.page_no()}.", align="L")
        self.set_text_color(0)

    def heading(self, text: str, size: int = 12) -> None:
        self.set_font("body", "B", size)
        self.multi_cell(0, size * 0.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1)

    def paragraph(self, text: str, bold: bool = False) -> None:
        self.set_font("body", "B" if bold else "", 10)
        self.multi_cell(0, 5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1.5)

    def facts(self, rows: dict[str, str]) -> None:
        for name, value in rows.items():
            if value:
                self.set_font("body", "", 10)
                self.set_text_color(90)
                self.cell(42, 5, name)
                self.set_text_color(0)
                self.multi_cell(0, 5, value, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)

    def picture(self, file: FieldFile | None, x: float, y: float, side: float, caption: str) -> None:
        self.set_xy(x, y + side + 1)
        self.set_font("body", size=9)
        self.cell(side, 4, caption)
        if file and file.name and default_storage.exists(file.name):
            with file.open() as content:
                self.image(content.read(), x, y, side, side, keep_aspect_ratio=True)
        else:
            self.rect(x, y, side, side)
            self.set_xy(x, y + side / 2)
            self.cell(side, 5, "The picture was removed", align="C")


@contextmanager
def sheet(title: str, printed_by: User, reference: str, what: str) -> Iterator[Sheet]:
    """A sheet to be written on. reference: the audit row of its printing. what: what it is, for the foot."""
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
