"""What kind of picture a source gives, as far as its own words tell.

A caption makes a picture a drawing, or one of the dead: taken for such by mistake, it is still searched by itself. What
would not be searched at all, as a mark, is so only where the caption begins with it or a table says it.
"""

import re

from cases.models import Photo
from cases.sources.base import RecordRefused

Kind = Photo.Kind

CAPTIONS = {
    Kind.PROGRESSION: r"\bage[- ](?:progress|enhanc)|\bprogressed to\b|\bas (?:he|she|they) (?:may|might|could) look",
    Kind.APPROXIMATION: r"\b(?:facial|forensic|clay) (?:approximation|reconstruction|rendering)|\breconstruction\b",
    Kind.SKETCH: r"\bsketch|\bcomposite\b|\bdrawing\b|\bartist'?s? (?:impression|rendering)|\be-?fit\b|\bidenti-?kit\b",
    Kind.DECEASED: r"\bpost-? ?mortem\b|\bmorgue\b|\bautopsy\b",
    Kind.MARK: r"^\W*(?:tattoo|scar|birthmark)s?\b",
}
# As tables write them, in small letters without signs.
WORDS = {
    Kind.PHOTOGRAPH: ("", "photograph", "photo", "picture", "mugshot", "mug", "portrait"),
    Kind.PROGRESSION: ("progression", "ageprogression", "ageprogressed"),
    Kind.SKETCH: ("sketch", "composite", "sketchorcomposite", "drawing", "forensicsketch"),
    Kind.APPROXIMATION: ("approximation", "facialapproximation", "reconstruction", "facialreconstruction"),
    Kind.DECEASED: ("deceased", "dead", "postmortem", "photographofthedead", "morgue"),
    Kind.MARK: ("mark", "scar", "tattoo", "scarmarktattoo", "scarsmarkstattoos", "scarsandmarks", "smt", "birthmark"),
    Kind.OBJECT: ("object", "clothing", "jewellery", "jewelry", "vehicle", "item", "property"),
}


def of_caption(text: str | None) -> str:
    """The kind that a caption, or a file's name, tells of; a photograph where it tells of none."""
    low = (text or "").lower().replace("_", " ")
    return next((kind for kind, telling in CAPTIONS.items() if re.search(telling, low)), Kind.PHOTOGRAPH)


def of_word(text: str) -> str:
    """The kind that a table's cell names. Raises `RecordRefused` where it names none."""
    plain = "".join(sign for sign in text.lower() if sign.isalnum())
    for kind, known in WORDS.items():
        if plain in known:
            return kind
    labels = ", ".join(kind.label.partition(" (")[0].lower() for kind in Kind)
    raise RecordRefused(f"The kind {text!r} is not known; write one of: {labels}.")
