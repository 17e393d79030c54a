"""Who may use which door: every URL pattern with its methods, and every action of a socket.

The views themselves refuse; this table says what they have to refuse, and the tests in
``tests/access`` go through every line of it as everybody, with what is theirs and what is not. A
pattern, a method or an action that stands in no line fails them, and so does a line that leads
nowhere. A new door needs its line here and nothing else, unless it has to be asked with something:
``tests/access/asks.py`` says with what.

Every door of the API that wants a log-in also names the scope that a token needs there, and
``oskartrack/token_scopes.py`` reads it here for each request: READ to look, INGEST to send in what
happened (events, sales, recordings), MANAGE to change anything else. A session has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from accounts.models import Scope


class Who(StrEnum):
    """Who gets in. Whoever manages a store also may what its viewers may; a superuser may all.

    What belongs to a store is there for its members alone: for anybody else it does not exist, and
    the answer is the one to an address that leads nowhere.
    """

    ANYONE = "anyone, without a log-in"
    PERSON = "whoever is logged in"
    VIEWER = "members of the store"
    MANAGER = "managers of the store"
    STAFF = "staff with the permission; of rows, those of their own stores"
    SUPERUSER = "superusers"
    NOBODY = "nobody"


class Door(NamedTuple):
    """A URL pattern, some of its methods, who may use them, and a token of which scope.

    With GET comes HEAD. No token opens a door without a scope.
    """

    pattern: str
    methods: str
    who: Who
    scope: Scope | None = None


class SocketDoor(NamedTuple):
    """A socket's URL pattern, something that its client may do, and who may."""

    pattern: str
    action: str
    who: Who


ANYONE, PERSON, VIEWER, MANAGER = Who.ANYONE, Who.PERSON, Who.VIEWER, Who.MANAGER
STAFF, SUPERUSER, NOBODY = Who.STAFF, Who.SUPERUSER, Who.NOBODY
READ, INGEST, MANAGE = Scope.READ, Scope.INGEST, Scope.MANAGE
STORE: Final = "api/v1/stores/<uuid:store_id>/"
RECORDING: Final = "api/v1/recordings/<uuid:recording_id>/"
CAMERA: Final = "api/v1/cameras/<uuid:camera_id>/"
PAGE: Final = "stores/<slug:store_slug>/"


def admin_doors(model: str, who: Who) -> tuple[Door, ...]:
    """Return the doors of a model's pages in the admin."""
    row = f"admin/{model}/<path:object_id>/"
    return (
        Door(f"admin/{model}/", "GET POST", who),
        Door(f"admin/{model}/add/", "GET POST", who),
        Door(f"{row}history/", "GET POST", who),
        Door(f"{row}delete/", "GET POST", who),
        Door(f"{row}change/", "GET POST", who),
        # Leads to the page that changes it.
        Door(row, "GET POST", who),
    )


# --- The table -----------------------------------------------------------------------------------

PAGES: Final = (
    Door("", "GET", PERSON),
    Door("login/", "GET POST", ANYONE),
    Door("logout/", "POST", ANYONE),
    Door("account/", "GET POST", PERSON),
    Door(f"{PAGE}live/", "GET", VIEWER),
    Door(f"{PAGE}recordings/", "GET", VIEWER),
    Door(f"{PAGE}history/", "GET", VIEWER),
    Door(f"{PAGE}dashboard/", "GET", VIEWER),
    Door(f"{PAGE}tell/", "GET POST", MANAGER),
    Door(f"{PAGE}zones/", "GET", VIEWER),
    Door(f"{PAGE}cameras/", "GET POST", MANAGER),
    Door(f"{PAGE}cameras/<uuid:camera_id>/", "GET POST", MANAGER),
    Door(f"{PAGE}events/", "GET", VIEWER),
    Door(f"{PAGE}events/<uuid:event_id>/", "GET", VIEWER),
    Door(f"{PAGE}recordings/<uuid:recording_id>/links/", "GET", VIEWER),
    Door(f"{PAGE}clients/", "GET", VIEWER),
    Door(f"{PAGE}clients/<uuid:client_id>/", "GET", VIEWER),
    Door(f"{PAGE}clients/<uuid:client_id>/", "POST", MANAGER),
    Door(f"{PAGE}visits/<uuid:visit_id>/", "GET", VIEWER),
    Door(f"{PAGE}clients/<uuid:client_id>/erase/", "GET POST", MANAGER),
    Door(f"{PAGE}visits/<uuid:visit_id>/erase/", "GET POST", MANAGER),
    Door("style/", "GET", STAFF),
    Door("api-docs/", "GET", PERSON),
    Door("favicon.ico", "GET", ANYONE),
)
# What this installation as a whole is asked: no door of any store.
WATCHING: Final = (
    Door("healthz", "GET", ANYONE),
    Door("readyz", "GET", ANYONE),
    Door("health/", "GET", STAFF),
    Door("metrics", "GET", SUPERUSER),
)
API: Final = (
    Door("api/v1/schema/", "GET", ANYONE),
    Door("api/v1/auth/token/", "POST", ANYONE),
    Door("api/v1/auth/token/refresh/", "POST", ANYONE),
    Door("api/v1/auth/token/end/", "POST", ANYONE),
    Door("api/v1/auth/token/verify/", "POST", ANYONE),
    Door("api/v1/stores/", "GET", PERSON, READ),
    Door(STORE, "GET", VIEWER, READ),
    Door(STORE, "PATCH", MANAGER, MANAGE),
    Door(f"{STORE}audit/", "GET", MANAGER, READ),
    Door("api/v1/audit/", "GET", SUPERUSER, READ),
    Door(f"{STORE}cameras/", "GET", VIEWER, READ),
    Door(f"{STORE}cameras/", "POST", MANAGER, MANAGE),
    Door(CAMERA, "GET", VIEWER, READ),
    Door(CAMERA, "PATCH DELETE", MANAGER, MANAGE),
    Door(f"{CAMERA}source/", "GET", MANAGER, READ),
    Door(f"{CAMERA}source/", "PUT DELETE", MANAGER, MANAGE),
    Door(f"{CAMERA}zones/", "GET", VIEWER, READ),
    Door(f"{CAMERA}zones/", "POST", MANAGER, MANAGE),
    Door(f"{CAMERA}lines/", "GET", VIEWER, READ),
    Door(f"{CAMERA}lines/", "POST", MANAGER, MANAGE),
    Door("api/v1/zones/<uuid:zone_id>/", "GET", VIEWER, READ),
    Door("api/v1/zones/<uuid:zone_id>/", "PATCH DELETE", MANAGER, MANAGE),
    Door("api/v1/zones/<uuid:zone_id>/versions/", "GET", VIEWER, READ),
    Door("api/v1/lines/<uuid:line_id>/", "GET", VIEWER, READ),
    Door("api/v1/lines/<uuid:line_id>/", "PATCH DELETE", MANAGER, MANAGE),
    Door("api/v1/lines/<uuid:line_id>/versions/", "GET", VIEWER, READ),
    Door("api/v1/overview/", "GET", PERSON, READ),
    Door("api/v1/cameras/<uuid:camera_id>/map/", "GET", VIEWER, READ),
    Door("api/v1/cameras/<uuid:camera_id>/map/", "PUT", MANAGER, MANAGE),
    # It counts for once what nobody saves: a look.
    Door("api/v1/cameras/<uuid:camera_id>/what-if/", "POST", MANAGER, READ),
    Door("api/v1/cameras/<uuid:camera_id>/track-ends/", "GET", VIEWER, READ),
    Door("api/v1/cameras/<uuid:camera_id>/today/", "GET", VIEWER, READ),
    Door(f"{STORE}zone-stays/", "GET", VIEWER, READ),
    Door(f"{STORE}usual-week/", "GET", VIEWER, READ),
    Door(f"{STORE}events/", "GET", VIEWER, READ),
    Door(f"{STORE}events/", "POST", MANAGER, INGEST),
    Door("api/v1/events/<uuid:event_id>/", "GET", VIEWER, READ),
    Door(f"{STORE}visits/", "GET", VIEWER, READ),
    Door("api/v1/visits/<uuid:visit_id>/", "GET", VIEWER, READ),
    Door(f"{STORE}clients/", "GET", VIEWER, READ),
    Door("api/v1/clients/<uuid:client_id>/", "GET", VIEWER, READ),
    Door("api/v1/clients/<uuid:client_id>/", "PATCH", MANAGER, MANAGE),
    Door("api/v1/clients/<uuid:client_id>/export/", "GET", MANAGER, READ),
    Door("api/v1/clients/<uuid:client_id>/erase/", "POST", MANAGER, MANAGE),
    Door("api/v1/visits/<uuid:visit_id>/export/", "GET", MANAGER, READ),
    Door("api/v1/visits/<uuid:visit_id>/erase/", "POST", MANAGER, MANAGE),
    Door(f"{STORE}coverage/", "GET", VIEWER, READ),
    Door(f"{RECORDING}runs/", "GET", VIEWER, READ),
    Door("api/v1/runs/<uuid:run_id>/", "GET", VIEWER, READ),
    Door("api/v1/runs/<uuid:run_id>/tracks/", "GET", VIEWER, READ),
    Door("api/v1/tracks/<uuid:track_id>/", "GET", VIEWER, READ),
    # It reads: what comes by the socket is what its person may read.
    Door(f"{STORE}socket-tickets/", "POST", VIEWER, READ),
    Door(f"{STORE}recordings/", "GET", VIEWER, READ),
    Door(f"{STORE}recordings/", "POST", MANAGER, INGEST),
    Door(f"{STORE}uploads/", "POST", MANAGER, INGEST),
    Door("api/v1/uploads/<uuid:upload_id>/", "GET POST PATCH DELETE", MANAGER, INGEST),
    Door(f"{STORE}room/", "GET", VIEWER, READ),
    Door(f"{STORE}live/", "GET", VIEWER, READ),
    Door(f"{STORE}summaries/", "GET", VIEWER, READ),
    Door(f"{STORE}history/", "GET", VIEWER, READ),
    Door(f"{STORE}kpis/", "GET", VIEWER, READ),
    Door(f"{STORE}insights/", "GET", VIEWER, READ),
    Door(f"{STORE}movement/", "GET", VIEWER, READ),
    Door(f"{STORE}movement/visits/", "GET", VIEWER, READ),
    Door(f"{STORE}heatmap/", "GET", VIEWER, READ),
    Door(f"{STORE}exports/<slug:what>.<slug:ending>", "GET", VIEWER, READ),
    Door(f"{STORE}verifications/", "GET", VIEWER, READ),
    Door(f"{STORE}verifications/", "POST", MANAGER, MANAGE),
    Door(f"{STORE}verifications/put-right/", "POST", MANAGER, MANAGE),
    Door(f"{STORE}kpi-settings/", "GET", VIEWER, READ),
    Door(f"{STORE}kpi-settings/", "PUT", MANAGER, MANAGE),
    Door(f"{STORE}occupancy/", "POST", MANAGER, MANAGE),
    Door(f"{STORE}transactions/", "POST", MANAGER, INGEST),
    Door(RECORDING, "GET", VIEWER, READ),
    Door(f"{RECORDING}cancel/", "POST", MANAGER, MANAGE),
    Door(f"{RECORDING}retry/", "POST", MANAGER, MANAGE),
    Door(f"{RECORDING}recount/", "POST", MANAGER, MANAGE),
    Door(f"{RECORDING}links/", "GET", VIEWER, READ),
    Door(f"{RECORDING}links/undone/", "GET", VIEWER, READ),
    Door(f"{RECORDING}links/undone/", "POST", MANAGER, MANAGE),
    Door(f"{RECORDING}links/<int:track>/", "DELETE", MANAGER, MANAGE),
    Door(f"{RECORDING}remove-video/", "POST", MANAGER, MANAGE),
)
# Files lie below no address of their own: each comes out of one of these views or not at all.
MEDIA: Final = (
    Door(f"{RECORDING}overlay/", "GET", VIEWER, READ),
    Door(f"{RECORDING}picture/", "GET", VIEWER, READ),
    Door("api/v1/cameras/<uuid:camera_id>/still/", "GET", VIEWER, READ),
)
ADMIN: Final = (
    Door("admin/", "GET POST", STAFF),
    Door("admin/login/", "GET POST", STAFF),
    Door("admin/logout/", "POST", STAFF),
    Door("admin/password_change/", "GET POST", STAFF),
    Door("admin/password_change/done/", "GET", STAFF),
    Door("admin/autocomplete/", "GET", STAFF),
    Door("admin/jsi18n/", "GET", STAFF),
    Door("admin/^(?P<app_label>accounts|zones)/$", "GET POST", STAFF),
    # None of our rows has a page on the site that Django could lead to.
    Door("admin/r/<path:content_type_id>/<path:object_id>/", "GET POST", NOBODY),
    Door("admin/(?P<url>.*)$", "GET POST", NOBODY),
    # Whoever edits people can become anyone; whoever edits memberships can let themselves in.
    *admin_doors("accounts/user", SUPERUSER),
    Door("admin/accounts/user/<id>/password/", "GET POST", SUPERUSER),
    *admin_doors("accounts/membership", SUPERUSER),
    # What a store has hangs on it: Django asks for the right to remove all of that too, members
    # and audit log included.
    *(
        door
        for door in admin_doors("accounts/store", STAFF)
        if not door.pattern.endswith("delete/")
    ),
    Door("admin/accounts/store/<path:object_id>/delete/", "GET", STAFF),
    Door("admin/accounts/store/<path:object_id>/delete/", "POST", SUPERUSER),
    *admin_doors("zones/camera", STAFF),
    *admin_doors("zones/zone", STAFF),
    *admin_doors("zones/countingline", STAFF),
    # The audit log is there to read.
    Door("admin/accounts/auditentry/", "GET POST", SUPERUSER),
    Door("admin/accounts/auditentry/add/", "GET POST", NOBODY),
    Door("admin/accounts/auditentry/<path:object_id>/history/", "GET POST", SUPERUSER),
    Door("admin/accounts/auditentry/<path:object_id>/delete/", "GET POST", NOBODY),
    Door("admin/accounts/auditentry/<path:object_id>/change/", "GET", SUPERUSER),
    Door("admin/accounts/auditentry/<path:object_id>/change/", "POST", NOBODY),
    Door("admin/accounts/auditentry/<path:object_id>/", "GET POST", SUPERUSER),
)
DOORS: Final = (*PAGES, *WATCHING, *API, *MEDIA, *ADMIN)
SOCKETS: Final = (
    SocketDoor("ws/stores/<uuid:store_id>/", "connect", VIEWER),
    SocketDoor("ws/stores/<uuid:store_id>/", "ping", VIEWER),
    # Any other address.
    SocketDoor("", "connect", NOBODY),
)


# --- What there is -------------------------------------------------------------------------------


def url_patterns(
    patterns: Sequence[URLPattern | URLResolver] | None = None, before: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield every pattern of the URL resolver with its view."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        whole = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from url_patterns(each.url_patterns, whole)
        else:
            yield whole, each.callback
