"""What a table's columns are, told by their headings as registries and jails write them, then by what they hold."""

import re
import unicodedata
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
        "aktenzeichen", "vorgangsnummer", "numerodeexpediente", "expediente", "noexpediente", "numerodedossier",
        "dossier", "nodossier", "numerodoprocesso", "processo", "numerodepratica", "folio", "numeroficha",
        "matricule", "numerocaso",
    ),
    "name": (
        "name", "fullname", "inmatename", "lastfirst", "namelastfirst", "lastnamefirstname", "firstlast", "personname",
        "missingperson", "inmate", "subject", "subjectname", "offendername", "nameofperson", "person", "nombre",
        "nom", "names", "defendant", "defendantname",
        "nomcomplet", "nombrecompleto", "nomecompleto", "nome", "nomprenom", "nombreyapellidos", "nombreyapellido",
        "apellidosynombre", "apellidosynombres", "namevorname", "vorundnachname",
    ),
    "first_name": (
        "firstname", "first", "givenname", "fname", "firstnm", "legalfirstname", "namefirst", "forename", "vorname",
        "givennames", "forenames", "prenom",
        "nombres", "primernombre", "prenoms", "prenome", "vornamen", "rufname",
    ),
    "last_name": (
        "lastname", "last", "surname", "lname", "lastnm", "legallastname", "namelast", "familyname", "nachname",
        "apellido", "apellidos",
        "primerapellido", "nomdefamille", "sobrenome", "cognome", "familienname", "apellidopaterno", "zuname",
    ),
    "other_names": (
        "othernames", "alias", "aliases", "aka", "nicknames", "nickname", "akas", "knownas", "alsoknownas",
        "apodo", "apodos", "alias1", "aliasname", "aliasnamen", "spitzname", "surnom", "otrosnombres",
    ),
    "sex": (
        "sex", "gender", "sx", "biologicalsex", "sexcode", "gendercode", "sexdesc", "geschlecht", "sexo", "sexe",
        "genero", "genre", "genere", "sesso",
    ),
    "age_from": (
        "age", "agefrom", "minage", "missingage", "agemin", "missingminage", "currentage", "ageatbooking",
        "ageatarrest",
        "agewhenmissing", "estimatedage", "alter", "edad", "ageyears", "estimatedagefrom", "ageatdisappearance",
        "age1", "idade", "eta", "edadaprox", "edadaproximada",
    ),
    "age_to": ("ageto", "maxage", "agemax", "missingmaxage", "missingagemaximum", "estimatedageto"),
    "born_on": (
        "bornon", "dob", "dateofbirth", "birthdate", "birthday", "born", "geburtsdatum", "fechadenacimiento",
        "nacimiento", "fechanacimiento", "fechadenac", "datedenaissance", "naissance", "neele", "datadenascimento",
        "datadinascita", "geboren", "geborenam", "gebdatum",
    ),
    "height": (
        "height", "ht", "hgt", "bodyheight", "stature",
        "grosse", "groesse", "korpergrosse", "koerpergroesse", "estatura", "altura", "taille", "altezza",
    ),
    "weight": (
        "weight", "wt", "wgt", "bodyweight",
        "gewicht", "peso", "poids",
    ),
    "hair": (
        "hair", "haircolor", "haircolour", "haircol", "hairclr", "hairdesc",
        "haarfarbe", "haare", "cabello", "colordecabello", "cheveux", "capelli", "cabelo",
    ),
    "eyes": (
        "eyes", "eyecolor", "eyecolour", "eye", "eyecol", "eyeclr", "eyedesc",
        "augenfarbe", "augen", "ojos", "colordeojos", "yeux", "occhi", "olhos",
    ),
    "complexion": ("complexion", "skin", "skintone", "skincolor", "skincolour", "skn"),
    "dental": ("dental", "dentalrecords", "dentalinfo", "dentalstatus", "dentalavailable", "dentals"),
    "dna": ("dna", "dnastatus", "dnaonfile", "dnaavailable", "dnaprofile", "dnasample"),
    "vehicle": ("vehicle", "vehicledescription", "car", "vehicles", "licenseplate", "plate", "lic"),
    "languages": ("languages", "language", "languagesspoken", "spoken"),
    "category": ("category", "mke", "ncicmke", "personcategory", "nciccategory", "missingtype", "casetype"),
    "latitude": ("latitude", "lat", "gpslat", "lastseenlatitude"),
    "longitude": ("longitude", "lon", "lng", "long", "gpslon", "gpslong", "lastseenlongitude"),
    "marks": (
        "marks", "scarsmarks", "tattoos", "distinguishingmarks", "distinctivephysicalfeatures", "smtdescription",
        "senasparticulares", "besonderemerkmale", "signesparticuliers", "tatuajes",
    ),
    "clothing": (
        "clothing", "clothes", "clothingdescription", "jewelry", "jewellery", "clothingandaccessories",
        "kleidung", "bekleidung", "vestimenta", "ropa", "vetements",
    ),
    "other_numbers": ("othernumbers", "ncic", "ncicno", "ncmec", "ncmecnumber", "agencycasenumber", "fbinumber", "sid"),
    "race": ("race", "ethnicity", "raceethnicity", "racecode", "rc", "racedesc", "racialgroup", "raceandethnicity"),
    "last_seen_on": (
        "lastseenon", "dlc", "dateoflastcontact", "lastseen", "date", "bookingdate", "datelastseen", "missingsince",
        "missingdate", "datemissing", "arrestdt", "arrestdate", "bookdate", "bookdt", "bookingdt", "bookingdatetime",
        "datebooked", "dateofarrest", "lastcontact", "intakedate", "datefound", "dbf", "datebodyfound", "commitdate",
        "lastseendate", "lastcontactdate", "dateofdisappearance", "disappearancedate",
        "vermisstseit", "zuletztgesehen", "zuletztgesehenam", "fechadedesaparicion", "fechadesaparicion",
        "desaparecidodesde", "disparule", "datededisparition", "datadodesaparecimento", "datascomparsa",
    ),
    "last_seen_place": (
        "lastseenplace", "place", "location", "city", "lastseenwhere", "lastseenlocation", "missingfrom", "citymissing",
        "lastknownlocation", "lastseencity", "arrestlocation", "missingcity", "locationlastseen", "placelastseen",
        "ort", "vermisstin", "zuletztgesehenin", "lugar", "lugardedesaparicion", "lieu", "lieudedisparition",
        "ciudad", "ville", "luogo", "local",
    ),
    "circumstances": (
        "circumstances", "notes", "charges", "description", "charge", "remarks", "comments", "narrative", "details",
        "chargedescription", "offense", "offenses", "circumstancesofdisappearance", "comment", "note",
        "umstande", "umstaende", "bemerkung", "bemerkungen", "circunstancias", "observaciones", "circonstances",
        "remarques", "notas",
    ),
    "agency": (
        "agency", "facility", "facilityname", "arrestingagency", "investigatingagency", "agencyname", "department",
        "lawenforcementagency", "jail", "ori", "reportingagency",
        "dienststelle", "behorde", "autoridad", "agencia", "fiscalia", "service",
    ),
    "contact": (
        "contact", "phone", "agencyphone", "contactphone", "telephone", "tel", "phonenumber", "agencycontact",
        "kontakt", "telefon", "contacto", "telefono", "telefone",
    ),
    "source_url": ("sourceurl", "url", "link", "caselink", "website", "weblink", "caseurl"),
    "photo": (
        "photo", "file", "filename", "image", "photofile", "mugshot", "photofront", "front", "mugfile", "mug",
        "imagefile", "imagename", "photoname", "picture", "pic", "photo1", "image1", "mugshotfile", "imagepath",
        "photopath", "frontphoto", "photofilename", "imagefilename", "mugshotfilename", "mugphoto", "foto", "photos",
        "images", "pictures", "frontimage", "mugpath", "photourl", "imageurl",
        "lichtbild", "bild", "bilddatei", "fotodatei", "fotografia", "imagen", "archivo", "fichier",
        "nombredearchivo", "foto1", "bild1",
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
_COUNTED = re.compile(r"\W*_?\d+\W*$")
SEXES = frozenset({"m", "f", "male", "female", "x", "u", "man", "woman"})


def plain(heading: str) -> str:
    """A heading in small letters, without blanks, signs and accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", heading).casefold() if sign.isalnum())


def series(columns: Sequence[str], first: str) -> list[str]:
    """A column and those that go on with it: Photo, Photo (2), Photo 3."""
    stem = plain(_COUNTED.sub("", first))
    return [column for column in columns if stem and plain(_COUNTED.sub("", column)) == stem]


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
