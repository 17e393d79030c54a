"""The style page: for staff alone, with every state of a key number."""

from __future__ import annotations

import re

import pytest

from tests.cast import make_user

pytestmark = pytest.mark.django_db


def test_staff_alone_may_see_it(cast, as_user):
    for user in (cast.alice, cast.bob):
        assert as_user(user).get("/style/").status_code == 403
    assert as_user(None).get("/style/")["Location"] == "/login/?next=/style/"
    assert as_user(make_user("root", is_staff=True)).get("/style/").status_code == 200


def test_it_shows_a_key_number_in_every_state(as_user, db):
    text = as_user(make_user("root", is_staff=True)).get("/style/").content.decode()
    states = re.findall(r'<p class="cap">([^<]+)</p>', text)
    assert states == [
        "All good", "Loading", "A true zero", "No data, never 0", "Partly seen", "Stale",
        "Could not load", "A time",
    ]  # fmt: skip
    assert '<div class="kpi-s unseen">' in text
    assert "seen 71 %" in text
    assert text.count('class="spark"') == 5
