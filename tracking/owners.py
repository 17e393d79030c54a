"""Who holds a lease: a name for each claim, by which a process is found when it is gone."""

from __future__ import annotations

import functools
import hashlib
import os
import secrets
import socket
from pathlib import Path


def new_owner() -> str:
    """Return a name that no claim had before, and by which a process is found when it is gone."""
    pid = os.getpid()
    token = secrets.token_hex(6)
    return f"{machine()}:{pid}:{started_at(pid)}:{token}:{socket.gethostname()}"[:80]


@functools.cache
def machine() -> str:
    """Return what tells this kernel's start and this process's view of ids from all others.

    Two containers may have one host name and the same process ids; they differ in this.
    Empty where it cannot be known.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{namespace}".encode()).hexdigest()[:12]


def started_at(pid: int) -> str:
    """Return when a process of this machine started, in ticks of the kernel; empty when unknown."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]  # one that nobody buried yet is dead too


def is_dead(owner: str) -> bool:
    """Whether a lease's owner was a process of this machine and is none any more."""
    where, pid, started, *_ = (*owner.split(":"), "", "", "")
    if not where or where != machine() or not started:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return started_at(int(pid)) != started
