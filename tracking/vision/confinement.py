"""What a process gives up before it decodes an untrusted file.

In two steps, since imports need files: `limit` comes first of all, `lock` after the last import
and before the first byte of the file. Whoever starts the process gives it an empty environment.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import socket
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

# Nothing that reads media is imported here: the limits come first.

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
AT_EMPTY_PATH = 0x1000  # linux/fcntl.h: look at a descriptor, not at a name
NOBODY = 65534
CPU_GRACE_S = 2

# All that computing and answering need. Not among them: opening a file, a socket, another
# process or thread, signals to others, changing limits. Everything else fails with EPERM.
ALLOWED = (
    *("read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "lseek", "close"),
    *("fstat", "poll", "ppoll", "select", "pselect6"),
    *("brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "membarrier", "get_mempolicy"),
    *("futex", "sched_yield", "sched_getaffinity", "getcpu", "set_robust_list", "rseq"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall"),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time"),
    *("getpid", "gettid", "getrandom", "getrusage", "sysinfo", "uname", "exit", "exit_group"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process may use; None for no limit on its time."""

    memory_bytes: int
    cpu_s: int | None
    open_files: int = 64


def limit(limits: Limits) -> None:
    """Bound memory, time and files, and cut the network off, for this process and for good."""
    if limits.cpu_s is not None:
        # At the first bound the system says why it ends the process, at the second it does not.
        resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + CPU_GRACE_S))
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),  # pipes alone can be written
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "prctl"):
        return  # not Linux
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _die_with_parent(libc)
    # No network where the kernel lets us: root may right away, others in a name space of their
    # own. A host that allows neither still has what follows.
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def _die_with_parent(libc: ctypes.CDLL) -> None:
    """Have the system end this process with its parent: nobody else would."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _become_nobody() -> None:
    """Lay down what the owner of all files may; where that is refused, the other locks hold."""
    if os.geteuid() != 0:
        return
    with suppress(OSError):
        os.setgroups([])
    with suppress(OSError):
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        _die_with_parent(libc)  # the system forgets it with the change


def lock(*, in_bubble: bool = False) -> str:
    """Forbid what decoding does not need; return the kind of sandbox that is in force.

    Parameters
    ----------
    in_bubble : bool
        Whoever started the process says that it runs within bubblewrap.

    Returns
    -------
    kind : "seccomp", "bubblewrap" or "rlimits"
        What was tried out and found to hold, not what was asked for.
    """
    calls = _call_filter()
    _become_nobody()
    # The search for libseccomp needed a process; from here on there is no other.
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if calls is not None:
        with suppress(OSError):
            calls.load()
        if _cannot_open() and _cannot_connect():
            return "seccomp"
    return "bubblewrap" if in_bubble else "rlimits"


def _call_filter() -> Any:
    """Return the filter that lets the kernel refuse all but the list; None where there is none."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError, OSError):
        return None  # no libseccomp on this host
    calls = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in ALLOWED:
        with suppress(OSError, ValueError):  # another architecture lacks some of them
            calls.add_rule(pyseccomp.ALLOW, name)
    with suppress(OSError, ValueError):
        by_descriptor = pyseccomp.Arg(3, pyseccomp.EQ, AT_EMPTY_PATH)
        calls.add_rule(pyseccomp.ALLOW, "newfstatat", by_descriptor)
    return calls


def _cannot_open() -> bool:
    try:
        os.close(os.open("/", os.O_RDONLY))
    except PermissionError:
        return True
    return False


def _cannot_connect() -> bool:
    try:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)):
            return False
    except PermissionError:
        return True
