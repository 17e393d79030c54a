"""The page on which the API is read and tried: Swagger in our frame, under our policy.

The sidecar's split view: its program comes from our own server, the page's own script as a file
too. Nothing in the page itself is a script or a style.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
@login_required
def api_docs(request: HttpRequest) -> HttpResponse:
    """Return the page, for whoever is logged in."""
    return render(request, "api_docs.html", {"page": "api"})
