"""What a picture's file claims of how it came to be is shown; of a file that claims nothing, nothing is said."""

import io
from datetime import UTC, datetime, timedelta

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image, PngImagePlugin

from cases.models import Photo
from matching.faces import images
from matching.searching import pictures
from tests import faces

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def xmp(kind: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{SOURCE}{kind}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def saved(form: str, kind: str) -> bytes:
    out, image = io.BytesIO(), Image.open(io.BytesIO(faces.person(2)))
    if form == "PNG":
        said = PngImagePlugin.PngInfo()
        said.add_itxt("XML:com.adobe.xmp", xmp(kind).decode())
        image.save(out, form, pnginfo=said)
    else:
        image.save(out, form, **({"tiffinfo": {700: xmp(kind)}} if form == "TIFF" else {"xmp": xmp(kind)}))
    return out.getvalue()


def _certificate(name: str, key, issuer=None, issuer_key=None):
    now, names = datetime.now(UTC), [(NameOID.COMMON_NAME, name), (NameOID.ORGANIZATION_NAME, "A Test Maker")]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names])
    is_root = issuer is None
    built = (
        x509.CertificateBuilder(issuer.subject if issuer else subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(is_root, None), critical=True)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, is_root, is_root, False, False),
            critical=True,
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()), False)
    )
    if not is_root:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return built.sign(issuer_key or key, hashes.SHA256())


def signed(kind: str = "trainedAlgorithmicMedia") -> bytes:
    """A picture with a C2PA claim of a maker that nobody knows."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate("Root", root_key)
    chain = b"".join(
        one.public_bytes(serialization.Encoding.PEM) for one in (_certificate("Leaf", key, root, root_key), root)
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    action = {"action": "c2pa.created", "digitalSourceType": SOURCE + kind}
    builder = c2pa.Builder(
        {
            "claim_generator_info": [{"name": "Dream Maker", "version": "2"}],
            "format": "image/jpeg",
            "assertions": [{"label": "c2pa.actions", "data": {"actions": [action]}}],
        }
    )
    out = io.BytesIO()
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, secret, None)
    builder.sign(c2pa.Signer.from_info(info), "image/jpeg", io.BytesIO(faces.person(2)), out)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_iptcs_word_is_said_in_ours(form):
    note = images.open_image(saved(form, "trainedAlgorithmicMedia")).note
    assert note == "Its file says that it was made by a program; nobody has checked that."


@pytest.mark.parametrize(
    ("kind", "words"),
    [("digitalCapture", "was taken by a camera"), ("compositeWithTrainedAlgorithmicMedia", "by a program in part"),
     ("screenCapture", "is a picture of a screen")],
)  # fmt: skip
def test_each_source_has_its_words(kind, words):
    assert words in images.open_image(saved("JPEG", kind)).note


def test_a_file_that_claims_nothing_or_what_nobody_knows_says_nothing():
    assert images.open_image(faces.person(2)).note == ""
    assert images.open_image(saved("JPEG", "madeUpWord")).note == ""


def test_a_signed_claim_says_by_what_and_whom_and_that_the_picture_fits():
    note = images.open_image(signed()).note
    assert "was made by a program" in note
    assert "a C2PA claim made with Dream Maker 2, signed by A Test Maker" in note
    assert "the picture is as it was then, but nobody here vouches for who signed" in note


def test_a_picture_that_was_changed_after_it_was_signed_is_said_to_be():
    content = bytearray(signed())
    place = len(content) - 2000
    content[place] ^= 0x01
    assert "was changed after that" in images.open_image(bytes(content)).note


def test_a_broken_claim_is_said_to_be_and_the_picture_is_used():
    content = signed()
    broken = content.replace(b"jumd", b"jumx")
    opened = images.open_image(broken)
    assert opened.rgb.size
    assert "cannot be read" in opened.note or "was changed after that" in opened.note


@pytest.mark.django_db(transaction=True)
def test_a_search_and_a_case_photo_show_it(any_model, make_case, signed_in, user):
    case = make_case("MP1", saved("JPEG", "trainedAlgorithmicMedia"))
    assert "made by a program" in Photo.objects.get().file_note
    assert "made by a program" in signed_in.get(f"/cases/{case.pk}/photos/shown/").content.decode()
    search = pictures.search_image(signed(), "x.jpg", user=user, purpose="tip")
    assert "Dream Maker 2" in signed_in.get(f"/search/{search.pk}/").content.decode()
