"""Pages and feeds that are looked at again and again for one case: what is new there is searched as a batch."""

from urllib.parse import urlsplit

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from cases import work
from cases.fair_use import may_search
from cases.models import Case
from cases.visibility import SearchRefused
from matching.faces.face_models import NoFaceModel
from matching.models import Batch, BatchFile, WebSource
from matching.searching import batches, fetching, web
from matching.searching.pages import Named


def add(case: Case, address: str, every: WebSource.Every, user: User) -> WebSource:
    """Look at an address for a case from now on. Raises `web.AddressRefused`, `SearchRefused`."""
    if not case.is_open:
        raise SearchRefused("The case is closed. Reopen it first.")
    address = web.address_of(address)
    may_search(user, [], purpose=address, reference=case.number)
    try:
        with transaction.atomic():
            return WebSource.objects.create(case=case, address=address, every=every, user=user)
    except IntegrityError:
        raise web.AddressRefused("This address is looked at for this case already.") from None


def due() -> QuerySet[WebSource]:
    """Those that are to be looked at now."""
    waiting = WebSource.objects.filter(next_at__lte=timezone.now(), case__status=Case.Status.OPEN)
    return waiting.exclude(pk__in=work.not_now("web source"))


def look(source: WebSource) -> Batch | None:
    """Begin a batch of what is new there, to be run by the caller; None where nothing is, or somebody else looks.

    What goes wrong with the address is kept with the source, in words.
    """
    now = timezone.now()
    # Whoever moves it on is the one who looks.
    if not WebSource.objects.filter(pk=source.pk, next_at=source.next_at).update(next_at=now + source.pause):
        return None
    problem, batch = "", None
    try:
        may_search(source.user, [], purpose=source.address, reference=source.case.number)
        found = web.Web().look_up(source.address, follow=2)
        if found.named is None:
            problem = "No page or feed lies there, but one file: nothing new will come. Search it by itself."
        else:
            batch = _begin(source, found.named)
    except (web.AddressRefused, SearchRefused, NoFaceModel, batches.BatchRefused) as refusal:
        problem = str(refusal)
    WebSource.objects.filter(pk=source.pk).update(looked_at=now, problem=problem)
    return batch


def _begin(source: WebSource, named: Named) -> Batch | None:
    purpose = f"New on {urlsplit(source.address).hostname}, for {source.case.display_name}"[:300]
    with transaction.atomic():
        batch = batches.begin(user=source.user, purpose=purpose, reference=source.case.number[:100])
        batch.source = source
        batch.save(update_fields=["source"])
        rows, _ = fetching.further(BatchFile(batch=batch, sent_by=source.user, address=source.address), named)
        if not rows:
            transaction.set_rollback(True)
            return None
        BatchFile.objects.bulk_create(rows)
        batches.start(batch)
    return batch


def of_case(case: Case) -> QuerySet[WebSource]:
    """A case's, each with how many pictures came from it (`pictures`)."""
    came = Count("batches__files", filter=~Q(batches__files__file=""))
    return case.web_sources.select_related("user").annotate(pictures=came)
