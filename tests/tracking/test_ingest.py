"""The commands that people and scripts rely on: ingest, export_facts, demo."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone as clock

from accounts.models import Membership, Store, User
from tests.tracking import walks
from tracking import demo, media, runner
from tracking.models import Recording, Run, TrackingEvent
from tracking.vision import scene
from zones.models import Camera, Zone

pytestmark = pytest.mark.django_db
STARTED = "2026-07-01T11:00:00+02:00"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    video, truth = walks.make_files(tmp_path_factory.mktemp("walks"))
    truth.write_text(json.dumps(walks.truth() | {"setup": walks.setup_json()}))
    return video, truth


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(demo, "GENERATED", tmp_path / "generated")
    settings.MEDIA_ROOT = tmp_path / "media"


def call(name: str, *arguments: object) -> list[str]:
    out = StringIO()
    call_command(name, *map(str, arguments), stdout=out)
    return out.getvalue().splitlines()


def ingest(files: tuple[Path, Path], *more: object, store: str = "corner") -> dict[str, Any]:
    video, truth = files
    place = ("--store", store, "--camera", "Door", "--started-at", STARTED)
    setup = ("--setup", truth, "--detector", "scripted")
    found: dict[str, Any] = json.loads(call("ingest", video, *place, *setup, *more)[-1])
    return found


def test_a_file_is_counted_without_any_worker_and_told_in_one_line(files):
    told = ingest(files, "--wait")
    recording = Recording.objects.get()
    assert told.pop("wall_s") > 0
    assert told == {
        "recording": str(recording.public_id),
        "state": "done",
        "entries": walks.ENTRIES,
        "exits": walks.EXITS,
        "visits": walks.VISITS,
        "processed_s": 60.0,
    }
    assert recording.started_at == walks.STARTED
    assert (recording.store.name, recording.store.timezone) == ("Corner shop", "Europe/London")


def test_a_set_up_keeps_its_colours_by_name_and_by_place(files, tmp_path):
    video, truth = files
    said = json.loads(truth.read_text())
    (shelf,) = said["setup"]["zones"]
    named = {"odd": "#B3261E", "blue": "#0A254C", "dark green": "#b5e8d4", "place": 5, "first": 1}
    said["setup"]["zones"] = [shelf | {"name": n, "colour": c} for n, c in named.items()]
    bare = {key: value for key, value in shelf.items() if key != "colour"}
    said["setup"]["zones"].append(bare | {"name": "none"})
    setup = tmp_path / "setup.json"
    setup.write_text(json.dumps(said))
    ingest((video, setup))
    found = dict(Zone.objects.values_list("name", "colour"))
    assert found == {"blue": 6, "dark green": 3, "place": 5, "first": 1, "odd": 2, "none": 4}


def test_without_wait_the_recording_is_left_to_the_workers(files):
    told = ingest(files)
    assert (told["state"], told["entries"]) == ("queued", 0)
    assert Recording.objects.get().chunks.filter(state="waiting").count() == 6


def test_the_same_file_again_is_the_same_recording(files):
    first = ingest(files, "--wait")
    again = ingest(files, "--wait")
    assert again["recording"] == first["recording"]
    assert again["entries"] == walks.ENTRIES
    assert Recording.objects.count() == Run.objects.count() == 1


def test_an_ingest_that_was_broken_off_goes_on(files):
    ingest(files)
    runner.detect(Recording.objects.get().chunks.get(index=0).pk)
    assert ingest(files, "--wait")["entries"] == walks.ENTRIES
    assert Recording.objects.count() == 1


def test_a_set_up_fills_in_and_never_redraws(files):
    ingest(files)
    camera = Camera.objects.get()
    drawn = camera.zones.get().versions.get()
    drawn.vertices = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]
    drawn.save()
    ingest(files)
    assert camera.zones.get().versions.get().vertices == drawn.vertices
    assert camera.lines.count() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--store", "nowhere", "--camera", "Door", "--started-at", STARTED), "no store 'nowhere'"),
        (("--store", "corner", "--camera", "Roof", "--started-at", STARTED), "it has: Door"),
        (("--store", "corner", "--camera", "Door", "--started-at", "yesterday"), "no time like"),
        (("--store", "corner", "--camera", "Door", "--started-at", "2026-07-01T11:00"), "offset"),
        (("--store", "corner", "--camera", "Door", "--started-at", "2999-01-01T00:00Z"), "future"),
    ],
)
def test_what_is_wrong_is_said_with_the_way_out(files, arguments, words):
    walks.make_camera(walks.make_store())
    with pytest.raises(CommandError, match=words):
        call("ingest", files[0], *arguments)
    assert not Recording.objects.exists()


def test_a_file_that_is_no_video_is_refused_and_leaves_nothing(files, tmp_path):
    text = tmp_path / "film.mp4"
    text.write_text("Not a film. " * 100)
    with pytest.raises(CommandError, match="not a video"):
        ingest((text, files[1]))
    assert not Recording.objects.exists()
    folder = Path(tmp_path / "media")
    assert not folder.exists() or not any(folder.iterdir())


def test_a_missing_file_and_a_bad_set_up_are_named(files, tmp_path):
    with pytest.raises(CommandError, match="There is no file"):
        ingest((tmp_path / "absent.mp4", files[1]))
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    with pytest.raises(CommandError, match="no scene file"):
        ingest((files[0], empty))


def test_a_recording_that_could_not_be_counted_is_a_failed_command(files):
    ingest(files)
    media.source_path(Recording.objects.get().folder).write_bytes(b"\0" * 4096)
    out = StringIO()
    arguments = ("--store", "corner", "--camera", "Door", "--started-at", STARTED, "--wait")
    with pytest.raises(CommandError, match="damaged"):
        call_command("ingest", str(files[0]), *arguments, stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1])["state"] == "failed"


def test_exported_facts_are_sorted_json_lines_without_ids(files):
    ingest(files, "--wait")
    lines = call("export_facts", "--store", "corner")
    assert lines == sorted(lines)
    facts = [json.loads(line) for line in lines]
    assert {fact["fact"] for fact in facts} == {
        "recording", "run", "track", "event", "visit", "customer", "coverage", "bucket", "path",
    }  # fmt: skip
    public_ids = [str(event.public_id) for event in TrackingEvent.objects.all()]
    text = "\n".join(lines)
    assert not any(public_id in text for public_id in public_ids)
    assert not {"id", "seq", "created_at", "received_at"} & {key for f in facts for key in f}


def test_exporting_an_unknown_store_is_an_error_that_names_the_known_ones(files):
    walks.make_store()
    with pytest.raises(CommandError, match="there are: corner"):
        call("export_facts", "--store", "coner")


# The demo


@pytest.fixture
def short_demo(monkeypatch):
    monkeypatch.setattr(demo, "SECONDS", 3)
    filled: list[Recording] = []

    def fill(store, before, tell):
        filled.append(store.recordings.get(started_at=before))

    monkeypatch.setattr(demo, "pasts", [fill])  # its past has tests of its own
    return filled


def test_the_demo_is_made_once_labelled_and_ends_now(short_demo, tmp_path):
    told = json.loads(call("demo")[-1])
    recording = Recording.objects.get()
    assert told == demo.summary(recording) | {"made": True}
    assert recording.is_demo
    assert recording.store.is_demo
    assert short_demo == [recording]
    assert recording.store.timezone == "Europe/London"
    assert abs(recording.ended_at - clock.now()) < timedelta(seconds=30)
    assert recording.camera.lines.count() == 1
    assert recording.camera.zones.count() >= 3
    assert media.file_path(*recording.camera.still.split("/")).read_bytes()[:2] == b"\xff\xd8"
    assert (tmp_path / "generated/still.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert json.loads(call("demo")[-1])["made"] is False
    assert Recording.objects.count() == Store.objects.count() == 1


def test_the_demo_opens_its_doors_so_a_newcomer_sees_more_come_in_than_go_out():
    truth = scene.truth(demo.demo_plan(), every=50)
    assert truth["difficulty"]["inside_at_start"] == 0
    assert truth["entries"] > truth["exits"] >= 4
    # Somebody comes soon, so that the first pictures show why they are taken.
    assert truth["crossings"][0]["time_ms"] < 8000


def test_the_demo_account_logs_in_with_the_kept_password_and_manages_the_store(
    short_demo, tmp_path
):
    call("demo")
    user = User.objects.get(username="demo")
    assert user.check_password(demo.demo_password())
    assert Membership.objects.get(user=user).role == Membership.Role.MANAGER
    mode = (tmp_path / "secret/demo").stat().st_mode
    assert mode & 0o077 == 0


def test_removing_the_demo_leaves_nothing_of_it_and_all_of_the_rest(short_demo, files, tmp_path):
    ingest(files)
    call("demo")
    recording = Recording.objects.get(is_demo=True)
    runner.detect(recording.chunks.get(index=0).pk)
    assert json.loads(call("demo", "--remove")[-1]) == {"removed_recordings": 1}
    assert [store.slug for store in Store.objects.all()] == ["corner"]
    assert not User.objects.filter(username="demo").exists()
    folders = {path.name for path in (tmp_path / "media").iterdir()}
    assert folders == {Recording.objects.get().folder}
    assert not (tmp_path / "generated/still.jpg").exists()
    assert json.loads(call("demo", "--remove")[-1]) == {"removed_recordings": 0}


def test_removing_the_demo_keeps_an_account_that_administers(short_demo):
    User.objects.create_superuser(username="demo", password=os.urandom(8).hex())
    call("demo")
    call("demo", "--remove")
    assert User.objects.filter(username="demo").exists()


def test_a_real_store_of_that_name_is_left_alone(short_demo):
    walks.make_store("demo")
    with pytest.raises(CommandError, match="real one"):
        call("demo")
    call("demo", "--remove")
    assert Store.objects.filter(slug="demo").exists()
