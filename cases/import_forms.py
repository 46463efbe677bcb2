"""What the Imports pages ask: a source's name and schedule, and what each kind needs to be read."""

import uuid
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from cases import sources
from cases.models import Collection, ImportSource
from cases.sources import KINDS, encodings, namus, spreadsheet, tables
from cases.sources.places import open_place
from cases.visibility import is_name_taken, sees_all, visible

INSIDE = "A path inside the server's import folder."


class SourceForm(forms.ModelForm[ImportSource]):
    """The part that every kind shares; a child adds its options and says how they are read in `options`."""

    field_order = ["name", "collection"]
    collection = forms.CharField(max_length=100, help_text="Where new cases go; a new name makes a new collection.")

    class Meta:
        model = ImportSource
        fields = ["name", "schedule"]

    def __init__(self, *args: Any, kind: str, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.user = kind, user
        if self.instance.pk:
            self.initial["collection"] = self.instance.collection.name
            self.initial.update({name: value for name, value in self.instance.options.items() if name in self.fields})
        else:
            # Of a table nobody knows whom it names: mugshots must not become missing persons by default.
            collection = "" if kind == "spreadsheet" else KINDS[kind].collection
            self.initial.update(name=KINDS[kind].label, collection=collection)
        if not KINDS[kind].files:
            schedules = [choice for choice in ImportSource.Schedule.choices if choice[0] != "watched"]
            self.fields["schedule"] = forms.ChoiceField(choices=schedules, required=False)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if is_name_taken(ImportSource, name, self.user, self.instance if self.instance.pk else None):
            raise forms.ValidationError("There is a source of this name already.")
        return name

    def save(self, commit: bool = True) -> ImportSource:
        self.instance.kind = self.kind
        name = self.cleaned_data["collection"]
        known = visible(Collection, self.user).filter(name=name).first()
        if known is None:
            known = Collection.objects.create(name=name, kind=KINDS[self.kind].holds)
            known.teams.set([] if sees_all(self.user) else self.user.teams.all())
        self.instance.collection = known
        self.instance.options = {**self.instance.options, **self.options()}
        return super().save(commit)

    def options(self) -> dict[str, Any]:
        return {}


class NamusForm(SourceForm):
    ids = forms.CharField(label="Case numbers", required=False, help_text="From-to, e.g. 1-20000; or the list below.")
    csv = forms.FileField(label="The list that NamUs exports (CSV)", required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        prefix = "UP" if self.kind == "namus-unidentified" else "MP"
        try:
            if data.get("csv"):
                data["csv"] = kept(data["csv"])
                namus.exported(Path(data["csv"]), prefix)
            elif data.get("ids"):
                namus.numbered(data["ids"])
            elif not self.instance.options.get("csv"):
                self.add_error("ids", "Give a range of case numbers, or the list that NamUs exports.")
        except sources.SourceUnavailable as problem:
            self.add_error("csv" if data.get("csv") else "ids", str(problem))
        return data

    def options(self) -> dict[str, Any]:
        if self.cleaned_data["csv"]:
            return {"csv": self.cleaned_data["csv"], "ids": ""}
        return {"ids": self.cleaned_data["ids"], "csv": ""} if self.cleaned_data["ids"] else {}


class FolderForm(SourceForm):
    path = forms.CharField(label="Folder", help_text=f"{INSIDE} Photos are named &lt;case number&gt;-&lt;n&gt;.jpg.")
    complete = forms.BooleanField(label="Close cases whose photos have gone from it", required=False)

    def clean_path(self) -> str:
        return inside(self.cleaned_data["path"])

    def options(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("path", "complete")}


class SpreadsheetForm(SourceForm):
    table = forms.FileField(label="Table (CSV, XLSX, XLS, ODS or HTML)", required=False)
    file = forms.CharField(label="or its path on the server", required=False, help_text=INSIDE)
    archive = forms.FileField(label="Photos (zip or tar)", required=False)
    photos = forms.CharField(
        label="or where they lie",
        required=False,
        help_text="A folder or archive in the import folder, or s3://bucket/prefix.",
    )
    complete = forms.BooleanField(label="The table names every case: close those that are missing", required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        try:
            if data.get("table"):
                data["file"] = kept(data["table"])
            elif data.get("file"):
                data["file"] = inside(data["file"])
            else:
                self.add_error("table", "Choose the table.")
                return data
            tables.open_table(Path(data["file"]), spreadsheet.reading_of(self.instance.options))
        except sources.SourceUnavailable as problem:
            self.add_error("table" if data.get("table") else "file", str(problem))
        except forms.ValidationError as problem:
            self.add_error("file", problem)
        if data.get("archive"):
            data["photos"] = kept(data["archive"])
            try:
                open_place(data["photos"]).close()
            except sources.SourceUnavailable as problem:
                self.add_error("archive", str(problem))
        elif data.get("photos") and not data["photos"].startswith("s3://"):
            try:
                data["photos"] = inside(data["photos"])
            except forms.ValidationError as problem:
                self.add_error("photos", problem)
        return data

    def options(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("file", "photos", "complete")}


class ReadingForm(forms.Form):
    """How a table is read; what is left empty is found out."""

    encoding = forms.ChoiceField(choices=[("", "Found out"), *encodings.ENCODINGS.items()], required=False)
    sheet = forms.CharField(required=False)
    line = forms.IntegerField(
        label="The header stands in line",
        min_value=1,
        max_value=tables.HEADER_IN,
        required=False,
        help_text="Empty: found out.",
    )

    def __init__(self, *args: Any, table: tables.Table, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sheets = table.sheets
        if not table.reading.encoding:
            del self.fields["encoding"]
        if sheets:
            choices = [("", "Found out"), *((sheet, sheet) for sheet in sheets)]
            self.fields["sheet"] = forms.ChoiceField(choices=choices, required=False)
        else:
            del self.fields["sheet"]

    @property
    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value}


class ColumnsForm(forms.Form):
    """Which column of a table is what."""

    def __init__(self, *args: Any, header: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "–"), *((column, column) for column in header)]
        for target, label in spreadsheet.TARGETS.items():
            self.fields[target] = forms.ChoiceField(choices=choices, label=label, required=target == "number")

    @property
    def chosen(self) -> list[forms.BoundField]:
        """What the table has, as far as somebody, or a guess, has said; a case has a number and a name at the least."""
        return [field for field in self if field.name in ("number", "name") or field.value() or field.errors]

    @property
    def others(self) -> list[forms.BoundField]:
        chosen = {field.name for field in self.chosen}
        return [field for field in self if field.name not in chosen]

    @property
    def columns(self) -> dict[str, str]:
        return {target: column for target, column in self.cleaned_data.items() if column}


FORMS: dict[str, type[SourceForm]] = {
    "namus-missing": NamusForm,
    "namus-unidentified": NamusForm,
    "spreadsheet": SpreadsheetForm,
    "folder": FolderForm,
}


def form_for(kind: str) -> type[SourceForm]:
    return FORMS.get(kind, SourceForm)


def kept(upload: UploadedFile[Any]) -> str:
    """Keep an uploaded file for this run and later ones; returns its path."""
    folder = settings.IMPORT_DIR / "uploads" / str(uuid.uuid4())
    folder.mkdir(parents=True, mode=0o700)
    path = folder / Path(upload.name or "upload").name
    with open(path, "wb") as file:
        for piece in upload.chunks():
            file.write(piece)
    return str(path)


def inside(text: str) -> str:
    """A path in the import folder, whole. Whoever imports must not read the server's other files."""
    base = settings.IMPORT_DIR.resolve()
    path = (base / text).resolve()
    if not path.is_relative_to(base):
        raise forms.ValidationError(f"{text} is outside the import folder, {base}. The command line may read anywhere.")
    if not path.exists():
        raise forms.ValidationError(f"There is no {text} in the import folder, {base}.")
    return str(path)
