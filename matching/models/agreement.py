"""What several people's words about one likeness come to: nobody's is overwritten, the last of each counts."""

from collections.abc import Iterable
from enum import Enum


class Agreement(Enum):
    OPEN = "nobody has said anything"
    PROPOSED = "fewer have said yes than it takes"
    AGREED = "as many have said yes as it takes"
    AGAINST = "no"
    DISPUTED = "some say yes, some no"


def agreement(said: Iterable[tuple[object, bool | None]], needed: int) -> Agreement:
    """What it comes to. said: who, and yes, no or (taken back) None, oldest first. needed: yeses that it takes.

    Where two disagree, the word of a third settles it: from three on the majority decides.
    """
    last = dict(said)
    yes, no = (sum(word is which for word in last.values()) for which in (True, False))
    if yes and no and (yes == no or yes + no < 3):
        return Agreement.DISPUTED
    if yes > no:
        return Agreement.AGREED if yes >= needed else Agreement.PROPOSED
    return Agreement.AGAINST if no else Agreement.OPEN
