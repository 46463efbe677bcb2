"""What somebody who has just begun does first, until it is done."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse

from cases.models import Case, Collection
from cases.visibility import visible
from matching import demo
from matching.models import Camera, Subscription


@dataclass(frozen=True)
class Step:
    label: str
    url: str
    is_done: bool


def first_steps(user: Any) -> list[Step]:
    """The steps that this person's role allows, in order; none once all are done. The demo's own count for none."""
    others = User.objects.filter(is_active=True).exclude(pk=user.pk)
    told = Subscription.objects.filter(user=user)
    asked = [
        ("cases.add_collection", "Make a collection for your cases", "collections",
         visible(Collection, user).exclude(name=demo.COLLECTION)),
        ("cases.add_case", "Enter or import the first cases", "cases",
         visible(Case, user).exclude(collection__name=demo.COLLECTION)),
        ("matching.add_camera", "Connect a camera", "cameras", visible(Camera, user).exclude(name=demo.CAMERA)),
        ("matching.view_alert", "Say how you are told of alerts", "subscriptions", told),
        ("cases.manage_people", "Invite a second person", "people", others),
    ]  # fmt: skip
    steps = [Step(label, reverse(url), found.exists()) for may, label, url, found in asked if user.has_perm(may)]
    return [] if all(step.is_done for step in steps) else steps
