"""Where media lies: one folder with a random name per file, readable by its owner alone.

`MEDIA_ROOT/<folder>/source` is the file itself. A name that a person gave never becomes part of a
path. A folder holds one media file and what we derived from it, so a file that names its
neighbours (a playlist in disguise) finds none.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

SOURCE = "source"
FOLDER_BYTES = 16
COPY_BYTES = 1024 * 1024
_FOLDER = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")


def is_folder_name(name: str) -> bool:
    """Whether a name is one that `new_folder` makes."""
    return _FOLDER.fullmatch(name) is not None


def folder_path(folder: str) -> Path:
    """Return the path of a media folder; only a name that `new_folder` made is one."""
    if not is_folder_name(folder):
        raise ValueError(f"'{folder}' names no media folder.")
    return Path(settings.MEDIA_ROOT) / folder


def source_path(folder: str) -> Path:
    """Return the path of the media file in a folder."""
    return folder_path(folder) / SOURCE


def file_path(folder: str, name: str) -> Path:
    """Return the path of a derived file, such as a chunk's pictures, beside the media file."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no name of a media file.")
    return folder_path(folder) / name


def new_folder() -> str:
    """Make an empty folder under a random name and return the name."""
    folder = secrets.token_hex(FOLDER_BYTES)
    path = folder_path(folder)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.mkdir(mode=0o700)
    return folder


def write_file(folder: str, name: str, content: bytes) -> Path:
    """Write a derived file whole or not at all, whatever crashes; return its path."""
    path = file_path(folder, name)
    draft = path.with_name(f".{name}.{secrets.token_hex(4)}")
    try:
        with open_private(draft) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return path


def copy_in(file: Path) -> str:
    """Copy a file from elsewhere on this machine into a folder of its own; return the folder."""
    folder = new_folder()
    draft = folder_path(folder) / f".{SOURCE}"
    try:
        with file.open("rb") as given, open_private(draft) as copy:
            shutil.copyfileobj(given, copy, COPY_BYTES)
            copy.flush()
            os.fsync(copy.fileno())
        publish(draft, source_path(folder))
    except OSError:
        remove_folder(folder)
        raise
    return folder


def open_private(path: Path) -> BinaryIO:
    """Make a new file that only its owner may read and open it for writing."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def publish(draft: Path, path: Path) -> None:
    """Give a file that is complete and synced its final name, durably."""
    draft.rename(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_folder(folder: str) -> None:
    """Remove a folder and all in it; one that is gone already is fine."""
    if folder:
        shutil.rmtree(folder_path(folder), ignore_errors=True)


def free_bytes() -> int:
    """Return how much the disk below MEDIA_ROOT still takes."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return shutil.disk_usage(root).free
