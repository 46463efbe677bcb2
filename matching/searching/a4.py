"""A sheet of A4: our font, headings, facts, pictures, and a foot that says what it is."""

from django.core.files.storage import default_storage
from django.db.models.fields.files import FieldFile
from fpdf import FPDF
from fpdf.enums import XPos, YPos


class Sheet(FPDF):
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
        self.lines(text, size * 0.5)
        self.ln(1)

    def lines(self, text: str, height: float) -> None:
        """A text in the font that is set, over as many lines as it takes. height: of each, in millimetres."""
        self.multi_cell(0, height, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

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
                self.lines(value, 5)
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
