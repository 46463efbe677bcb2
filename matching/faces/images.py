"""Bytes in, an upright RGB array out. Every limit and refusal on untrusted images lives here, once."""

import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

from matching.faces import children, claims, documents, interlaced, regions
from matching.faces import opencv as cv2

Image.init()
register_heif_opener(thumbnails=False)

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 80_000_000
# A JPEG is made smaller while it is decoded, so a telephone's largest setting takes no more memory than others.
MAX_JPEG_PIXELS = 250_000_000
# At its own scale a picture is kept so large at most, in pixels, to be looked at in tiles.
WHOLE_PIXELS = 40_000_000
MIN_SIDE = 24
MAX_SIDE = 2400
FORMATS = ("JPEG", "JPEG2000", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "BMP", "GIF")
FORMAT_WORDS = "JPEG, JPEG 2000, PNG, WebP, HEIC, AVIF, TIFF, BMP, GIF, or a PDF or Word file"
TIFF = (b"II*\0", b"MM\0*")

# Pillow refuses what is over twice this; our own limits speak before it, in better words.
Image.MAX_IMAGE_PIXELS = MAX_JPEG_PIXELS // 2

ZONE = re.compile(r"[+-]\d\d:\d\d")

RgbImage = NDArray[np.uint8]
# left, top, right, bottom
Box = tuple[float, float, float, float]


class ImageRefused(Exception):
    """An image that is not taken; the text says why and what to send instead."""


class ImageEmpty(ImageRefused):
    def __init__(self) -> None:
        super().__init__("The file is empty. Send it again.")


class ImageTooLarge(ImageRefused):
    pass


class ImageTooSmall(ImageRefused):
    def __init__(self, width: int, height: int) -> None:
        super().__init__(
            f"The picture is {width} by {height} pixels; a face needs at least {MIN_SIDE} each way. Send a larger one."
        )


class ImageUnreadable(ImageRefused):
    pass


class ImagePadded(ImageRefused):
    def __init__(self) -> None:
        super().__init__("The file is larger than its picture can be. Send the picture alone.")


class ImageNotAnalysed(ImageRefused):
    """The picture could be read, but the face model itself failed on it."""

    def __init__(self) -> None:
        super().__init__("The face model failed on this picture; the server's log says how. Send another one.")


@dataclass(frozen=True)
class Origin:
    """What a picture's own data says of when and where it was taken; nobody has checked it.

    time: as its camera wrote it, with a zone where that was written too. latitude, longitude: degrees.
    """

    time: str = ""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """As `cases.models.OwnData` keeps it."""
        return {"own_time": self.time, "own_latitude": self.latitude, "own_longitude": self.longitude}


@dataclass(frozen=True)
class OpenedImage:
    """rgb: (height, width, 3) uint8, upright. scale: its size over the file's own, 1.0 or less. note: what whoever sent
    it should know of the file, in words; "" for most. marked: the faces that the file marks."""

    rgb: RgbImage
    scale: float
    origin: Origin = Origin()
    note: str = ""
    marked: Sequence[regions.Region] = ()


def open_image(content: bytes, *, whole: bool = False, page: int | None = None) -> OpenedImage:
    """Decode an untrusted image, upright, in 8-bit RGB, at most `MAX_SIDE` pixels on its longer side, in a process that
    may die.

    whole: at its own scale, up to `WHOLE_PIXELS`. page: which picture of a file that holds several (`pages`); of None
    the first, and the note says so. Raises `ImageRefused` (one of its children) with words for the person who sent it.
    """
    said, pixels = _asked({"what": "image", "whole": whole, "page": page}, content)
    rgb = np.frombuffer(pixels, np.uint8).reshape(said["shape"])
    marked = [(name, tuple(box)) for name, box in said["regions"]]
    opened = OpenedImage(rgb, said["scale"], Origin(**said["origin"]), said["note"], marked)
    # A frame that somebody saved; a picture that was made smaller has no lines of a camera any more.
    if opened.scale != 1.0 or (one := interlaced.one_moment(rgb)) is rgb:
        return opened
    return replace(opened, rgb=one, note=f"{opened.note} {interlaced.NOTE}".strip())


def stored(content: bytes) -> tuple[int, int, int]:
    """Width and height of a picture as its file has it, in pixels, and how its EXIF turns it, 1 to 8.

    Raises `ImageRefused`.
    """
    said, _ = _asked({"what": "stored"}, content)
    width, height, orientation = said["stored"]
    return width, height, orientation


def pages(content: bytes) -> int:
    """How many pictures a file holds that differ: a document's or a TIFF's pages. What moves is one.

    Raises `ImageRefused`.
    """
    if not (documents.is_pdf(content) or documents.is_document(content) or content.startswith(TIFF)):
        return 1
    return int(_asked({"what": "pages"}, content)[0]["pages"])


def _asked(question: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytearray]:
    if len(content) > MAX_BYTES:
        raise too_many_bytes(len(content))
    try:
        said, pixels = children.ask(question, content)
    except children.ChildDied as death:
        why = "takes too long" if death.too_long else "breaks off"
        raise ImageUnreadable(f"Reading the picture {why}, so it was ended. Save it as a JPEG and send that.") from None
    if "refused" in said:
        raise _refusal(said["refused"], said["text"])
    return said, pixels


def turned(opened: OpenedImage, degrees: int) -> OpenedImage:
    """Turned clockwise. degrees: 0, 90, 180 or 270."""
    if not degrees:
        return opened
    return replace(opened, rgb=np.ascontiguousarray(np.rot90(opened.rgb, -(degrees // 90) % 4)), marked=())


def _refusal(name: str, text: str) -> ImageRefused:
    kind = next((one for one in ImageRefused.__subclasses__() if one.__name__ == name), ImageUnreadable)
    refusal = kind.__new__(kind)
    Exception.__init__(refusal, text)
    return refusal


def too_many_bytes(size: int) -> ImageTooLarge:
    return ImageTooLarge(
        f"The file has {size / 2**20:.0f} MB; the limit is {MAX_BYTES // 2**20} MB. Send a smaller one."
    )


def decode(content: bytes, *, whole: bool = False, page: int | None = None) -> OpenedImage:
    """The same in this very process: what is behind `open_image`, and for pictures that we made ourselves."""
    if not content:
        raise ImageEmpty
    if len(content) > MAX_BYTES:
        raise too_many_bytes(len(content))
    try:
        if documents.is_pdf(content):
            drawn, count = documents.drawn(content, page or 0, MAX_SIDE)
            return _among(_upright(drawn, b"", False, 1), count, page, "The PDF has {} pages; the first")
        if documents.is_document(content):
            taken_out, count = documents.taken_out(content, page or 0)
            if documents.is_document(taken_out):
                raise ImageUnreadable("The document's picture is no picture. Save a picture of its page and send that.")
            return _among(decode(taken_out, whole=whole), count, page, "The document holds {} pictures; the largest")
        return _decoded(content, whole, page)
    except documents.DocumentRefused as refusal:
        raise ImageUnreadable(str(refusal)) from refusal
    except UnidentifiedImageError:
        raise ImageUnreadable(f"The file is not an image that can be read. Send a {FORMAT_WORDS}.") from None
    except Image.DecompressionBombError:
        raise _too_many_pixels(MAX_PIXELS) from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError, RuntimeError) as error:
        opened = _as_far_as_it_goes(content, whole) if content.startswith(b"\xff\xd8") else None
        if opened is None:
            raise ImageUnreadable(
                "The file is damaged or cut short and could not be read to its end. Send it again from the original."
            ) from error
        return opened


def count_pages(content: bytes) -> int:
    """What is behind `pages`."""
    try:
        if documents.is_pdf(content):
            return documents.drawn(content, 0, MIN_SIDE)[1]
        if documents.is_document(content):
            return documents.taken_out(content, 0)[1]
        with Image.open(io.BytesIO(content), formats=("TIFF",)) as image:
            return min(getattr(image, "n_frames", 1), documents.MOST_PAGES)
    except documents.DocumentRefused as refusal:
        raise ImageUnreadable(str(refusal)) from refusal
    except Exception:  # whatever a decoder says of a broken file: opening its first page says it in words
        return 1


def how_stored(content: bytes) -> tuple[int, int, int]:
    """`stored`, in a process that may die."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return *image.size, int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception as error:  # whatever a decoder says of a broken file
        raise ImageUnreadable("It is no picture.") from error


def _among(opened: OpenedImage, count: int, page: int | None, words: str) -> OpenedImage:
    """Said where the first of several was opened because nobody asked for another."""
    if count == 1 or page is not None:
        return opened
    note = f"{words.format(count)} was used. Send the file under Many or a clip to have all of them searched."
    return replace(opened, note=f"{opened.note} {note}".strip())


def _decoded(content: bytes, whole: bool, page: int | None = None) -> OpenedImage:
    with warnings.catch_warnings():
        # Pillow's own bomb warning comes before our limit speaks, in better words.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            # A telephone's HEIC may say only in its EXIF how it is turned; then its decoder has not turned it.
            if page and image.format == "TIFF":
                image.seek(page)
            is_turned = image.format != "HEIF" or b"irot" in content or b"imir" in content
            mime = image.get_format_mimetype()
            opened = _upright(image, content, whole, 1 if is_turned else image.info.get("original_orientation") or 1)
            opened = replace(opened, note=claims.of(content, mime))
            # A phone's MPO is one photograph with its preview or second lens behind it.
            frames = 1 if image.format in ("MPO", "HEIF", "AVIF") else getattr(image, "n_frames", 1)
            if image.format == "TIFF":
                return _among(opened, frames, page, "The file holds {} pictures; the first")
            note = f"The file holds {frames} pictures that move; the first was used." if frames > 1 else ""
            return replace(opened, note=f"{opened.note} {note}".strip())


def _as_far_as_it_goes(content: bytes, whole: bool) -> OpenedImage | None:
    """A JPEG whose end is missing, up to there; None where nothing is left of it."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        opened = _decoded(content, whole)
    except ImageRefused:
        raise
    except Exception:  # whatever a decoder says of a broken file: there is nothing to show
        return None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    if np.ptp(opened.rgb) == 0:
        return None
    words = "The file is cut short: its lower part is missing. What could be read was used."
    return replace(opened, note=f"{words} {opened.note}".strip())


def _too_many_pixels(limit: int, size: str = "") -> ImageTooLarge:
    had = f"The picture has {size} pixels" if size else f"The picture has over {limit // 10**6} megapixels"
    return ImageTooLarge(f"{had}; the limit is {limit // 10**6} megapixels. Send a smaller one.")


def _upright(image: Image.Image, content: bytes, whole: bool, orientation: int) -> OpenedImage:
    """orientation: one that the decoder should have heeded and has not, as EXIF numbers it; 1: none."""
    width, height = image.size
    limit = MAX_JPEG_PIXELS if image.format in ("JPEG", "MPO") else MAX_PIXELS
    if width * height > limit:
        raise _too_many_pixels(limit, f"{width} by {height}")
    if min(width, height) < MIN_SIDE:
        raise ImageTooSmall(width, height)
    most = max(width, height) * min(1.0, (WHOLE_PIXELS / (width * height)) ** 0.5) if whole else MAX_SIDE
    side = max(round(most), MAX_SIDE)
    # It decodes at a half, a quarter or an eighth, never below what is asked: of the largest, a half of it is enough.
    asked = side if width * height <= MAX_PIXELS else side // 2
    image.draft("RGB", (asked, asked))
    if image.size[0] * image.size[1] > MAX_PIXELS:
        raise _too_many_pixels(MAX_PIXELS, f"{width} by {height}")
    image.load()
    if max(image.size) > side:
        image.thumbnail((side, side), reducing_gap=2.0)
    if min(image.size) < MIN_SIDE:
        raise ImageTooSmall(width, height)
    origin = _origin(image)
    if orientation != 1:
        image.getexif()[ExifTags.Base.Orientation] = orientation
    marked = regions.of(content, image.getexif().get(ExifTags.Base.Orientation, 1))
    ImageOps.exif_transpose(image, in_place=True)
    upright = _eight_bit_rgb(image)
    scale = max(upright.size) / max(width, height)
    return OpenedImage(np.ascontiguousarray(upright, np.uint8), scale, origin, marked=marked)


def _origin(image: Image.Image) -> Origin:
    try:
        exif = image.getexif()
        own, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
        written = str(own.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime) or "")
        taken = datetime.strptime(written.strip(), "%Y:%m:%d %H:%M:%S").isoformat(" ") if written else ""
        zone = str(own.get(ExifTags.Base.OffsetTimeOriginal) or "").strip()
        north = _degrees(place, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90)
        east = _degrees(place, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180)
        zone = f" {zone}" if taken and ZONE.fullmatch(zone) else ""
        return Origin(taken + zone, *((north, east) if north is not None and east is not None else ()))
    except Exception:  # damaged data about a picture is as good as none; what reading it raises has no common parent
        return Origin()


def _degrees(place: dict[int, Any], tag: int, ref: int, negative: str, most: int) -> float | None:
    if tag not in place:
        return None
    degrees, minutes, seconds = (float(part) for part in place[tag])
    value = degrees + minutes / 60 + seconds / 3600
    # A phone without a fix writes zeros, or nothing that is a number.
    if not 0 < value <= most:
        return None
    return round(-value if str(place.get(ref, "")).strip().upper() == negative else value, 6)


def _eight_bit_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        numbers = np.asarray(image, dtype=np.float32)
        # Scanners and medical cameras write 10, 12 or 14 bits into 16: what is brightest says how many.
        top = float(max(2 ** int(np.ceil(np.log2(max(float(numbers.max()), 1.0) + 1))) - 1, 255))
        return Image.fromarray(np.clip(numbers * (255.0 / top), 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def to_jpeg(rgb: RgbImage, *, max_side: int = 1600, quality: int = 88) -> bytes:
    """A JPEG for browsers, without any of the original's metadata. rgb: (height, width, 3) uint8."""
    scale = max_side / max(rgb.shape[:2])
    if scale < 1:
        height, width = (max(round(side * scale), 1) for side in rgb.shape[:2])
        rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    # By OpenCV, which lets other threads work meanwhile.
    encoded, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not encoded:
        raise ValueError(f"a picture of {rgb.shape} could not be made a JPEG")
    return bytes(jpeg)


def crop(rgb: RgbImage, box: Box, margin: float = 0.5) -> RgbImage:
    """Cut a face out with a margin on each side.

    rgb: (height, width, 3) uint8. box: left, top, right, bottom as fractions of the image. margin: in boxes.
    """
    height, width = rgb.shape[:2]
    left, top, right, bottom = box
    dx, dy = (right - left) * margin, (bottom - top) * margin
    x1, x2 = (round(max(0.0, min(1.0, x)) * width) for x in (left - dx, right + dx))
    y1, y2 = (round(max(0.0, min(1.0, y)) * height) for y in (top - dy, bottom + dy))
    return rgb[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]


def picture_hash(rgb: RgbImage) -> str:
    """64 bits in hex that stay nearly the same when a picture is saved at another size or quality.

    rgb: (height, width, 3) uint8.
    """
    import imagehash  # takes 30 MB, of which a process that only decodes has no use

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (128, 128), interpolation=cv2.INTER_AREA)
    return str(imagehash.phash(Image.fromarray(small)))


def bits_apart(a: str, b: str) -> int:
    """How many of 64 bits differ between two picture hashes; 64 where one is missing."""
    return (int(a, 16) ^ int(b, 16)).bit_count() if a and b else 64
