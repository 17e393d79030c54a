"""Who is known to be dead: only a process of this machine that is seen to be gone."""

import os
import signal

import pytest

from tracking import owners


def test_a_living_process_is_not_dead_and_each_of_its_claims_has_a_name_of_its_own():
    names = {owners.new_owner() for _ in range(3)}
    assert len(names) == 3
    assert not any(owners.is_dead(name) for name in names)
    assert all(len(name) <= 80 for name in names)


def test_a_process_that_ended_is_dead_even_before_its_parent_looks():
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, owners.new_owner().encode())
        signal.pause()
    name = os.read(reading, 100).decode()
    os.close(reading)
    os.close(writing)
    assert not owners.is_dead(name)
    os.kill(child, signal.SIGKILL)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it ended, and stays to be buried
    assert owners.is_dead(name)
    os.waitpid(child, 0)
    assert owners.is_dead(name)


def test_an_id_that_another_process_has_by_now_is_dead():
    machine, pid, started, *rest = owners.new_owner().split(":")
    assert owners.is_dead(":".join([machine, pid, str(int(started) - 1), *rest]))


@pytest.mark.parametrize("changed", ["another machine", "no machine", "no start", "nothing"])
def test_of_whom_too_little_is_known_nobody_says_dead(changed):
    machine, _, started, *rest = owners.new_owner().split(":")
    gone = str(2**22 + 1)  # no process has an id as high
    assert owners.is_dead(":".join([machine, gone, started, *rest]))
    name = {
        "another machine": f"0123456789ab:{gone}:{started}:a:b",
        "no machine": f":{gone}:{started}:a:b",
        "no start": f"{machine}:{gone}::a:b",
        "nothing": "",
    }[changed]
    assert not owners.is_dead(name)
