"""The labelled photos, by the role that each plays in a measurement."""

import csv
from dataclasses import dataclass
from pathlib import Path

from tests import faces

LFW = faces.EVAL / "lfw"


@dataclass(frozen=True)
class Labelled:
    path: Path
    person: str


def lfw(*roles: str) -> list[Labelled]:
    """Photos of Labeled Faces in the Wild with these roles: `enrol`, `enrol_more`, `mate`, `stranger`."""
    with open(LFW / "manifest.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["role"] in roles]
    return [Labelled(faces.EVAL / row["path"], row["person"]) for row in rows]
