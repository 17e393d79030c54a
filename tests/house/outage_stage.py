"""What the tests of outages share: a running product with work in it, asked from outside."""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.plugins.product import PASSWORD, Product
from tests.plugins.servers import PostgreSQL, end, start_again
from tests.tracking import walks

FULL = os.environ.get("OSKARTRACK_CHAOS") == "full"
# The gate: an outage of half a minute heals within half a minute of its end.
OUTAGE_S = 30 if FULL else 6
HEALS_WITHIN_S = 30
TOKEN = "a token for the watcher"

MEMBERS = """
from django.test import Client
from accounts.models import Store
from accounts.services import membership_set, user_create
store = Store.objects.get(slug="corner")
alice = user_create(username="alice", email="alice@shop.example", password={password!r})
membership_set(user=alice, store=store, role="manager")
client = Client()
client.force_login(alice)
print(client.cookies["sessionid"].value, store.public_id, store.cameras.get().public_id)
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes
    took_s: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Shop:
    """A product with one store, Alice who manages it, and films that are being counted."""

    def __init__(self, product: Product, folder: Path) -> None:
        self.product = product
        self.video, self.truth = walks.make_files(folder)
        scene = walks.truth() | {"setup": walks.setup_json()}
        self.truth.write_text(json.dumps(scene))

    def enter(self) -> None:
        """Make Alice and remember how to come in as her."""
        made = self.product.manage("shell", "-v", "0", "-c", MEMBERS.format(password=PASSWORD))
        self.session, self.store, self.camera = made.split()
        self.place = f"/api/v1/stores/{self.store}/"

    def ingest(self, store: str, hour: int) -> None:
        """Put a film into the queue; the workers count it."""
        self.product.manage(
            "ingest", str(self.video), "--store", store, "--camera", "Door",
            "--started-at", started_at(hour), "--setup", str(self.truth),
            "--detector", "scripted",
        )  # fmt: skip

    def ask(self, path: str, *, method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        """Ask the running product as Alice."""
        csrf = "a" * 32
        wanted = {
            "Cookie": f"sessionid={getattr(self, 'session', '')}; csrftoken={csrf}",
            "X-CSRFToken": csrf,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        request = urllib.request.Request(
            self.product.url + path, data=body or None, headers=wanted, method=method
        )
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                told = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as refused:
            told = refused.code, refused.headers, refused.read()
        return Answer(*told, time.monotonic() - began)

    def upload(self, content: bytes) -> str:
        """Send a file by tus and return the upload's id."""
        name = base64.b64encode(b"a.mp4").decode()
        created = self.ask(
            f"{self.place}uploads/", method="POST", Upload_Length=str(len(content)),
            Upload_Metadata=f"filename {name}", Tus_Resumable="1.0.0",
        )  # fmt: skip
        assert created.status == 201, created
        address = str(created.headers["Location"])
        sent = self.ask(
            address, method="PATCH", body=content, Upload_Offset="0",
            Content_Type="application/offset+octet-stream", Tus_Resumable="1.0.0",
        )  # fmt: skip
        assert sent.status == 204, sent
        return address.rstrip("/").rsplit("/", 1)[-1]

    def record(self, upload: str, hour: int) -> Answer:
        """Ask for the recording of an upload."""
        wish = {"upload": upload, "camera": self.camera, "started_at": started_at(hour)}
        wish["on_duplicate"] = "count_again"
        return self.ask(
            f"{self.place}recordings/", method="POST", body=json.dumps(wish).encode(),
            Content_Type="application/json",
        )  # fmt: skip

    def recordings(self) -> list[dict[str, Any]]:
        answer = self.ask(f"{self.place}recordings/")
        assert answer.status == 200, answer
        return list(answer.json["results"])

    def parts_done(self) -> float:
        return sum(each["progress"] for each in self.recordings())

    def facts(self, store: str) -> list[str]:
        """Return a store's facts."""
        return self.product.manage("export_facts", "--store", store).splitlines()


def started_at(hour: int) -> str:
    return f"{(walks.STARTED + timedelta(hours=hour)).isoformat()}"


def wait_until(true: Callable[[], Any], timeout_s: float, what: str) -> float:
    """Wait until something holds; return how many seconds that took."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < timeout_s, f"{what}: not within {timeout_s:g} s"
        time.sleep(0.2)
    return time.monotonic() - began


__all__ = ["FULL", "PostgreSQL", "Shop", "end", "start_again", "wait_until"]
