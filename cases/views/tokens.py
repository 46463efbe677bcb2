"""A person's own tokens for programs: given, seen, revoked."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from cases import audit
from cases.forms import TokenForm
from cases.models import ApiToken


def token_list(request: HttpRequest) -> HttpResponse:
    user = audit.signed_in(request)
    form, shown = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        until = timezone.now() + timedelta(days=said["days"])
        made, shown = ApiToken.issue(user, said["name"], said["scopes"], until)
        audit.record(request, "made token", made, ", ".join(said["scopes"]))
        form = TokenForm()
    context = {"form": form, "shown": shown, "tokens": ApiToken.within(user), "now": timezone.now()}
    return render(request, "tokens.html", context, status=422 if form.errors else 200)


@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken.within(audit.signed_in(request)), pk=pk)
    audit.record(request, "revoked token", token)
    token.delete()
    messages.success(request, f"{token.name} is let in no more.")
    return redirect("tokens")
