"""What a sender puts behind or beside a picture's pixels: it is cut off, and too much of it is refused."""

from matching.faces.images import ImagePadded, OpenedImage

# What a file may hold beside its pixels: a thumbnail, a colour profile.
WRAPPING = 200_000


def without(content: bytes) -> bytes:
    """A JPEG or PNG up to its own end: what stands behind is no part of the picture."""
    if content.startswith(b"\xff\xd8"):
        return content[: _jpeg_end(content)]
    if content.startswith(b"\x89PNG") and (end := content.find(b"IEND")) > 0:
        return content[: end + 8]
    return content


def _jpeg_end(content: bytes) -> int:
    place = 2
    while place + 4 <= len(content):
        if content[place] != 0xFF:
            # Coded data: in it 0xFF is always followed by a zero or a restart mark.
            place = content.find(b"\xff", place)
            if place < 0:
                break
            continue
        mark = content[place + 1]
        if mark == 0xD9:
            return place + 2
        if mark in (0x00, 0x01, 0xFF) or 0xD0 <= mark <= 0xD8:
            place += 1 if mark == 0xFF else 2
        else:
            place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return len(content)


def check(content: bytes, opened: OpenedImage) -> None:
    """Raises `ImagePadded` for a file that is larger than its pixels could be."""
    height, width = (side / opened.scale for side in opened.rgb.shape[:2])
    if len(content) > 3 * width * height + WRAPPING:
        raise ImagePadded
