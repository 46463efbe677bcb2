"""The pictures behind the faces of a batch: which shows somebody best, read out of its file again."""

from collections import defaultdict
from collections.abc import Iterable

from cases import sealed_files
from matching.faces import images
from matching.faces.images import RgbImage
from matching.models import Shot
from matching.searching import batch_persons, evidence


def best(probes: Iterable[int]) -> dict[int, Shot]:
    """By probe, the picture that stands for a person of a batch. probes: their ids."""
    found: dict[int, list[Shot]] = defaultdict(list)
    for shot in Shot.objects.filter(probe__in=probes).select_related("file__batch__search").defer("embedding"):
        found[shot.probe_id or 0].append(shot)
    return {probe: max(shots, key=batch_persons.goodness_of) for probe, shots in found.items()}


def picture(shot: Shot, second: float | None = None) -> RgbImage:
    """The whole picture, (height, width, 3) uint8; of a clip the frame at a second, or else where the face was met.

    Raises `EvidenceRefused`, `ImageRefused`, `OSError`.
    """
    with sealed_files.on_disk(shot.file.file) as path:
        if shot.second is not None:
            return evidence.frame_at(path, shot.second if second is None else second)
        found = next(evidence.pictures(path, shot.name, shot.place - 1), None)
        if found is None:
            raise evidence.EvidenceRefused("The picture is no more in its file.")
        return images.turned(images.open_image(found.content, page=found.page), shot.turned).rgb
