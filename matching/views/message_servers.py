"""By which servers mail and text messages leave: set once, by whoever sees to the installation."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cases import audit
from cases.sealed import SealBroken
from matching.models import MessageServer
from matching.telling import messages as words
from matching.telling import outward, servers
from matching.telling.ways import Message
from matching.telling_forms import MailServerForm, SmsServiceForm

FORMS: dict[str, type[Any]] = {"mail": MailServerForm, "sms": SmsServiceForm}


def message_servers(request: HttpRequest) -> HttpResponse:
    return _page(request)


def message_server(request: HttpRequest, kind: str) -> HttpResponse:
    """Set a server, try it, or take it away."""
    if kind not in FORMS:
        raise Http404
    if request.method != "POST":
        return redirect("message-servers")
    server = servers.of(kind)
    if "remove" in request.POST:
        if server:
            audit.record(request, "removed", server)
            server.delete()
        messages.success(request, "It is removed. What waits to be told by it is given up after a few tries.")
        return redirect("message-servers")
    if "try" in request.POST:
        return _try(request, kind, request.POST.get("to", "").strip())
    form = FORMS[kind](request.POST, kept=_filled_in(server), auto_id=f"{kind}_%s")
    if not form.is_valid():
        return _page(request, {kind: form}, 422)
    kept = servers.keep(kind, form.cleaned_data, audit.signed_in(request))
    audit.record(request, "set message server", kept, ", ".join(form.changed_data))
    messages.success(request, "It is kept. Send a message to yourself by it.")
    return redirect("message-servers")


def _try(request: HttpRequest, kind: str, to: str) -> HttpResponse:
    try:
        address = servers.check_mail(to) if kind == "mail" else servers.check_number(to)
        with outward.guard():
            link = words.link("/subscriptions/")
            servers.send(kind, address, Message("Sightline: a test", "Messages of Sightline reach you here.", link))
    except (outward.AddressRefused, outward.NotTaken) as problem:
        messages.error(request, f"{to or 'No address'}: {problem}")
    else:
        messages.success(request, f"{to}: the server took the test message. Did it arrive?")
    if server := servers.of(kind):
        audit.record(request, "tested", server, servers.masked(to))
    return redirect("message-servers")


def _page(request: HttpRequest, bound: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    rows = []
    for kind, label in MessageServer.Kind.choices:
        server = servers.of(kind)
        form = (bound or {}).get(kind) or FORMS[kind](kept=_filled_in(server), auto_id=f"{kind}_%s")
        rows.append(
            {"kind": kind, "label": label, "server": server, "form": form, "is_open": not server or form.errors}
        )
    return render(request, "system/servers.html", {"rows": rows}, status=status)


def _filled_in(server: MessageServer | None) -> dict[str, Any]:
    """What is kept of a server; nothing where it cannot be read any more."""
    try:
        return server.filled_in() if server else {}
    except SealBroken:
        return {}
