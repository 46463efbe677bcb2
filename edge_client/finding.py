"""`sightline-edge find`: cameras in this network that speak ONVIF, and the streams of one of them.

Who is there is asked of everybody by one datagram (WS-Discovery); what streams a camera has, of itself.
"""

import argparse
import asyncio
import json
import logging
import re
import socket
import struct
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from edge_client import streams

# Where devices listen, and how long they are waited for.
GROUP, PORT, SECONDS = "239.255.255.250", 3702, 3.0
PROBE = """<?xml version="1.0" encoding="utf-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:n="http://www.onvif.org/ver10/network/wsdl"><e:Header>
<w:MessageID>uuid:{number}</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>n:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""
LARGEST, MOST = 65_535, 200
NOBODY = "No camera answered. Does it speak ONVIF, is that switched on, and is it in this network?"
# A camera that answers slowly is given so long for all that it is asked.
PATIENCE = 20.0


class NotFound(Exception):
    """The text says what is wrong, with which camera, and names no password."""


@dataclass(frozen=True)
class Device:
    """address: of its ONVIF service."""

    name: str
    model: str
    address: str


@dataclass(frozen=True)
class Stream:
    """address: of the stream, without name and password. width, height: pixels; 0 where it does not say."""

    name: str
    address: str
    codec: str
    width: int
    height: int
    fps: float


def devices(seconds: float = SECONDS, group: str = GROUP, port: int = PORT) -> list[Device]:
    """Cameras that answer within so many seconds, by name. Raises `NotFound` where nobody can be asked."""
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with asking:
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 2)
        if not _ask(asking, group, port):
            raise NotFound("This machine is in no network in which cameras could be asked for.")
        found: dict[str, Device] = {}
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and len(found) < MOST:
            asking.settimeout(left)
            with suppress(TimeoutError):
                answer, (host, _) = asking.recvfrom(LARGEST)
                for device in _answered(answer, host):
                    found.setdefault(device.address, device)
    return sorted(found.values(), key=lambda one: (one.name, one.address))


def _ask(asking: socket.socket, group: str, port: int) -> bool:
    """Ask in each network that this machine is in; whether any took it."""
    content = PROBE.format(number=uuid.uuid4()).encode()
    with suppress(OSError):
        asking.sendto(content, (group, port))
    asked = False
    for index, _ in socket.if_nameindex():
        with suppress(OSError):
            asking.setsockopt(
                socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                struct.pack("=4s4si", socket.inet_aton(group), bytes(4), index),
            )  # fmt: skip
            asking.sendto(content, (group, port))
            asked = True
    return asked


def _answered(answer: bytes, host: str) -> Iterator[Device]:
    """What one datagram says; one that is no answer says nothing."""
    text = answer.decode(errors="replace")
    scopes = " ".join(re.findall(r"<(?:\w+:)?Scopes[^>]*>([^<]*)<", text))
    about = {kind: unquote(value) for kind, value in re.findall(r"onvif://www\.onvif\.org/(\w+)/(\S+)", scopes)}
    addresses = " ".join(re.findall(r"<(?:\w+:)?XAddrs[^>]*>([^<]*)<", text)).split()
    own = [one for one in addresses if _host(one)]
    if own:
        # A device names all its addresses; the one from which it answered can be reached.
        address = next((one for one in own if _host(one) == host), own[0])
        yield Device(about.get("name", "")[:100] or _host(address), about.get("hardware", "")[:100], address[:300])


def _host(address: str) -> str:
    try:
        parts = urlsplit(address)
        # A port that is none is said only when it is asked for.
        is_known = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        return ""
    return (parts.hostname or "") if is_known else ""


def streams_of(address: str) -> list[Stream]:
    """The streams of a camera, the largest first. address: `http://name:password@host`, with its port where that is not
    80. Raises `NotFound`."""
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise NotFound(f"The address is not understood ({error}).") from None
    if parts.scheme not in ("http", "https") or not host:
        raise NotFound("A camera's ONVIF address begins with http:// or https:// and names it: http://10.0.0.7.")
    try:
        socket.create_connection((host, port), 5).close()
    except OSError as error:
        raise NotFound(f"{streams.unreached(error, host, port)}.") from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    try:
        return asyncio.run(asyncio.wait_for(_asked(parts.scheme, host, port, user, password), PATIENCE))
    except TimeoutError:
        raise NotFound(f"{host} did not say its streams within {PATIENCE:.0f} seconds.") from None


async def _asked(scheme: str, host: str, port: int, user: str, password: str) -> list[Stream]:
    import onvif
    import zeep.exceptions

    # Its own lines would name what a camera answers, word by word.
    logging.getLogger("zeep").setLevel(logging.ERROR)
    # Clocks of cameras are often wrong, and what they are told is signed with the time.
    where = f"https://{host}" if scheme == "https" else host
    camera = onvif.ONVIFCamera(where, port, user, password, no_cache=True, adjust_time=True)
    try:
        await camera.update_xaddrs()
        media = await camera.create_media_service()
        found = [await _stream(media, profile) for profile in await media.GetProfiles() or []]
    except (onvif.ONVIFError, zeep.exceptions.Error) as problem:
        raise NotFound(_why(problem, host, port, user)) from problem
    except Exception as problem:  # what comes of answers that are no ONVIF, in any of three libraries' ways
        raise NotFound(
            f"What answers at {host} port {port} is no ONVIF camera ({type(problem).__name__})."
        ) from problem
    finally:
        await camera.close()
    if not found:
        raise NotFound(f"{host} has no stream.")
    return sorted((one for one in found if one.address), key=lambda one: -one.width * one.height)


async def _stream(media: Any, profile: Any) -> Stream:
    setup = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
    said = await media.GetStreamUri({"StreamSetup": setup, "ProfileToken": profile.token})
    video = profile.VideoEncoderConfiguration
    size = getattr(video, "Resolution", None)
    return Stream(
        name=str(profile.Name or profile.token)[:100],
        address=_without_sign_in(str(said.Uri or "")),
        codec=str(getattr(video, "Encoding", None) or ""),
        width=int(getattr(size, "Width", None) or 0),
        height=int(getattr(size, "Height", None) or 0),
        fps=float(getattr(getattr(video, "RateControl", None), "FrameRateLimit", None) or 0),
    )


def _without_sign_in(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _why(problem: Exception, host: str, port: int, user: str) -> str:
    text = f"{problem} {getattr(problem, 'subcodes', '')}".lower()
    if any(word in text for word in ("notauthorized", "not authorized", "unauthorized", "401", "authority")):
        return (
            f"{host} refuses this name and password. ONVIF may have users of its own: see the camera's own pages."
            if user
            else f"{host} asks for a name and password."
        )
    return f"What answers at {host} port {port} does not say its streams: {str(problem)[:200]}"


def run(options: argparse.Namespace) -> int:
    """Print who is there, or the streams of the camera that `--source` names. Raises `NotFound`."""
    found: list[Device] | list[Stream]
    try:
        found = streams_of(options.source[0]) if options.source else devices()
    except ImportError:
        raise NotFound('Finding cameras needs another package: pip install "sightline-edge[onvif]".') from None
    said = json.dumps([asdict(one) for one in found]) if options.json else "\n".join(map(_line, found)) or NOBODY
    sys.stdout.write(f"{said}\n")
    return 0


def _line(one: Device | Stream) -> str:
    if isinstance(one, Device):
        return ", ".join(filter(None, [f"{one.address}  {one.name}", one.model]))
    return f"{one.address}  {one.name}, {one.codec} {one.width}x{one.height}, {one.fps:.0f} frames a second"
