"""A camera that speaks ONVIF: answers who asks everybody, and says its streams to who knows its password."""

import base64
import hashlib
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.listener import serving

ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
 xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"
 xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>{}</s:Body></s:Envelope>"""
REFUSED = """<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode>
</s:Code><s:Reason><s:Text xml:lang="en">Sender not authorized</s:Text></s:Reason></s:Fault>"""
TIME = """<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>
<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>3</tt:Hour><tt:Minute>4</tt:Minute>
<tt:Second>5</tt:Second></tt:Time><tt:Date><tt:Year>2001</tt:Year><tt:Month>2</tt:Month><tt:Day>3</tt:Day></tt:Date>
</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"""
SERVICES = """<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl</tds:Namespace>
<tds:XAddr>{}/onvif/media</tds:XAddr><tds:Version><tt:Major>2</tt:Major><tt:Minor>6</tt:Minor></tds:Version></tds:Service>
</tds:GetServicesResponse>"""
PROFILE = """<trt:Profiles token="{token}" fixed="true"><tt:Name>{token} stream</tt:Name>
<tt:VideoEncoderConfiguration token="v"><tt:Name>v</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>
<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>
<tt:RateControl><tt:FrameRateLimit>15</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval>
<tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl><tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type></tt:Address>
<tt:Port>0</tt:Port><tt:TTL>0</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>
<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>"""
URI = """<trt:GetStreamUriResponse>
<trt:MediaUri><tt:Uri>{}</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>
<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>
</trt:GetStreamUriResponse>"""
MATCH = """<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><d:ProbeMatches
 xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><d:ProbeMatch><d:Types>dn:NetworkVideoTransmitter</d:Types>
<d:Scopes>onvif://www.onvif.org/Profile/Streaming onvif://www.onvif.org/name/{name}
 onvif://www.onvif.org/hardware/{model}</d:Scopes><d:XAddrs>http://10.9.8.7/onvif/device_service
 {address}</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"""


@dataclass
class OnvifCamera:
    """streams: by profile the address, width and height."""

    url: str = ""
    user: str = "viewer"
    password: str = "pass/word"
    streams: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    nonsense: str = ""

    def answer(self, body: str) -> tuple[int, str]:
        match = re.search(r"Body>\s*<(?:\w+:)?(\w+)", body)
        operation = match[1] if match else ""
        self.asked.append(operation)
        if self.nonsense:
            return 200, self.nonsense
        if operation == "GetSystemDateAndTime":
            return 200, ENVELOPE.format(TIME)
        if not self._knows(body):
            return 400, ENVELOPE.format(REFUSED)
        if operation == "GetServices":
            return 200, ENVELOPE.format(SERVICES.format(self.url))
        if operation == "GetProfiles":
            profiles = (PROFILE.format(token=one, width=w, height=h) for one, (_, w, h) in self.streams.items())
            return 200, ENVELOPE.format(f"<trt:GetProfilesResponse>{''.join(profiles)}</trt:GetProfilesResponse>")
        token = re.search(r"ProfileToken>([^<]+)<", body)
        return 200, ENVELOPE.format(URI.format(self.streams[token[1]][0] if token else ""))

    def _knows(self, body: str) -> bool:
        """By the digest of the password, the time that the camera itself believes in with it."""
        said = dict(re.findall(r"<(?:\w+:)?(Username|Password|Nonce|Created)(?:\s[^>]*)?>([^<]*)<", body))
        if said.get("Username") != self.user or not said.get("Created", "").startswith("2001-02-03"):
            return False
        signed = base64.b64decode(said["Nonce"]) + said["Created"].encode() + self.password.encode()
        return base64.b64encode(hashlib.sha1(signed).digest()).decode() == said["Password"]


@contextmanager
def onvif_camera(**streams: tuple[str, int, int]) -> Iterator[OnvifCamera]:
    camera = OnvifCamera(streams=dict(streams))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, text = camera.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(status)
            self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    camera.url = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield camera


@contextmanager
def answering(group: str, port: int, *answers: bytes) -> Iterator[None]:
    """Answers everybody who asks a group of this machine."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("", port))
    for index, _ in socket.if_nameindex():
        try:
            wanted = struct.pack("=4s4si", socket.inet_aton(group), bytes(4), index)
            listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, wanted)
        except OSError:
            continue
    over = threading.Event()

    def run() -> None:
        listening.settimeout(0.1)
        while not over.is_set():
            try:
                asked, who = listening.recvfrom(65_535)
            except TimeoutError:
                continue
            if b"NetworkVideoTransmitter" in asked:
                for answer in answers:
                    listening.sendto(answer, who)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join(5)
    listening.close()
