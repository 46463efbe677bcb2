"""Polite HTTP to one registry: slow enough, patient, honest about who asks, and never to anybody else's host."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cases import public_hosts
from cases.sources.base import Gone, Item, RecordRefused, Refused, SourceUnavailable, Validators

TIMEOUT = (10, 20)  # seconds to connect, and between two pieces of an answer
WHOLE_ANSWER = 60  # seconds
MAX_BYTES = 25 * 1024 * 1024
REDIRECTS = 4
ATTEMPTS = 4
# Records in a row that fail before the source itself is taken to be away.
PATIENCE = 8


class NotFound(RecordRefused):
    """There is nothing at this address."""


class Unwilling(RecordRefused):
    """The host answers, but not with what was asked for. status: of HTTP."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def item(key: str, gone: str, read: Callable[[], Item]) -> Item:
    """What became of a record that `read` asks a registry for. gone: what it means when the registry has none."""
    try:
        return read()
    except NotFound:
        return Gone(key, gone)
    except RecordRefused as refusal:
        return Refused(key, str(refusal))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return Refused(key, f"The record does not have the form it should: {type(error).__name__} {error}.")


@dataclass(frozen=True)
class Answer:
    """What an address gave, and where that was in the end. content: None for "as it was"."""

    url: str
    content: bytes | None
    headers: Mapping[str, str]


def new_session(base: str, attempts: int) -> requests.Session:
    """One that says who asks. base: the address whose proxies serve it. attempts: for an answer that says "later"."""
    session = requests.Session()
    session.headers["User-Agent"] = settings.IMPORT_USER_AGENT
    # Looked up once: at each request it would cost as much as the request itself.
    session.trust_env = False
    session.proxies.update(requests.utils.get_environ_proxies(base))
    retry = Retry(
        total=attempts - 1,
        # An answer that does not come, or not whole, is tried again by whoever asks, whichever way it fails.
        connect=0,
        read=0,
        backoff_factor=settings.IMPORT_BACKOFF,
        backoff_jitter=settings.IMPORT_BACKOFF,
        status_forcelist=(429, 500, 502, 503, 504),
        respect_retry_after_header=True,
        raise_on_status=False,
        redirect=False,
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def fetch(
    session: requests.Session,
    url: str,
    headers: Mapping[str, str],
    let_out: Callable[[str], AbstractContextManager[None]],
) -> Answer:
    """What a URL gives, by a few redirects. let_out: inside it one request goes out; it raises for a URL that may not.

    Raises `NotFound`, `RecordRefused`, and what requests raises.
    """
    for _ in range(REDIRECTS):
        with (
            let_out(url),
            session.get(url, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer,
        ):
            if answer.is_redirect:
                url = urljoin(url, answer.headers["Location"])
                continue
            if answer.status_code == 304:
                return Answer(url, None, answer.headers)
            if answer.status_code in (404, 410):
                raise NotFound(f"{url} is not there ({answer.status_code}).")
            if answer.status_code != 200:
                raise Unwilling(f"{url} answered {answer.status_code} {answer.reason}.", answer.status_code)
            return Answer(url, _whole(answer), answer.headers)
    raise RecordRefused(f"{url} was reached after {REDIRECTS} redirects and redirects again.")


@contextmanager
def leading_nowhere_private(url: str, session: requests.Session) -> Iterator[None]:
    """Inside, a request to a URL reaches public hosts only. Raises `RecordRefused` for one that names another.

    A proxy is the operator's own, often a private host, and looks names up by itself: there the name alone is checked.
    """
    try:
        public_hosts.check(urlsplit(url).hostname or "")
        with public_hosts.only_public(not session.proxies):
            yield
    except (public_hosts.PrivateHost, ValueError) as problem:
        raise RecordRefused(f"{url} leads to a private address, so it was not asked.") from problem


class Registry:
    """One registry's web API. base: its URL. hosts: further hosts that its photos lie on, always by HTTPS."""

    def __init__(self, base: str, hosts: frozenset[str] = frozenset()) -> None:
        self.base = base.rstrip("/") + "/"
        self._hosts = hosts
        self._next = 0.0
        self._failures = 0
        self._has_answered = False
        self._session = new_session(self.base, ATTEMPTS)

    def json(
        self, path: str, params: dict[str, Any] | None = None, validators: Validators | None = None
    ) -> tuple[Any, Validators]:
        """A JSON answer and its validators; None for "as it was". Raises `NotFound`, `RecordRefused`, or
        `SourceUnavailable` after many failures in a row.
        """
        url = requests.Request("GET", urljoin(self.base, path), params=params).prepare().url or ""
        for attempt in range(ATTEMPTS):
            content, fresh = self.get(url, validators or {})
            if content is None:
                return None, fresh
            try:
                return json.loads(content), fresh
            except ValueError:
                # Half an answer or an error page with status 200: worth another try.
                time.sleep(settings.IMPORT_BACKOFF * 2**attempt)
        self._failed(f"{url} answered something that is no JSON.")
        raise RecordRefused(f"{url} answered something that is no JSON, {ATTEMPTS} times.")

    def get(self, url: str, validators: Validators) -> tuple[bytes | None, Validators]:
        """The bytes at a URL, relative to the base or whole, and their validators; None for "as they were"."""
        url = urljoin(self.base, url)
        headers = {}
        if "etag" in validators:
            headers["If-None-Match"] = validators["etag"]
        if "last_modified" in validators:
            headers["If-Modified-Since"] = validators["last_modified"]
        problem: Exception | None = None
        for attempt in range(ATTEMPTS):
            try:
                return self._once(url, headers)
            except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
                problem = error
                if _nobody_there(error) and self._is_own(url) and (attempt == ATTEMPTS - 1 or not self._has_answered):
                    raise SourceUnavailable(
                        f"Nobody answers at {urlsplit(url).netloc}: the connection was refused. Check the address and "
                        "the network; go on later."
                    ) from error
                time.sleep(settings.IMPORT_BACKOFF * 2**attempt)
            except requests.RequestException as error:
                problem = error
                break
        self._failed(f"{urlsplit(url).netloc} does not answer: {type(problem).__name__}.")
        raise RecordRefused(f"{url} gave no whole answer in {ATTEMPTS} attempts ({type(problem).__name__}).")

    def _once(self, url: str, headers: dict[str, str]) -> tuple[bytes | None, Validators]:
        try:
            answer = fetch(self._session, url, headers, self._let_out)
        except NotFound:
            self._has_answered, self._failures = True, 0
            raise
        except Unwilling as refusal:
            self._has_answered = True
            self._failed(str(refusal))
            raise
        self._has_answered, self._failures = True, 0
        known = {"etag": answer.headers.get("ETag"), "last_modified": answer.headers.get("Last-Modified")}
        validators = {name: value for name, value in known.items() if value}
        return answer.content, {} if answer.content is None else validators

    @contextmanager
    def _let_out(self, url: str) -> Iterator[None]:
        """Let a request out only to the registry's own hosts. The operator names the base, wherever that is."""
        foreign = not self._is_own(url)
        if foreign:
            wanted = urlsplit(url)
            if wanted.scheme != "https" or wanted.port not in (None, 443) or wanted.hostname not in self._hosts:
                raise RecordRefused(f"{url} is not on the source's own hosts, so it was not asked.")
        self._wait()
        with leading_nowhere_private(url, self._session) if foreign else nullcontext():
            yield

    def _is_own(self, url: str) -> bool:
        wanted, base = urlsplit(url), urlsplit(self.base)
        return (wanted.scheme, wanted.netloc) == (base.scheme, base.netloc)

    def _wait(self) -> None:
        """Keep to the rate: a new request no sooner than its turn."""
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / settings.IMPORT_RATE

    def _failed(self, why: str) -> None:
        self._failures += 1
        if self._failures >= PATIENCE:
            raise SourceUnavailable(f"{why} {PATIENCE} requests in a row have failed; go on later.")

    def close(self) -> None:
        self._session.close()


def _nobody_there(error: Exception) -> bool:
    """Whether a connection could not even be made: refused, no route, or a name that is not known."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _whole(answer: requests.Response) -> bytes:
    deadline = time.monotonic() + WHOLE_ANSWER
    content = bytearray()
    # Whatever has come so far, not a whole piece: a slow drip must not keep the clock from being looked at.
    while piece := answer.raw.read1(65536, decode_content=True):
        content += piece
        if len(content) > MAX_BYTES:
            raise RecordRefused(f"{answer.url} is larger than {MAX_BYTES // 2**20} MB.")
        if time.monotonic() > deadline:
            raise RecordRefused(f"{answer.url} drips: it was not whole after {WHOLE_ANSWER} s.")
    if not content:
        raise RecordRefused(f"{answer.url} is empty.")
    return bytes(content)
