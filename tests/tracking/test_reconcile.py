"""Files without rows, rows without files: told at once, put right a day later, never the most."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.cast import make_cast
from tests.pages.rows import make_recording
from tracking import media, reconcile, tasks
from tracking.models import Recording, Upload

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 8, 1, 3, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=24, minutes=1)


@pytest.fixture(autouse=True)
def own_media(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def store(own_media):
    return make_cast().store


def age(folder: str, hours: float, before: datetime = NOW) -> None:
    """Make a folder and all in it look written so long ago."""
    at = (before - timedelta(hours=hours)).timestamp()
    path = media.folder_path(folder)
    for each in [*path.rglob("*"), path]:
        os.utime(each, (at, at))


def orphan(hours: float = 30) -> str:
    """Make a folder that no row names."""
    folder = media.new_folder()
    media.write_file(folder, media.SOURCE, b"film")
    age(folder, hours)
    return folder


def kept(store, name: str = "kept.mp4", **fields) -> Recording:
    """Make a recording with its file."""
    folder = media.new_folder()
    media.write_file(folder, media.SOURCE, b"film")
    age(folder, 30)
    return make_recording(store, name, folder=folder, **fields)


def test_an_orphan_is_told_at_once_and_removed_a_day_later(store):
    for number in range(3):
        kept(store, f"{number}.mp4")
    folder = orphan()
    found = reconcile.reconcile(now=NOW)
    assert found.files_without_rows == [folder]
    assert (found.removed, found.folders, found.rows) == ([], 4, 3)
    assert reconcile.reconcile(now=NOW + timedelta(hours=23)).removed == []
    assert media.source_path(folder).exists()
    found = reconcile.reconcile(now=LATER)
    assert found.removed == [folder]
    assert not media.folder_path(folder).exists()
    assert all(media.source_path(each.folder).exists() for each in Recording.objects.all())
    assert reconcile.reconcile(now=LATER).files_without_rows == []


def test_a_folder_that_is_written_to_stays_however_long_it_was_told(store):
    for number in range(3):
        kept(store, f"{number}.mp4")
    folder = orphan()
    reconcile.reconcile(now=NOW)
    age(folder, 1, before=LATER)
    assert reconcile.reconcile(now=LATER).removed == []
    assert media.source_path(folder).exists()


def test_a_report_removes_nothing_but_starts_the_day(store):
    for number in range(3):
        kept(store, f"{number}.mp4")
    folder = orphan()
    reconcile.reconcile(now=NOW, delete=False)
    assert reconcile.reconcile(now=LATER, delete=False).removed == []
    assert reconcile.reconcile(now=LATER).removed == [folder]


def test_more_than_half_is_never_removed(store):
    """A database restored from last year, or the wrong one, knows none of the files."""
    recording = kept(store)
    folders = [orphan() for _ in range(2)]
    reconcile.reconcile(now=NOW)
    found = reconcile.reconcile(now=LATER)
    assert found.removed == []
    assert "2 of 3 folders would go: more than half" in found.refused
    assert all(media.source_path(folder).exists() for folder in folders)
    assert media.source_path(recording.folder).exists()


def test_half_is_not_more_than_half(store):
    kept(store)
    folder = orphan()
    reconcile.reconcile(now=NOW)
    assert reconcile.reconcile(now=LATER).removed == [folder]


def test_a_finished_recording_whose_file_is_gone_says_so_a_day_later_and_keeps_its_numbers(store):
    for number in range(3):
        kept(store, f"{number}.mp4")
    lost = kept(store, "lost.mp4")
    media.remove_folder(lost.folder)
    assert reconcile.reconcile(now=NOW).rows_without_files == [lost.folder]
    lost.refresh_from_db()
    assert lost.folder
    assert reconcile.reconcile(now=LATER).removed == [lost.folder]
    lost.refresh_from_db()
    assert (lost.folder, lost.state) == ("", "done")
    assert Recording.objects.count() == 4


def test_an_upload_whose_file_is_gone_is_dropped_a_day_later(store):
    for number in range(3):
        kept(store, f"{number}.mp4")
    lost = Upload.objects.create(store=store, filename="a", size_bytes=5, folder="a" * 32)
    assert reconcile.reconcile(now=NOW).rows_without_files == [lost.folder]
    assert Upload.objects.exists()
    reconcile.reconcile(now=LATER)
    assert not Upload.objects.exists()


def test_a_disk_that_is_not_there_changes_no_row(store):
    recordings = [kept(store, f"{number}.mp4") for number in range(3)]
    for each in recordings:
        media.remove_folder(each.folder)
    reconcile.reconcile(now=NOW)
    found = reconcile.reconcile(now=LATER)
    assert "3 of 3 rows would go: more than half" in found.refused
    Path(media.folder_path("a" * 32)).parent.rmdir()
    assert "is its disk there?" in reconcile.reconcile(now=LATER).refused
    assert Recording.objects.exclude(folder="").count() == 3


def test_what_came_right_by_itself_starts_its_day_anew(store):
    for number in range(3):
        kept(store, f"{number}.mp4")
    folder = orphan()
    reconcile.reconcile(now=NOW)
    row = make_recording(store, "found again.mp4", folder=folder)
    assert reconcile.reconcile(now=NOW + timedelta(hours=1)).files_without_rows == []
    row.delete()
    assert reconcile.reconcile(now=LATER).removed == []


def test_files_that_are_not_ours_are_told_and_left_alone(store, settings):
    kept(store)
    strange = Path(settings.MEDIA_ROOT) / "holiday"
    strange.mkdir()
    reconcile.reconcile(now=NOW)
    assert reconcile.reconcile(now=LATER).unknown == ["holiday"]
    assert strange.is_dir()


def test_a_half_written_file_of_a_killed_writer_goes(store):
    recording = kept(store)
    draft = media.folder_path(recording.folder) / ".previews.0a1b2c3d"
    draft.write_bytes(b"half")
    assert reconcile.reconcile(now=NOW).drafts == 0
    age(recording.folder, 30)
    assert reconcile.reconcile(now=NOW).drafts == 1
    assert not draft.exists()
    assert media.source_path(recording.folder).exists()


def test_cut_off_notes_delay_and_never_hurry(store, settings):
    for number in range(3):
        kept(store, f"{number}.mp4")
    orphan()
    reconcile.reconcile(now=NOW)
    (settings.DATA_DIR / reconcile.NOTES).write_text('{"half')
    assert reconcile.reconcile(now=LATER).removed == []


def test_the_command_reports_and_fails_when_it_refuses(store, capsys):
    folder = orphan(hours=1000)
    call_command("reconcile")
    assert f"Files without a row: 1\n  {folder}" in capsys.readouterr().out
    call_command("reconcile", "--delete")  # told just now: nothing is due
    notes = Path(media.folder_path(folder)).parent.parent / reconcile.NOTES
    notes.write_text(f'{{"{folder}": "2026-01-01T00:00:00+00:00"}}')
    with pytest.raises(CommandError):
        call_command("reconcile", "--delete")
    assert "1 of 1 folders would go" in capsys.readouterr().out
    assert media.source_path(folder).exists()


def test_beat_reconciles_every_day(store, settings):
    schedule = settings.CELERY_BEAT_SCHEDULE["files-reconcile"]
    assert schedule["task"] == tasks.files_reconcile.name
    folder = orphan()
    tasks.files_reconcile()
    assert folder in (settings.DATA_DIR / reconcile.NOTES).read_text()


def test_what_goes_while_it_looks_is_no_reason_to_stumble(store, monkeypatch):
    """Workers give drafts their final names and people remove uploads, at any moment."""
    for number in range(3):
        kept(store, f"{number}.mp4")
    folder, written_to = orphan(), orphan()
    reconcile.reconcile(now=NOW)
    gone = media.folder_path(written_to) / ".previews.0a1b2c3d"
    for name in ("glob", "rglob"):
        listed = getattr(Path, name)
        monkeypatch.setattr(
            Path, name,
            lambda self, pattern, listed=listed: [
                *listed(self, pattern), *([gone] if self.name != folder else [])
            ],
        )  # fmt: skip
    found = reconcile.reconcile(now=LATER)
    assert (found.removed, found.drafts) == ([folder], 0)
    assert media.folder_path(written_to).exists()
