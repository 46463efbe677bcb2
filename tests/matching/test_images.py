"""Odd, broken and hostile pictures: each is opened upright or refused in words."""

import io

import numpy as np
import pytest
from PIL import Image

from matching.faces import images
from tests import faces, needs


def picture() -> Image.Image:
    return Image.open(faces.ASTRONAUT).convert("RGB").resize((96, 64))


def saved(image: Image.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def test_it_works():
    opened = images.open_image(saved(picture(), "JPEG"))
    assert opened.rgb.shape == (64, 96, 3)
    assert opened.rgb.dtype == np.uint8
    assert opened.scale == 1.0


READABLE = {
    "webp": lambda: saved(picture(), "WEBP"),
    "jpeg 2000": lambda: saved(picture(), "JPEG2000"),
    "heic": lambda: saved(picture(), "HEIF"),
    "avif": lambda: saved(picture(), "AVIF"),
    "tiff": lambda: saved(picture(), "TIFF"),
    "bmp": lambda: saved(picture(), "BMP"),
    "still gif": lambda: saved(picture(), "GIF"),
    "cmyk": lambda: saved(picture().convert("CMYK"), "JPEG"),
    "grey": lambda: saved(picture().convert("L"), "PNG"),
    "16 bit": lambda: saved(Image.fromarray(np.asarray(picture().convert("L"), dtype=np.uint16) * 257), "PNG"),
    "palette": lambda: saved(picture().convert("P"), "PNG"),
    "with alpha": lambda: saved(picture().convert("RGBA"), "PNG"),
    "a PNG called JPEG": lambda: saved(picture(), "PNG"),
    "with HTML behind it": lambda: saved(picture(), "JPEG") + b"<script>alert(1)</script>",
}


@pytest.mark.parametrize("make", READABLE.values(), ids=READABLE.keys())
def test_an_odd_picture_is_opened_and_looks_the_same(make):
    rgb = images.open_image(make()).rgb
    assert rgb.shape == (64, 96, 3)
    grey = np.asarray(picture().convert("L"), dtype=float)
    assert np.abs(rgb.mean(axis=2) - grey).mean() < 12


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_phone_picture_is_turned_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
    rgb = images.open_image(saved(picture().transpose(turned), "JPEG", exif=exif, quality=95)).rgb
    assert rgb.shape == (64, 96, 3)
    assert np.abs(rgb.astype(float) - np.asarray(picture(), dtype=float)).mean() < 12


def cut_short(share: float) -> bytes:
    """A JPEG with so large a share of its coded data."""
    whole = saved(picture(), "JPEG")
    begins = whole.index(b"\xff\xda") + 14
    return whole[: begins + int((len(whole) - begins) * share)]


def wrong_checksum() -> bytes:
    content = bytearray(saved(picture(), "PNG"))
    content[len(content) // 2] ^= 0xFF
    return bytes(content)


REFUSED = {
    "empty": (lambda: b"", images.ImageEmpty, "empty"),
    "text": (lambda: b"hello", images.ImageUnreadable, "JPEG, JPEG 2000, PNG"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", images.ImageUnreadable, "not an image"),
    "cut before its first line": (lambda: cut_short(-0.1), images.ImageUnreadable, "cut short"),
    "a pdf": (lambda: b"%PDF-1.7 ...", images.ImageUnreadable, "PDF is damaged"),
    "a document": (lambda: b"PK\x03\x04 word/document.xml", images.ImageUnreadable, "document is damaged"),
    "wrong checksum": (wrong_checksum, images.ImageUnreadable, "damaged"),
    "only a header": (lambda: saved(picture(), "JPEG")[:20], images.ImageUnreadable, "read"),
    "one pixel": (lambda: saved(picture().resize((1, 1)), "PNG"), images.ImageTooSmall, "1 by 1"),
    "a line": (lambda: saved(picture().resize((20000, 2)), "PNG"), images.ImageTooSmall, "20000 by 2"),
    "a bomb": (lambda: saved(Image.new("1", (20000, 20000)), "PNG"), images.ImageTooLarge, "megapixels"),
    "too many bytes": (lambda: bytes(images.MAX_BYTES + 1), images.ImageTooLarge, "25 MB"),
}


@pytest.mark.parametrize(("make", "error", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_picture_is_refused_in_words(make, error, words):
    with pytest.raises(error, match=words) as refusal:
        images.open_image(make())
    assert len(str(refusal.value)) > 20


@needs.eval_
def test_every_odd_file_is_opened_or_refused_and_nothing_else():
    outcomes = {}
    for path in sorted((faces.EVAL / "odd").iterdir()):
        try:
            outcomes[path.name] = images.open_image(path.read_bytes()).rgb.shape
        except images.ImageRefused as refusal:
            outcomes[path.name] = str(refusal)
    assert len(outcomes) >= 20
    assert outcomes["exif_orientation_6.jpg"] == outcomes["plain.webp"] == (700, 502, 3)
    assert "megapixels" in outcomes["bomb_30000x30000.png"]


def test_a_large_picture_comes_out_small_enough():
    opened = images.open_image(saved(picture().resize((6000, 4000)), "JPEG"))
    assert max(opened.rgb.shape) == images.MAX_SIDE
    assert opened.scale == pytest.approx(images.MAX_SIDE / 6000)


def test_what_a_browser_gets_carries_no_metadata():
    exif = Image.Exif()
    exif[0x010E] = "where it was taken"
    rgb = images.open_image(saved(picture(), "JPEG", exif=exif)).rgb
    assert not Image.open(io.BytesIO(images.to_jpeg(rgb))).getexif()


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_a_jpeg_that_is_cut_short_is_used_as_far_as_it_goes_and_says_so(share):
    opened = images.open_image(cut_short(share))
    assert opened.rgb.shape == (64, 96, 3)
    rows = int(64 * share * 0.8)
    assert np.abs(opened.rgb[:rows].astype(float) - np.asarray(picture(), dtype=float)[:rows]).mean() < 12
    assert "cut short" in opened.note
    # The next one is whole again, and says nothing.
    assert not images.open_image(saved(picture(), "JPEG")).note


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_a_file_of_several_pictures_the_first_is_used_and_the_number_said(kind):
    content = saved(picture(), kind, save_all=True, append_images=[picture().rotate(90), picture().rotate(180)])
    opened = images.open_image(content)
    assert np.abs(opened.rgb.astype(float) - np.asarray(picture(), dtype=float)).mean() < 20
    assert "3 pictures" in opened.note


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_grey_of_any_depth_is_as_bright_as_it_was(bits):
    grey = np.asarray(picture().convert("L"), dtype=np.float32)
    grey *= 255 / grey.max()
    deep = Image.fromarray((grey / 255 * (2**bits - 1)).astype(np.uint16))
    opened = images.open_image(saved(deep, "TIFF"))
    assert np.abs(opened.rgb[..., 0].astype(float) - grey).mean() < 2


def test_a_heic_that_is_turned_only_by_its_exif_comes_out_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    content = saved(picture().transpose(Image.Transpose.ROTATE_90), "HEIF", exif=exif.tobytes(), quality=95)
    # As some telephones write it: the EXIF says it, the box that decoders go by is another.
    rgb = images.open_image(content.replace(b"irot", b"free")).rgb
    assert rgb.shape == (64, 96, 3)
    assert images.open_image(content).rgb.shape == (64, 96, 3)


def test_a_telephones_largest_setting_is_made_smaller_while_it_is_decoded():
    content = saved(picture().resize((12000, 9000)), "JPEG", quality=30)
    assert max(images.open_image(content).rgb.shape) == images.MAX_SIDE
    whole = images.open_image(content, whole=True)
    assert images.MAX_SIDE < max(whole.rgb.shape) <= 7400


def test_a_picture_can_be_had_at_its_own_scale():
    content = saved(picture().resize((6000, 4000)), "JPEG", quality=30)
    assert images.open_image(content, whole=True).rgb.shape == (4000, 6000, 3)


@pytest.mark.parametrize(("degrees", "shape"), [(0, (64, 96, 3)), (90, (96, 64, 3)), (180, (64, 96, 3))])
def test_a_picture_is_turned_clockwise(degrees, shape):
    opened = images.open_image(saved(picture(), "PNG"))
    turned = images.turned(opened, degrees).rgb
    assert turned.shape == shape
    corner = {0: opened.rgb[0, 0], 90: opened.rgb[-1, 0], 180: opened.rgb[-1, -1]}[degrees]
    assert (turned[0, 0] == corner).all()
