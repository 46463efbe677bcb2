"""What pages, feeds and lists of addresses name: pictures and clips, and further pages to look at for them."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from cases.sources.places import is_picture
from matching.searching.containers import CLIPS

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

# Of a page or feed, and of a list; what is larger is cut there, and that is said.
MOST_LINKS, MOST_LISTED = 500, 2000
MOST_TEXT = 5 * 2**20
FEED = re.compile(rb"<(?:rss|feed|rdf:RDF)[\s>]")
# Pages draw their signs and buttons so; a face is in none of them.
DRAWINGS = (".svg", ".ico")
# Written into the page itself; what is shorter only keeps a picture's place.
INLINE = re.compile(r"data:image/(?!svg).{1000}", re.S)
# How wide or fine a picture of a page's `srcset` is; and where the next one follows without a blank.
SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)[wxh],?")
BETWEEN_SIZES = re.compile(r"(\s\d{1,6}(?:\.\d{1,6})?[wxh]),")
BACKGROUND = re.compile(r"""url\(\s*['"]?([^'")]+)""")
NAMED_PICTURES = {"og:image", "og:image:url", "og:image:secure_url", "og:video", "twitter:image", "twitter:image:src"}


@dataclass(frozen=True)
class Link:
    """follow: how many pages deep it is followed; 0: it is to be a picture or clip. posted_at: as a feed says it."""

    address: str
    follow: int = 0
    posted_at: datetime | None = None


@dataclass(frozen=True)
class Named:
    """What a text names. what: a page, a feed or a list. note: what was left out of it."""

    what: str
    links: list[Link]
    note: str = ""


def named(content: bytes, address: str, charset: str = "") -> Named | None:
    """What a page, a feed or a list names; None where the bytes are none of these.

    address: where they lay; empty: a file of somebody's. charset: as the host states it.
    """
    start = content[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if start.startswith(b"<"):
        if b"<svg" in start and b"<html" not in start:
            return None
        whole = content[:MOST_TEXT]
        found = _feed(whole, address) if FEED.search(content[:4096]) else _page(whole, address, charset)
        most = MOST_LINKS
    elif start.startswith((b"http://", b"https://")):
        found, most = _list(content[:MOST_TEXT]), MOST_LISTED
    else:
        return None
    notes = [found.note] if found.note else []
    if len(content) > MOST_TEXT:
        notes.append(f"It has over {MOST_TEXT // 2**20} MB; what follows was not read.")
    first: dict[str, Link] = {}
    for link in found.links:
        first.setdefault(link.address, link)
    links = list(first.values())
    if len(links) > most:
        notes.append(f"It names {len(links):,}; the first {most:,} were taken.")
    return replace(found, links=links[:most], note=" ".join(notes))


def _list(content: bytes) -> Named:
    lines = map(str.strip, content.decode("utf-8-sig", "replace").splitlines())
    return Named("list", [Link(line, follow=2) for line in lines if line])


def _page(content: bytes, address: str, charset: str) -> Named:
    soup = _soup(content, charset)
    base = soup.select_one("base[href]")
    root = urljoin(address, str(base["href"])) if base else address
    found = list(_pictures(soup))
    links = [Link(whole) for one in found if (whole := _whole(root, one))]
    inline = sum(1 for one in found if INLINE.match(one))
    note = f"{inline} written into the page itself were left out: save those and send them." if inline else ""
    return Named("page", links, note)


def _soup(content: bytes | str, charset: str = "") -> BeautifulSoup:
    # With the parsers that it looks for it takes 5 MB.
    from bs4 import BeautifulSoup

    return BeautifulSoup(content, "html.parser", from_encoding=charset or None)


def _pictures(soup: BeautifulSoup) -> Iterator[str]:
    """Addresses as the page writes them: each picture at its largest, not a thumbnail and what it leads to."""
    for tag in soup.find_all(["meta", "link", "a", "img", "video", "source", "image"]):
        said = {str(name): str(value) for name, value in tag.attrs.items() if not isinstance(value, list)}
        if tag.name == "meta":
            if said.get("property", said.get("name", "")).lower() in NAMED_PICTURES:
                yield said.get("content", "")
        elif tag.name == "link":
            if "image_src" in str(tag.get("rel", "")):
                yield said.get("href", "")
        elif tag.name == "a":
            if _is_wanted(said.get("href", "")):
                yield said["href"]
        elif tag.name == "img":
            around = tag.find_parent("a")
            if not (around and _is_wanted(str(around.get("href", "")))):
                yield _largest(said)
        elif tag.name == "source":
            if tag.find_parent("video"):
                yield said.get("src", "")
        else:
            yield said.get("poster", "")
            yield said.get("src", "") or said.get("href", "") or said.get("xlink:href", "")
    for tag in soup.find_all(style=BACKGROUND):
        yield from BACKGROUND.findall(str(tag["style"]))


def _is_wanted(address: str) -> bool:
    """Whether an address ends as those of pictures and clips do."""
    path = unquote(urlsplit(address).path) if address.strip() else ""
    return is_picture(path) or PurePosixPath(path).suffix.lower() in CLIPS


def _largest(said: dict[str, str]) -> str:
    """Of the sizes in which a page offers a picture; pages that load late keep them in names of their own."""
    offered: list[tuple[float, str]] = []
    for token in BETWEEN_SIZES.sub(r"\1 ", said.get("srcset") or said.get("data-srcset") or "").split():
        size = SIZE.fullmatch(token)
        if size and offered:
            offered[-1] = (float(size[1]), offered[-1][1])
        elif address := token.strip(","):
            offered.append((1.0, address))
    if offered:
        return max(offered)[1]
    late = [said[name] for name in ("data-src", "data-original", "data-lazy-src") if said.get(name)]
    return late[0] if late else said.get("src", "")


def _whole(root: str, address: str) -> str:
    """An address of the web in full; "" for what is none, or leads to a drawing."""
    try:
        whole = urldefrag(urljoin(root, address.strip())).url
        parts = urlsplit(whole)
    except ValueError:
        return ""
    if not address.strip() or parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return "" if PurePosixPath(parts.path).suffix.lower() in DRAWINGS else whole


def _feed(content: bytes, address: str) -> Named:
    import feedparser

    read: Any = feedparser.parse(content, response_headers={"content-location": address})
    links = [link for entry in read.entries for link in _entry(entry, address)]
    return Named("feed", links, "" if read.entries else "It has no entries.")


def _entry(entry: Any, address: str) -> list[Link]:
    """An entry's pictures; where it shows none itself, its page."""
    when = entry.get("published_parsed") or entry.get("updated_parsed")
    posted_at = datetime.fromtimestamp(calendar.timegm(when), UTC) if when else None
    shown = [one for one in (*entry.get("enclosures", []), *entry.get("media_content", [])) if _is_shown(one)]
    shown = shown or entry.get("media_thumbnail", [])
    addresses = [one.get("href") or one.get("url") or "" for one in shown]
    for text in (entry.get("summary", ""), *(one.get("value", "") for one in entry.get("content", []))):
        addresses += _pictures(_soup(text)) if "<" in text else []
    root = entry.get("link") or address
    found = [Link(whole, 0, posted_at) for one in addresses if (whole := _whole(root, one))]
    page = _whole(address, entry.get("link", ""))
    return found or ([Link(page, 1, posted_at)] if page else [])


def _is_shown(one: Any) -> bool:
    kind = f"{one.get('medium', '')} {one.get('type', '')}"
    return "image" in kind or "video" in kind or _is_wanted(one.get("href") or one.get("url") or "")
