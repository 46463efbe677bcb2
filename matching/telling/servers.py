"""Mail and text messages by the servers that an administrator has set: people type only their own address or number."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import getaddresses
from smtplib import SMTPException
from typing import Any
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.validators import validate_email
from django.utils import timezone

from cases.sealed import SealBroken
from matching.models import MessageServer, Subscription
from matching.telling import services
from matching.telling.ways import SECONDS, AddressRefused, Message, NotTaken

Kind = MessageServer.Kind
SECURITY = [("starttls", "STARTTLS (port 587)"), ("tls", "TLS from the start (port 465)"), ("none", "None (port 25)")]
# Services of text messages by their Apprise addresses. What each calls its account, its secret and its sender.
SMS = {
    "twilio": ("Twilio", "twilio://{account}:{secret}@{sender}/{to}", ("Account SID", "Auth token", "From number")),
    "vonage": ("Vonage", "vonage://{account}:{secret}@{sender}/{to}", ("API key", "API secret", "From")),
    "sinch": ("Sinch", "sinch://{account}:{secret}@{sender}/{to}", ("Service plan ID", "API token", "From number")),
    "sns": ("Amazon SNS", "sns://{account}/{secret}/{sender}/{to}", ("Access key ID", "Secret key", "Region")),
    "other": ("Another service", "", ()),
}


def is_mail(address: str) -> bool:
    return "@" in address and "://" not in address


def is_number(address: str) -> bool:
    return bool(re.fullmatch(r"[+0][\d\s().\-/]+", address.strip()))


def of(kind: str) -> MessageServer | None:
    return MessageServer.objects.filter(kind=kind).first()


def check_mail(address: str) -> str:
    """As it is kept. Raises `AddressRefused`."""
    found = getaddresses([address.strip()])
    if len(found) > 1:
        raise AddressRefused("One address, please: add a second one by itself.")
    address = found[0][1]
    try:
        validate_email(address)
    except ValidationError as refusal:
        raise AddressRefused("This is no mail address: name@agency.example.") from refusal
    _wanted(Kind.MAIL)
    return address


def check_number(number: str) -> str:
    """As it is kept: + and digits. Raises `AddressRefused`."""
    from apprise.utils.parse import is_phone_no

    found = is_phone_no(number.strip(), min_len=8)
    if not number.strip().startswith("+") or not found:
        raise AddressRefused("Give the number with + and the code of its country: +44 7700 900123.")
    _wanted(Kind.SMS)
    return f"+{found['full']}"


def _wanted(kind: MessageServer.Kind) -> None:
    if of(kind) is None:
        what = "mail server" if kind == Kind.MAIL else "service for text messages"
        raise AddressRefused(f"No {what} is set yet. An administrator sets it once, under System, Message servers.")


def masked(address: str) -> str:
    """As much of an address or a number as its owner needs to know it again."""
    if is_mail(address):
        name, host = address.rsplit("@", 1)
        return f"{name[:1]}…@{host}"
    return f"{address[:3]}…{address[-2:]}"


def keep(kind: str, said: dict[str, Any], user: Any) -> MessageServer:
    """What was filled in is sealed, for everybody's messages from now on."""
    return MessageServer.objects.update_or_create(
        kind=kind,
        defaults={"said": json.dumps(said), "words": KINDS[kind].words(said), "set_by": user, "set_at": timezone.now()},
    )[0]


def send(kind: str, to: str, message: Message) -> None:
    """One message by the installation's own server. Raises `NotTaken`."""
    server = of(kind)
    if server is None:
        raise NotTaken(f"Nobody has set a server for this any more ({MessageServer.Kind(kind).label.lower()}).")
    try:
        said = server.filled_in()
    except SealBroken as broken:
        raise NotTaken(f"The server's password: {broken}") from broken
    KINDS[kind].send(said, to, message)


def by_mail(subscription: Subscription, address: str, message: Message) -> None:
    send(Kind.MAIL, address, message)


def by_sms(subscription: Subscription, address: str, message: Message) -> None:
    send(Kind.SMS, address, message)


def _mail(said: dict[str, Any], to: str, message: Message) -> None:
    connection = get_connection(
        "django.core.mail.backends.smtp.EmailBackend",
        host=said["host"],
        port=said["port"],
        username=said["user"],
        password=said["password"],
        use_tls=said["security"] == "starttls",
        use_ssl=said["security"] == "tls",
        timeout=SECONDS,
    )
    subject = " ".join(message.title.split())
    mail = EmailMessage(subject, message.text, said["sender"], [to], connection=connection)
    for path in message.pictures:
        mail.attach_file(str(path), "image/jpeg")
    try:
        mail.send()
    except (SMTPException, OSError) as problem:
        raise NotTaken(f"The mail server did not take the message. {_reason(problem)}") from problem


def _reason(problem: Exception) -> str:
    """What a mail server says, without the codes and quotes around it."""
    said = getattr(problem, "smtp_error", b"") or str(problem)
    return (said.decode(errors="replace") if isinstance(said, bytes) else said)[:300]


def _sms(said: dict[str, Any], to: str, message: Message) -> None:
    services.send(_sms_address(said, to), message)


def _sms_address(said: dict[str, Any], to: str) -> str:
    """The Apprise address of a number."""
    if said["service"] == "other":
        return str(said["address"]).replace("{to}", quote(to))
    parts = {name: quote(said[name], safe="+") for name in ("account", "secret", "sender")}
    return SMS[said["service"]][1].format(**parts, to=quote(to, safe="+"))


def check_sms(said: dict[str, Any]) -> None:
    """Whether it can be an address of a service at all. Raises `AddressRefused`."""
    services.check(_sms_address(said, "+15550100123"))


@dataclass(frozen=True)
class _Kind:
    words: Callable[[dict[str, Any]], str]
    send: Callable[[dict[str, Any], str, Message], None]


KINDS = {
    str(Kind.MAIL): _Kind(lambda said: f"{said['host']}:{said['port']}, from {said['sender']}", _mail),
    str(Kind.SMS): _Kind(
        lambda said: f"{SMS[said['service']][0]}" + (f", from {said['sender']}" if said["sender"] else ""), _sms
    ),
}
