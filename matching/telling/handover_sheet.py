"""A handover on paper, and as the text of a message."""

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.utils import timezone

from matching.searching import paper
from matching.telling.handover import Handover, Line, Person, Section


def sheet(handed: Handover, printed_by: User, reference: str) -> bytes:
    """As PDF. reference: the audit row of its printing."""
    with paper.sheet("handover", printed_by, reference, "What its reader may see.") as page:
        page.heading("Handover", 18)
        page.paragraph(f"{paper.time(handed.since)} to {paper.time(handed.until)}")
        for title, sections in (("Waits", handed.waits), ("Happened", handed.happened)):
            page.heading(title, 14)
            for section in sections:
                page.heading(section.title)
                page.paragraph(section.summary)
                for line in _lines(section):
                    page.paragraph(line)
            if not sections:
                page.paragraph("Nothing.")
        page.heading("Who did what, and has what", 14)
        for person in handed.people:
            page.paragraph(_person(person))
        return bytes(page.output())


def text(handed: Handover) -> str:
    """As plain text, a line each."""
    parts = ["WAITS", *_texts(handed.waits), "", "HAPPENED", *_texts(handed.happened)]
    parts += ["", "WHO", *(_person(person) for person in handed.people)] if handed.people else []
    return "\n".join(parts)


def _texts(sections: list[Section]) -> Iterator[str]:
    for section in sections:
        yield f"{section.title}: {section.summary}"
        yield from (f"- {line}" for line in _lines(section))
    if not sections:
        yield "Nothing."


def _lines(section: Section) -> Iterator[str]:
    yield from map(_line, section.lines)
    if section.more:
        yield f"and {section.more:,} more"


def _line(line: Line) -> str:
    at = f"{timezone.localtime(line.at):%-d %b %H:%M}" if line.at else ""
    return "  ".join(filter(None, [at, line.text, f"({line.who})" if line.who else ""]))


def _person(person: Person) -> str:
    did = {
        "searches": person.searches, "words on candidates": person.words, "alerts confirmed": person.confirmed,
        "alerts dismissed": person.dismissed,
    }  # fmt: skip
    has = {"alerts": person.has_alerts, "cases": person.has_cases, "tasks": person.has_tasks}
    had = ", ".join(f"{number:,} {what}" for what, number in did.items() if number) or "nothing on record"
    now = ", ".join(f"{number:,} {what}" for what, number in has.items() if number) or "nothing"
    return f"{person.name}: {had}; has {now}."
