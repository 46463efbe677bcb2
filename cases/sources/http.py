"""Polite HTTP to one registry: slow enough, patient, honest about who asks, and never to anybody else's host."""

import ipaddress
import json
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from cases.sources.base import Gone, Item, RecordRefused, Refused, SourceUnavailable, Validators

TIMEOUT = (10, 20)  # seconds to connect, and between two pieces of an answer
WHOLE_ANSWER = 60  # seconds
MAX_BYTES = 25 * 1024 * 1024
REDIRECTS = 4
ATTEMPTS = 4
# Records in a row that fail before the source itself is taken to be away.
PATIENCE = 8


class NotFound(RecordRefused):
    """The registry has nothing at this address."""


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


class Registry:
    """One registry's web API. base: its URL. hosts: further hosts that its photos lie on, always by HTTPS."""

    def __init__(self, base: str, hosts: frozenset[str] = frozenset()) -> None:
        self.base = base.rstrip("/") + "/"
        self._hosts = hosts
        self._next = 0.0
        self._failures = 0
        self._has_answered = False
        self._session = requests.Session()
        self._session.headers["User-Agent"] = settings.IMPORT_USER_AGENT
        # Looked up once: at each request it would cost as much as the request itself.
        self._session.trust_env = False
        self._session.proxies.update(requests.utils.get_environ_proxies(self.base))
        retry = Retry(
            total=ATTEMPTS - 1,
            # An answer that does not come, or not whole, is tried again in `get`, whichever way it fails.
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
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

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
        for _ in range(REDIRECTS):
            self._check(url)
            self._wait()
            with self._session.get(url, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
                self._has_answered = True
                if answer.is_redirect:
                    url = urljoin(url, answer.headers["Location"])
                    continue
                if answer.status_code == 304:
                    self._failures = 0
                    return None, {}
                if answer.status_code in (404, 410):
                    self._failures = 0
                    raise NotFound(f"{url} is not there ({answer.status_code}).")
                if answer.status_code != 200:
                    self._failed(f"{urlsplit(url).netloc} answers {answer.status_code}.")
                    raise RecordRefused(f"{url} answered {answer.status_code} {answer.reason}.")
                content = _whole(answer)
                self._failures = 0
                known = {"etag": answer.headers.get("ETag"), "last_modified": answer.headers.get("Last-Modified")}
                return content, {name: value for name, value in known.items() if value}
        raise RecordRefused(f"{url} was reached after {REDIRECTS} redirects and redirects again.")

    def _check(self, url: str) -> None:
        """Let a request out only to the registry's own hosts. The operator names the base, wherever that is."""
        if self._is_own(url):
            return
        wanted = urlsplit(url)
        if wanted.scheme != "https" or wanted.port not in (None, 443) or wanted.hostname not in self._hosts:
            raise RecordRefused(f"{url} is not on the source's own hosts, so it was not asked.")
        for found in socket.getaddrinfo(wanted.hostname, 443, proto=socket.IPPROTO_TCP):
            if not ipaddress.ip_address(found[4][0]).is_global:
                raise RecordRefused(f"{url} leads to a private address, so it was not asked.")

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
