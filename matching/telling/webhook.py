"""A message to a program of the agency's own, signed so that the program can tell that it is ours."""

import base64
import json
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

import requests
from standardwebhooks import Webhook

from cases.sealed import seal, unseal
from matching.models import Subscription
from matching.telling import services
from matching.telling.ways import SECONDS, Message, NotTaken


def is_webhook(address: str) -> bool:
    """Whether it is a program of the agency's own, which checks by a signature that the message is ours."""
    return address.split(":", 1)[0].lower() in ("json", "jsons")


def signing_key(subscription: Subscription, *, anew: bool = False) -> str:
    """The key by which a webhook's receiver checks our signature; made where there is none. anew: another one."""
    if anew or not subscription.signing_key:
        key = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        subscription.signing_key = seal(key)
        Subscription.objects.filter(pk=subscription.pk).update(signing_key=subscription.signing_key)
        return key
    return unseal(subscription.signing_key)


def send(subscription: Subscription, address: str, message: Message) -> None:
    """A signed JSON document, as standardwebhooks.com has it. Raises `NotTaken`."""
    service = services.service(address)
    attached = [
        {"filename": path.name, "base64": base64.b64encode(path.read_bytes()).decode(), "mimetype": "image/jpeg"}
        for path in message.pictures
    ]
    said: dict[str, Any] = {
        "version": "1.0", "title": message.title, "message": message.text, "attachments": attached, "type": "info",
    }  # fmt: skip
    for name, value in service.payload_extras.items():
        # As the address says: a field is left out, goes by another name, or is added.
        if name in said:
            kept = said.pop(name)
            said |= {value: kept} if value else {}
        else:
            said[name] = value
    number = message.number or f"msg_{uuid.uuid4().hex}"
    document, now = json.dumps(said), datetime.now(UTC)
    port = f":{service.port}" if isinstance(service.port, int) else ""
    url = f"{'https' if service.secure else 'http'}://{service.host}{port}{service.fullpath}"
    try:
        answer = requests.request(
            service.method,
            url,
            data=document,
            params=service.params,
            headers={
                "User-Agent": "Sightline",
                "Content-Type": "application/json",
                **service.headers,
                "webhook-id": number,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(signing_key(subscription)).sign(number, now, document),
            },
            auth=(service.user, service.password or "") if service.user else None,
            verify=service.verify_certificate,
            timeout=SECONDS,
        )
    except (OSError, ValueError) as problem:
        raise NotTaken(f"The service was not reached ({type(problem).__name__}).") from problem
    if not answer.ok:
        raise NotTaken(f"The service did not take the message: it answered {answer.status_code}.")
