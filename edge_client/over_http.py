"""To the server over HTTP: faces, reports, the seconds around an alert, pairing, other tokens."""

import json
import logging
import re
from collections.abc import Sequence
from typing import Any

import requests

from edge_client.queue import Waiting

logger = logging.getLogger(__name__)

TIMEOUT = (5, 20)
# Answers that no second try changes: the entry itself is wrong.
REFUSED = frozenset({400, 413, 415, 422})


class Unreachable(Exception):
    """The server does not take anything now; the text says why. What was to be sent is kept."""


class PairingFailed(Exception):
    """The text says why and what to do."""


class Http:
    """ca: a file or folder of certificates to be trusted beside the usual ones; without it a bad one is refused."""

    takes_batches = True

    def __init__(self, server: str, token: str, ca: str | None = None) -> None:
        self.server = server.rstrip("/")
        self._session = requests.Session()
        # With each request: of the session's the library thinks less than of REQUESTS_CA_BUNDLE.
        self._verify = ca or True
        self.use(token)

    def use(self, token: str) -> None:
        self._session.headers["Authorization"] = f"Bearer {token}"

    def send(self, entries: Sequence[Waiting]) -> dict[str, str | None]:
        """By id None where it was taken, else why it was refused. Raises `Unreachable`."""
        if len(entries) > 1 and self.takes_batches:
            return self._send_batch(entries)
        # One at a time each is settled before the next: what comes later must not undo what was taken.
        return {entries[0].details["id"]: self._send_one(entries[0])}

    def report(self, report: dict[str, Any]) -> dict[str, Any]:
        """What the server asks in turn: `settings`, `clips`, and whether to `rotate`. Raises `Unreachable`."""
        answer = self._post("heartbeats/", json=report)
        if answer.status_code == 404:
            raise Unreachable("the server is older than this client and takes no reports")
        if answer.status_code not in (200, 204):
            raise Unreachable(f"the report was answered with {answer.status_code}: {answer.text[:200]}")
        try:
            return dict(answer.json()) if answer.status_code == 200 else {}
        except ValueError as error:
            raise Unreachable("what answers there is no Sightline") from error

    def clip(self, said: dict[str, Any]) -> None:
        """The frames around one face. Raises `Unreachable`."""
        answer = self._post("clips/", json=said)
        # What is no longer asked for, or was sent twice, is done with.
        if answer.status_code not in (202, 404, *REFUSED):
            raise Unreachable(f"the server answered {answer.status_code}")

    def another_token(self) -> str:
        """A new token; the old one is good until it is used. Raises `Unreachable`."""
        answer = self._post("rotate/")
        if answer.status_code != 201:
            raise Unreachable(f"another token was answered with {answer.status_code}")
        try:
            return str(answer.json()["token"])
        except (ValueError, KeyError) as error:
            raise Unreachable("what answers there is no Sightline") from error

    def _send_one(self, entry: Waiting) -> str | None:
        answer = self._post("captures/", data=entry.details, files={"image": ("face.jpg", entry.jpeg, "image/jpeg")})
        if answer.status_code == 202:
            return None
        if answer.status_code in REFUSED:
            return answer.text
        raise Unreachable(f"the server answered {answer.status_code}")

    def _send_batch(self, entries: Sequence[Waiting]) -> dict[str, str | None]:
        answer = self._post(
            "captures/batch/",
            data={"captures": json.dumps([entry.details for entry in entries])},
            files=[(entry.details["id"], ("face.jpg", entry.jpeg, "image/jpeg")) for entry in entries],
        )
        if answer.status_code in (404, 405):
            # An older server.
            self.takes_batches = False
        if answer.status_code in REFUSED or not self.takes_batches:
            # One entry may spoil all; alone each is told what is wrong with it.
            return self.send(entries[:1])
        if answer.status_code != 202:
            raise Unreachable(f"the server answered {answer.status_code}")
        try:
            results = {str(one["id"]): (one["accepted"], one.get("detail")) for one in answer.json()["results"]}
        except (ValueError, KeyError, TypeError) as error:
            raise Unreachable("what answers there is no Sightline") from error
        return {
            number: None if accepted else str(detail or "refused") for number, (accepted, detail) in results.items()
        }

    def _post(self, path: str, **content: Any) -> requests.Response:
        try:
            answer = self._session.post(f"{self.server}/api/v1/{path}", timeout=TIMEOUT, verify=self._verify, **content)
        except requests.exceptions.SSLError as error:
            raise Unreachable(
                f"the server's certificate is not trusted ({_last(error)}); name its CA by --ca"
            ) from error
        except requests.RequestException as error:
            raise Unreachable(f"the server is away ({type(error).__name__})") from error
        if answer.status_code in (401, 403):
            raise Unreachable(f"the server does not accept the token: {answer.text[:300]}")
        return answer


def pair(server: str, code: str, ca: str | None = None) -> tuple[str, str]:
    """Spend a pairing code. Returns the camera's name and its token. Raises `PairingFailed`."""
    try:
        answer = requests.post(
            f"{server.rstrip('/')}/api/v1/pair/", json={"code": code}, timeout=TIMEOUT, verify=ca or True
        )
        if answer.status_code == 201:
            said = answer.json()
            return str(said["camera"]), str(said["token"])
    except requests.exceptions.SSLError as error:
        raise PairingFailed(
            f"The certificate of {server} is not trusted ({_last(error)}). Name its CA by --ca."
        ) from error
    except (requests.RequestException, ValueError, KeyError) as error:
        raise PairingFailed(f"{server} does not answer as Sightline does ({type(error).__name__}).") from error
    if answer.status_code == 429:
        raise PairingFailed("Too many codes were tried. Wait a minute.")
    if answer.status_code == 404:
        raise PairingFailed(f"{server} is no Sightline, or an older one that knows no pairing.")
    raise PairingFailed(f"The code was refused: {answer.text[:300]}")


def _last(error: BaseException) -> str:
    """The sentence of OpenSSL in an error that wraps it several times."""
    found = re.search(r"certificate verify failed: ([^(]+)", str(error))
    return found.group(1).strip() if found else type(error).__name__
