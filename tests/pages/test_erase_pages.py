"""Erasing by the pages: asked in words, confirmed by the code, told by a receipt."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from tests.cast import Cast
from tests.pages.test_clients_pages import address, client_page, codes, facts, visit_page
from tracking.clients import code_of
from tracking.models import Customer, Recording, Run, Track, Visit

pytestmark = pytest.mark.django_db
__all__ = ["facts"]
DAY = "2026-06-02"


@pytest.fixture(autouse=True)
def counted(facts):
    """What is told is of a recording that is through."""
    Recording.objects.update(state="done", folder="")
    Run.objects.update(finished_at=facts.run.created_at)


def erase_page(cast: Cast, kind: str, number: int) -> str:
    row = (Customer.objects.order_by("public_id") if kind == "client"
           else Visit.objects.order_by("ordinal"))[number]  # fmt: skip
    names = {"store_slug": cast.store.slug, f"{kind}_id": row.public_id}
    return reverse(f"analytics:erase-{kind}", kwargs=names)


def words(response) -> str:
    return " ".join(response.content.decode().split())


def test_a_manager_erases_a_client_by_its_code_and_sees_the_receipt(cast, as_user):
    alice = as_user(cast.alice)
    before, page = client_page(cast, 0), erase_page(cast, "client", 0)
    assert f'href="{page}"' in words(alice.get(before))
    asked = words(alice.get(page))
    assert "1 way over the picture" in asked and "<b>It can never be counted again:</b>" in asked
    assert "clip.mp4" in asked and 'Write <b class="mono">00000001</b>' in asked
    wrong = alice.post(page, {"confirm": "00000002"})
    assert wrong.status_code == 400 and "Nothing was erased." in words(wrong)
    assert Track.objects.exists() and Customer.objects.count() == 4
    done = alice.post(page, {"confirm": " 00000001 "}, follow=True)
    assert done.redirect_chain == [(before, 302)] and done.status_code == 200
    told = words(done)
    assert "This client was <b>erased</b>." in told and "1 way over the picture" in told
    assert f"<dd>{cast.alice.username}</dd>" in told
    assert alice.get(page, follow=True).redirect_chain == [(before, 302)]
    assert not Track.objects.exists() and Customer.objects.count() == 3


def test_the_list_still_adds_up_and_the_visit_says_what_became_of_it(cast, as_user):
    alice = as_user(cast.alice)
    alice.post(erase_page(cast, "client", 0), {"confirm": "00000001"})
    listed = words(alice.get(address(cast, "clients"), {"from": DAY, "to": DAY}))
    assert codes(listed) == ["00000003", "00000002"]
    assert "The number is 3, and 3 visits are in this list: they add up." in listed
    assert listed.count('<span class="chip line">erased</span>') == 1
    told = words(alice.get(visit_page(cast, 0)))
    assert "data-receipt" in told and "data-held" not in told
    assert "Apples" in told  # what numbers are made of


def test_a_visit_is_erased_by_its_own_code(cast, as_user):
    alice, visit = as_user(cast.alice), Visit.objects.order_by("ordinal")[1]
    page = erase_page(cast, "visit", 1)
    assert f'href="{page}"' in words(alice.get(visit_page(cast, 1)))
    done = alice.post(page, {"confirm": code_of(visit.public_id).lower()}, follow=True)
    assert "data-receipt" in words(done)
    assert AuditEntry.objects.get(action="visit.erased").subject == code_of(visit.public_id)
    assert alice.get(page, follow=True).redirect_chain[0][0] == visit_page(cast, 1)


def test_viewers_are_not_asked_and_read_no_names(cast, as_user):
    bob = as_user(cast.bob)
    for kind in ("client", "visit"):
        page = erase_page(cast, kind, 0)
        assert (
            bob.get(page).status_code == bob.post(page, {"confirm": "00000001"}).status_code == 403
        )
    shown = [words(bob.get(page)) for page in (client_page(cast, 0), visit_page(cast, 0))]
    assert not [one for one in shown if "/erase/" in one or "/export/" in one]
    gone = client_page(cast, 0)
    as_user(cast.alice).post(erase_page(cast, "client", 0), {"confirm": "00000001"})
    told = words(bob.get(gone))
    assert "a manager of the shop" in told and f"<dd>{cast.alice.username}</dd>" not in told
    assert as_user(cast.charlie).get(gone).status_code == 404


def test_what_is_still_counted_is_told_in_words_and_stays(cast, as_user):
    Recording.objects.update(state="running")
    told = as_user(cast.alice).post(erase_page(cast, "client", 0), {"confirm": "00000001"})
    assert told.status_code == 409 and "still being counted" in words(told)
    assert Customer.objects.count() == 4


def test_nobody_is_asked_about_somebody_who_never_was(cast, as_user):
    alice = as_user(cast.alice)
    nobody = "99999999-0000-4000-8000-000000000000"
    for kind in ("client", "visit"):
        names = {"store_slug": cast.store.slug, f"{kind}_id": nobody}
        assert alice.get(reverse(f"analytics:erase-{kind}", kwargs=names)).status_code == 404
    gone = address(cast, "client", client_id=nobody)
    assert alice.get(gone).status_code == 404
