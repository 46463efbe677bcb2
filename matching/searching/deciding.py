"""What people make of candidates: proposals, second opinions, disagreements, and the leads that come of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from cases.visibility import visible
from matching.models import Agreement, Candidate, Opinion, agreement

Decision, Word = Candidate.Decision, Opinion.Word
COMES_TO = {
    Agreement.OPEN: Decision.OPEN,
    Agreement.PROPOSED: Decision.POSSIBLE,
    Agreement.AGREED: Decision.CONFIRMED,
    Agreement.AGAINST: Decision.REJECTED,
    Agreement.DISPUTED: Decision.DISPUTED,
}


@dataclass(frozen=True)
class Said:
    """What has been said of a candidate, as one person may see it.

    standing: each speaker's last word. mine: the viewer's own among them. note: the viewer's last note, to be taken up
    again. hidden: whether the others' notes are kept from the viewer until they have said their own word.
    """

    standing: Sequence[Opinion]
    mine: Opinion | None
    note: str
    hidden: bool


def say(candidate: Candidate, word: str, user: User, note: str = "") -> None:
    """Keep what somebody says of a candidate, and what that comes to; an empty word takes one's own back.

    The note of a word that is taken back stays to be read and taken up again.
    """
    with transaction.atomic():
        locked = Candidate.objects.select_for_update().select_related("case__collection").get(pk=candidate.pk)
        Opinion.objects.create(candidate=locked, user=user, word=Word(word), note=note[:500])
        locked.decision = _comes_to(locked)
        locked.save(update_fields=["decision"])
    candidate.decision = locked.decision


def _comes_to(candidate: Candidate) -> str:
    said = [
        (opinion.user_id or f"gone {opinion.pk}", {Word.POSSIBLE: True, Word.REJECTED: False}.get(Word(opinion.word)))
        for opinion in candidate.opinions.all()
    ]
    return COMES_TO[agreement(said, candidate.case.collection.reviewers)]


def said_of(candidate: Candidate, user: User) -> Said:
    """What has been said, without the others' notes while their proposal waits for this person's own word."""
    opinions = list(candidate.opinions.select_related("user"))
    last = {opinion.user_id: opinion for opinion in opinions}
    standing = sorted((one for one in last.values() if one.word), key=lambda one: (one.at, one.pk))
    mine = next((one for one in standing if one.user_id == user.pk), None)
    note = next((one.note for one in reversed(opinions) if one.user_id == user.pk and one.note), "")
    return Said(standing, mine, note, hidden=candidate.decision == Decision.POSSIBLE and mine is None)


def decided(user: User) -> dict[str, QuerySet[Candidate]]:
    """Lists of candidates on which somebody has decided: what waits for this person first."""
    last_words = Opinion.objects.filter(candidate=OuterRef("pk"), user=user).order_by("-at", "-pk").values("word")
    candidates = (
        visible(Candidate, user)
        .filter(probe__search__isnull=False)
        .select_related("probe__search__model", "probe__search__measurement", "case__collection", "face")
        .prefetch_related("opinions__user")
        .annotate(own_word=Coalesce(Subquery(last_words[:1]), Value("")))
        .order_by("-pk")
    )
    open_ = Q(decision__in=[Decision.POSSIBLE, Decision.DISPUTED], case__status="open")
    return {
        "waiting": candidates.filter(open_, own_word=""),
        "proposed": candidates.filter(open_).exclude(own_word=""),
        "disputed": candidates.filter(decision=Decision.DISPUTED),
        "confirmed": candidates.filter(decision=Decision.CONFIRMED),
    }
