"""Pages of `tracking`: Live, Recordings, a recording's links, and the evidence of one event."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Store, User
from accounts.selectors import may_manage
from tracking.camera_setup import begin_context, camera_begin, setup_context, step_do
from tracking.event_page import event_context, event_of
from tracking.links_page import links_context, recording_of_page
from tracking.models import Recording
from tracking.pages import api_answer, page_context, store_of_page
from tracking.recording_rows import GROUPS, recording_counts, recording_page
from tracking.room import used_bytes
from zones.models import Camera

# What the Live page lists: a crossing of an entrance line is already told as entered or exited.
FEED_KINDS = "entered,exited,zone_entered,zone_left,corrected,occupancy_reset,gap,recounted"
FEED_LENGTH = 50


@login_required
@require_safe
@ensure_csrf_cookie
def live(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Show the shop now, beside the recording on show."""
    store = store_of_page(request.user, store_slug)
    context = page_context(request, store)
    api = context["page_data"]["api"]
    wanted = request.GET.get("recording")
    snapshot = api_answer(request, f"{api}live/", recording=wanted)
    if snapshot is None and wanted:  # it is gone, or never was: show what there is
        snapshot = api_answer(request, f"{api}live/")
    recent = api_answer(request, f"{api}events/", recent=FEED_LENGTH, kind=FEED_KINDS)
    cameras = api_answer(request, f"{api}cameras/")
    context["page_data"] |= {
        "feed_kinds": FEED_KINDS,
        "feed_length": FEED_LENGTH,
        "demo_comes": store.is_demo
        and not store.recordings.exclude(source=Recording.Source.SIMULATED).exists(),
    }
    context |= {
        "page": "live",
        "snapshot": snapshot,
        "recent": [each for each in recent["results"] if not each["superseded"]] if recent else [],
        "recent_answer": recent,
        "cameras": cameras["results"] if cameras else [],
    }
    return render(request, "tracking/live.html", context)


@login_required
@require_safe
@ensure_csrf_cookie
def recordings(request: HttpRequest, store_slug: str) -> HttpResponse:
    """List the store's recordings, newest first."""
    store = store_of_page(request.user, store_slug)
    group = request.GET.get("show", "all")
    if group not in GROUPS:
        raise Http404("No such list.")
    context = page_context(request, store)
    context |= {
        "page": "recordings",
        "group": group,
        "counts": recording_counts(store),
        "used_bytes": used_bytes(store),
        "limit_bytes": settings.STORE_QUOTA_BYTES,
        "rows": recording_page(store, group, request.GET.get("page")),
    }
    return render(request, "tracking/recordings.html", context)


@login_required
@require_safe
@ensure_csrf_cookie
def recording_links(request: HttpRequest, store_slug: str, recording_id: uuid.UUID) -> HttpResponse:
    """Show who was lost and found again in a recording, and why each was taken for one person."""
    store = store_of_page(request.user, store_slug)
    recording = recording_of_page(store, recording_id)
    context = page_context(request, store)
    context["page_data"]["links"] = f"/api/v1/recordings/{recording.public_id}/links/"
    context |= links_context(recording, request.GET.get("page"))
    return render(request, "tracking/links.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables()
def cameras(request: HttpRequest, store_slug: str) -> HttpResponse:
    """Let managers begin to set a camera up."""
    store = store_of_page(request.user, store_slug)
    user = _manager(request, store)
    wrong: list[str] = []
    if request.method == "POST":
        try:
            camera = camera_begin(store, user, request.POST)
        except ValidationError as refused:
            wrong = refused.messages
        else:
            return redirect("tracking:camera", store.slug, camera.public_id)
    context = page_context(request, store) | {"page": "zones", "wrong": wrong}
    context |= begin_context(store) | {"name": request.POST.get("name", "")[:80]}
    return render(request, "tracking/cameras.html", context, status=400 if wrong else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_variables()
def camera(request: HttpRequest, store_slug: str, camera_id: uuid.UUID) -> HttpResponse:
    """Let managers set a camera up, step by step."""
    store = store_of_page(request.user, store_slug)
    user = _manager(request, store)
    row = get_object_or_404(Camera.objects.filter(store=store), public_id=camera_id)
    said = step_do(request, row, user) if request.method == "POST" else None
    row.refresh_from_db()  # what was refused is not shown as if it held
    context = page_context(request, store) | {"page": "zones"} | setup_context(row, said)
    status = 400 if said and said.bad else 200
    return render(request, "tracking/camera.html", context, status=status)


def _manager(request: HttpRequest, store: Store) -> User:
    user = request.user
    if not isinstance(user, User) or not may_manage(user=user, store=store):
        raise PermissionDenied("Only managers of the shop may do this.")
    return user


@login_required
@require_safe
def event(request: HttpRequest, store_slug: str, event_id: uuid.UUID) -> HttpResponse:
    """Show one event: its way on the picture, what counted it, and the film where it is kept."""
    store = store_of_page(request.user, store_slug)
    context = page_context(request, store) | event_context(store, event_of(store, event_id))
    return render(request, "tracking/event.html", context)
