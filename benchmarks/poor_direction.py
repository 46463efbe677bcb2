"""The poor direction that is shipped for a pack, made from LFW's enrolled photos; `--write` puts it into its file."""

import json
import sys

import numpy as np

from benchmarks import labelled
from benchmarks.common import table, wanted_models
from matching.faces import engines, images, poor
from matching.indexing import subject


def run() -> None:
    names = wanted_models()
    if not (names and labelled.LFW.is_dir()):
        print("The pack or the labelled photos are not here: nothing to measure.")
        return
    engine = engines.load(names[0])
    made, clean = [], []
    for photo in labelled.lfw("enrol")[::3]:
        rgb = images.open_image(photo.path.read_bytes()).rgb
        if not (found := engine.faces(rgb)):
            continue
        face = found[subject.by_position([f.relative_box(rgb) for f in found]).faces[0]]
        far = engine.faces(poor.make_poor(rgb, face.relative_box(rgb)))
        if far:
            made.append(max(far, key=lambda f: f.quality.size).embedding)
            clean.append(face.embedding)
        if len(made) == poor.ENOUGH:
            break
    direction, limit = poor.direction_and_limit(np.stack(made), np.stack(clean))
    poorness = np.stack(made) @ direction
    table(
        ("faces", "poorness as they came, 10 % to 90 %", "made poor", "too poor beyond"),
        (len(made), _spread(np.stack(clean) @ direction), _spread(poorness), f"{limit:.3f}"),
    )
    if "--write" in sys.argv:
        shipped = json.loads(poor.SHIPPED.read_text()) if poor.SHIPPED.exists() else {}
        shipped[f"{engine.fingerprint} {engine.recipe}"] = {
            "direction": [round(float(value), 5) for value in direction],
            "limit": round(limit, 3),
        }
        poor.SHIPPED.write_text(json.dumps(shipped))


def _spread(values: np.ndarray) -> str:
    return " to ".join(f"{value:.2f}" for value in np.quantile(values, [0.1, 0.9]))
