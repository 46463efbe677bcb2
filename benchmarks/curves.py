"""The error rates that are shipped: LFW's photos in a gallery, measured as an installation measures its own.

`python -m benchmarks curves --write` keeps them beside the code; with `dlib` (slow) or `retail` those models'.
"""

import json
import sys
from typing import Any

from benchmarks import labelled
from benchmarks.common import fresh_database, table, wanted_models
from cases.models import Case, Collection, Photo, add_photo
from matching.gallery import calibration, measuring, templates
from matching.gallery.curves import Curve
from matching.indexing import bulk
from matching.models import CasePair, Face, FaceModel

# What a model's mean and following candidates tell (`commonness`), until it was measured by `alike`.
TELLS = {"mean_tells": 1.0, "following_tell": 1.0}
ROLES = ("enrol", "enrol_more", "mate", "stranger")


def run() -> None:
    if not labelled.LFW.is_dir():
        print("LFW is not here: nothing to measure.")
        return
    kept = json.loads(calibration.SHIPPED.read_text())
    rows = []
    for name in wanted_models():
        model = fresh_database(name)
        measured = measure(model)
        before = kept.get(f"{model.fingerprint} {model.recipe}", {})
        kept[f"{model.fingerprint} {model.recipe}"] = TELLS | before | measured
        non_mates, mates = (Curve.from_json(measured[key]) for key in ("non_mates", "mates"))
        rows.append((
            f"{model}, {model.recipe}", f"{non_mates.pairs:,}",
            ", ".join(f"{non_mates.similarity(10**-power):.3f}" for power in range(1, 9)),
            f"{mates.pairs:,}", ", ".join(f"{mates.similarity(1 - missed):.3f}" for missed in (0.01, 0.05, 0.1, 0.5)),
        ))  # fmt: skip
    table(("model", "non-mates", "10⁻¹ to 10⁻⁸ of them reach", "mates", "1, 5, 10, 50 % of them stay below"), *rows)
    if "--write" in sys.argv:
        calibration.SHIPPED.write_text(json.dumps(kept, separators=(",", ":")) + "\n")


def measure(model: FaceModel) -> dict[str, Any]:
    """Each photo a case of its own, for as many pairs as there are; then a person's photos one case, for the mates."""
    collection = Collection.objects.create(name="LFW")
    by_person: dict[str, list[Case]] = {}
    for number, photo in enumerate(labelled.lfw(*ROLES)):
        case = Case.objects.create(collection=collection, number=f"{number}", name=photo.person)
        add_photo(case, photo.path.read_bytes(), photo.path.name, announce=False)
        by_person.setdefault(photo.person, []).append(case)
    bulk.index_waiting()
    CasePair.objects.all().delete()
    CasePair.objects.bulk_create(
        CasePair(first=first, second=second, similarity=0, decision=CasePair.Decision.SAME)
        for cases in by_person.values()
        for position, first in enumerate(cases)
        for second in cases[position + 1 :]
    )
    non_mates = measuring.measure(model, probes=100_000)
    for first, *others in by_person.values():
        Photo.objects.filter(case__in=others).update(case=first)
        Face.objects.filter(case__in=others).update(case=first)
    templates.rebuild_all(model)
    mates = measuring.measure(model)
    if non_mates is None or mates is None:
        raise SystemExit("LFW's photos were not indexed.")
    return {"non_mates": non_mates.non_mates, "mates": mates.mates}
