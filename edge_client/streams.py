"""What a stream is called where others read it, and why one gives no picture."""

import hashlib
import re
import secrets
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit, urlunsplit

import requests

SECONDS = 5.0
SECRET = re.compile(r"pass|pwd|secret|token|key|auth|user|login|account", re.IGNORECASE)
# What OpenCV's FFmpeg reads of what cameras send.
READ = frozenset({"H264", "H265", "JPEG", "MP4V-ES", "MPV", "VP8", "VP9", "AV1"})


def shown(source: str) -> str:
    """A source as it may be read by others: without a name, a password or what looks like one."""
    if "://" not in source:
        return source
    try:
        parts = urlsplit(source)
        # Some recorders take the password within the path.
        path = "/…" if SECRET.search(parts.path) and "=" in parts.path else parts.path
        query = "&".join(
            f"{name}=…" if SECRET.search(name) else f"{name}={quote(value)}" for name, value in parse_qsl(parts.query)
        )
    except ValueError:
        return source.split("://")[0] + "://…"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], path, query, ""))


def why(source: str) -> str:
    """Why a stream cannot be opened or gives no picture, asked of its host; empty: it doesn't say."""
    host, port = "", 0
    try:
        parts = urlsplit(source)
        host, port = parts.hostname or "", parts.port or (322 if parts.scheme == "rtsps" else 554)
        if parts.scheme in ("rtsp", "rtsps"):
            return _why_rtsp(parts)
        if parts.scheme in ("http", "https"):
            return _why_http(source, parts)
    except ValueError as error:
        return f"the address is not understood ({error})"
    except OSError as error:
        return unreached(error, host, port)
    return ""


def unreached(error: BaseException, host: str, port: int) -> str:
    """A failed connection, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {host} is not trusted ({error.verify_message}); name its CA by --ca"
    if isinstance(error, ssl.SSLError):
        return f"{host} port {port} speaks no TLS, or another kind of it"
    if isinstance(error, socket.gaierror):
        return f"no machine is called {host}"
    if isinstance(error, ConnectionRefusedError):
        return f"{host} is there, but nothing listens at port {port}"
    if isinstance(error, TimeoutError):
        return f"{host} does not answer within {SECONDS:.0f} s: is it switched on, and in this network?"
    return (
        f"there is no way to {host} ({error.strerror or type(error).__name__ if isinstance(error, OSError) else error})"
    )


def why_no_broker(host: str, port: int, context: ssl.SSLContext | None) -> str:
    """Why an MQTT broker was not reached, asked once more. context: where it speaks TLS."""
    try:
        with socket.create_connection((host, port), SECONDS) as bare:
            if context is not None:
                context.wrap_socket(bare, server_hostname=host).close()
    except ssl.SSLError as error:
        return unreached(error, host, port)
    except OSError as error:
        return f"the broker is away: {unreached(error, host, port)}"
    return "the broker is away"


def _why_rtsp(parts: SplitResult) -> str:
    """Asks for the description of the stream, as a player does: without a password, then with it."""
    address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    status, headers, body = _describe(parts, address, "")
    if status == 401 and parts.username:
        status, headers, body = _describe(parts, address, _authorization(parts, address, headers["www-authenticate"]))
        if status in (401, 403):
            return "the camera refuses this name and password"
    if status == 401:
        return "the camera asks for a name and password: rtsp://name@…, the password in SIGHTLINE_SOURCE_PASSWORD"
    return _answered(status, body)


def _describe(parts: SplitResult, address: str, authorization: str) -> tuple[int, Mapping[str, str], str]:
    """Status, headers and body of the answer."""
    host, port = parts.hostname or "", parts.port or (322 if parts.scheme == "rtsps" else 554)
    with socket.create_connection((host, port), SECONDS) as bare:
        line = bare if parts.scheme == "rtsp" else ssl.create_default_context().wrap_socket(bare, server_hostname=host)
        asked = f"DESCRIBE {address} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\nUser-Agent: Sightline\r\n"
        line.sendall(f"{asked}{authorization}\r\n".encode())
        with line.makefile("rb") as answer:
            first = answer.readline(1000).decode(errors="replace").split()
            if len(first) < 2 or not first[0].startswith("RTSP/") or not first[1].isdigit():
                raise ValueError("what answers there is no camera's stream")
            headers: dict[str, str] = {}
            while (said := answer.readline(4000).decode(errors="replace").strip()) and len(headers) < 50:
                name, _, value = said.partition(":")
                # Of two ways to sign in the digest is kept, which sends no password.
                if name.lower() not in headers or value.strip().startswith("Digest"):
                    headers[name.lower()] = value.strip()
            length = int(headers.get("content-length", "0") or 0)
            return int(first[1]), headers, answer.read(min(length, 20_000)).decode(errors="replace")


def _authorization(parts: SplitResult, address: str, challenge: str) -> str:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not challenge.startswith("Digest"):
        return f"Authorization: Basic {b64encode(f'{user}:{password}'.encode()).decode()}\r\n"
    asked = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    digest = hashlib.sha256 if "SHA-256" in asked.get("algorithm", "") else hashlib.md5

    def hashed(*words: str) -> str:
        return digest(":".join(words).encode()).hexdigest()

    secret, request = hashed(user, asked.get("realm", ""), password), hashed("DESCRIBE", address)
    said = {"username": user, "realm": asked.get("realm", ""), "nonce": asked.get("nonce", ""), "uri": address}
    if "qop" in asked:
        said |= {"cnonce": secrets.token_hex(8)}
        said["response"] = hashed(secret, said["nonce"], "00000001", said["cnonce"], "auth", request)
        extra = ", nc=00000001, qop=auth"
    else:
        said["response"], extra = hashed(secret, said["nonce"], request), ""
    if "algorithm" in asked:
        extra += f", algorithm={asked['algorithm']}"
    return "Authorization: Digest " + ", ".join(f'{name}="{value}"' for name, value in said.items()) + f"{extra}\r\n"


def _answered(status: int, description: str) -> str:
    if status == 403:
        return "the camera lets nobody in at this path, or not from here"
    if status == 404:
        return "the camera has no stream at this path"
    if status in (453, 503):
        return (
            "the camera is busy, or not ready: it answers 503"
            if status == 503
            else "the camera sends to as many as it can"
        )
    if status != 200:
        return f"the camera answers {status}"
    kinds = [kind.upper() for kind in re.findall(r"m=video.*?a=rtpmap:\d+ ([\w.-]+)/", description, re.DOTALL)]
    if "m=video" not in description:
        return "the stream has no picture, only sound or data"
    if unread := [kind for kind in kinds if kind not in READ]:
        return f"the stream is {', '.join(unread)}, which is not read here: set the camera to H.264"
    return ""


def _why_http(source: str, parts: SplitResult) -> str:
    try:
        with requests.get(source, timeout=SECONDS, stream=True) as answer:
            status, kind = answer.status_code, answer.headers.get("Content-Type", "")
    except requests.RequestException as error:
        cause = _cause(error)
        return unreached(cause, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    if status == 401:
        refuses = "refuses this name and password" if parts.username else "asks for a name and password"
        return f"the camera {refuses}"
    if status == 200 and kind.startswith("text/html"):
        return "the address is a page, not a stream"
    return "" if status == 200 else _answered(status, "")


def _cause(error: BaseException) -> BaseException:
    """What lies at the bottom of an error that wraps another."""
    seen = [error]
    while (below := _below(seen[-1])) is not None and below not in seen:
        seen.append(below)
    if isinstance(error, requests.Timeout):
        return TimeoutError()
    return next((one for one in reversed(seen) if isinstance(one, OSError) and one is not error), error)


def _below(error: BaseException) -> BaseException | None:
    inner = next((one for one in error.args if isinstance(one, BaseException)), None)
    return inner or getattr(error, "reason", None) or error.__cause__ or error.__context__
