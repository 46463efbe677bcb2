"""The bytes of what lies in an archive, taken out by whoever asks and never more than they allow."""

import tempfile
from collections.abc import Callable
from typing import IO

from matching.faces.images import MAX_BYTES

# On disk beyond what memory should hold.
IN_MEMORY = 64 * 2**20
TOO_LARGE = f"A picture has at most {MAX_BYTES // 2**20} MB."


class Unreadable(Exception):
    """A container that cannot be opened; the text says why and what to do."""


def start(begin: Callable[[], IO[bytes]]) -> bytes:
    """How a member begins: told by its content where its name does not say it."""
    try:
        with begin() as file:
            return file.read(4096)
    except Exception:  # a locked or damaged member; reading it says so
        return b""


def whole(unpack: Callable[[int], IO[bytes]]) -> bytes:
    with unpack(MAX_BYTES) as file:
        return file.read()


def spooled(begin: Callable[[], IO[bytes]], size: int, most: int) -> IO[bytes]:
    """A member's bytes as a file without a name. size: as it is stated. Raises `Unreadable`."""
    # Closed by whoever asked for it.
    held: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
    too_large = TOO_LARGE if most == MAX_BYTES else f"It has over {most // 2**30} GB. Send what it holds in parts."
    try:
        if size > most:
            raise Unreadable(too_large)
        with begin() as file:
            # The size that an archive states may be a lie; what comes out is counted.
            while portion := file.read(2**20):
                if held.tell() + len(portion) > most:
                    raise Unreadable(too_large)
                held.write(portion)
    except Unreadable:
        held.close()
        raise
    except Exception as error:  # what a damaged or oddly packed member raises has no common parent
        held.close()
        raise Unreadable(f"It cannot be unpacked: {error}.") from error
    held.seek(0)
    return held
