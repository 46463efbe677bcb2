"""Who is told of what: each person's own subscriptions, tried with a test message."""

import base64
import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from matching.forms import PushForm, SubscriptionForm
from matching.models import Subscription
from matching.telling import messages as words
from matching.telling import notifying, outward, webhook


def _own(request: HttpRequest) -> Any:
    return Subscription.objects.filter(user=audit.signed_in(request))


def subscription_list(request: HttpRequest) -> HttpResponse:
    context = {
        "subscriptions": _own(request).select_related("collection", "case", "camera"),
        "push_key": base64.urlsafe_b64encode(outward.push_key()).decode().rstrip("="),
        "given_up": notifying.given_up(audit.signed_in(request)).filter(subscription__user=audit.signed_in(request))[
            :10
        ],
    }
    return render(request, "subscriptions/list.html", context)


def subscription_new(request: HttpRequest) -> HttpResponse:
    return _form(request, Subscription(user=audit.signed_in(request)))


def subscription_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, get_object_or_404(_own(request), pk=pk))


def _form(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    form = SubscriptionForm(request.POST or None, instance=subscription, user=request.user)
    if request.method == "POST" and form.is_valid():
        is_new = subscription.pk is None
        saved = form.save()
        audit.record(request, "subscribed" if is_new else "changed", saved, ", ".join(form.changed_data))
        if is_new and outward.is_webhook(form.cleaned_data.get("address", "")):
            return _key(request, saved)
        messages.success(request, f"{saved.name} is saved. Send it a test message.")
        return redirect("subscriptions")
    is_signed = subscription.pk and outward.is_signed(subscription)
    context = {"form": form, "subscription": subscription, "is_signed": is_signed}
    return render(request, "subscriptions/form.html", context, status=422 if form.errors else 200)


@require_POST
def subscription_key(request: HttpRequest, pk: int) -> HttpResponse:
    """Another key for a webhook, shown once; the one before is good no more."""
    return _key(request, get_object_or_404(_own(request), pk=pk))


def _key(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    key = webhook.signing_key(subscription, anew=True)
    audit.record(request, "made signing key", subscription)
    return render(request, "subscriptions/key.html", {"subscription": subscription, "key": key})


@require_POST
def subscription_push(request: HttpRequest) -> JsonResponse:
    """A browser that let itself be told: its push service's address and keys, as JSON."""
    try:
        said = json.loads(request.body)
    except (ValueError, RecursionError):
        return JsonResponse({"error": "This is no JSON."}, status=400)
    form = PushForm(said if isinstance(said, dict) else {})
    if not form.is_valid():
        return JsonResponse({"error": " ".join(str(e) for found in form.errors.values() for e in found)}, status=400)
    saved = Subscription.objects.create(
        user=audit.signed_in(request),
        name=form.cleaned_data["name"],
        way=Subscription.Way.BROWSER,
        address=json.dumps({"endpoint": form.cleaned_data["endpoint"], "keys": form.cleaned_data["keys"]}),
    )
    audit.record(request, "subscribed", saved)
    return JsonResponse({"id": saved.pk}, status=201)


@require_POST
def subscription_test(request: HttpRequest, pk: int) -> HttpResponse:
    """A message that says that it is a test, sent while one waits."""
    subscription = get_object_or_404(_own(request), pk=pk)
    try:
        outward.send(subscription, "Sightline: a test", "Alerts reach you here.", words.link("/subscriptions/"))
    except outward.NotTaken as problem:
        messages.error(request, f"{subscription.name}: {problem}")
    else:
        messages.success(request, f"{subscription.name}: the service took the test message. Did it arrive?")
    audit.record(request, "tested", subscription)
    return redirect("subscriptions")


@require_POST
def subscription_remove(request: HttpRequest, pk: int) -> HttpResponse:
    subscription = get_object_or_404(_own(request), pk=pk)
    audit.record(request, "removed", subscription)
    subscription.delete()
    messages.success(request, f"{subscription.name} is removed; nobody is told there any more.")
    return redirect("subscriptions")


@require_POST
def delivery_retry(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = get_object_or_404(notifying.given_up(audit.signed_in(request)), pk=pk)
    notifying.retry(delivery)
    audit.record(request, "retried", delivery)
    messages.success(request, "It is tried again now.")
    return redirect("system" if delivery.subscription.user_id != request.user.pk else "subscriptions")
