"""Secrets of an embedded installation: made on first use, readable by their owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def read_or_make_secret(data_dir: Path, name: str) -> str:
    """Return the secret `name` kept below `data_dir`, making it first where it is missing.

    The file appears complete or not at all, so two processes that start together agree.
    """
    folder = data_dir / "secret"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name
    if not path.exists():
        draft = folder / f".{name}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)  # fails when another process was first: then theirs holds
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
