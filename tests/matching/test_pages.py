"""What pages, feeds and lists name, as people write them."""

from datetime import UTC, datetime

import pytest

from matching.searching import pages

WHERE = "https://news.example/day/page.html?x=1"


def addresses(content: str, **more: str) -> list[str]:
    found = pages.named(content.encode(), WHERE, **more)
    assert found is not None
    return [link.address for link in found.links]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<img src="a.jpg">', "https://news.example/day/a.jpg"),
        ('<img src="/a.jpg?w=10&amp;h=5#x">', "https://news.example/a.jpg?w=10&h=5"),
        ('<img src="//cdn.example/a">', "https://cdn.example/a"),
        ('<base href="https://other.example/b/"><img src="a.jpg">', "https://other.example/b/a.jpg"),
        ('<img src="s.jpg" srcset="s.jpg 320w, /l.jpg 1280w, m.jpg 640w">', "https://news.example/l.jpg"),
        ('<img src="s.jpg" srcset="s.jpg, l.jpg 2x">', "https://news.example/day/l.jpg"),
        ('<img srcset="/c/w_1,h_2/s.jpg 1x,/c/w_9,h_9/l.jpg 2x,">', "https://news.example/c/w_9,h_9/l.jpg"),
        ('<img src="data:image/gif;base64,R0lGOD" data-src="late.jpg">', "https://news.example/day/late.jpg"),
        ('<a href="large.JPG"><img src="thumb.jpg"></a>', "https://news.example/day/large.JPG"),
        ('<a href="/story"><img src="thumb.jpg"></a>', "https://news.example/day/thumb.jpg"),
        ('<meta property="og:image" content="https://news.example/o.jpg">', "https://news.example/o.jpg"),
        ('<meta name="twitter:image" content="/t.png">', "https://news.example/t.png"),
        ('<video poster="p.jpg"></video>', "https://news.example/day/p.jpg"),
        ('<video><source src="c.mp4" type="video/mp4"></video>', "https://news.example/day/c.mp4"),
        ("<div style=\"background: url('b.jpg') no-repeat\">", "https://news.example/day/b.jpg"),
        ('<a href="clip.mp4">the clip</a>', "https://news.example/day/clip.mp4"),
        ('<img src=a.jpg><p><div></span><img src="a.jpg">', "https://news.example/day/a.jpg"),
    ],
)
def test_a_pages_pictures_are_named_once_at_their_largest(html, expected):
    assert addresses(f"<!DOCTYPE html><html><body>{html}</body></html>") == [expected]


@pytest.mark.parametrize(
    "html",
    [
        '<img src="logo.svg">', '<img src="">', "<img>", '<a href="mailto:kim@news.example">write</a>',
        '<img src="javascript:alert(1)">', '<img src="file:///etc/passwd">', '<a href="/story">more</a>',
        '<img src="http://[broken/a.jpg">', '<link rel="icon" href="/favicon.ico">',
    ],
)  # fmt: skip
def test_what_is_no_picture_of_the_web_is_none(html):
    assert addresses(f"<html>{html}</html>") == []


def test_a_picture_written_into_the_page_is_said_to_be_left_out():
    found = pages.named(f'<html><img src="data:image/png;base64,{"A" * 2000}"></html>'.encode(), WHERE)
    assert found.links == []
    assert found.note == "1 written into the page itself were left out: save those and send them."


def test_a_page_in_another_encoding_is_read_as_its_host_or_it_says():
    page = '<html><img src="/gefängnis/müller.jpg"></html>'
    assert pages.named(page.encode("latin-1"), WHERE, "iso-8859-1").links[0].address.endswith("/gefängnis/müller.jpg")
    said = f'<html><meta charset="windows-1252">{page}'
    assert pages.named(said.encode("cp1252"), WHERE).links[0].address.endswith("/gefängnis/müller.jpg")


RSS = """<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>t</title>
<item><link>https://news.example/1</link><pubDate>Thu, 05 Mar 2026 14:05:07 +0100</pubDate>
  <enclosure url="https://news.example/1.jpg" type="image/jpeg" length="1"/></item>
<item><link>https://news.example/2</link><media:content url="https://news.example/2" medium="image"/>
  <media:thumbnail url="https://news.example/2-small.jpg"/></item>
<item><link>https://news.example/3/</link><description>&lt;img src="three.jpg"&gt; words</description></item>
<item><link>https://news.example/4</link><description>only words</description></item>
<item><link>https://news.example/5</link><enclosure url="https://news.example/5.mp3" type="audio/mpeg"/></item>
</channel></rss>"""

ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>
<entry><link href="/a"/><updated>2026-03-05T13:05:07Z</updated>
  <link rel="enclosure" href="/a.jpg" type="image/jpeg"/></entry></feed>"""


def test_a_feeds_entries_are_named_by_their_pictures_or_else_by_their_pages():
    found = pages.named(RSS.encode(), WHERE)
    assert found.what == "feed"
    assert [(link.address.removeprefix("https://news.example"), link.follow) for link in found.links] == [
        ("/1.jpg", 0), ("/2", 0), ("/day/three.jpg", 0), ("/4", 1), ("/5", 1),
    ]  # fmt: skip
    assert found.links[0].posted_at == datetime(2026, 3, 5, 13, 5, 7, tzinfo=UTC)


def test_an_atom_feeds_addresses_are_made_whole():
    found = pages.named(ATOM.encode(), WHERE)
    assert [link.address for link in found.links] == ["https://news.example/a.jpg"]
    assert found.links[0].posted_at == datetime(2026, 3, 5, 13, 5, 7, tzinfo=UTC)


def test_a_list_is_one_that_begins_with_an_address():
    lines = ["https://a.example/1.jpg", "", "https://a.example/2", "https://a.example/1.jpg"]
    found = pages.named(b"\xef\xbb\xbf" + "\r\n".join(lines).encode(), "")
    assert found.what == "list"
    assert [link.address for link in found.links] == ["https://a.example/1.jpg", "https://a.example/2"]


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0 a picture", b"words of somebody", b"", b"<svg></svg>", b"PK"])
def test_other_files_name_nothing(content):
    assert pages.named(content, WHERE) is None


def test_what_is_beyond_the_limit_is_counted():
    html = "<html>" + "".join(f'<img src="{n}.jpg">' for n in range(pages.MOST_LINKS + 7)) + "</html>"
    found = pages.named(html.encode(), WHERE)
    assert len(found.links) == pages.MOST_LINKS
    assert found.note == f"It names {pages.MOST_LINKS + 7:,}; the first {pages.MOST_LINKS:,} were taken."


@pytest.mark.parametrize(
    "content",
    [
        b"<html>" + b"<div>" * 50_000 + b"<img src=a.jpg>",
        b"<html><img srcset='" + b"," * 50_000 + b"'>",
        b"<rss" + b"<item>" * 10_000,
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><rss><channel><item><link>&b;</link>'
        b"</item></channel></rss>",
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><item><link>&a;</link></item></channel></rss>',
        b"<\x00html>\x00<img src='\x00'>",
        b"<![CDATA[<html>",
        b"<html><img src='http://a.example/" + b"%" * 5000 + b"'>",
    ],
)  # fmt: skip
def test_hostile_text_is_read_to_its_end(content):
    found = pages.named(content, WHERE)
    assert found is None or all("passwd" not in link.address for link in found.links)
