"""When pictures were posted, as the exports say that social networks give their users: a zip of files and JSON.

Facebook and Instagram list `uri` with `creation_timestamp`; Google writes a JSON beside each picture.
"""

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cases.sources import filenames

# Of one listing, and of all of them.
MOST_BYTES, MOST_ALL = 50 * 2**20, 500 * 2**20
# Google shortens the ending of long names.
BESIDE = (".supplemental-metadata.json", ".supplemental-meta.json", ".json")


def posted(path: Path) -> dict[str, datetime]:
    """Times by the pictures' names in the zip, as `containers.Member.name` has them; none for any other file."""
    try:
        with zipfile.ZipFile(path) as opened:
            return _posted(opened)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        return {}


def _posted(opened: zipfile.ZipFile) -> dict[str, datetime]:
    names = {filenames.in_zip(entry): entry for entry in opened.infolist()}
    ends: dict[str, list[str]] = {}
    for name in names:
        ends.setdefault(filenames.base(name), []).append(name)
    found: dict[str, datetime] = {}
    left = MOST_ALL
    for name, entry in names.items():
        if not name.lower().endswith(".json") or entry.file_size > min(MOST_BYTES, left):
            continue
        left -= entry.file_size
        try:
            said = json.loads(opened.read(entry))
        except Exception:  # noqa: S112  a damaged or locked listing says nothing; the pictures themselves stay
            continue
        beside = next((name[: -len(end)] for end in BESIDE if name.endswith(end)), "")
        if beside in names and isinstance(said, dict) and (at := _google(said)):
            found[beside] = at
        for uri, at in _listed(said):
            # The export lies in a folder of its own, or is in several zips.
            found |= {one: at for one in ends.get(filenames.base(uri), []) if f"/{one}".endswith(f"/{uri.lstrip('/')}")}
    return found


def _listed(said: Any) -> Iterator[tuple[str, datetime]]:
    """Each `uri` with its time, however deep it lies; without recursion, for a stranger wrote it."""
    waiting = [said]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            uri, at = one.get("uri"), _time(one.get("creation_timestamp"))
            if isinstance(uri, str) and at:
                yield uri, at
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _google(said: dict[str, Any]) -> datetime | None:
    taken = said.get("photoTakenTime") or said.get("creationTime")
    return _time(taken.get("timestamp")) if isinstance(taken, dict) else None


def _time(seconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None
