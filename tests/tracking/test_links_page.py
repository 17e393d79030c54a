"""Who was lost and found again in a recording: what the page says of each, and to whom."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Membership
from tests.tracking import walks
from tests.tracking.doors import client_of
from tests.tracking.test_finals import counted, hide, make_waiting
from tracking import links, recounts, whole
from tracking.links_page import height_words
from tracking.models import Recording, Track

pytestmark = pytest.mark.django_db
QUERIES = 17


@pytest.fixture
def recording(files, cast) -> Recording:
    """Return a counted recording in which the first person is hidden for a while; Alice manages."""
    whole.forget()
    waiting = make_waiting(files)
    hide(waiting, 13_000, 15_600)
    recording = counted(waiting)
    for person, role in ((cast.alice, "manager"), (cast.bob, "viewer")):
        Membership.objects.create(user=person, store=recording.store, role=role)
    return recording


def address(recording: Recording, slug: str = "") -> str:
    names = {"store_slug": slug or recording.store.slug, "recording_id": recording.public_id}
    return reverse("tracking:links", kwargs=names)


def text_of(client, recording) -> str:
    response = client.get(address(recording))
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_a_link_is_shown_with_its_way_and_why_it_was_made(recording, cast):
    (link,) = links.links_of(recording)
    page = text_of(client_of(cast.alice), recording)
    assert "<b>1 person</b> was lost from sight and found again <b>1 time</b>" in page
    assert page.count('<polyline class="before" points="') == 1
    assert "<dt>Out of sight</dt><dd>2." in page
    assert f"<dt>Off the way</dt><dd>{link.apart:.1f} of a body height</dd>" in page
    assert "<dt>Height</dt><dd>as tall as before</dd>" in page
    assert "<dt>Clothes</dt><dd>not looked at</dd>" in page
    assert f'data-undo="{link.track}"' in page
    assert "counts the recording again" in page


def test_clothes_are_told_where_they_were_looked_at(recording, cast):
    (link,) = links.links_of(recording)
    run = recording.runs.get(active=True)
    run.card["colours"] = True
    run.save()
    assert "<dd>not seen well enough</dd>" in text_of(client_of(cast.alice), recording)
    Track.objects.filter(run=run, number=link.track).update(joint_unlike=0.18)
    assert "<dd>82 % alike</dd>" in text_of(client_of(cast.alice), recording)


def test_viewers_see_it_without_buttons_and_charlie_sees_nothing(recording, cast, files):
    page = text_of(client_of(cast.bob), recording)
    assert "data-undo" not in page
    assert "Managers can tell apart" in page
    assert client_of(cast.charlie).get(address(recording)).status_code == 404
    other = walks.make_detected(walks.make_store("other"), files)
    assert client_of(cast.alice).get(address(other)).status_code == 404
    borrowed = address(other, slug=recording.store.slug)
    assert client_of(cast.alice).get(borrowed).status_code == 404


def test_an_undone_link_waits_for_its_count_and_can_be_made_again(recording, cast):
    (link,) = links.links_of(recording)
    links.link_undo(recording=recording, track=link.track)
    page = text_of(client_of(cast.alice), recording)
    assert "Told apart: the next count shows it." in page
    assert "data-undo" not in page
    assert "Until then this page shows the count before it." in page
    recounts.work(recording)
    page = text_of(client_of(cast.alice), recording)
    assert "Nobody had to be found again" in page
    assert "Told apart by hand" in page
    assert page.count("data-redo") == 1
    assert "data-redo" not in text_of(client_of(cast.bob), recording)


def test_a_recording_counted_as_it_came_says_how_ways_are_joined(files, cast):
    recording = counted(walks.make_detected(walks.make_store("plain"), files))
    Membership.objects.create(user=cast.alice, store=recording.store, role="manager")
    page = text_of(client_of(cast.alice), recording)
    assert "No ways are joined in this count" in page
    assert "An administrator can set the camera" in page
    recording.camera.final_count = "recording"
    recording.camera.save()
    assert "“Count again” does so." in text_of(client_of(cast.alice), recording)


def test_as_many_queries_for_many_links_as_for_one(recording, cast, django_assert_num_queries):
    client = client_of(cast.alice)
    client.get(address(recording))
    with django_assert_num_queries(QUERIES):
        client.get(address(recording))
    run = recording.runs.get(active=True)
    Track.objects.filter(run=run).update(chain=1)
    assert len(links.links_of(recording)) > 1
    with django_assert_num_queries(QUERIES):
        client.get(address(recording))


@pytest.mark.parametrize(
    ("taller", "words"),
    [
        (None, ""),
        (0.03, "as tall as before"),
        (-0.01, "as tall as before"),
        (0.12, "12 % taller in the picture"),
        (-0.2, "20 % shorter in the picture"),
    ],
)
def test_heights_are_told_in_words(taller, words):
    assert height_words(taller) == words
