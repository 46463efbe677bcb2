"""Many rows out of PostgreSQL at once, as NumPy reads them: by COPY, in its binary form."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

_HEADER, _TRAILER = 19, 2


def row(*columns: tuple[str, Any]) -> np.dtype[Any]:
    """What COPY writes of columns that are never null: how many there are, and before each its length in bytes.

    columns: each its name and how NumPy reads it, big-endian: a number, or a record of what its bytes hold.
    """
    fields: list[tuple[str, Any]] = [("columns", ">i2")]
    for column in columns:
        fields += [(f"length of {column[0]}", ">i4"), column]
    return np.dtype(fields)


def blocks(select: str, values: Mapping[str, Any], row: np.dtype[Any], length: int) -> Iterator[NDArray[Any]]:
    """The rows of a statement, so many in a block; the last has what is left."""
    waiting, start = bytearray(), _HEADER
    with connection.cursor() as cursor, cursor.copy(f"COPY ({select}) TO STDOUT (FORMAT BINARY)", values) as copy:
        for part in copy:
            waiting += part
            while len(waiting) >= start + length * row.itemsize:
                end = start + length * row.itemsize
                yield np.frombuffer(waiting[start:end], row)
                waiting, start = waiting[end:], 0
    if len(waiting) > start + _TRAILER:
        yield np.frombuffer(waiting[start:-_TRAILER], row)
