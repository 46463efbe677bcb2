"""Who is told of what: each person's own subscriptions, or those of somebody one sees to; confirmed, and tried with a
test message."""

import base64
import json

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from cases import audit
from cases.forms import problems
from cases.visibility import seen_to
from matching.models import MessageServer, Subscription
from matching.telling import confirming, notifying, outward, push, servers, webhook
from matching.telling import messages as words
from matching.telling_forms import PushForm, SubscriptionForm


def _own(request: HttpRequest) -> QuerySet[Subscription]:
    return Subscription.objects.filter(user=audit.signed_in(request))


def _seen_to(request: HttpRequest) -> QuerySet[Subscription]:
    """One's own, and those of the people one sees to."""
    manager = audit.signed_in(request)
    return Subscription.objects.filter(Q(user=manager) | Q(user__in=seen_to(manager).values("pk")))


def _whom(request: HttpRequest, pk: int) -> User:
    """Somebody one sees to, who may no more than oneself."""
    manager = audit.signed_in(request)
    person = get_object_or_404(seen_to(manager), pk=pk)
    _check(manager, person)
    return person


def _one(request: HttpRequest, pk: int) -> Subscription:
    found = get_object_or_404(_seen_to(request).select_related("user"), pk=pk)
    _check(audit.signed_in(request), found.user)
    return found


def _check(manager: User, person: User) -> None:
    if not manager.is_superuser and not person.get_all_permissions() <= manager.get_all_permissions():
        raise PermissionDenied(f"{person} may more than you: only they, or an administrator, change how they are told.")


def subscription_list(request: HttpRequest) -> HttpResponse:
    return _list(request, audit.signed_in(request))


def person_told(request: HttpRequest, pk: int) -> HttpResponse:
    """How somebody whom one sees to is told."""
    return _list(request, _whom(request, pk))


def _list(request: HttpRequest, person: User) -> HttpResponse:
    told = Subscription.objects.filter(user=person)
    given_up = notifying.given_up(audit.signed_in(request)).filter(subscription__user=person)
    context = {
        "person": None if person == request.user else person,
        "subscriptions": told.select_related("collection", "case", "camera", "set_by"),
        "push_key": base64.urlsafe_b64encode(push.key()).decode().rstrip("="),
        "given_up": given_up[:10],
    }
    return render(request, "subscriptions/list.html", context)


def subscription_new(request: HttpRequest) -> HttpResponse:
    return _form(request, Subscription(user=audit.signed_in(request)))


def person_told_new(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, Subscription(user=_whom(request, pk)))


def subscription_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, _one(request, pk))


def _form(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    form = SubscriptionForm(request.POST or None, instance=subscription, user=audit.signed_in(request))
    if request.method == "POST" and form.is_valid():
        is_new = subscription.pk is None
        saved = form.save()
        audit.record(request, "subscribed" if is_new else "changed", saved, ", ".join(form.changed_data))
        if form.cleaned_data.get("address") and "address" in form.changed_data and saved.confirmed_at is None:
            return _ask(request, saved)
        if is_new and outward.is_signed(saved):
            return _key(request, saved)
        messages.success(request, f"{saved.name} is saved. Send it a test message.")
        return redirect(_back(request, saved))
    context = {
        "form": form,
        "subscription": subscription,
        "person": None if subscription.user == request.user else subscription.user,
        "back": _back(request, subscription),
        "is_signed": subscription.pk and outward.is_signed(subscription),
        "servers": [(label, servers.of(kind)) for kind, label in MessageServer.Kind.choices],
    }
    return render(request, "subscriptions/form.html", context, status=422 if form.errors else 200)


def _back(request: HttpRequest, subscription: Subscription) -> str:
    if subscription.user == request.user:
        return reverse("subscriptions")
    return reverse("person-told", args=[subscription.user_id])


def _ask(request: HttpRequest, subscription: Subscription) -> HttpResponse:
    """Have an address confirmed by its owner."""
    if subscription.needs_code:
        try:
            confirming.send_code(subscription, audit.signed_in(request))
        except (confirming.CodeRefused, outward.NotTaken) as problem:
            messages.error(request, f"{subscription.name}: {problem}")
    if subscription.user == request.user:
        return redirect("subscription-confirm", subscription.pk)
    messages.success(
        request, f"{subscription.name} is saved. {subscription.user} confirms it, signed in, under How you are told."
    )
    return redirect(_back(request, subscription))


def subscription_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Type the code that was sent; of a chat room or a webhook that somebody else set, say yes."""
    subscription = get_object_or_404(_own(request), pk=pk)
    problem = ""
    if request.method == "POST":
        try:
            confirming.confirm(subscription, request.POST.get("code", ""))
        except confirming.CodeRefused as refusal:
            problem = str(refusal)
        else:
            audit.record(request, "confirmed address", subscription)
            messages.success(request, f"{subscription.name} is confirmed: alerts reach you there from now on.")
            return redirect("subscriptions")
    context = {"subscription": subscription, "problem": problem}
    return render(request, "subscriptions/confirm.html", context, status=422 if problem else 200)


@require_POST
def subscription_code(request: HttpRequest, pk: int) -> HttpResponse:
    """Another code; the one before is good no more."""
    subscription = _one(request, pk)
    audit.record(request, "sent code", subscription)
    return _ask(request, subscription)


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
        return JsonResponse({"error": problems(form)}, status=400)
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
    subscription = _one(request, pk)
    if subscription.confirmed_at is None:
        messages.error(request, f"{subscription.name}: it is not confirmed yet.")
        return redirect(_back(request, subscription))
    try:
        outward.send(subscription, "Sightline: a test", "Alerts reach you here.", words.link("/subscriptions/"))
    except outward.NotTaken as problem:
        messages.error(request, f"{subscription.name}: {problem}")
    else:
        messages.success(request, f"{subscription.name}: the service took the test message. Did it arrive?")
    audit.record(request, "tested", subscription)
    return redirect(_back(request, subscription))


@require_POST
def subscription_remove(request: HttpRequest, pk: int) -> HttpResponse:
    subscription = _one(request, pk)
    audit.record(request, "removed", subscription)
    back = _back(request, subscription)
    subscription.delete()
    messages.success(request, f"{subscription.name} is removed; nobody is told there any more.")
    return redirect(back)


@require_POST
def delivery_retry(request: HttpRequest, pk: int) -> HttpResponse:
    delivery = get_object_or_404(notifying.given_up(audit.signed_in(request)), pk=pk)
    notifying.retry(delivery)
    audit.record(request, "retried", delivery)
    messages.success(request, "It is tried again now.")
    return redirect("system" if delivery.subscription.user_id != request.user.pk else "subscriptions")
