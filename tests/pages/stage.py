"""Sets the stage for tests in a browser: a rendered scene, two shops and the cast in a product."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.plugins.product import PASSWORD, Product

STORE, ELSEWHERE = "corner", "far"
# Runs inside the product: makes the shops, the camera with its map, and who belongs where.
SET_UP = """
import json
from accounts.services import membership_set, store_create, user_create
from tracking.ingest import Place, place_make
setup = json.load(open({truth!r}))["setup"]
corner = place_make(Place({store!r}, "Shop floor", setup)).store
far = store_create(name="Far shop", slug={elsewhere!r}, timezone="Europe/Berlin")
for name, store, role in (("alice", corner, "manager"), ("bob", corner, "viewer"),
                          ("charlie", far, "manager")):
    user = user_create(username=name, email=name + "@shop.example", password={password!r})
    membership_set(user=user, store=store, role=role)
root = user_create(username="root", email="root@shop.example", password={password!r})
type(root).objects.filter(pk=root.pk).update(is_staff=True, is_superuser=True)
"""


@dataclass(frozen=True)
class Stage:
    """A running product with its cast, and a film of people whose steps are known."""

    product: Product
    film: Path
    truth: dict[str, object]

    def url(self, page: str, store: str = STORE) -> str:
        return f"{self.product.url}/stores/{store}/{page}/"


def make_stage(product: Product, folder: Path, *, seconds: int = 12, seed: int = 5) -> Stage:
    """Render a film and put the cast into the product."""
    film, truth = folder / "noon.mp4", folder / "truth.json"
    product.manage(
        "scene", "--seed", str(seed), "--seconds", str(seconds),
        "--out", str(film), "--truth", str(truth),
    )  # fmt: skip
    names = {"truth": str(truth), "store": STORE, "elsewhere": ELSEWHERE, "password": PASSWORD}
    product.manage("shell", "--verbosity", "0", "-c", SET_UP.format(**names))
    return Stage(product, film, json.loads(truth.read_text()))
