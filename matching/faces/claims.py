"""What a picture's file claims of how it came to be: IPTC's digital source type, and C2PA's signed claims.

Nothing is guessed of a file that claims nothing. Runs where pictures are decoded, in a process that may die.
"""

import io
import json
import re
from contextlib import suppress
from typing import Any

# https://cv.iptc.org/newscodes/digitalsourcetype/, in the words of the pages. Each ends "Its file says that it ...".
SOURCES = {
    "digitalCapture": "was taken by a camera",
    "computationalCapture": "was put together by a camera from several shots",
    "negativeFilm": "was scanned from a negative",
    "positiveFilm": "was scanned from a slide",
    "print": "was scanned from a print",
    "minorHumanEdits": "was edited by people",
    "humanEdits": "was edited by people",
    "compositeCapture": "is composed of several pictures",
    "composite": "is composed of several pictures",
    "algorithmicallyEnhanced": "was enhanced by a program",
    "dataDrivenMedia": "was made by a program",
    "algorithmicMedia": "was made by a program",
    "trainedAlgorithmicMedia": "was made by a program",
    "compositeSynthetic": "was made by a program in part",
    "compositeWithTrainedAlgorithmicMedia": "was made by a program in part",
    "virtualRecording": "was made by a program",
    "digitalCreation": "was drawn on a computer",
    "digitalArt": "was drawn on a computer",
    "softwareImage": "was drawn on a computer",
    "screenCapture": "is a picture of a screen",
}
_SOURCE = re.compile(rb"cv\.iptc\.org/newscodes/digitalsourcetype/(\w{3,60})")
# What a claim's picture passes where it is as it was signed.
FITS = ("Valid", "Trusted")
# A claim may name an address to ask; nobody is asked.
SETTINGS = json.dumps({"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}})


def of(content: bytes, mime: str | None) -> str:
    """Sentences for whoever looks at the picture; "" for most. content: the file's bytes. mime: as it was read."""
    kinds = dict.fromkeys(kind.decode() for kind in _SOURCE.findall(content))
    said = dict.fromkeys(SOURCES[kind] for kind in kinds if kind in SOURCES)
    sentences = [f"Its file says that it {' and '.join(said)}; nobody has checked that."] if said else []
    if mime and b"jumb" in content and b"c2pa" in content:
        sentences.append(_signed(content, mime))
    return " ".join(filter(None, sentences))


def _signed(content: bytes, mime: str) -> str:
    """What a C2PA claim says of itself, and whether the picture is as it was when that was signed."""
    import c2pa  # large, and of all that come few carry a claim

    try:
        c2pa.load_settings(SETTINGS)
        with c2pa.Reader(mime, io.BytesIO(content)) as reader:
            found = json.loads(reader.json())
    except c2pa.C2paError:
        return "Its file carries a C2PA claim that cannot be read."
    manifest = found.get("manifests", {}).get(found.get("active_manifest"), {})
    by, signer = _maker(manifest), str(manifest.get("signature_info", {}).get("issuer") or "")[:80]
    if found.get("validation_state") not in FITS:
        state = "the picture was changed after that, or the signature is not right"
    elif found["validation_state"] == "Trusted":
        state = "the picture is as it was then"
    else:
        state = "the picture is as it was then, but nobody here vouches for who signed"
    made, signed = f" made with {by}" if by else "", f", signed by {signer}" if signer else ""
    return f"It carries a C2PA claim{made}{signed}: {state}."


def _maker(manifest: dict[str, Any]) -> str:
    with suppress(LookupError, TypeError, AttributeError):
        info = manifest["claim_generator_info"][0]
        return " ".join(str(info[name]) for name in ("name", "version") if info.get(name))[:80]
    return str(manifest.get("claim_generator") or "")[:80]
