"""With what each door is asked, where it wants more than its address.

An ask is made of names: those of what it names in its query and its body may be another half's than
those of its address. Several asks of a door are all made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from oskartrack.access import CAMERA, PAGE, RECORDING, STORE
from tests.access.world import FIRST, LAST
from tests.cast import PASSWORD, SQUARE
from tests.tracking.doors import PART, TUS
from tracking.clients import code_of

Names = dict[str, Any]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Ask:
    """What is asked besides the address.

    Attributes
    ----------
    names : mapping
        What stands in the address instead of what usually does: a name in place of a name.
    not_noted : str
        Of what changes something and leaves no line in the audit log: why.
    """

    query: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    not_noted: str = ""


AskMaker = Callable[[Names], Ask]
DAYS = {"from": FIRST, "to": LAST}


def query(**values: Any) -> AskMaker:
    return lambda _: Ask(query=values)


def days(**names: str) -> AskMaker:
    """Ask for both days of the world, and by rows called so."""
    return lambda named: Ask(query=DAYS | {what: named[name] for what, name in names.items()})


def by(**names: str) -> AskMaker:
    return lambda named: Ask(query={what: named[name] for what, name in names.items()})


def export(what: str, ending: str = "csv", /, **values: Any) -> AskMaker:
    return lambda _: Ask(query=values, values={"what": what, "ending": ending})


def said(not_noted: str = "", **body: Any) -> AskMaker:
    return lambda _: Ask(body=json.dumps(body).encode(), not_noted=not_noted)


def form(**fields: Any) -> AskMaker:
    return lambda _: Ask(body=urlencode(fields).encode(), kind=FORM)


def of(not_noted: str = "", **names: str) -> AskMaker:
    return lambda _: Ask(names=names, not_noted=not_noted)


def new_recording(names: Names) -> Ask:
    wish = {"upload": str(names["upload_id"]), "camera": str(names["camera_id"])}
    told = {"started_at": "2026-06-20T09:00:00+02:00", "on_duplicate": "count_again"}
    return Ask(body=json.dumps(wish | told).encode())


def logging_in(_: Names) -> Ask:
    told = {"username": "viewer-a", "password": PASSWORD}
    return Ask(body=json.dumps(told).encode())


def counted_elsewhere(names: Names) -> Ask:
    event = {
        "client_key": "new", "at": "2026-06-02T10:00:00+02:00", "line": str(names["line_id"]),
        "direction": "in",
    }  # fmt: skip
    return Ask(body=json.dumps({"source": "door", "events": [event]}).encode())


def redrawn(names: Names) -> Ask:
    """Ask for a camera's map with one zone in it, drawn anew from what is there."""
    zone = {"id": str(names["zone_id"]), "name": "Shelf", "kind": "display", "vertices": SQUARE}
    told = {"basis": names["basis"], "zones": [zone], "lines": []}
    return Ask(body=json.dumps(told).encode())


def tried(names: Names) -> Ask:
    return replace(redrawn(names), not_noted="It says what a drawing would count, and keeps none.")


def erased(what: str, kind: str = JSON) -> AskMaker:
    """Ask for somebody to be erased, with the code that confirms it."""

    def ask(names: Names) -> Ask:
        told = {"confirm": code_of(names[f"counted_{what}"])}
        body = json.dumps(told) if kind == JSON else urlencode(told)
        return Ask(body=body.encode(), kind=kind, names={what: f"counted_{what}"})

    return ask


def with_token(field: str) -> AskMaker:
    return lambda names: Ask(body=json.dumps({field: names["refresh_token"]}).encode())


def new_shape(**fields: Any) -> AskMaker:
    """Fill in a form of the admin for a row of a camera."""
    return lambda names: Ask(
        body=urlencode({"camera": names["row:zones/camera"], **fields, "name": "new"}).encode(),
        kind=FORM,
    )


def forms_of(**fields: Any) -> dict[str, Any]:
    """Add what Django wants to know of the rows beneath a form."""
    return fields | {
        f"{prefix}-{what}": number
        for prefix in ("versions", "memberships")
        for what, number in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0))
    }


def spare(row: str) -> AskMaker:
    """Ask for a row to be deleted that nothing refers to."""
    confirmed = urlencode({"post": "yes"}).encode()
    return lambda _: Ask(body=confirmed, kind=FORM, names={row: f"spare {row}"})


LOOKS_AGAIN = "It asks for another look at numbers and changes none."
OPENS_A_SOCKET = "A ticket opens one socket within half a minute, and is gone."
PART_OF_A_FILE = "A part of a file: the recording that is made of it is noted."
STORE_FORM = {
    "name": "Renamed", "slug": "renamed", "timezone": "UTC", "business_day_start": "04:00"
}  # fmt: skip
ZONE_FORM = {
    "kind": "display", "colour": 1, "vertices": json.dumps(SQUARE), "min_dwell_s": 0,
    "grace_s": 2, "min_inside_s": 0.5,
}  # fmt: skip
LINE_FORM = {
    "kind": "entrance", "a": "[0.2, 0.6]", "b": "[0.8, 0.6]", "inside_side": "right", "band": 0.012
}  # fmt: skip
CAMERA_FORM = {
    "name": "Renamed", "detector": "hog", "final_count": "live", "detector_settings": "{}",
    "ignore_masks": "[]", "transport": "tcp", "keep_video_h": 72,
}  # fmt: skip
UPLOAD = "api/v1/uploads/<uuid:upload_id>/"
DELETE_FORM = form(post="yes")
STRANGER_FORM = {
    "username": "new-one", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD
}  # fmt: skip


def camera_form(names: Names) -> Ask:
    fields = CAMERA_FORM | {"store": names["row:accounts/store"]}
    return Ask(body=urlencode(forms_of(**fields)).encode(), kind=FORM)


def membership_form(names: Names) -> Ask:
    fields = {"user": names["newcomer"], "store": names["row:accounts/store"]}
    return Ask(body=urlencode(fields | {"role": "manager"}).encode(), kind=FORM)


def autocomplete(model: str, field: str) -> AskMaker:
    app, name = model.split(".")
    return query(app_label=app, model_name=name, field_name=field, term="")


# GET without an entry is asked with the address alone, and so is any other method.
ASKS: dict[tuple[str, str], tuple[AskMaker, ...]] = {
    (f"{PAGE}live/", "GET"): (query(), by(recording="recording_id")),
    (f"{PAGE}recordings/", "GET"): (query(), query(show="done")),
    (f"{PAGE}history/", "GET"): (query(day=FIRST), query(day=LAST, compare="previous")),
    (f"{PAGE}dashboard/", "GET"): (days(), days(zone="zone_id")),
    (f"{PAGE}cameras/", "POST"): (form(name="New", address="rtsp://eye:x@10.0.0.8/1"),),
    (f"{PAGE}cameras/<uuid:camera_id>/", "POST"): (
        form(step="address", address="http://10.0.0.8/1"), form(step="done", on=""),
    ),
    (f"{PAGE}tell/", "POST"): (form(form="visits", bounce_s=120),),
    ("account/", "POST"): (
        form(form="everywhere"),
        form(form="password", old_password=PASSWORD, new_password1=f"{PASSWORD} 2",
             new_password2=f"{PASSWORD} 2"),
        lambda names: Ask(body=urlencode({"form": "end", "login": names["login"]}).encode(),
                          kind=FORM, not_noted="Somebody else's stays as it is."),
    ),
    ("login/", "POST"): (form(username="viewer-a", password=PASSWORD),),
    ("api/v1/auth/token/", "POST"): (logging_in,),
    ("api/v1/auth/token/refresh/", "POST"): (with_token("refresh"),),
    ("api/v1/auth/token/end/", "POST"): (with_token("refresh"),),
    ("api/v1/auth/token/verify/", "POST"): (with_token("token"),),
    (f"{STORE}events/", "GET"): (
        query(after=0, limit=500), query(recent=500), by(recording="recording_id"),
    ),
    (f"{STORE}visits/", "GET"): (
        query(), by(recording="recording_id"), by(client="client_id"), query(ordering="entered_at"),
    ),
    (f"{STORE}audit/", "GET"): (query(), query(action="occupancy.corrected", ordering="at")),
    (f"{STORE}coverage/", "GET"): (query(), by(camera="camera_id")),
    (STORE, "PATCH"): (said(name="Renamed"),),
    (f"{STORE}cameras/", "POST"): (said(name="New"),),
    (CAMERA, "PATCH"): (said(name="Renamed"),),
    (f"{CAMERA}source/", "PUT"): (said(address="rtsp://10.0.0.8/1", password="p", user_name="u"),),
    (CAMERA, "DELETE"): (of(camera_id="spare_camera_id"),),
    (f"{CAMERA}zones/", "GET"): (query(), query(ended="with")),
    (f"{CAMERA}zones/", "POST"): (said(name="New", kind="display", vertices=SQUARE),),
    (f"{CAMERA}lines/", "POST"): (
        said(name="New", kind="inner", a=[0.2, 0.6], b=[0.8, 0.6], inside_side="left"),
    ),
    ("api/v1/zones/<uuid:zone_id>/", "PATCH"): (said(name="Renamed"),),
    ("api/v1/lines/<uuid:line_id>/", "PATCH"): (said(name="Renamed"),),
    ("api/v1/clients/<uuid:client_id>/", "PATCH"): (said(notes="Comes on Tuesdays."),),
    ("api/v1/clients/<uuid:client_id>/erase/", "POST"): (erased("client_id"),),
    ("api/v1/visits/<uuid:visit_id>/erase/", "POST"): (erased("visit_id"),),
    (f"{PAGE}clients/<uuid:client_id>/erase/", "POST"): (erased("client_id", FORM),),
    (f"{PAGE}visits/<uuid:visit_id>/erase/", "POST"): (erased("visit_id", FORM),),
    (f"{STORE}recordings/", "GET"): (query(), query(state="done")),
    (f"{STORE}recordings/", "POST"): (new_recording,),
    (f"{STORE}uploads/", "POST"): (
        lambda _: Ask(
            headers=TUS | {"Upload-Length": "10", "Upload-Metadata": "filename eA=="},
            not_noted=PART_OF_A_FILE,
        ),
    ),
    # By HEAD it is the protocol's own question, which wants its header.
    (UPLOAD, "GET"): (lambda _: Ask(headers=TUS),),
    (UPLOAD, "PATCH"): (
        lambda _: Ask(
            body=b"1234567890", kind=PART, headers=TUS | {"Upload-Offset": "0"},
            names={"upload_id": "unfinished_id"}, not_noted=PART_OF_A_FILE,
        ),
    ),
    (UPLOAD, "POST"): (
        lambda _: Ask(
            kind=PART, headers=TUS | {"X-HTTP-Method-Override": "HEAD"},
            not_noted="It asks how far the file is.",
        ),
    ),
    (UPLOAD, "DELETE"): (
        lambda _: Ask(headers=TUS, names={"upload_id": "dropped_id"}),
    ),
    (f"{STORE}live/", "GET"): (query(), by(recording="recording_id")),
    (f"{STORE}summaries/", "GET"): (query(period="day", **DAYS), query(period="hour", **DAYS)),
    (f"{STORE}history/", "GET"): (query(day=FIRST), query(day=LAST, compare="previous")),
    (f"{STORE}kpis/", "GET"): (days(), days(zone="zone_id")),
    (f"{STORE}insights/", "GET"): (days(), days(zone="zone_id")),
    (f"{STORE}movement/", "GET"): (days(), days(zone="zone_id")),
    (f"{STORE}movement/visits/", "GET"): (
        days(from_zone="zone_id", to_zone="zone_id"), query(**DAYS, from_zone="came_in",
                                                            to_zone="went_out"),
        days(from_zone="zone_id", to_zone="zone_id", zone="zone_id"),
    ),
    (f"{STORE}zone-stays/", "GET"): (days(),),
    (f"{STORE}usual-week/", "GET"): (days(),),
    (f"{STORE}events/", "POST"): (counted_elsewhere,),
    (f"{STORE}socket-tickets/", "POST"): (of(OPENS_A_SOCKET),),
    ("api/v1/cameras/<uuid:camera_id>/map/", "PUT"): (redrawn,),
    ("api/v1/cameras/<uuid:camera_id>/what-if/", "POST"): (tried,),
    (f"{PAGE}clients/<uuid:client_id>/", "POST"): (form(notes="Comes on Tuesdays."),),
    (f"{STORE}heatmap/", "GET"): (days(camera="camera_id"),),
    (f"{STORE}exports/<slug:what>.<slug:ending>", "GET"): (
        export("days", **DAYS), export("days", "parquet", **DAYS), export("hours", day=LAST),
        export("hours", "parquet", day=FIRST), export("events", **DAYS),
        export("events", "parquet", **DAYS), export("kpis", **DAYS),
        export("kpis", "parquet", **DAYS),
        lambda names: Ask(
            query=DAYS | {"zone": names["zone_id"]}, values={"what": "kpis", "ending": "csv"}
        ),
        lambda names: Ask(
            query=DAYS | {"recording": names["recording_id"]},
            values={"what": "events", "ending": "csv"},
        ),
    ),
    (f"{STORE}verifications/", "GET"): (days(),),
    (f"{STORE}verifications/", "POST"): (
        said(LOOKS_AGAIN, **{"from": str(FIRST), "to": str(FIRST)}),
    ),
    (f"{STORE}verifications/put-right/", "POST"): (said(day=str(FIRST)),),
    (f"{STORE}kpi-settings/", "PUT"): (said(bounce_s=90),),
    (f"{STORE}occupancy/", "POST"): (said(kind="corrected", value=1),),
    (f"{STORE}transactions/", "POST"): (
        said(transactions=[{"at": "2026-06-02T10:00:00+02:00", "client_key": "new"}]),
    ),
    (f"{RECORDING}cancel/", "POST"): (of(recording_id="waiting_id"),),
    (f"{RECORDING}retry/", "POST"): (of(recording_id="failed_id"),),
    (f"{RECORDING}links/undone/", "POST"): (
        lambda names: Ask(body=json.dumps(names["undone"]).encode()),
    ),
    (f"{RECORDING}overlay/", "GET"): (query(from_ms=5000, to_ms=30_000),),
    (f"{RECORDING}picture/", "GET"): (query(at_ms=9000),),
    ("admin/autocomplete/", "GET"): (
        autocomplete("accounts.membership", "store"),
    ),
    ("admin/password_change/", "POST"): (
        form(old_password=PASSWORD, new_password1=f"{PASSWORD} 2", new_password2=f"{PASSWORD} 2"),
    ),
    ("admin/accounts/user/<id>/password/", "POST"): (
        form(usable_password="true", password1=f"{PASSWORD} 2", password2=f"{PASSWORD} 2"),
    ),
    ("admin/accounts/user/<path:object_id>/change/", "POST"): (
        form(**forms_of(username="renamed", date_joined_0="2026-01-01", date_joined_1="00:00:00")),
    ),
    ("admin/accounts/store/add/", "POST"): (form(**STORE_FORM),),
    ("admin/accounts/store/<path:object_id>/change/", "POST"): (form(**STORE_FORM),),
    ("admin/accounts/user/add/", "POST"): (form(**forms_of(**STRANGER_FORM)),),
    ("admin/accounts/membership/add/", "POST"): (membership_form,),
    ("admin/accounts/membership/<path:object_id>/change/", "POST"): (membership_form,),
    ("admin/zones/camera/add/", "POST"): (camera_form,),
    ("admin/zones/camera/<path:object_id>/change/", "POST"): (camera_form,),
    ("admin/zones/zone/add/", "POST"): (new_shape(**forms_of(**ZONE_FORM)),),
    ("admin/zones/zone/<path:object_id>/change/", "POST"): (new_shape(**forms_of(**ZONE_FORM)),),
    ("admin/zones/countingline/add/", "POST"): (new_shape(**forms_of(**LINE_FORM)),),
    ("admin/zones/countingline/<path:object_id>/change/", "POST"): (
        new_shape(**forms_of(**LINE_FORM)),
    ),
    **{
        (f"admin/{model}/<path:object_id>/delete/", "POST"): (DELETE_FORM,)
        for model in ("accounts/user", "accounts/membership", "accounts/store")
    },
    # What has counted anything is kept, and so is what has such a thing: these have not.
    **{
        (f"admin/{model}/<path:object_id>/delete/", "POST"): (spare(f"row:{model}"),)
        for model in ("zones/zone", "zones/camera", "zones/countingline")
    },
}  # fmt: skip


def asks_of(pattern: str, method: str) -> tuple[AskMaker, ...]:
    """Return what a door is asked with."""
    kind = FORM if not pattern.startswith("api/") else JSON
    return ASKS.get((pattern, method), (lambda _: Ask(kind=kind),))
