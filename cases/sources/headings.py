"""What a table's columns are, told by their headings as registries and jails write them, then by what they hold."""

import re
from collections.abc import Sequence

# Headings in small letters without blanks and signs. Which cases are closed is never guessed: a column *State* may hold
# Texas.
GUESSES = {
    "number": (
        "number", "casenumber", "caseno", "casenum", "casenr", "case", "caseid", "bookingnumber", "bookingno",
        "bookingnum", "bookingid", "bookno", "idnumber", "id", "personid", "inmatenumber", "inmateno", "inmateid",
        "inmatenum", "mpnumber", "upnumber", "recordid", "recordnumber", "recordno", "fileno", "filenumber",
        "referencenumber", "reference", "refno", "docket", "docketnumber", "offenderid", "offendernumber", "sonumber",
        "jailid", "ncicnumber", "namusnumber", "number#", "no", "nr", "fallnummer", "numero", "numerodecaso",
    ),
    "name": (
        "name", "fullname", "inmatename", "lastfirst", "namelastfirst", "lastnamefirstname", "firstlast", "personname",
        "missingperson", "inmate", "subject", "subjectname", "offendername", "nameofperson", "person", "nombre",
        "nom", "names", "defendant", "defendantname",
    ),
    "first_name": (
        "firstname", "first", "givenname", "fname", "firstnm", "legalfirstname", "namefirst", "forename", "vorname",
        "givennames", "forenames", "prenom",
    ),
    "last_name": (
        "lastname", "last", "surname", "lname", "lastnm", "legallastname", "namelast", "familyname", "nachname",
        "apellido", "apellidos",
    ),
    "other_names": ("othernames", "alias", "aliases", "aka", "nicknames", "nickname", "akas", "knownas", "alsoknownas"),
    "sex": ("sex", "gender", "sx", "biologicalsex", "sexcode", "gendercode", "sexdesc", "geschlecht", "sexo", "sexe"),
    "age_from": (
        "age", "agefrom", "minage", "missingage", "agemin", "missingminage", "currentage", "ageatbooking",
        "ageatarrest",
        "agewhenmissing", "estimatedage", "alter", "edad", "ageyears", "estimatedagefrom", "ageatdisappearance",
    ),
    "age_to": ("ageto", "maxage", "agemax", "missingmaxage", "missingagemaximum", "estimatedageto"),
    "born_on": ("bornon", "dob", "dateofbirth", "birthdate", "birthday", "born", "geburtsdatum", "fechadenacimiento"),
    "height": ("height", "ht", "hgt", "bodyheight", "stature"),
    "weight": ("weight", "wt", "wgt", "bodyweight"),
    "hair": ("hair", "haircolor", "haircolour", "haircol", "hairclr", "hairdesc"),
    "eyes": ("eyes", "eyecolor", "eyecolour", "eye", "eyecol", "eyeclr", "eyedesc"),
    "complexion": ("complexion", "skin", "skintone", "skincolor", "skincolour", "skn"),
    "dental": ("dental", "dentalrecords", "dentalinfo", "dentalstatus", "dentalavailable", "dentals"),
    "dna": ("dna", "dnastatus", "dnaonfile", "dnaavailable", "dnaprofile", "dnasample"),
    "vehicle": ("vehicle", "vehicledescription", "car", "vehicles", "licenseplate", "plate", "lic"),
    "languages": ("languages", "language", "languagesspoken", "spoken"),
    "category": ("category", "mke", "ncicmke", "personcategory", "nciccategory", "missingtype", "casetype"),
    "latitude": ("latitude", "lat", "gpslat", "lastseenlatitude"),
    "longitude": ("longitude", "lon", "lng", "long", "gpslon", "gpslong", "lastseenlongitude"),
    "marks": ("marks", "scarsmarks", "tattoos", "distinguishingmarks", "distinctivephysicalfeatures", "smtdescription"),
    "clothing": ("clothing", "clothes", "clothingdescription", "jewelry", "jewellery", "clothingandaccessories"),
    "other_numbers": ("othernumbers", "ncic", "ncicno", "ncmec", "ncmecnumber", "agencycasenumber", "fbinumber", "sid"),
    "race": ("race", "ethnicity", "raceethnicity", "racecode", "rc", "racedesc", "racialgroup", "raceandethnicity"),
    "last_seen_on": (
        "lastseenon", "dlc", "dateoflastcontact", "lastseen", "date", "bookingdate", "datelastseen", "missingsince",
        "missingdate", "datemissing", "arrestdt", "arrestdate", "bookdate", "bookdt", "bookingdt", "bookingdatetime",
        "datebooked", "dateofarrest", "lastcontact", "intakedate", "datefound", "dbf", "datebodyfound", "commitdate",
        "lastseendate", "lastcontactdate", "dateofdisappearance", "disappearancedate",
    ),
    "last_seen_place": (
        "lastseenplace", "place", "location", "city", "lastseenwhere", "lastseenlocation", "missingfrom", "citymissing",
        "lastknownlocation", "lastseencity", "arrestlocation", "missingcity", "locationlastseen", "placelastseen",
    ),
    "circumstances": (
        "circumstances", "notes", "charges", "description", "charge", "remarks", "comments", "narrative", "details",
        "chargedescription", "offense", "offenses", "circumstancesofdisappearance", "comment", "note",
    ),
    "agency": (
        "agency", "facility", "facilityname", "arrestingagency", "investigatingagency", "agencyname", "department",
        "lawenforcementagency", "jail", "ori", "reportingagency",
    ),
    "contact": ("contact", "phone", "agencyphone", "contactphone", "telephone", "tel", "phonenumber", "agencycontact"),
    "source_url": ("sourceurl", "url", "link", "caselink", "website", "weblink", "caseurl"),
    "photo": (
        "photo", "file", "filename", "image", "photofile", "mugshot", "photofront", "front", "mugfile", "mug",
        "imagefile", "imagename", "photoname", "picture", "pic", "photo1", "image1", "mugshotfile", "imagepath",
        "photopath", "frontphoto", "photofilename", "imagefilename", "mugshotfilename", "mugphoto", "foto", "photos",
        "images", "pictures", "frontimage", "mugpath", "photourl", "imageurl",
    ),
    "photo_side": ("photoside", "side", "profile", "sidephoto", "profilephoto", "sidefile", "mugside", "sideimage"),
    "photo_other": ("photoother", "tattoo", "smt", "tattoophoto", "scarsmarkstattoos", "smtphoto", "smtfile"),
    "view": (
        "view", "phototype", "imagetype", "tag", "pose", "photoview", "imageview", "imgtype", "photopose", "viewtype",
        "picturetype", "mugtype", "imagetag",
    ),
    "kind": ("kind", "photokind", "kindofpicture", "imagekind"),
}  # fmt: skip
_KNOWN = frozenset(word for words in GUESSES.values() for word in words) | {"status", "state", "closed"}
PICTURE = re.compile(r"\.(jpe?g|jfif|jpe|png|webp|heic|tiff?|bmp|gif|jp2)\b", re.IGNORECASE)
SEXES = frozenset({"m", "f", "male", "female", "x", "u", "man", "woman"})


def plain(heading: str) -> str:
    return "".join(sign for sign in heading.lower() if sign.isalnum())


def recognised(cells: Sequence[str]) -> int:
    """How many cells of a line are headings that are known."""
    return sum(plain(cell) in _KNOWN for cell in cells if cell)


def guess(columns: Sequence[str], rows: Sequence[dict[str, str]] = ()) -> dict[str, str]:
    """A mapping from what a column can be to its name, by the headings and then by the first rows.

    By which column a case is told is a person's to say where its heading does not.
    """
    named = {plain(column): column for column in reversed(columns)}
    found = {target: next((named[word] for word in words if word in named), "") for target, words in GUESSES.items()}
    mapping = {target: column for target, column in found.items() if column}
    free = [column for column in columns if column not in mapping.values()]
    for target, holds in (("photo", _pictures), ("sex", _sexes)):
        if target not in mapping and rows:
            column = next((one for one in free if holds([row.get(one, "") for row in rows])), "")
            if column:
                mapping[target] = column
                free.remove(column)
    return mapping


def _pictures(cells: Sequence[str]) -> bool:
    told = [cell for cell in cells if cell]
    return bool(told) and sum(bool(PICTURE.search(cell)) for cell in told) >= 0.8 * len(told)


def _sexes(cells: Sequence[str]) -> bool:
    told = [cell.lower() for cell in cells if cell]
    return len(told) > 1 and all(cell in SEXES for cell in told) and bool({"m", "f", "male", "female"} & set(told))
