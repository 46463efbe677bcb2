"""People found without a name beside the missing, by descriptions alone: how fast, and where the right one stands.

Made-up people: each found one is one of the missing, described as an examiner would who never saw them alive.
`python -m benchmarks missing_found`, with `--missing 25000 --found 500`.
"""

import random
import resource
import sys
import time
from datetime import date, timedelta

from benchmarks.common import fresh_database, table

STATES = [f"State {n}" for n in range(50)]
HAIR, EYES = ["Brown", "Black", "Blond", "Red", "Gray"], ["Brown", "Blue", "Green", "Hazel"]
PEOPLES = ["White", "Black", "Hispanic", "Asian", "Native American"]
MARKS = [f"motif{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(400)]


def _option(name: str, default: int) -> int:
    return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default


def run() -> None:
    from cases.models import Case, Collection
    from matching.gallery import missing_found
    from matching.models import CasePair

    fresh_database()
    dice = random.Random(7)
    missing_in = Collection.objects.create(name="Missing")
    found_in = Collection.objects.create(name="Found", kind="unidentified")
    people = []
    for number in range(_option("--missing", 10_000)):
        sex = dice.choice(["female", "male"])
        height = round(dice.gauss(163 if sex == "female" else 177, 7))
        people.append(
            Case(
                collection=missing_in, number=f"MP{number}", sex=sex, age_from=dice.randint(12, 75),
                hair=dice.choice(HAIR), eyes=dice.choice(EYES), height_from=height,
                race=dice.choices(PEOPLES, [60, 15, 15, 5, 5])[0],
                last_seen_on=date(1985, 1, 1) + timedelta(dice.randint(0, 14_000)),
                last_seen_place=f"Town {dice.randint(0, 40)}, {dice.choice(STATES)}",
                marks=f"Tattoo of a {dice.choice(MARKS)}" if dice.random() < 0.4 else "",
            )
        )  # fmt: skip
    Case.objects.bulk_create(people, batch_size=2000)
    true = dice.sample(people, _option("--found", 300))
    bodies = []
    for one in true:
        days = round(dice.expovariate(1 / 400))
        assert one.age_from
        assert one.height_from
        assert isinstance(one.last_seen_on, date)
        age, tall = one.age_from + days / 365 + dice.gauss(0, 4), one.height_from + dice.gauss(0, 3)
        place = one.last_seen_place if dice.random() < 0.4 else f"Town x, {one.last_seen_place.split(', ')[1]}"
        bodies.append(
            Case(
                collection=found_in, number=f"UP{one.number}", sex=one.sex if dice.random() < 0.98 else "",
                age_from=max(round(age) - 7, 1), age_to=round(age) + 7, height_from=round(tall) - 3,
                height_to=round(tall) + 3, hair=one.hair if dice.random() < 0.8 else "",
                eyes=one.eyes if dice.random() < 0.4 else "", race=one.race if dice.random() < 0.8 else "",
                last_seen_on=one.last_seen_on + timedelta(days),
                last_seen_place=place if dice.random() < 0.75 else f"Town 1, {dice.choice(STATES)}",
                marks=one.marks if dice.random() < 0.6 else "",
            )
        )  # fmt: skip
    Case.objects.bulk_create(bodies, batch_size=2000)
    started = time.perf_counter()
    compared = missing_found.compare(everything=True)
    seconds = time.perf_counter() - started
    ranks = []
    for one, body in zip(true, bodies, strict=True):
        pairs = CasePair.objects.filter(second=body).order_by("-weight", "pk")
        ranks.append(next((rank for rank, pair in enumerate(pairs, 1) if pair.first_id == one.pk), 0))
    table(
        ["missing, found", f"{len(people):,}, {len(bodies):,}"],
        ["found people compared, a second", f"{compared / seconds:.0f}"],
        ["the right one first", f"{ranks.count(1) / len(ranks):.0%}"],
        ["the right one among the ten kept", f"{sum(rank > 0 for rank in ranks) / len(ranks):.0%}"],
        ["by chance it were", f"{10 / len(people):.1%}"],
        ["highest memory (MB)", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}"],
    )
