"""What an address on the web holds: asked politely, of public hosts only, as the importers ask their registries."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urldefrag, urlsplit
from urllib.robotparser import RobotFileParser

import requests
import urllib3
from django.conf import settings

from cases.sources import http
from cases.sources.base import RecordRefused
from matching.searching import pages
from matching.searching.pages import Named

AGENT, RULES = "Sightline", "/robots.txt"
# Failures of one host in a row, after which it is left alone; and the longest pause that a host may ask for.
PATIENCE, LONGEST_PAUSE = 8, 30.0
LONGEST_ADDRESS = 2000


class AddressRefused(Exception):
    """What an address holds is not taken; the text says why and what to do."""


@dataclass(frozen=True)
class Found:
    """What lay at an address: a file's bytes, or what a page, feed or list names."""

    content: bytes = b""
    named: Named | None = None


def address_of(text: str) -> str:
    """An address as it is kept: whole, without what follows `#`. Raises `AddressRefused`."""
    text = text.strip()
    whole = urldefrag(text if "://" in text else f"https://{text}").url
    try:
        parts = urlsplit(whole)
        parts.port  # noqa: B018  raises for one that is no number
    except ValueError:
        raise AddressRefused(f"{text:.100} is no address of the web.") from None
    if len(whole) > LONGEST_ADDRESS:
        raise AddressRefused(f"{text:.100} … has over {LONGEST_ADDRESS:,} letters; shorten it.")
    if parts.scheme not in ("http", "https") or not parts.hostname or not whole.isprintable() or " " in whole:
        raise AddressRefused(f"{text:.100} is no address of the web. It begins with https:// or http://.")
    if "." not in parts.hostname and ":" not in parts.hostname and not settings.WEB_PRIVATE_HOSTS:
        raise AddressRefused(f"{text:.100} is no address of the web: {parts.hostname:.60} is not a public host's name.")
    if parts.username or parts.password:
        raise AddressRefused("An address with a name or password in it is not kept. Save the picture and send it.")
    return whole


def name_of(address: str) -> str:
    """What a file is called that lies there: the last part of its path, or its host."""
    parts = urlsplit(address)
    name = unquote(PurePosixPath(parts.path).name)
    return "".join(sign for sign in name if sign.isprintable()).strip() or parts.hostname or "file"


def _why(problem: Exception) -> str:
    """What went wrong on the way, to be read behind the host."""
    reason = getattr(problem.args[0], "reason", None) if problem.args else None
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return "is not there: no host has this name. Check the address."
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return "refuses the connection. Check the address, or try again later."
    if isinstance(problem, requests.Timeout):
        return "does not answer in time. Try again later."
    if isinstance(problem, requests.exceptions.SSLError):
        return "has a certificate that is not trusted. Open it in a browser, save the pictures and send those."
    return f"gave no whole answer ({type(problem).__name__}). Try again later."


class Host:
    """One host: asked no faster than the importers' rate, and not what its robots.txt keeps programs from."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.failures = 0
        self._session = http.new_session(base, attempts=1)
        self._pause, self._next = 1 / settings.IMPORT_RATE, 0.0
        self._rules: RobotFileParser | None = None

    def get(self, address: str, let_out: "Web") -> http.Answer:
        """Raises `RecordRefused`, and what requests raises."""
        # A batch may go to thousands of hosts; none is left with an open line.
        return http.fetch(self._session, address, {"Connection": "close"}, let_out.ask)

    def check(self, address: str, let_out: "Web") -> None:
        """Raises `RecordRefused` for what the host's robots.txt keeps programs from."""
        if urlsplit(address).path == RULES:
            return
        if self._rules is None:
            self._rules = self._ask_rules(let_out)
        if not self._rules.can_fetch(AGENT, address):
            raise RecordRefused(
                f"{urlsplit(self.base).hostname} asks programs not to fetch this (its robots.txt). Open it in a "
                "browser, save the pictures and send those."
            )

    def _ask_rules(self, let_out: "Web") -> RobotFileParser:
        """As RFC 9309 has it: without any, all is allowed; while the host cannot say them, nothing is."""
        rules = RobotFileParser()
        try:
            said = self.get(f"{self.base}{RULES}", let_out).content or b""
            rules.parse(said[: 500 * 1024].decode("utf-8", "replace").splitlines())
        except http.Unwilling as refusal:
            rules.parse(["User-agent: *", "Disallow: /"] if refusal.status >= 500 else [])
        except RecordRefused:
            rules.parse([])
        asked = rules.crawl_delay(AGENT)
        self._pause = min(max(self._pause, float(asked or 0)), LONGEST_PAUSE)
        return rules

    @contextmanager
    def turn(self, url: str) -> Iterator[None]:
        now = time.monotonic()
        time.sleep(max(0.0, self._next - now))
        self._next = max(now, self._next) + self._pause
        with nullcontext() if settings.WEB_PRIVATE_HOSTS else http.leading_nowhere_private(url, self._session):
            yield


class Web:
    """Asks any public host. One walk's: it remembers whom it asked when, and who does not answer."""

    def __init__(self) -> None:
        self._hosts: dict[str, Host] = {}

    def look_up(self, address: str, follow: int) -> Found:
        """What lies at an address. follow: 0 where only a picture or clip is wanted there.

        Raises `AddressRefused`.
        """
        host = self._host(address)
        if host.failures >= PATIENCE:
            raise AddressRefused(f"{host.base} failed {PATIENCE} times in a row and was not asked again.")
        try:
            answer = host.get(address, self)
        except http.NotFound as refusal:
            host.failures = 0
            raise AddressRefused(str(refusal)) from refusal
        except RecordRefused as refusal:
            raise AddressRefused(str(refusal)) from refusal
        except (OSError, ValueError, requests.RequestException, urllib3.exceptions.HTTPError) as problem:
            host.failures += 1
            raise AddressRefused(f"{host.base} {_why(problem)}") from problem
        host.failures = 0
        return self._read(answer, follow)

    def _read(self, answer: http.Answer, follow: int) -> Found:
        content = answer.content or b""
        charset = requests.utils.get_encoding_from_headers(answer.headers)  # type: ignore[arg-type]
        # Where a host states none, the library guesses one for it; the page itself knows better.
        stated = charset or "" if "charset" in answer.headers.get("Content-Type", "").lower() else ""
        named = pages.named(content, answer.url, stated)
        if named is None:
            return Found(content)
        if not follow:
            raise AddressRefused(f"A {named.what} lies there, no picture.")
        if not named.links:
            raise AddressRefused(
                f"The {named.what} names no picture. Pages that scripts build up only show them in a browser: save "
                "the pictures there and send those."
            )
        return Found(named=named)

    @contextmanager
    def ask(self, url: str) -> Iterator[None]:
        """Inside it one request goes out, wherever a redirect leads."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise RecordRefused(f"{url} is no address of the web, so it was not asked.")
        host = self._host(url)
        host.check(url, self)
        with host.turn(url):
            yield

    def _host(self, address: str) -> Host:
        parts = urlsplit(address)
        base = f"{parts.scheme}://{parts.netloc}"
        if base not in self._hosts:
            self._hosts[base] = Host(base)
        return self._hosts[base]
