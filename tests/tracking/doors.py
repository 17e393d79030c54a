"""Going through the API's doors as one of the cast."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.test import Client

if TYPE_CHECKING:  # a fixture of everyone's reads this file before Django is set up
    from accounts.models import Store, User
    from tracking.models import Recording
    from zones.models import Camera

TUS = {"Tus-Resumable": "1.0.0"}
PART = "application/offset+octet-stream"


def client_of(user: User | None, **options: Any) -> Client:
    client = Client(raise_request_exception=False, **options)
    if user is not None:
        client.force_login(user)
    return client


def announce(
    client: Client, store: Store, length: int | str, filename: str = "a.mp4", **headers: str
) -> Any:
    name = base64.b64encode(filename.encode("utf-8", "surrogatepass")).decode()
    wanted = {**TUS, "Upload-Length": str(length), "Upload-Metadata": f"filename {name}"}
    return client.post(f"/api/v1/stores/{store.public_id}/uploads/", headers=wanted | headers)


def send_part(client: Client, address: str, offset: int | str, part: bytes, **headers: str) -> Any:
    wanted = {**TUS, "Upload-Offset": str(offset)} | headers
    return client.patch(address, part, content_type=PART, headers=wanted)


def offset_of(client: Client, address: str) -> int:
    return int(client.head(address, headers=TUS)["Upload-Offset"])


def upload(client: Client, store: Store, file: Path | bytes, filename: str = "a.mp4") -> str:
    """Upload a file in one part and return the upload's id."""
    content = file if isinstance(file, bytes) else file.read_bytes()
    address = announce(client, store, len(content), filename)["Location"]
    answer = send_part(client, address, 0, content)
    assert answer.status_code == 204, answer.content
    return str(address).rstrip("/").rsplit("/", 1)[-1]


def ask(client: Client, store: Store, upload_id: str, camera: Any, **said: Any) -> Any:
    """Ask for a recording of an upload."""
    wish: dict[str, Any] = {"upload": upload_id, "camera": str(camera.public_id)}
    wish |= {"started_at": "2026-07-01T09:00:00+02:00", **said}
    return client.post(
        f"/api/v1/stores/{store.public_id}/recordings/",
        {name: value for name, value in wish.items() if value is not ...},
        content_type="application/json",
    )


def made(
    client: Client, store: Store, camera: Camera, file: Path | bytes, **said: Any
) -> Recording:
    """Send a file and return the recording made of it."""
    from tracking.models import Recording

    answer = ask(client, store, upload(client, store, file), camera, **said)
    assert answer.status_code == 201, answer.content
    return Recording.objects.get(public_id=answer.json()["id"])


def post(client: Client, recording: Recording, what: str) -> Any:
    """Do something with a recording, such as cancel it."""
    return client.post(f"/api/v1/recordings/{recording.public_id}/{what}/")
