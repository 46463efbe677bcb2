"""Plans of the site, on which cameras stand."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from cases import audit
from cases.private_files import picture
from cases.visibility import visible
from matching.camera_forms import PlaceOnPlanForm, PlanForm
from matching.models import Camera, SitePlan


def plan_list(request: HttpRequest) -> HttpResponse:
    """The site's plans, and a new one."""
    form = PlanForm(request.POST or None, request.FILES or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        form.instance.created_by = audit.signed_in(request)
        plan = form.save()
        audit.record(request, "added", plan)
        return redirect("plan", plan.pk)
    plans = visible(SitePlan, request.user).annotate(number=Count("cameras"))
    return render(request, "cameras/plans.html", {"plans": plans, "form": form}, status=422 if form.errors else 200)


def plan_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A plan with its cameras. Whoever may change cameras puts one on it by choosing it and pressing its place."""
    plan = get_object_or_404(visible(SitePlan, request.user), pk=pk)
    if request.method == "POST":
        form = PlaceOnPlanForm(request.POST, user=request.user)
        if not form.is_valid():
            messages.error(request, "Choose a camera, then press its place on the plan.")
            return redirect("plan", pk)
        camera = form.cleaned_data["camera"]
        camera.plan, camera.plan_x, camera.plan_y = plan, form.cleaned_data["x"], form.cleaned_data["y"]
        camera.save(update_fields=["plan", "plan_x", "plan_y"])
        audit.record(request, "placed", camera, str(plan))
        return redirect("plan", pk)
    cameras = visible(Camera, request.user)
    placed = cameras.filter(plan=plan).exclude(plan_x=None)
    return render(request, "cameras/plan.html", {"plan": plan, "placed": placed, "cameras": cameras})


def plan_picture(request: HttpRequest, pk: int) -> HttpResponse:
    return picture(get_object_or_404(visible(SitePlan, request.user), pk=pk).image)


@require_POST
def plan_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Its cameras stay, without a place on it."""
    plan = get_object_or_404(visible(SitePlan, request.user), pk=pk)
    if plan.cameras.exclude(pk__in=visible(Camera, request.user).values("pk")).exists():
        messages.error(request, f"Cameras that are not your team's stand on {plan}, so it stays.")
        return redirect("plan", pk)
    audit.record(request, "removed", plan)
    plan.image.delete(save=False)
    plan.delete()
    return redirect("plans")
