"""Percentiles, tables and an empty database for each benchmark."""

import json
import statistics
import sys
from collections.abc import Iterable, Sequence
from unittest.mock import patch

from django.core.management import call_command
from django.core.management.commands import flush
from django.db import connection

from matching.faces import engines, face_models
from matching.faces.engines import Recipe, half
from matching.models import FaceModel
from tests import faces
from tests.product import Product


def wanted_models() -> list[str]:
    """What is measured: the pack; `dlib` or `retail` where the command names one of those."""
    if "dlib" in sys.argv:
        return ["dlib"]
    if "retail" in sys.argv:
        return [str(faces.retail())]
    return [str(faces.PACK)] * faces.PACK.is_dir()


def fresh_database(model: str | None = None, recipe: Recipe | None = None) -> FaceModel:
    """Migrate, empty everything and use a model: the shared pack where it is here, else dlib.

    recipe: another than the model's best.
    """
    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        # A database of one's own for benchmarks, whose audit trail is nobody's.
        cursor.execute("SET sightline.emptying = 'yes'")
    call_command(flush.Command(), verbosity=0, interactive=False)
    registered = face_models.register(model or (str(faces.PACK) if faces.PACK.is_dir() else "dlib"))
    if recipe is not None:
        direction = registered.poor_direction if str(recipe) == registered.recipe else None
        registered.recipe, registered.poor_direction = str(recipe), direction
        registered.save()
    face_models.activate(registered)
    return registered


def bare_engine(model: FaceModel) -> engines.Engine:
    """The model's engine with one thread and in full precision: a measure that is the same in every version."""
    with patch.object(half, "is_here", lambda: False):
        return engines.make(model.source, Recipe.parse(model.recipe), 1)


def signed_in(product: Product, name: str, password: str) -> str:
    """The cookies of somebody who signed in."""
    session = product.browser(name, password)
    return "; ".join(f"{one.name}={one.value}" for one in session.cookies)


def counted(product: Product) -> dict[str, int]:
    """How many captures wait, and how many are matched."""
    code = (
        "import json; from matching.models import Capture as C\n"
        "w = C.objects.filter(status='pending').count()\n"
        "print(json.dumps({'waiting': w, 'matched': C.objects.count() - w}))"
    )
    found: dict[str, int] = json.loads(product.manage("shell", "-c", code).stdout.strip().splitlines()[-1])
    return found


def percentiles(milliseconds: Sequence[float]) -> str:
    """p50 and p95 in one cell."""
    ordered = sorted(milliseconds)
    return f"{statistics.median(ordered):.1f} / {ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]:.1f} ms"


def table(*rows: Iterable[object]) -> None:
    """A Markdown table; the first row is its head."""
    head, *rest = [[str(cell) for cell in row] for row in rows]
    print(f"| {' | '.join(head)} |\n| {' | '.join('---' for _ in head)} |")
    for row in rest:
        print(f"| {' | '.join(row)} |")
