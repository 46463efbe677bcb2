"""Labelled photos in a folder: a folder a person, or a CSV that says who and what each is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cases.sources import SourceUnavailable, tables
from cases.sources.places import is_picture

COLUMNS = {
    "photo": ("path", "photo", "file", "filename", "image"),
    "person": ("person", "name", "identity", "subject"),
    "role": ("role",),
    "group": ("group",),
    "age": ("age", "age_at_photo"),
    "taken": ("taken", "taken_on", "date", "year"),
}
ENROL, MATE, STRANGER = "enrol", "mate", "stranger"
ROLES = {
    "enrol": ENROL, "enroll": ENROL, "enrol_more": ENROL, "gallery": ENROL,
    "mate": MATE, "probe": MATE,
    "stranger": STRANGER, "non-mate": STRANGER, "nonmate": STRANGER,
}  # fmt: skip


class NothingToEvaluate(Exception):
    """The folder holds no photos to evaluate with. The text says what was missing and what to do."""


@dataclass(frozen=True)
class Labelled:
    """A photo and who it shows.

    name: as the folder has it. role: empty where none are given. group: for errors by. age: in years, on the photo.
    taken: when, as a year with its fraction.
    """

    path: Path
    name: str
    person: str
    role: str = ""
    group: str = ""
    age: float | None = None
    taken: float | None = None


@dataclass
class Labels:
    """problems: (what, why) of each that was left out. notes: what else is to be known of how it was read."""

    photos: list[Labelled]
    problems: list[tuple[str, str]]
    notes: list[str]


def read(folder: Path) -> Labels:
    """The labelled photos of a folder. Raises `NothingToEvaluate`."""
    if not folder.is_dir():
        raise NothingToEvaluate(f"{folder} is no folder. Name one with a folder of photos for each person, or a CSV.")
    lists = sorted(folder.glob("*.csv"))
    if len(lists) > 1 and folder / "manifest.csv" not in lists:
        named = ", ".join(path.name for path in lists)
        raise NothingToEvaluate(f"{folder} holds several CSV files: {named}. Call the one that counts manifest.csv.")
    try:
        labels = (
            _by_list(folder, lists[0] if len(lists) == 1 else folder / "manifest.csv") if lists else _by_folder(folder)
        )
    except SourceUnavailable as problem:
        raise NothingToEvaluate(str(problem)) from problem
    _check(folder, labels)
    return labels


def _by_folder(folder: Path) -> Labels:
    photos, problems = [], []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and is_picture(name):
            if path.parent == folder:
                problems.append((name, "It lies beside the folders of persons, not in one."))
            else:
                photos.append(Labelled(path, name, path.parent.relative_to(folder).as_posix()))
    return Labels(photos, problems, [])


def _by_list(folder: Path, path: Path) -> Labels:
    names = {name.lower(): name for name in tables.header(path)}
    columns = {key: next((names[n] for n in known if n in names), "") for key, known in COLUMNS.items()}
    for key in ("photo", "person"):
        if not columns[key]:
            raise NothingToEvaluate(
                f"{path.name} has no column for the {key}: call it {' or '.join(COLUMNS[key])}. "
                f"It has {', '.join(names.values())}."
            )
    labels = Labels([], [], [])
    if not columns["role"]:
        labels.notes.append(f"{path.name} has no column role, so each photo was searched among all the others.")
    for number, row in tables.rows(path):
        values = {key: row.get(column, "") if column else "" for key, column in columns.items()}
        why, photo = _row(folder, values, bool(columns["role"]))
        if why:
            labels.problems.append((f"{path.name}, line {number}", why))
        if photo is not None:
            labels.photos.append(photo)
    return labels


def _row(folder: Path, values: dict[str, str], with_roles: bool) -> tuple[str, Labelled | None]:
    """A row's photo, and what is to be said of it; none where it cannot be used."""
    if not values["photo"] or not values["person"]:
        return "It names no photo or no person.", None
    role = ROLES.get(values["role"].lower(), "")
    if with_roles and not role:
        return f"The role {values['role'] or 'is empty; it'} is none of {', '.join(ROLES)}.", None
    # A list may name its own folder too, as seen from the one above.
    found = [path for path in (folder / values["photo"], folder.parent / values["photo"]) if path.is_file()]
    if not found or not found[0].resolve().is_relative_to(folder.resolve()):
        return f"There is no {values['photo']} in the folder.", None
    age, taken = _number(values["age"], 0, 130), _year(values["taken"])
    odd = [text for text, known in ((values["age"], age), (values["taken"], taken)) if text and known is None]
    words = " and ".join(map(repr, odd))
    why = f"{words}: no age, or no date as 2019 or 2019-05-31. The photo counts without." if odd else ""
    return why, Labelled(found[0], values["photo"], values["person"], role, values["group"], age, taken)


def _number(text: str, least: float, most: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if least <= number <= most else None


def _year(text: str) -> float | None:
    """2019 or 2019-05-31 as a year with its fraction."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return _number(text, 1850, 2200)
    return day.year + (day.timetuple().tm_yday - 1) / 365.25


def _check(folder: Path, labels: Labels) -> None:
    if not labels.photos:
        raise NothingToEvaluate(
            f"{folder} has no photo of a person that can be used: it wants a folder for each person, or a CSV."
            + "".join(f" {what}: {why}" for what, why in labels.problems[:3])
        )
    roles = Counter(photo.role for photo in labels.photos)
    if len({photo.person for photo in labels.photos}) < 2:
        raise NothingToEvaluate(
            f"All photos are of {labels.photos[0].person}. An evaluation compares people with each other: "
            "it needs two at least, and says something from a few hundred on."
        )
    if not roles[""]:
        missing = [role for role in (ENROL, STRANGER) if not roles[role]]
        if missing:
            raise NothingToEvaluate(f"No photo has the role {' or '.join(missing)}; each is needed once at least.")
    labels.photos, wrong = _told_apart(labels.photos)
    labels.problems += wrong


def _told_apart(photos: Sequence[Labelled]) -> tuple[list[Labelled], list[tuple[str, str]]]:
    """Mates whose person is enrolled, strangers whose person is not, and what is neither."""
    enrolled = {photo.person for photo in photos if photo.role == ENROL}
    good, wrong = [], []
    for photo in photos:
        if photo.role == MATE and photo.person not in enrolled:
            wrong.append((photo.name, f"Its role is mate, but {photo.person} has no photo with the role enrol."))
        elif photo.role == STRANGER and photo.person in enrolled:
            wrong.append((photo.name, f"Its role is stranger, but {photo.person} is enrolled."))
        else:
            good.append(photo)
    return good, wrong
