"""One record of a source into a case and its photos, in one transaction with how far the run has come."""

from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from cases import audit, sources
from cases.import_ledger import EDITED, Ledger
from cases.models import Case, ImportDoubt, ImportedCase, Photo, PhotoAlreadyThere, add_photo, replace_photo
from cases.sources import CaseRecord, Doubt, PhotoRecord

# A photo's bytes (None: they are here already) and validators, or why it is refused.
Fetched = tuple[bytes | None, dict[str, str]] | str
LABELS = {field.name: field.verbose_name for field in Case._meta.concrete_fields}
BLANK = {field.name: field.get_default() for field in Case._meta.concrete_fields}


class RecordWriter:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def write(self, source: sources.Source, record: CaseRecord, known: ImportedCase | None) -> None:
        """Bring the case, its photos and its state up to the record, whole or not at all.

        known: what the record was when last read. Raises `ValidationError` where its values cannot be a case's.
        """
        run = self._ledger.run
        # Before the transaction: a slow network must not hold one open.
        fetched = {photo.key: self._fetch(source, record, photo, known) for photo in record.photos}
        counted = dict(run.counts)
        try:
            with transaction.atomic():
                case, news, doubts = self._case(record, known)
                imported = known or ImportedCase(source=run.source, key=record.key, case=case)
                refused = self._photos(case, record, imported, fetched)
                moved = self._open_or_close(case, record, imported)
                imported.fields, imported.fingerprint, imported.withdrawn = record.fields, record.fingerprint, ""
                # Without them the source gives the whole record again, and a refused photo is tried again with it.
                imported.validators = {} if refused else record.validators
                imported.save()
                self._doubt(record, doubts, is_new=known is None)
                self._ledger.resolve(record.key, keep=refused)
                self._ledger.count(news if news != "unchanged" or not moved else "changed")
                self._ledger.save()
        except BaseException:
            run.counts = counted
            raise

    def _case(self, record: CaseRecord, known: ImportedCase | None) -> tuple[Case, str, list[Doubt]]:
        """The case with the record's values; whether it is new, changed or unchanged; and what could not be a case's.

        A value that people changed here stays; the source's takes its place only where theirs was the source's own.
        """
        names = {"collection": self._ledger.run.source.collection, "number": record.fields["number"]}
        found = known.case if known else Case.objects.filter(**names).first()
        case, news = (found, "changed") if found else (Case(**names), "new")
        base = known.fields if known else {}
        changed = []
        # What could be read this time has no words beside it any more.
        for name, value in ({"as_written": {}} | record.fields).items():
            here, before = _plain(getattr(case, name)), base.get(name, _plain(BLANK[name]))
            if value == here or (name == "number" and known):
                continue
            if here == before or news == "new":
                setattr(case, name, value)
                changed.append(name)
            elif value != before:
                reason = (
                    f"{name.replace('_', ' ')}: the source now says {value!r}; "
                    f"here it was changed to {here!r}, which stays."
                )
                self._ledger.refuse(record.key, reason, EDITED + name)
        doubts: list[Doubt] = []
        if changed or news == "new":
            doubts = blank_what_cannot_be(case)
            case.save()
        if changed and news == "changed":
            self._trail("changed", case, ", ".join(name.replace("_", " ") for name in changed))
        return case, news if changed or news == "new" else "unchanged", doubts

    def _doubt(self, record: CaseRecord, more: list[Doubt], *, is_new: bool) -> None:
        """List what could not be read, instead of what could not be the last time."""
        source, key = self._ledger.run.source, record.key[:200]
        if not is_new:
            ImportDoubt.objects.filter(source=source, key=key).delete()
        doubts = [*record.doubts, *more]
        ImportDoubt.objects.bulk_create(
            ImportDoubt(source=source, key=key, column=one.column[:100], text=one.text[:300], why=one.why[:400])
            for one in doubts
        )
        if doubts:
            self._ledger.count("not understood")

    def _photos(self, case: Case, record: CaseRecord, imported: ImportedCase, fetched: dict[str, Fetched]) -> list[str]:
        """Keep the photos that were fetched; returns the keys of those that were refused."""
        kept, refused = {}, []
        for photo in record.photos:
            got, known = fetched[photo.key], imported.photos.get(photo.key)
            if isinstance(got, str):
                refused.append(photo.key)
                self._ledger.count("photos refused")
                self._ledger.refuse(record.key, got, photo.key)
                if known:
                    kept[photo.key] = known
                continue
            content, validators = got
            here = Photo.objects.filter(pk=known["photo"]).first() if known else None
            if content is None and here is not None and photo.shows not in (here.shows, _shown(known)):
                with here.image.open() as file:
                    content = file.read()
            if content is not None:
                here = self._keep_photo(case, here, photo, content)
            if here is not None or known:
                kept[photo.key] = {
                    "signature": photo.signature,
                    "view": photo.view,
                    "kind": photo.kind,
                    "photo": here.pk if here else known["photo"],
                    "validators": validators or (known or {}).get("validators", {}),
                }
        for key in imported.photos.keys() - {photo.key for photo in record.photos}:
            self._withdraw_photo(imported.photos[key], kept)
        imported.photos = kept
        return refused

    def _keep_photo(self, case: Case, here: Photo | None, photo: PhotoRecord, content: bytes) -> Photo:
        try:
            if here is None:
                here = add_photo(case, content, photo.filename, view=photo.view, kind=photo.kind, announce=False)
                self._ledger.count("photos new")
            elif replace_photo(here, content, photo.filename, view=photo.view, kind=photo.kind):
                self._ledger.count("photos changed")
        except PhotoAlreadyThere as there:
            if there.photo.view == Photo.View.WITHDRAWN:
                # The source took it back and gives it again.
                replace_photo(there.photo, content, photo.filename, view=photo.view, kind=photo.kind)
                self._ledger.count("photos changed")
            else:
                self._ledger.count("photos doubled")
            return there.photo
        return here

    def _withdraw_photo(self, known: dict[str, Any], kept: dict[str, Any]) -> None:
        """Search no more with a picture that the source took back; it stays to be looked at."""
        if any(other["photo"] == known["photo"] for other in kept.values()):
            return
        photo = Photo.objects.filter(pk=known["photo"]).first()
        if photo is not None and photo.view != Photo.View.WITHDRAWN:
            with photo.image.open() as file:
                replace_photo(photo, file.read(), photo.filename, view=Photo.View.WITHDRAWN)
            self._ledger.count("photos withdrawn")

    def _fetch(
        self, source: sources.Source, record: CaseRecord, photo: PhotoRecord, known: ImportedCase | None
    ) -> Fetched:
        """A photo's bytes and validators, None for bytes that are here already, or why it is refused."""
        before = known.photos.get(photo.key) if known else None
        if before and before["signature"] == photo.signature and not self._ledger.run.check_photos:
            retrying = self._ledger.is_retry and self._is_broken(before["photo"])
            if not retrying:
                return None, {}
            before = None
        try:
            return source.photo(photo, (before or {}).get("validators", {}))
        except sources.RecordRefused as refusal:
            return str(refusal)

    def _is_broken(self, photo_id: int) -> bool:
        return Photo.objects.filter(pk=photo_id, status=Photo.Status.UNREADABLE).exists()

    def _open_or_close(self, case: Case, record: CaseRecord, imported: ImportedCase) -> bool:
        """Follow the source; a case that people closed stays closed. Returns whether the case moved."""
        was_closed_here = imported.closed_here
        if record.closed:
            # Once: a case that people reopened after that stays open.
            moved = not was_closed_here and case.close(record.closed)
            imported.closed_here = was_closed_here or moved
        else:
            moved = was_closed_here and case.reopen()
            imported.closed_here = False
        if moved:
            self._ledger.count("closed" if record.closed else "reopened")
            self._trail("closed" if record.closed else "reopened", case, record.closed)
        return moved

    def _trail(self, action: str, case: Case, what: str) -> None:
        audit.record_as(None, action, case, f"by the import of {self._ledger.run.source}: {what}".rstrip(": "))


def blank_what_cannot_be(case: Case) -> list[Doubt]:
    """Leave out of a case each value that is not valid, its words kept beside; returns them with why.

    Raises `ValidationError` where the case is none without it.
    """
    doubts = []
    for _ in range(3):
        try:
            case.full_clean(exclude=["collection"])
        except ValidationError as error:
            wrong = error.message_dict
            if not wrong.keys() <= BLANK.keys() - {"number", "collection"}:
                if "lower age" not in str(wrong):
                    raise
                # Of two ages in the wrong order nobody knows which is right.
                wrong = {"age_from": [*wrong.pop("__all__", [])], "age_to": ["The lower age must not be above it."]}
            for name, texts in wrong.items():
                label = str(LABELS[name]).capitalize()
                text = str(getattr(case, name))[:300]
                doubts.append(Doubt(label, text, " ".join(map(str, texts))))
                case.as_written = {**case.as_written, label: text}
                setattr(case, name, BLANK[name])
        else:
            break
    return doubts


def _shown(known: dict[str, Any]) -> tuple[str, str]:
    """A photo's view and kind as its source had them last; imported before there were kinds, it is a photograph."""
    return known["view"], known.get("kind", Photo.Kind.PHOTOGRAPH)


def _plain(value: Any) -> Any:
    """A column's value as a source writes it."""
    return value.isoformat() if isinstance(value, date) else value
